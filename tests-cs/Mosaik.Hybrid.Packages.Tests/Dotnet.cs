using System.Diagnostics;

namespace Mosaik.Hybrid.Packages.Tests;

/// <summary>Runs the SDK's command, as a user does.</summary>
internal static class Dotnet
{
    /// <summary>Longer than anything takes that does not hang: a restore may have to fetch packages first.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(4);

    /// <summary>What a command printed; fails with all of it when the command fails.</summary>
    public static Task<string> RunAsync(
        string folder,
        IReadOnlyDictionary<string, string> environment,
        params IEnumerable<string> arguments
    ) => RunAsync("dotnet", folder, environment, arguments);

    /// <summary>What another program printed; fails with all of it when the program fails.</summary>
    public static async Task<string> RunAsync(
        string program,
        string folder,
        IReadOnlyDictionary<string, string> environment,
        IEnumerable<string> arguments
    )
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // Build nodes that outlive the build would keep the output open.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        // What the SDK that runs these tests has set for itself is nothing for another run of it.
        foreach (var name in start.Environment.Keys.Where(IsOfTheOuterBuild).ToArray())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(s_patience, TimeProvider.System);
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{Name()} did not end.\n{await output}\n{await errors}");
        }

        return process.ExitCode == 0
            ? await output
            : throw new InvalidOperationException(
                $"{Name()} ended with {process.ExitCode}.\n{await output}\n{await errors}"
            );

        string Name() => $"{Path.GetFileName(program)} {string.Join(' ', start.ArgumentList)}";
    }

    private static bool IsOfTheOuterBuild(string name) =>
        name.StartsWith("MSBuild", StringComparison.Ordinal)
        || name.StartsWith("VSTEST", StringComparison.Ordinal)
        || name is "MSBUILD_EXE_PATH" or "MSBuildSDKsPath";
}
