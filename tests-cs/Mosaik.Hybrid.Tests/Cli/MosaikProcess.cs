using System.Diagnostics;
using Mosaik.Hybrid.Cli.Demo;

namespace Mosaik.Hybrid.Tests.Cli;

/// <summary>Runs the program as its users do.</summary>
internal static class MosaikProcess
{
    /// <summary>Only a hang reaches it: the demo gives up earlier by itself.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(180);

    /// <summary>Starts the program; the caller disposes it.</summary>
    public static Process Start(params string[] arguments) => Process.Start(NodeProgram.Create(arguments))!;

    /// <summary>Runs the program with lines on standard input, to its end.</summary>
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(
        string input,
        params string[] arguments
    )
    {
        using var process = Start(arguments);
        using var deadline = new CancellationTokenSource(s_patience, TimeProvider.System);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
            var errors = process.StandardError.ReadToEndAsync(deadline.Token);
            await process.StandardInput.WriteAsync(input.AsMemory(), deadline.Token);
            process.StandardInput.Close();
            await process.WaitForExitAsync(deadline.Token);
            return (process.ExitCode, await output, await errors);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}
