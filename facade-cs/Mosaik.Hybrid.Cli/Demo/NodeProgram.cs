using System.Diagnostics;

namespace Mosaik.Hybrid.Cli.Demo;

/// <summary>How to start this very program again, however it was started.</summary>
internal static class NodeProgram
{
    /// <summary>What starts <c>mosaik</c> with arguments; its streams are ours.</summary>
    /// <exception cref="ToolException">The program was not found.</exception>
    public static ProcessStartInfo Create(IEnumerable<string> arguments)
    {
        var start = Find();
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.UseShellExecute = false;
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return start;
    }

    private static ProcessStartInfo Find()
    {
        // Started as 'mosaik', by 'dotnet run' too: the same file again.
        var self = Environment.ProcessPath;
        if (self is not null && Path.GetFileNameWithoutExtension(self) == "mosaik")
        {
            return new ProcessStartInfo(self);
        }

        // Started as 'dotnet mosaik.dll': the same host with the same file.
        var library = Path.Combine(AppContext.BaseDirectory, "mosaik.dll");
        if (!File.Exists(library))
        {
            throw new ToolException(
                $"'{library}' is not there, so the demo can't start its nodes. Build the program again."
            );
        }

        var isHost = self is not null && Path.GetFileNameWithoutExtension(self) == "dotnet";
        var host = isHost ? self! : Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        return new ProcessStartInfo(host) { ArgumentList = { "exec", library } };
    }
}
