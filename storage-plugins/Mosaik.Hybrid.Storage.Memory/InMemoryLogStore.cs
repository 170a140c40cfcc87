using Mosaik.Hybrid.Storage.Memory;

namespace Mosaik.Hybrid.Storage;

/// <summary>Keeps the log in memory: the default, and the reference for other stores.</summary>
/// <remarks>
/// <para>
/// Nothing survives the instance, so a node that uses it is a new incarnation after every start: it enters the group
/// as a learner and never votes with the rights of its life before. The log grows with the group.
/// </para>
/// <para>
/// Checks the whole contract of <see cref="ILogStorage"/>, which makes it the store to develop against. Every call
/// completes synchronously; a lock between the writer and the readers is held while entries are moved, no longer.
/// </para>
/// </remarks>
public sealed class InMemoryLogStore : ILogStorage
{
    private readonly StoreGate _gate = new();
    private readonly LogInMemory _log = new();
    private readonly MemorySnapshots _snapshots;

    /// <summary>Creates an empty store.</summary>
    public InMemoryLogStore() => _snapshots = new MemorySnapshots(_gate.ThrowUnlessOpen);

    /// <inheritdoc/>
    public bool IsVolatile => true;

    /// <inheritdoc/>
    public ISnapshotStorage Snapshots => _snapshots;

    /// <summary>Nothing is measured: a write takes as long as copying its entries.</summary>
    public StorageHealth Health => StorageHealth.Unknown;

    /// <summary>Opens the store: always fresh.</summary>
    /// <inheritdoc/>
    public ValueTask<StoredLog> OpenAsync(
        PeerId peer,
        GroupId group,
        CancellationToken cancellationToken = default
    )
    {
        cancellationToken.ThrowIfCancellationRequested();
        _gate.BeginOpen();
        _gate.EndOpen();
        return new ValueTask<StoredLog>(StoredLog.Fresh);
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(LogWriteBatch batch, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _gate.ThrowUnlessOpen();
        _log.Write(batch);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<ReadOnlyMemory<LogEntry>> ReadAsync(
        LogRange range,
        int bytesMax,
        CancellationToken cancellationToken = default
    )
    {
        cancellationToken.ThrowIfCancellationRequested();
        _gate.ThrowUnlessOpen();
        return new ValueTask<ReadOnlyMemory<LogEntry>>(_log.Read(range, bytesMax));
    }

    /// <inheritdoc/>
    public ValueTask CompactAsync(LogPosition through, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _gate.ThrowUnlessOpen();
        _log.Check(through, _snapshots.Newest);
        _log.Compact(through);
        return ValueTask.CompletedTask;
    }

    /// <summary>Forgets everything. Later calls throw <see cref="ObjectDisposedException"/>.</summary>
    public ValueTask DisposeAsync()
    {
        if (_gate.BeginDispose())
        {
            _log.Clear();
            _snapshots.Clear();
        }

        return ValueTask.CompletedTask;
    }
}
