using Mosaik.Hybrid.Cli.Node;

namespace Mosaik.Hybrid.Cli.Demo;

/// <summary><c>mosaik demo</c>: the library's main job as a spectacle, and as a proof.</summary>
internal static class DemoCommand
{
    /// <summary>However slow the machine is, the demo ends.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);

    /// <summary>Runs the demo. No process and, unless it was asked for, no file of it remains.</summary>
    /// <returns>0 only if every acknowledged command is on all nodes, and none twice.</returns>
    public static async Task<int> RunAsync(DemoOptions options)
    {
        var console = Consoles.Output;
        var screen = new DemoScreen(console);
        using var signals = new StopSignals();
        using var deadline = new CancellationTokenSource(s_patience, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(signals.Token, deadline.Token);
        var directory = Directory.CreateTempSubdirectory("mosaik-demo-");
        var run = new DemoRun(options, directory.FullName, screen, TimeProvider.System);
        try
        {
            DemoResult result;
            await using (run)
            {
                screen.Title(options.Commands);
                result = await run.RunAsync(either.Token);
            }

            DemoReport.Write(console, result);
            return result.Faults().Count == 0 ? ExitCodes.Ok : ExitCodes.Failed;
        }
        catch (OperationCanceledException) when (signals.Token.IsCancellationRequested)
        {
            throw new ToolException("The demo was interrupted. Its processes have ended.");
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            throw new ToolException(
                $"The demo gave up after {s_patience.TotalSeconds:0} s: it was waiting {run.WaitingFor}. "
                    + "Run it with --verbose to see what the nodes said."
            );
        }
        finally
        {
            if (options.Keep)
            {
                screen.Whisper($"kept {directory.FullName}");
            }
            else
            {
                directory.Delete(recursive: true);
            }
        }
    }
}
