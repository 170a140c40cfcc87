using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace Mosaik.Hybrid.Benchmarks;

/// <summary>From SIGKILL of the leader process to the next acknowledged write on a survivor.</summary>
internal static class FailoverBenchmark
{
    public static async Task<int> RunAsync(int runs)
    {
        var table = new Table().Title("Failover: SIGKILL of the leader to the next acknowledged write, ms");
        table.AddColumns("configuration", "runs", "min", "p50", "max");
        foreach (var isFast in new[] { false, true })
        {
            var times = new List<double>();
            for (var run = 0; run < runs; run++)
            {
                times.Add(await MeasureAsync(isFast));
            }

            times.Sort();
            table.AddRow(
                isFast ? "fast (heartbeat 50 ms, election 200 ms)" : "default",
                runs.ToString(CultureInfo.InvariantCulture),
                Format(times[0]),
                Format(times[times.Count / 2]),
                Format(times[^1])
            );
        }

        AnsiConsole.Write(table);
        return 0;
    }

    private static string Format(double value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static async Task<double> MeasureAsync(bool isFast)
    {
        var (nodes, _) = await NodeProcess.StartThreeAsync(isFast);
        try
        {
            var leader = await NodeProcess.LeaderOfAsync(nodes);
            var survivor = nodes.First(node => node != leader);
            survivor.Tell("probe");
            for (var warm = 0; warm < 200; warm++)
            {
                await survivor.ExpectAsync("ack");
            }

            leader.Kill();
            var killed = Stopwatch.GetTimestamp();
            while (true)
            {
                // The clock is the machine's, so stamps of two processes compare. A write that was on its way when
                // the leader died may still be acknowledged by the old one: only writes submitted later count,
                // or one that was pending over the failover and so was acknowledged by the new leader.
                var ack = await survivor.ExpectAsync("ack");
                var submitted = long.Parse(ack[1], CultureInfo.InvariantCulture);
                var acknowledged = long.Parse(ack[2], CultureInfo.InvariantCulture);
                var wasPending = Stopwatch.GetElapsedTime(submitted, acknowledged).TotalMilliseconds > 20;
                if (submitted > killed || (acknowledged > killed && wasPending))
                {
                    return Stopwatch.GetElapsedTime(killed, acknowledged).TotalMilliseconds;
                }
            }
        }
        finally
        {
            foreach (var node in nodes)
            {
                await node.DisposeAsync();
            }
        }
    }
}
