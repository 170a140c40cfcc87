using Mosaik.Hybrid.Storage.Files;

namespace Mosaik.Hybrid.Storage;

/// <summary>A store that keeps its log in memory, and every change to it as a record that lasts.</summary>
/// <remarks>
/// <para>
/// For authors of stores. This class is the whole contract of <see cref="ILogStorage"/> but for one thing: where the
/// records are. A derived class makes bytes durable, one record after the other, and gives them back when the store
/// is opened. What is in a record is none of its business; docs/storage-format.md says it. Its methods run on threads of
/// the pool, one at a time, and may block.
/// </para>
/// <para>
/// The directory holds the lock (one process at a time), the snapshots, and a watermark, by which a store finds that
/// records are gone which it had acknowledged. Records may be in it too, or anywhere else. Every open reads all of
/// them, and none is ever given back: for groups whose whole log fits into memory.
/// </para>
/// </remarks>
public abstract class RecordedLogStore : ILogStorage
{
    private readonly StoreFiles _files;
    private readonly SnapshotDirectory _snapshots;
    private readonly WatermarkFile _watermark;
    private readonly LogInMemory _log = new();
    private readonly StoreGate _gate = new();
    private IDisposable? _lock;
    private ProposerId? _proposer;
    private ulong _records;

    /// <summary>Names the directory; touches nothing.</summary>
    /// <param name="directory">Made, durably, when the store is opened. Of one peer and one group.</param>
    protected RecordedLogStore(string directory)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        _files = new SystemFiles(directory);
        _snapshots = new SnapshotDirectory(_files.PathOf("snapshots"));
        _watermark = new WatermarkFile(_files);
    }

    /// <summary>False: the records survive.</summary>
    public bool IsVolatile => false;

    /// <inheritdoc/>
    public ISnapshotStorage Snapshots => _snapshots;

    /// <summary>Nothing is measured unless a derived class does it.</summary>
    public virtual StorageHealth Health => StorageHealth.Unknown;

    /// <inheritdoc/>
    public ValueTask<StoredLog> OpenAsync(
        PeerId peer,
        GroupId group,
        CancellationToken cancellationToken = default
    )
    {
        cancellationToken.ThrowIfCancellationRequested();
        _gate.BeginOpen();
        return new ValueTask<StoredLog>(Task.Run(() => OpenCoreAsync(peer, group), CancellationToken.None));
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(LogWriteBatch batch, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _gate.ThrowUnlessOpen();
        _log.Check(batch);
        return RecordAsync(LogRecord.Write(batch), () => _log.Write(batch), batch.HardState is not null);
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
        return RecordAsync(LogRecord.Write(through), () => _log.Compact(through), flush: false);
    }

    /// <summary>Closes the records, and gives the directory free.</summary>
    /// <exception cref="StorageException">What was left to do could not be made durable.</exception>
    public ValueTask DisposeAsync()
    {
        var isSound = _gate is { IsOpen: true, Failure: null };
        if (_gate.BeginDispose())
        {
            GC.SuppressFinalize(this);
            try
            {
                if (isSound)
                {
                    _watermark.Close(Held);
                }
            }
            finally
            {
                _watermark.Dispose();
                CloseRecords();
                _lock?.Dispose();
            }
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Opens the records, or makes an empty place for them, and returns each that is whole, in order.</summary>
    /// <returns>
    /// Ends behind the last whole record. Arrays may be views of one; they are kept, and must never change.
    /// </returns>
    /// <exception cref="StorageException">
    /// Something is damaged that no crash explains (<see cref="StorageFault.Corrupt"/>). A crash explains one record
    /// that is not whole, and nothing behind it.
    /// </exception>
    /// <remarks>
    /// Called once, after the directory was made and locked. Changes nothing that is there: whether the records can be
    /// believed is decided when all have been read.
    /// </remarks>
    protected abstract IEnumerable<ReadOnlyMemory<byte>> ReadRecords();

    /// <summary>Removes what is behind the last whole record, and makes the others durable.</summary>
    /// <returns>What was removed, in a sentence for an operator; null when nothing was.</returns>
    /// <remarks>
    /// Called once, when the records were found good. A process that was killed may have left its last record in the
    /// cache of the system, from where it was read: from here on it counts as durable.
    /// </remarks>
    protected abstract string? FinishReading();

    /// <summary>Writes a record behind the last one.</summary>
    /// <param name="record">Unchanged for good.</param>
    /// <returns>Completes when the record would survive a power loss, and is whole.</returns>
    /// <exception cref="IOException">
    /// It may or may not be there. The store takes no further calls, and a new one looks at it again.
    /// </exception>
    /// <remarks>
    /// One call at a time, on a thread of the pool: it may block. What it throws becomes a
    /// <see cref="StorageException"/> if it is none.
    /// </remarks>
    protected abstract ValueTask AppendAsync(ReadOnlyMemory<byte> record);

    /// <summary>Closes the records. Called once; also when <see cref="ReadRecords"/> was not, or has thrown.</summary>
    protected abstract void CloseRecords();

    private Watermark Held => new(_records, _log.Last);

    private async Task<StoredLog> OpenCoreAsync(PeerId peer, GroupId group)
    {
        _files.EnsureDirectory();
        _lock = _files.Lock("LOCK");
        var acknowledged = _watermark.Read();
        try
        {
            foreach (var record in ReadRecords())
            {
                Replay(record, peer, group);
                _records++;
            }

            _watermark.Check(acknowledged, Held, _files.PathOf(""));
            _snapshots.Open();
            _snapshots.CheckCovers(_log.Base);
            var repair = FinishReading();
            _files.SyncDirectory();
            _watermark.Begin(Held);
            if (_records == 0)
            {
                await AppendAsync(LogRecord.Write(peer, group)).ConfigureAwait(false);
                _watermark.Write(new Watermark(++_records, LogPosition.Zero), flush: true);
            }

            _gate.EndOpen();
            return _log.Describe(repair is null ? _snapshots.Repairs : [.. _snapshots.Repairs, repair]);
        }
        catch (Exception exception) when (SystemFault.IsOfTheSystem(exception))
        {
            throw SystemFault.Of(exception, _files.PathOf(""));
        }
    }

    private void Replay(ReadOnlyMemory<byte> record, PeerId peer, GroupId group)
    {
        if (_records == 0)
        {
            CheckOwner(record.Span, peer, group);
        }
        else if (LogRecord.TryRead(record.Span, out var through))
        {
            _log.Compact(through);
        }
        else if (LogRecord.TryRead(record, ref _proposer, out var batch))
        {
            try
            {
                _log.Write(batch);
            }
            catch (ArgumentException exception)
            {
                throw Senseless(exception.Message, exception);
            }
        }
        else
        {
            throw Senseless("its bytes are no batch");
        }
    }

    private void CheckOwner(ReadOnlySpan<byte> record, PeerId peer, GroupId group)
    {
        if (!LogRecord.TryReadOwner(record, out var version, out var owner))
        {
            throw Senseless("it does not say whose store this is");
        }

        Advice.CheckVersion(version, LogRecord.Version, _files.PathOf(""));
        Advice.CheckOwner(peer, group, owner.Peer, owner.Group, _files.PathOf(""));
    }

    private StorageException Senseless(string why, Exception? exception = null) =>
        new(
            StorageFault.Corrupt,
            $"Record {_records + 1} makes no sense: {why}. " + Advice.Damaged,
            _files.PathOf(""),
            innerException: exception
        );

    private ValueTask RecordAsync(byte[] record, Action change, bool flush)
    {
        _gate.BeginWrite();
        return new ValueTask(Task.Run(() => RecordCoreAsync(record, change, flush), CancellationToken.None));
    }

    /// <summary>The record, then the log that readers see, then the watermark: never ahead of what is durable.</summary>
    private async Task RecordCoreAsync(byte[] record, Action change, bool flush)
    {
        try
        {
            await AppendAsync(record).ConfigureAwait(false);
            change();
            _records++;
            _watermark.Write(Held, flush);
        }
        catch (Exception exception)
        {
            // Nobody knows what reached the disk: only a new instance may look again.
            throw _gate.Fail(exception, _files.PathOf(""));
        }
        finally
        {
            _gate.EndWrite();
        }
    }
}
