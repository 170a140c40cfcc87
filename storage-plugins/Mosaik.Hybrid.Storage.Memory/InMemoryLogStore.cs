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
    private HardState? _hardState;
    private Phase _phase = Phase.New;

    private enum Phase
    {
        New,
        Open,
        Disposed,
    }

    /// <inheritdoc/>
    public bool IsVolatile => true;

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
            Check(batch);
            _hardState = batch.HardState ?? _hardState;
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
            if (range.IsEmpty || range.First == LogIndex.Zero || range.Last > _entries.Last.Index)
            {
                throw new ArgumentException(
                    $"The range {range} is empty or outside the log, which ends at {_entries.Last.Index}.",
                    nameof(range)
                );
            }

            return new ValueTask<ReadOnlyMemory<LogEntry>>(_entries.Read(range, bytesMax));
        }
    }

    /// <summary>Forgets everything. Later calls throw <see cref="ObjectDisposedException"/>.</summary>
    public ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _phase = Phase.Disposed;
            _entries.TruncateFrom(LogIndex.Zero.Next);
            _hardState = null;
        }

        return ValueTask.CompletedTask;
    }

    private void ThrowUnlessOpen()
    {
        ObjectDisposedException.ThrowIf(_phase == Phase.Disposed, this);
        if (_phase == Phase.New)
        {
            throw new InvalidOperationException("Open the store before anything else.");
        }
    }

    /// <summary>Refuses a batch that breaks the contract, before any of it is taken.</summary>
    private void Check(in LogWriteBatch batch)
    {
        if (_hardState is null && batch.HardState is null)
        {
            throw new ArgumentException(
                "The first batch carries a hard state: a log without an incarnation belongs to nobody.",
                nameof(batch)
            );
        }

        var last = _entries.Last;
        if (batch.TruncateFrom is { } first)
        {
            if (first == LogIndex.Zero || first > last.Index.Next)
            {
                throw new ArgumentException(
                    $"Can't truncate from {first}: the log reaches from 1 to {last.Index}.",
                    nameof(batch)
                );
            }

            last = _entries.PositionBefore(first);
        }

        foreach (var run in batch.Entries.Span)
        {
            foreach (ref readonly var entry in run.Span)
            {
                if (entry.Index != last.Index.Next || entry.Term < last.Term || entry.Term == Term.Zero)
                {
                    throw new ArgumentException(
                        $"Entry {entry.Position} can't follow {last}: indexes are consecutive, terms never fall.",
                        nameof(batch)
                    );
                }

                last = entry.Position;
            }
        }
    }
}
