using System.Diagnostics;
using System.Globalization;
using Mosaik.Hybrid.Storage.Load;

namespace Mosaik.Hybrid.Storage.Tests.Processes;

/// <summary>The process that writes until it is killed.</summary>
internal static class LoadProcess
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);

    /// <summary>Starts it, perhaps under another program.</summary>
    public static Process Start(string kind, string directory, ulong seed, params string[] under)
    {
        string[] words =
        [
            .. under,
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            "exec",
            typeof(LoadStory).Assembly.Location,
            kind,
            directory,
            seed.ToString(CultureInfo.InvariantCulture),
        ];
        var start = new ProcessStartInfo(words[0], words[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // One thread pool thread more or less changes nothing here; a second collector thread only costs time.
        start.Environment["DOTNET_gcServer"] = "0";
        return Process.Start(start)!;
    }

    /// <summary>Kills it once it has acknowledged so many calls.</summary>
    /// <returns>How many it had acknowledged in the end.</returns>
    public static async Task<int> KillAfterAsync(Process process, int acknowledgements)
    {
        using var deadline = new CancellationTokenSource(s_patience, TimeProvider.System);
        var errors = process.StandardError.ReadToEndAsync(deadline.Token);
        var last = 0;
        while (await process.StandardOutput.ReadLineAsync(deadline.Token) is { } line)
        {
            if (line.StartsWith("ack ", StringComparison.Ordinal))
            {
                last = int.Parse(line.AsSpan(4), CultureInfo.InvariantCulture);
            }

            if (last == acknowledgements)
            {
                process.Kill();
            }
        }

        await process.WaitForExitAsync(deadline.Token);
        var said = await errors;
        return last >= acknowledgements
            ? last
            : throw new InvalidOperationException(
                $"It ended by itself, with code {process.ExitCode}: {said}"
            );
    }
}
