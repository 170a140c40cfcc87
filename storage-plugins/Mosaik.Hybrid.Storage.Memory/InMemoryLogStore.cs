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
    private readonly Lock _gate = new();
    private readonly EntrySegments _entries = new();
    private readonly LogExtent _extent = new();
    private readonly MemorySnapshots _snapshots;
    private Phase _phase = Phase.New;

    /// <summary>Creates an empty store.</summary>
    public InMemoryLogStore() => _snapshots = new MemorySnapshots(ThrowUnlessOpenLocked);

    private enum Phase
    {
        New,
        Open,
        Disposed,
    }

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
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_phase == Phase.Disposed, this);
            if (_phase == Phase.Open)
            {
                throw new InvalidOperationException(
                    "This store is open already. Give each group on each node a store of its own."
                );
            }

            _phase = Phase.Open;
            return new ValueTask<StoredLog>(StoredLog.Fresh);
        }
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(LogWriteBatch batch, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            ThrowUnlessOpen();
            _extent.Check(batch);
            _extent.Apply(batch);
            if (batch.TruncateFrom is { } first)
            {
                _entries.TruncateFrom(first);
            }

            foreach (var run in batch.Entries.Span)
            {
                _entries.Append(run.Span);
            }
        }

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
        ArgumentOutOfRangeException.ThrowIfNegative(bytesMax);
        lock (_gate)
        {
            ThrowUnlessOpen();
            _extent.Check(range);
            return new ValueTask<ReadOnlyMemory<LogEntry>>(_entries.Read(range, bytesMax));
        }
    }

    /// <inheritdoc/>
    public ValueTask CompactAsync(LogPosition through, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            ThrowUnlessOpen();
            _extent.Check(through, _snapshots.Newest);
            if (_extent.Compact(through))
            {
                _entries.DropBefore(_extent.First);
            }
            else
            {
                _entries.BeginAt(_extent.First);
            }
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Forgets everything. Later calls throw <see cref="ObjectDisposedException"/>.</summary>
    public ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _phase = Phase.Disposed;
            _entries.BeginAt(LogIndex.Zero.Next);
            _extent.Begin(LogPosition.Zero);
            _snapshots.Clear();
        }

        return ValueTask.CompletedTask;
    }

    private void ThrowUnlessOpenLocked()
    {
        lock (_gate)
        {
            ThrowUnlessOpen();
        }
    }

    private void ThrowUnlessOpen()
    {
        ObjectDisposedException.ThrowIf(_phase == Phase.Disposed, this);
        if (_phase == Phase.New)
        {
            throw new InvalidOperationException("Open the store before anything else.");
        }
    }
}
