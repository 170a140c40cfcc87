using System.Buffers.Binary;
using Mosaik.Hybrid.Storage.Files;
using Mosaik.Hybrid.Storage.Rocks;

namespace Mosaik.Hybrid.Storage;

/// <summary>Keeps the log in RocksDB, by the library that the platform has: <c>librocksdb</c>.</summary>
/// <remarks>
/// <para>
/// For who runs RocksDB anyway and has its tools. A batch is one synchronous write of RocksDB, durable as a unit;
/// compaction is a range delete. The file store needs nothing installed and is faster.
/// </para>
/// <para>
/// A directory belongs to one peer and one group. The keys are in docs/storage-format.md. Beside the database there is a
/// watermark, because RocksDB drops the end of its write-ahead log in silence when it can't be read: a store that
/// finds less than it has acknowledged refuses to open, before RocksDB changes anything.
/// </para>
/// </remarks>
public sealed class RocksDbLogStore : ILogStorage
{
    private readonly string _directory;
    private readonly SnapshotDirectory _snapshots;
    private readonly LogExtent _extent = new();
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly StoreFiles _files;
    private readonly WatermarkFile _watermark;
    private readonly StoreGate _store = new();
    private IDisposable? _lock;
    private RocksDatabase? _database;
    private ulong _batch;
    private byte[] _buffer = new byte[4096];
    private long _startedAt;
    private TimeSpan? _latency;

    /// <summary>Names the directory; touches nothing, and does not look for the library yet.</summary>
    /// <param name="directory">Made when the store is opened, if it is not there.</param>
    /// <param name="timeProvider">For <see cref="Health"/>; the system's clock unless given.</param>
    public RocksDbLogStore(string directory, TimeProvider? timeProvider = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        _directory = Path.GetFullPath(directory);
        _time = timeProvider ?? TimeProvider.System;
        _files = new SystemFiles(_directory);
        _watermark = new WatermarkFile(_files);
        _snapshots = new SnapshotDirectory(_files.PathOf("snapshots"));
    }

    /// <summary>True when RocksDB's library was found on this machine.</summary>
    public static bool IsInstalled => RocksLibrary.IsInstalled;

    /// <summary>False: the log survives a power loss.</summary>
    public bool IsVolatile => false;

    /// <inheritdoc/>
    public ISnapshotStorage Snapshots => _snapshots;

