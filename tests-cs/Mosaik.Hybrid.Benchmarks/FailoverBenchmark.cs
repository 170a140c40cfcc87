using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace Mosaik.Hybrid.Benchmarks;

/// <summary>From the end of the leader process, by SIGKILL or in good order, to the next acknowledged write on a survivor.</summary>
internal static class FailoverBenchmark
{
    public static async Task<int> RunAsync(int runs, bool isGraceful)
    {
        var end = isGraceful ? "the leader begins to leave" : "SIGKILL of the leader";
        var table = new Table().Title($"Failover: {end} to the next acknowledged write, ms");
        table.AddColumns("configuration", "runs", "min", "p50", "max", "p50 of a write before");
        foreach (var isFast in new[] { false, true })
        {
            var times = new List<double>();
            var usual = new List<double>();
            for (var run = 0; run < runs; run++)
            {
                times.Add(await MeasureAsync(isFast, isGraceful, usual));
            }

            times.Sort();
            usual.Sort();
            table.AddRow(
                isFast ? "fast (heartbeat 50 ms, election 200 ms)" : "default",
                runs.ToString(CultureInfo.InvariantCulture),
                Format(times[0]),
                Format(times[times.Count / 2]),
                Format(times[^1]),
                usual[usual.Count / 2].ToString("N1", CultureInfo.InvariantCulture)
            );
        }

        AnsiConsole.Write(table);
        return 0;
    }

    private static double Took(string[] ack) =>
        Stopwatch
            .GetElapsedTime(
                long.Parse(ack[1], CultureInfo.InvariantCulture),
                long.Parse(ack[2], CultureInfo.InvariantCulture)
            )
            .TotalMilliseconds;

    private static string Format(double value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static async Task<double> MeasureAsync(bool isFast, bool isGraceful, List<double> usual)
    {
        var (nodes, _) = await NodeProcess.StartThreeAsync(isFast);
        try
        {
            var leader = await NodeProcess.LeaderOfAsync(nodes);
            var survivor = nodes.First(node => node != leader);
            survivor.Tell("probe");
            for (var warm = 0; warm < 200; warm++)
            {
                var ack = await survivor.ExpectAsync("ack");
                usual.Add(Took(ack));
            }

            var killed = Stopwatch.GetTimestamp();
            if (isGraceful)
            {
                leader.Tell("leave");
            }
            else
            {
                leader.Kill();
                killed = Stopwatch.GetTimestamp();
            }

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
