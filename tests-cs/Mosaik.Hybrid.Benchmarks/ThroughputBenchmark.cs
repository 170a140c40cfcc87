using System.Globalization;
using Spectre.Console;

namespace Mosaik.Hybrid.Benchmarks;

/// <summary>Three processes on loopback over TLS, with any store: how much, how fast.</summary>
internal static class ThroughputBenchmark
{
    private const int WarmUpMilliseconds = 2_000;
    private const int Milliseconds = 3_000;

    public static async Task<int> RunAsync(string storage)
    {
        var directory = Directory.CreateTempSubdirectory("mosaik-bench-");
        try
        {
            return await RunAsync(storage, directory.FullName);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static async Task<int> RunAsync(string storage, string directory)
    {
        var (nodes, start) = await NodeProcess.StartThreeAsync(isFast: false, storage, directory);
        try
        {
            AnsiConsole.MarkupLineInterpolated(
                $"Three processes online after {start.TotalMilliseconds:N0} ms (default configuration, founding_members 3)."
            );
            var leader = await NodeProcess.LeaderOfAsync(nodes);
            var follower = nodes.First(node => node != leader);
            var table = new Table().Title($"End to end: 3 processes, loopback TLS, store: {storage}");
            table.AddColumns("what", "bytes", "in flight", "a second", "p50 us", "p99 us");
            await leader.AskAsync($"load 64 64 {WarmUpMilliseconds}", "done");
            foreach (var bytes in new[] { 64, 256 })
            {
                foreach (var inFlight in new[] { 1, 16, 64, 256, 1024 })
                {
                    await AddAsync(
                        table,
                        leader,
                        "execute, leader",
                        inFlight,
                        $"load {inFlight} {bytes} {Milliseconds}",
                        bytes
                    );
                }
            }

            await follower.AskAsync($"load 64 64 {WarmUpMilliseconds}", "done");
            await AddAsync(table, follower, "execute, follower", 256, $"load 256 64 {Milliseconds}", 64);
            await AddAsync(table, leader, "strong query, leader", 256, $"reads 256 {Milliseconds}", 0);
            await AddAsync(table, follower, "strong query, follower", 256, $"reads 256 {Milliseconds}", 0);
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

    private static async Task AddAsync(
        Table table,
        NodeProcess node,
        string what,
        int inFlight,
        string command,
        int bytes
    )
    {
        var done = await node.AskAsync(command, "done");
        table.AddRow(
            what,
            bytes.ToString(CultureInfo.InvariantCulture),
            inFlight.ToString(CultureInfo.InvariantCulture),
            done[1],
            done[2],
            done[3]
        );
    }
}
