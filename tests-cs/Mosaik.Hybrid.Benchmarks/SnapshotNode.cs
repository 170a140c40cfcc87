using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Benchmarks;

/// <summary>A child process: a node whose machine has a snapshot of any size, and no state that takes memory.</summary>
/// <remarks>So all the memory that a snapshot costs is the library's. Measured is the process's peak, not a sample.</remarks>
internal static class SnapshotNode
{
    public const string Verb = "snapshot-node";

    private const double MegaByte = 1024 * 1024;

    public static async Task<int> RunAsync(string[] args)
    {
        var builder = Network.Builder("benchmarks").ListenOn("127.0.0.1:0");
        if (args.Length > 3)
        {
            builder.WithBootstrapPeers(args[3]);
        }

        await using var network = await builder.StartAsync();
        Console.WriteLine($"address {network.Addresses[0]}");
        var machine = new BulkMachine(long.Parse(args[1], CultureInfo.InvariantCulture) * 1024 * 1024);
        var before = WorkingSet();
        var watch = Stopwatch.StartNew();
        await using var group = network
            .Groups.WithKey(GroupKey.Parse(args[0]))
            .WithStateMachine(machine)
            .WithCommandCodec(new RawCommandCodec())
            .WithLogStorage(new FileLogStore(args[2]))
            .WithSnapshots(SnapshotOptions.Manual with { EntriesKept = 0 })
            .Join();
        await group.When.Online();
        if (args.Length > 3)
        {
            await machine.Restored;
        }

        Say("online", watch, before);
        while (await Console.In.ReadLineAsync() is { } line)
        {
            if (line == "take")
            {
                await WarmUpAsync(group);
                before = WorkingSet();
                watch.Restart();
                var slowest = await SlowestUntilAsync(group, group.TakeSnapshotAsync());
                Say("taken", watch, before, slowest);
            }
            else
            {
                Say("memory", null, before);
            }
        }

        return 0;
    }

    /// <summary>What a node needs anyway is there before anything is measured.</summary>
    private static async Task WarmUpAsync(Group<ReadOnlyMemory<byte>, NoOpQuery, long> group)
    {
        for (var count = 0; count < 1_000; count++)
        {
            await group.ExecuteAsync(new byte[64]);
        }
    }

    /// <summary>Executes one command after the other; gives how long the slowest took.</summary>
    private static async Task<TimeSpan> SlowestUntilAsync(
        Group<ReadOnlyMemory<byte>, NoOpQuery, long> group,
        Task end
    )
    {
        var slowest = TimeSpan.Zero;
        while (!end.IsCompleted)
        {
            var start = Stopwatch.GetTimestamp();
            await group.ExecuteAsync(new byte[64]);
            var took = Stopwatch.GetElapsedTime(start);
            slowest = took > slowest ? took : slowest;
        }

        await end;
        return slowest;
    }

    private static long WorkingSet()
    {
        GC.Collect();
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    private static void Say(string word, Stopwatch? watch, long before, TimeSpan? slowest = null)
    {
        using var process = Process.GetCurrentProcess();
        var seconds = watch is null
            ? "-"
            : watch.Elapsed.TotalSeconds.ToString("F3", CultureInfo.InvariantCulture);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{word} {seconds} {(process.PeakWorkingSet64 - before) / MegaByte:F1} {before / MegaByte:F1} {slowest?.TotalMilliseconds:F0}"
            )
        );
    }

    private sealed class BulkMachine(long bytes)
        : IStateMachine<ReadOnlyMemory<byte>, NoOpQuery, long>,
            ISnapshotMachine
    {
        private readonly TaskCompletionSource _restored = new(
            TaskCreationOptions.RunContinuationsAsynchronously
        );
        private long _count;

        public string Signature => "mosaik.benchmark.bulk/1";

        /// <summary>Completes when a snapshot was read to its end.</summary>
        public Task Restored => _restored.Task;

        public void Apply(ReadOnlyMemory<byte> command, in ApplyContext context) => _count++;

        public long Query(NoOpQuery query) => _count;

        public IMachineSnapshot CaptureSnapshot() => new Bulk(bytes);

        public async ValueTask RestoreSnapshotAsync(Stream source, CancellationToken cancellationToken)
        {
            var buffer = new byte[64 * 1024];
            var left = bytes;
            while (left > 0)
            {
                var read = await source.ReadAsync(buffer, cancellationToken);
                left -= read > 0 ? read : throw new EndOfStreamException();
            }

            _restored.TrySetResult();
        }

        private sealed class Bulk(long bytes) : IMachineSnapshot
        {
            public async ValueTask WriteAsync(Stream destination, CancellationToken cancellationToken)
            {
                // Not to be compressed away by anything below.
                var buffer = new byte[64 * 1024];
                RandomNumberGenerator.Fill(buffer);
                for (var left = bytes; left > 0; left -= buffer.Length)
                {
                    await destination.WriteAsync(
                        buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)),
                        cancellationToken
                    );
                }
            }

            public void Dispose() { }
        }
    }
}
