using System.Collections.Concurrent;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Runtime;
using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Storage;

/// <summary>Writes and new beginnings of the log reach the store in their order, one at a time.</summary>
public sealed class StorageWriterTests : IDisposable
{
    private readonly BlockingCollection<WriteEnded> _ended = [];
    private readonly RecordingStore _store = new();

    public void Dispose() => _ended.Dispose();

    [Fact]
    public void WritesBehindOneAnother_AreOneBatch_ButNotAcrossACompaction()
    {
        var writer = Writer();
        _store.Gate = new TaskCompletionSource();
        writer.Enqueue(Write(1));
        writer.Enqueue(Write(2));
        writer.Enqueue(Write(3));
        writer.Compact(Made.At(1, 3));
        writer.Enqueue(Write(4));
        Assert.Equal(["write 1"], _store.Calls);
        Step(writer);
        Assert.Equal(["write 1", "write 2 3"], _store.Calls);
        Step(writer);
        Assert.Equal(["write 1", "write 2 3", "compact 1/3"], _store.Calls);
        Assert.Equal(3UL, writer.Persisted);
        Step(writer);
        Assert.Equal(["write 1", "write 2 3", "compact 1/3", "write 4"], _store.Calls);
        Assert.Equal(3UL, writer.Persisted);
        Step(writer);
        Assert.Equal(4UL, writer.Persisted);
    }

    [Fact]
    public void AnInstall_WritesTheHardStateFirst()
    {
        var writer = Writer();
        writer.Compact(Made.At(5, 9), Made.Hard(Made.At(5, 9)));
        Assert.Equal(["hard 5/9", "compact 5/9"], _store.Calls);
        Assert.Equal(0UL, writer.Persisted);
    }

    [Fact]
    public void ACompactionThatFails_EndsAllWriting()
    {
        var writer = Writer();
        _store.Gate = new TaskCompletionSource();
        writer.Compact(Made.At(1, 3));
        _store.Gate.SetException(new StorageException(StorageFault.Io, "no luck"));
        var ended = Ended();
        var failure = Assert.Throws<StorageException>(() => writer.OnEnded(ended));
        Assert.Equal(StorageFault.Io, failure.Fault);
    }

    private static Write Write(ulong sequence)
    {
        var entry = Made.Command(1, sequence, sequence, "x");
        return new Write(sequence, null, LogIndex.Zero, [new ReadOnlyMemory<LogEntry>([entry])]);
    }

    private StorageWriter Writer() =>
        new(_store, _ended.Add, static _ => { }, TimeProvider.System, CancellationToken.None);

    private WriteEnded Ended()
    {
        Assert.True(_ended.TryTake(out var ended, Waiting.Patience), "a write ends");
        return ended;
    }

    private void Step(StorageWriter writer)
    {
        var gate = _store.Gate!;
        _store.Gate = new TaskCompletionSource();
        gate.SetResult();
        writer.OnEnded(Ended());
    }

    /// <summary>Notes what is asked of it, and completes when the gate opens.</summary>
    private sealed class RecordingStore : ILogStorage
    {
        private readonly InMemoryLogStore _inner = new();

        public List<string> Calls { get; } = [];

        public TaskCompletionSource? Gate { get; set; }

        public bool IsVolatile => true;

        public ISnapshotStorage Snapshots => _inner.Snapshots;

        public StorageHealth Health => StorageHealth.Unknown;

        public ValueTask<StoredLog> OpenAsync(
            PeerId peer,
            GroupId group,
            CancellationToken cancellationToken = default
        ) => _inner.OpenAsync(peer, group, cancellationToken);

        public ValueTask WriteAsync(LogWriteBatch batch, CancellationToken cancellationToken = default)
        {
            var indexes = batch
                .Entries.ToArray()
                .SelectMany(static run => run.ToArray())
                .Select(static e => e.Index);
            Calls.Add(
                batch.HardState is { } hard
                    ? $"hard {hard.Acknowledged}"
                    : $"write {string.Join(' ', indexes)}"
            );
            return Wait();
        }

        public ValueTask<ReadOnlyMemory<LogEntry>> ReadAsync(
            LogRange range,
            int bytesMax,
            CancellationToken cancellationToken = default
        ) => _inner.ReadAsync(range, bytesMax, cancellationToken);

        public ValueTask CompactAsync(LogPosition through, CancellationToken cancellationToken = default)
        {
            Calls.Add($"compact {through}");
            return Wait();
        }

        public ValueTask DisposeAsync() => _inner.DisposeAsync();

        private ValueTask Wait() => Gate is { } gate ? new ValueTask(gate.Task) : ValueTask.CompletedTask;
    }
}