    /// <summary>Latency, and a write that takes longer than half a second.</summary>
    public StorageHealth Health
    {
        get
        {
            lock (_gate)
            {
                var waited = _startedAt == 0 ? TimeSpan.Zero : _time.GetElapsedTime(_startedAt);
                var isStalled = waited > TimeSpan.FromMilliseconds(500);
                return new StorageHealth(
                    _latency,
                    isStalled ? _time.GetUtcNow() - waited : null,
                    _database is null ? null : _files.FreeBytes
                );
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask<StoredLog> OpenAsync(
        PeerId peer,
        GroupId group,
        CancellationToken cancellationToken = default
    )
    {
        cancellationToken.ThrowIfCancellationRequested();
        _store.BeginOpen();
        return new ValueTask<StoredLog>(Task.Run(() => Open(peer, group), CancellationToken.None));
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(LogWriteBatch batch, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            _store.ThrowUnlessOpen();
            _extent.Check(batch);
            BeginWriting();
        }

        return new ValueTask(Task.Run(() => EndWriting(() => Write(batch)), CancellationToken.None));
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
            _store.ThrowUnlessOpen();
            _extent.Check(range);
        }

        return new ValueTask<ReadOnlyMemory<LogEntry>>(
            Task.Run(() => Read(range, bytesMax), cancellationToken)
        );
    }

    /// <inheritdoc/>
    public ValueTask CompactAsync(LogPosition through, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            _store.ThrowUnlessOpen();
            _extent.Check(through, _snapshots.Newest);
            BeginWriting();
        }

        return new ValueTask(Task.Run(() => EndWriting(() => Compact(through)), CancellationToken.None));
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        var isSound = _store is { IsOpen: true, Failure: null };
        if (_store.BeginDispose())
        {
            try
            {
                if (isSound)
                {
                    _watermark.Close(new Watermark(_batch, _extent.Last));
                }
            }
            finally
            {
                Close();
            }
        }

        return ValueTask.CompletedTask;
    }

    private void Close()
    {
        lock (_gate)
        {
            _watermark.Dispose();
            _database?.Dispose();
            _database = null;
            _lock?.Dispose();
        }
    }

    private StoredLog Open(PeerId peer, GroupId group)
    {
        RocksLibrary.ThrowUnlessInstalled();
        _files.EnsureDirectory();
        _lock = _files.Lock("LOCK");
        var path = _files.PathOf("db");
        var acknowledged = _watermark.Read();
        var recovery = new RocksRecovery(_directory, _extent, _watermark, peer, group);
        var isJudged = acknowledged is not { Batch: 0 } && RocksDatabase.Exists(path);
        if (isJudged)
        {
            // Opening it for writing moves the write-ahead log into tables and removes it: only when it is believed.
            using var found = new RocksDatabase(path, isReadOnly: true);
            recovery.Judge(found, acknowledged);
        }
        else
        {
            _watermark.Check(acknowledged, default, path);
        }

        if (acknowledged is null)
        {
            // Before the database, so that a log without a watermark is always a loss.
            _watermark.Begin(default);
        }

        _database = new RocksDatabase(path, isReadOnly: false);
        if (!isJudged)
        {
            recovery.Judge(_database, acknowledged ?? default(Watermark));
        }

        _batch = recovery.Batch;
        _snapshots.Open();
        _snapshots.CheckCovers(_extent.Base);
        if (acknowledged is not null)
        {
            _watermark.Begin(new Watermark(_batch, _extent.Last));
        }

        WriteIdentity(_database, peer, group);
        _store.EndOpen();
        return _extent.Describe(_snapshots.Repairs);
    }

    private static void WriteIdentity(RocksDatabase database, PeerId peer, GroupId group)
    {
        if (database.Get(RocksFamily.State, RocksState.Identity) is null)
        {
            database.Begin();
            database.Put(RocksFamily.State, RocksState.Identity, RocksState.IdentityOf(peer, group));
            database.Commit();
        }
    }

    private void Write(LogWriteBatch batch)
    {
        var database = _database!;
        database.Begin();
        if (batch.HardState is { } hard)
        {
            StoredForm.Write(hard, _buffer);
            database.Put(RocksFamily.State, RocksState.Hard, _buffer.AsSpan(0, StoredForm.HardStateSize));
        }

        var last = _extent.Last;
        if (batch.TruncateFrom is { } first)
        {
            DeleteFrom(database, first.Value);
            last = new LogPosition(_extent.TermAt(first.Previous), first.Previous);
        }

        foreach (var run in batch.Entries.Span)
        {
            foreach (ref readonly var entry in run.Span)
            {
                Put(database, entry, last.Term != entry.Term || last == _extent.Base);
                last = entry.Position;
            }
        }

        database.Put(RocksFamily.State, RocksState.Last, RocksState.Write(last));
        Commit(database);
        lock (_gate)
        {
            _extent.Apply(batch);
        }

        // The watermark follows the log: never ahead of it, and flushed with every hard state.
        _watermark.Write(new Watermark(_batch, _extent.Last), flush: batch.HardState is not null);
    }

    private void Commit(RocksDatabase database)
    {
        Span<byte> number = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(number, _batch + 1);
        database.Put(RocksFamily.State, RocksState.Batch, number);
        database.Commit();
        _batch++;
    }

    private void Put(RocksDatabase database, in LogEntry entry, bool beginsRun)
    {
        var size = StoredForm.SizeOf(entry);
        if (size > _buffer.Length)
        {
            _buffer = new byte[size];
        }

        StoredForm.Write(entry, _buffer);
        Span<byte> key = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(key, entry.Index.Value);
        database.Put(RocksFamily.Log, key, _buffer.AsSpan(0, size));
        if (beginsRun)
        {
            PutRun(database, entry.Index, entry.Term);
        }

        if (entry.Kind == EntryKind.Configuration)
        {
            database.Put(RocksFamily.State, RocksState.Configuration(entry.Index.Value), []);
        }
    }

    private static void PutRun(RocksDatabase database, LogIndex first, Term term)
    {
        Span<byte> value = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(value, term.Value);
        database.Put(RocksFamily.State, RocksState.Run(first.Value), value);
    }

    private static void DeleteFrom(RocksDatabase database, ulong first) =>
        DeleteRange(database, first, ulong.MaxValue);

    private static void DeleteRange(RocksDatabase database, ulong first, ulong end)
    {
        database.DeleteRange(RocksFamily.Log, RocksDatabase.KeyOf(first), RocksDatabase.KeyOf(end));
        database.DeleteRange(RocksFamily.State, RocksState.Run(first), RocksState.Run(end));
        database.DeleteRange(
            RocksFamily.State,
            RocksState.Configuration(first),
            RocksState.Configuration(end)
        );
    }

    private void Compact(LogPosition through)
    {
        var database = _database!;
        var keeps = _extent.Keeps(through);
        database.Begin();
        database.Put(RocksFamily.State, RocksState.Base, RocksState.Write(through));
        if (keeps)
        {
            var next = through.Index.Next;
            DeleteRange(database, 0, next.Value);
            if (next <= _extent.Last.Index)
            {
                PutRun(database, next, _extent.TermAt(next));
            }
        }
        else
        {
            DeleteFrom(database, 0);
            database.Put(RocksFamily.State, RocksState.Last, RocksState.Write(through));
        }

        Commit(database);
        lock (_gate)
        {
            _extent.Compact(through);
        }

        _watermark.Write(new Watermark(_batch, _extent.Last), flush: false);
    }

    private ReadOnlyMemory<LogEntry> Read(LogRange range, int bytesMax)
    {
        RocksDatabase database;
        lock (_gate)
        {
            _store.ThrowUnlessOpen();
            database = _database!;
            _extent.Check(range);
        }

        var entries = new List<LogEntry>();
        ProposerId? proposer = null;
        var bytes = 0L;
        var next = range.First.Value;
        database.Scan(
            RocksFamily.Log,
            RocksDatabase.KeyOf(next),
            (key, value) =>
            {
                if (
                    BinaryPrimitives.ReadUInt64BigEndian(key) != next
                    || !StoredForm.TryRead(value, ref proposer, out var entry)
                )
                {
                    return false;
                }

                bytes += entry.Payload.Length;
                if (entries.Count > 0 && bytes > bytesMax)
                {
                    return false;
                }

                entries.Add(entry);
                return next++ < range.Last.Value;
            }
        );
        if (entries.Count > 0)
        {
            return entries.ToArray();
        }

        lock (_gate)
        {
            // Truncated or compacted meanwhile: then the range is wrong now. Else the entry is gone.
            _extent.Check(range);
        }

        throw new StorageException(
            StorageFault.Corrupt,
            $"Entry {range.First} can't be read, and the log is said to hold it. " + Advice.Damaged,
            _directory
        );
    }

    private void BeginWriting()
    {
        _store.BeginWrite();
        _startedAt = Math.Max(1, _time.GetTimestamp());
    }

    /// <summary>After a failure nobody knows what reached the disk: nothing is tried again.</summary>
    private void EndWriting(Action write)
    {
        try
        {
            write();
        }
        catch (Exception exception)
        {
            throw _store.Fail(exception, _directory);
        }
        finally
        {
            lock (_gate)
            {
                var took = _time.GetElapsedTime(_startedAt);
                _latency = _latency is { } smoothed ? smoothed + ((took - smoothed) / 8) : took;
                _startedAt = 0;
                _store.EndWrite();
            }
        }
    }
}
