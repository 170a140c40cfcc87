using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Tests.Support;

/// <summary>A store in memory that counts the bytes of snapshots that it receives, and can be made to wait with them.</summary>
internal sealed class CountingStore : ILogStorage, ISnapshotStorage
{
    private readonly InMemoryLogStore _inner = new();
    private long _received;

    /// <summary>How many bytes of snapshots have been kept.</summary>
    public long Received => Volatile.Read(ref _received);

    /// <summary>How many bytes the last snapshot has that was announced.</summary>
    public long Length { get; private set; }

    /// <summary>Nothing is kept before this ends; null for no wait.</summary>
    public TaskCompletionSource? Gate { get; set; }

    /// <summary>Somebody waits for the gate.</summary>
    public bool IsWaiting { get; private set; }

    public bool IsVolatile => true;

    public ISnapshotStorage Snapshots => this;

    public StorageHealth Health => _inner.Health;

    public SnapshotInfo? Newest => _inner.Snapshots.Newest;

    public ValueTask<StoredLog> OpenAsync(
        PeerId peer,
        GroupId group,
        CancellationToken cancellationToken = default
    ) => _inner.OpenAsync(peer, group, cancellationToken);

    public ValueTask WriteAsync(LogWriteBatch batch, CancellationToken cancellationToken = default) =>
        _inner.WriteAsync(batch, cancellationToken);

    public ValueTask<ReadOnlyMemory<LogEntry>> ReadAsync(
        LogRange range,
        int bytesMax,
        CancellationToken cancellationToken = default
    ) => _inner.ReadAsync(range, bytesMax, cancellationToken);

    public ValueTask CompactAsync(LogPosition through, CancellationToken cancellationToken = default) =>
        _inner.CompactAsync(through, cancellationToken);

    public ValueTask DisposeAsync() => _inner.DisposeAsync();

    public ValueTask<SnapshotWriter> CreateAsync(CancellationToken cancellationToken = default) =>
        _inner.Snapshots.CreateAsync(cancellationToken);

    public ValueTask<StoredSnapshot?> OpenAsync(CancellationToken cancellationToken = default) =>
        _inner.Snapshots.OpenAsync(cancellationToken);

    public async ValueTask<SnapshotReceiver> ReceiveAsync(
        SnapshotInfo info,
        CancellationToken cancellationToken = default
    )
    {
        Length = info.Length;
        return new Receiver(this, await _inner.Snapshots.ReceiveAsync(info, cancellationToken));
    }

    private sealed class Receiver(CountingStore store, SnapshotReceiver inner) : SnapshotReceiver
    {
        public override long Offset => inner.Offset;

        public override async ValueTask AppendAsync(
            ReadOnlyMemory<byte> chunk,
            CancellationToken cancellationToken = default
        )
        {
            if (store.Gate is { } gate)
            {
                store.IsWaiting = true;
                await gate.Task.WaitAsync(cancellationToken);
            }

            await inner.AppendAsync(chunk, cancellationToken);
            Interlocked.Add(ref store._received, chunk.Length);
        }

        public override ValueTask CommitAsync(CancellationToken cancellationToken = default) =>
            inner.CommitAsync(cancellationToken);

        public override ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
