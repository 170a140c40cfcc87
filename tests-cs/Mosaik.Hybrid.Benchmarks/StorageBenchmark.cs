using System.Diagnostics;
using System.Globalization;
using Mosaik.Hybrid.Storage;
using Spectre.Console;

namespace Mosaik.Hybrid.Benchmarks;

/// <summary>The stores alone: durable records a second for so many waiters in a group commit, and recovery.</summary>
internal static class StorageBenchmark
{
    private const int Runs = 3;
    private const int MillisecondsPerRun = 1_500;
    private const int RecoveryBatch = 256;
    private static readonly byte[] s_payload = new byte[64];
    private static readonly MemberId s_member = new(
        new PeerId(Bytes32.Zero),
        new Incarnation(new Bytes16(1, 2))
    );
    private static readonly ProposerId s_proposer = new(s_member, 1);
    private static readonly GroupId s_group = new(Bytes32.Zero);

    /// <summary>Runs for both durable stores, or the one that was asked for.</summary>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var only = BenchStore.Option(arguments, "--storage");
        var megabytes = int.Parse(
            BenchStore.Option(arguments, "--recovery-mb") ?? "1024",
            CultureInfo.InvariantCulture
        );
        var place = BenchStore.Option(arguments, "--dir") ?? Path.GetTempPath();
        var table = new Table().Title("Stores alone: 64 B records, durable; medians of 3 runs");
        table.AddColumns("store", "waiters", "records/s", "p50 us", "p99 us", "bytes allocated a record");
        foreach (var kind in new[] { "file", "rocksdb" }.Where(kind => only is null || only == kind))
        {
            if (kind == "rocksdb" && !RocksDbLogStore.IsInstalled)
            {
                AnsiConsole.WriteLine("RocksDB's library is not installed; its figures are left out.");
                continue;
            }

            foreach (var waiters in new[] { 1, 16, 64, 256, 1024 })
            {
                await AddAsync(table, kind, waiters, place);
            }
        }

        AnsiConsole.Write(table);
        if (megabytes > 0)
        {
            await RecoverAsync(megabytes, place);
        }

        return 0;
    }

    private static async Task AddAsync(Table table, string kind, int waiters, string place)
    {
        var runs = new List<Result>();
        for (var run = 0; run < Runs; run++)
        {
            runs.Add(await InDirectoryAsync(place, directory => MeasureAsync(kind, directory, waiters)));
        }

        runs.Sort(static (left, right) => left.Rate.CompareTo(right.Rate));
        var median = runs[Runs / 2];
        table.AddRow(
            kind,
            waiters.ToString(CultureInfo.InvariantCulture),
            median.Rate.ToString("N0", CultureInfo.InvariantCulture),
            median.P50.ToString("N0", CultureInfo.InvariantCulture),
            median.P99.ToString("N0", CultureInfo.InvariantCulture),
            median.Allocated.ToString("N0", CultureInfo.InvariantCulture)
        );
    }

    /// <summary>As the runtime does: whatever has gathered while a batch was written is the next one.</summary>
    private static async Task<Result> MeasureAsync(string kind, string directory, int waiters)
    {
        await using var store = BenchStore.Create(kind, directory);
        await store.OpenAsync(s_member.Peer, s_group);
        await store.WriteAsync(new LogWriteBatch(Hard(), null, default));
        var next = 1ul;
        var latencies = new List<long>();
        await RepeatAsync(300);
        latencies.Clear();
        var first = next;
        var bytes = GC.GetTotalAllocatedBytes();
        var watch = Stopwatch.StartNew();
        await RepeatAsync(MillisecondsPerRun);
        var seconds = watch.Elapsed.TotalSeconds;
        var records = (double)(next - first);
        // The entries themselves are this program's, not the store's.
        var own = records * System.Runtime.CompilerServices.Unsafe.SizeOf<LogEntry>();
        latencies.Sort();
        return new Result(
            records / seconds,
            Micro(latencies, 0.5),
            Micro(latencies, 0.99),
            Math.Max(0, GC.GetTotalAllocatedBytes() - bytes - own) / records
        );

        async Task RepeatAsync(int milliseconds)
        {
            var clock = Stopwatch.StartNew();
            while (clock.ElapsedMilliseconds < milliseconds)
            {
                var start = Stopwatch.GetTimestamp();
                await store.WriteAsync(new LogWriteBatch(null, null, new[] { Entries(next, waiters) }));
                latencies.Add(Stopwatch.GetTimestamp() - start);
                next += (ulong)waiters;
            }
        }
    }

    private static async Task RecoverAsync(int megabytes, string place)
    {
        var times = await InDirectoryAsync(place, directory => TimesToRecoverAsync(megabytes, directory));
        var median = times.Order().ElementAt(times.Count / 2);
        AnsiConsole.MarkupLineInterpolated(
            $"Recovery of a file log of {megabytes:N0} MB: {median.TotalMilliseconds:N0} ms (median of {times.Count})"
        );
    }

    private static async Task<List<TimeSpan>> TimesToRecoverAsync(int megabytes, string directory)
    {
        await using (
            var store = new FileLogStore(directory, new FileLogOptions { Durability = Durability.OsCache })
        )
        {
            await store.OpenAsync(s_member.Peer, s_group);
            await store.WriteAsync(new LogWriteBatch(Hard(), null, default));
            var next = 1ul;
            for (var written = 0L; written < megabytes * 1024L * 1024; next += RecoveryBatch)
            {
                await store.WriteAsync(new LogWriteBatch(null, null, new[] { Entries(next, RecoveryBatch) }));
                written += RecoveryBatch * 176;
            }
        }

        var times = new List<TimeSpan>();
        for (var run = 0; run < Runs; run++)
        {
            var watch = Stopwatch.StartNew();
            await using var store = new FileLogStore(directory);
            await store.OpenAsync(s_member.Peer, s_group);
            times.Add(watch.Elapsed);
        }

        return times;
    }

    private static async Task<T> InDirectoryAsync<T>(string place, Func<string, Task<T>> action)
    {
        var directory = Path.Combine(place, "mosaik-bench-" + Guid.NewGuid().ToString("N"));
        try
        {
            return await action(directory);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static HardState Hard() => new(s_member, 1, Lineage.None, new Term(1), null, LogPosition.Zero);

    private static ReadOnlyMemory<LogEntry> Entries(ulong first, int count)
    {
        var entries = new LogEntry[count];
        for (var place = 0; place < count; place++)
        {
            var index = first + (ulong)place;
            entries[place] = new LogEntry(
                new LogIndex(index),
                new Term(1),
                EntryKind.Command,
                0,
                0,
                s_proposer,
                index,
                s_payload
            );
        }

        return entries;
    }

    private static double Micro(List<long> sorted, double quantile) =>
        sorted.Count == 0 ? 0 : sorted[(int)((sorted.Count - 1) * quantile)] * 1e6 / Stopwatch.Frequency;

    private sealed record Result(double Rate, double P50, double P99, double Allocated);
}
