using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace Mosaik.Hybrid.Benchmarks;

/// <summary>How much a group of three slows down while a fourth process joins, which lacks a long log.</summary>
/// <remarks>
/// Where there are two processors or more the last one is the fourth process's, in the place of a machine of its own, and
/// the others share the rest: what joining costs them is measured, and not that all run here.
/// </remarks>
internal static class JoinBenchmark
{
    private const int FillMilliseconds = 6_000;
    private const int Milliseconds = 3_000;
    private const int Bytes = 64;

    /// <summary>The last processor, as a mask.</summary>
    private static long Last => 1L << Math.Min(Environment.ProcessorCount - 1, 62);

    /// <summary>Runs with so many commands in flight.</summary>
    public static async Task<int> RunAsync(int inFlight)
    {
        var key = GroupKey.Generate().Export();
        var (nodes, _) = await NodeProcess.StartThreeAsync(
            isFast: false,
            groupKey: key,
            processors: Math.Max(Last - 1, 1)
        );
        try
        {
            var leader = await NodeProcess.LeaderOfAsync(nodes);
            var table = new Table().Title(
                $"A fourth process joins: loopback TLS, store: memory, {inFlight} in flight, {Bytes} B"
            );
            table.AddColumns("when", "a second", "of before", "p50 us", "p99 us");
            await leader.AskAsync($"load 256 {Bytes} {FillMilliseconds}", "done");
            var before = await LoadAsync(leader, inFlight);
            Add(table, "before", before, before);
            var watch = Stopwatch.StartNew();
            var added = NodeProcess.Start(key, isFast: false, BenchStore.Memory, "", nodes[0].Address);
            added.RunOn(Last);
            nodes.Add(added);
            var online = OnlineAsync(added, watch);
            for (var window = 1; !online.IsCompleted; window++)
            {
                Add(table, $"joining, window {window}", await LoadAsync(leader, inFlight), before);
            }

            Add(
                table,
                $"online after {(await online).TotalSeconds:N1} s",
                await LoadAsync(leader, inFlight),
                before
            );
            AnsiConsole.Write(table);
            return 0;
        }
        finally
        {
            foreach (var node in nodes)
            {
                await node.DisposeAsync();
            }
        }
    }

    private static async Task<TimeSpan> OnlineAsync(NodeProcess added, Stopwatch watch)
    {
        await added.ExpectAsync("online");
        return watch.Elapsed;
    }

    private static Task<string[]> LoadAsync(NodeProcess leader, int inFlight) =>
        leader.AskAsync($"load {inFlight} {Bytes} {Milliseconds}", "done");

    private static void Add(Table table, string when, string[] done, string[] before)
    {
        var part = Rate(done) / Rate(before);
        table.AddRow(when, done[1], part.ToString("P0", CultureInfo.InvariantCulture), done[2], done[3]);
    }

    private static double Rate(string[] done) => double.Parse(done[1], CultureInfo.InvariantCulture);
}
