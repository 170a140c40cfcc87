using System.Diagnostics;
using System.Globalization;
using Mosaik.Hybrid.Core;
using Spectre.Console;

namespace Mosaik.Hybrid.Benchmarks;

/// <summary>The core alone: one thread, three members by function call, no I/O.</summary>
internal static class CoreBenchmark
{
    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(3);

    public static int Run()
    {
        var table = new Table().Title("Core: 3 members, one thread, 64 B commands");
        table.AddColumns("batch", "commits/s", "steps/s", "bytes a step", "bytes a commit");
        foreach (var batch in new[] { 1, 16, 64, 256, 1024 })
        {
            Measure(batch, TimeSpan.FromMilliseconds(500));
            var result = Measure(batch, s_duration);
            table.AddRow(
                batch.ToString(CultureInfo.InvariantCulture),
                Format(result.Commits / result.Seconds),
                Format(result.Steps / result.Seconds),
                Format(result.Bytes / (double)result.Steps),
                Format(result.Bytes / (double)result.Commits)
            );
        }

        AnsiConsole.Write(table);
        return 0;
    }

    private static string Format(double value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static (long Commits, long Steps, long Bytes, double Seconds) Measure(
        int batch,
        TimeSpan duration
    )
    {
        var cluster = new CoreCluster(3);
        var leader = cluster.Elect();
        var payload = new byte[64];
        var steps = cluster.Steps;
        var commits = (long)leader.State.CommitIndex.Value;
        var bytes = GC.GetAllocatedBytesForCurrentThread();
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed < duration)
        {
            for (var round = 0; round < 16; round++)
            {
                leader.Inputs.Add(Input.NewPropose(leader.NextCommands(batch, payload)));
                cluster.Settle();
            }
        }

        return (
            (long)leader.State.CommitIndex.Value - commits,
            cluster.Steps - steps,
            GC.GetAllocatedBytesForCurrentThread() - bytes,
            watch.Elapsed.TotalSeconds
        );
    }
}
