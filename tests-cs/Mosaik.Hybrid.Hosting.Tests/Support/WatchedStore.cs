using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Hosting.Tests.Support;

/// <summary>A store in memory that reports what a test wants, and writes when a test wants.</summary>
internal sealed class WatchedStore : ILogStorage
{
    private readonly InMemoryLogStore _inner = new();

    /// <summary>What the store says of itself.</summary>
    public StorageHealth Health { get; set; } = StorageHealth.Unknown;

    /// <summary>Opening does not end before this does.</summary>
    public Task OpenGate { get; set; } = Task.CompletedTask;

    /// <summary>Writes do not end before this does.</summary>
    public Task WriteGate { get; set; } = Task.CompletedTask;

    /// <summary>Writes hold the thread that asks for them until this is set.</summary>
    public ManualResetEventSlim? Block { get; set; }

    public bool IsVolatile => true;

    public ISnapshotStorage Snapshots => _inner.Snapshots;

    public async ValueTask<StoredLog> OpenAsync(
        PeerId peer,
        GroupId group,
        CancellationToken cancellationToken = default
    )
    {
        await OpenGate;
        return await _inner.OpenAsync(peer, group, cancellationToken);
    }

    public ValueTask WriteAsync(LogWriteBatch batch, CancellationToken cancellationToken = default)
    {
        Block?.Wait(CancellationToken.None);
        return WriteLaterAsync(batch, cancellationToken);
    }

    public ValueTask<ReadOnlyMemory<LogEntry>> ReadAsync(
        LogRange range,
        int bytesMax,
        CancellationToken cancellationToken = default
    ) => _inner.ReadAsync(range, bytesMax, cancellationToken);

    public ValueTask CompactAsync(LogPosition through, CancellationToken cancellationToken = default) =>
        _inner.CompactAsync(through, cancellationToken);

    public ValueTask DisposeAsync() => _inner.DisposeAsync();

    private async ValueTask WriteLaterAsync(LogWriteBatch batch, CancellationToken cancellationToken)
    {
        await WriteGate;
        await _inner.WriteAsync(batch, cancellationToken);
    }
}
