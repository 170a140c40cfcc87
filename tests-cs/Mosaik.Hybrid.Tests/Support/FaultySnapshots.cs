using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Tests.Support;

/// <summary>Snapshots in memory, which fail when told to and can be made to wait.</summary>
internal sealed class FaultySnapshots : ISnapshotStorage
{
    private readonly InMemoryLogStore _store = new();

    /// <summary>Thrown by whatever is begun from now on.</summary>
    public Exception? Fault { get; set; }

    /// <summary>Awaited before received bytes are kept.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    /// <summary>How often a committed snapshot was opened, or tried to be.</summary>
    public int Opens { get; private set; }

    public SnapshotInfo? Newest => _store.Snapshots.Newest;

    public Task OpenAsync() => _store.OpenAsync(Made.Peer, Made.Group).AsTask();

    public Task<SnapshotInfo> SaveAsync(LogPosition position, byte[] content) =>
        Made.SaveAsync(_store, position, content);

    public ValueTask<SnapshotWriter> CreateAsync(CancellationToken cancellationToken = default) =>
        Fault is { } fault ? throw fault : _store.Snapshots.CreateAsync(cancellationToken);

    public ValueTask<StoredSnapshot?> OpenAsync(CancellationToken cancellationToken = default)
    {
        Opens++;
        return Fault is { } fault ? throw fault : _store.Snapshots.OpenAsync(cancellationToken);
    }

    public async ValueTask<SnapshotReceiver> ReceiveAsync(
        SnapshotInfo info,
        CancellationToken cancellationToken = default
    ) => new Receiver(this, await _store.Snapshots.ReceiveAsync(info, cancellationToken));

    private sealed class Receiver(FaultySnapshots owner, SnapshotReceiver inner) : SnapshotReceiver
    {
        public override long Offset => inner.Offset;

        public override async ValueTask AppendAsync(
            ReadOnlyMemory<byte> chunk,
            CancellationToken cancellationToken = default
        )
        {
            await owner.Gate.WaitAsync(cancellationToken);
            await inner.AppendAsync(chunk, cancellationToken);
        }

        public override ValueTask CommitAsync(CancellationToken cancellationToken = default) =>
            inner.CommitAsync(cancellationToken);

        public override ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
