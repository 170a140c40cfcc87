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
/// A directory belongs to one peer and one group. The keys are in docs/storage-format.md.
/// </para>
/// </remarks>
public sealed class RocksDbLogStore : ILogStorage
{
    private readonly string _directory;
    private readonly SnapshotDirectory _snapshots;
    private readonly LogExtent _extent = new();
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private RocksDatabase? _database;
    private StorageException? _failure;
    private byte[] _buffer = new byte[4096];
    private int _wasOpened;
    private bool _isWriting;
    private bool _isDisposed;
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
        _snapshots = new SnapshotDirectory(Path.Combine(_directory, "snapshots"));
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
                    _database is null ? null : new SystemFiles(_directory).FreeBytes
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
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (Interlocked.Exchange(ref _wasOpened, 1) != 0)
        {
            throw new InvalidOperationException(
                "This store was opened before. Give each group on each node a store of its own."
            );
        }

        return new ValueTask<StoredLog>(Task.Run(() => Open(peer, group), CancellationToken.None));
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(LogWriteBatch batch, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            Opened();
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
            Opened();
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
            Opened();
            _extent.Check(through, _snapshots.Newest);
            BeginWriting();
        }

        return new ValueTask(Task.Run(() => EndWriting(() => Compact(through)), CancellationToken.None));
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _isDisposed = true;
            _database?.Dispose();
            _database = null;
        }

        return ValueTask.CompletedTask;
    }

    private StoredLog Open(PeerId peer, GroupId group)
    {
        RocksLibrary.ThrowUnlessInstalled();
        new SystemFiles(_directory).EnsureDirectory();
        var database = new RocksDatabase(Path.Combine(_directory, "db"));
        try
        {
            CheckIdentity(database, peer, group);
            _snapshots.Open();
            Recover(database);
        }
        catch
        {
            database.Dispose();
            throw;
        }

        lock (_gate)
        {
            _database = database;
            return _extent.Describe(_snapshots.Repairs);
        }
    }

    private void CheckIdentity(RocksDatabase database, PeerId peer, GroupId group)
    {
        var expected = RocksState.IdentityOf(peer, group);
        var found = database.Get(RocksFamily.State, RocksState.Identity);
        if (found is null)
        {
            database.Begin();
            database.Put(RocksFamily.State, RocksState.Identity, expected);
            database.Commit();
            return;
        }

        var version = BinaryPrimitives.ReadUInt32LittleEndian(found);
        if (version != RocksState.Version)
        {
            throw new StorageException(
                StorageFault.Unsupported,
                $"The store has format {version}; this version of the library reads format {RocksState.Version}. Run the version that wrote it.",
                _directory
            );
        }

        if (!found.AsSpan().SequenceEqual(expected))
        {
            throw new StorageException(
                StorageFault.Foreign,
                $"The store belongs to peer {PeerId.FromBytes(found.AsSpan(4, 32))} in group "
                    + $"{GroupId.FromBytes(found.AsSpan(36, 32))}; this is peer {peer} in group {group}. Start the node "
                    + "with the identity and the settings that it had, or give it a directory of its own",
                _directory
            );
        }
    }

    private void Recover(RocksDatabase database)
    {
        if (database.Get(RocksFamily.State, RocksState.Hard) is { } hard)
        {
            _extent.Replace(
                StoredForm.ReadHardState(hard)
                    ?? throw new StorageException(
                        StorageFault.Corrupt,
                        "The hard state is damaged",
                        _directory
                    )
            );
        }

        var start = database.Get(RocksFamily.State, RocksState.Base) is { } value
            ? RocksState.Read(value)
            : LogPosition.Zero;
        var last = database.Get(RocksFamily.State, RocksState.Last) is { } end ? RocksState.Read(end) : start;
        CheckEntries(database, start, last);
        var configurations = Keys(database, (byte)'c').Select(static pair => pair.Index).ToList();
        _extent.Restore(
            start,
            last,
            Keys(database, (byte)'t')
                .Select(static pair => new TermRun(
                    new LogIndex(pair.Index),
                    new Term(BinaryPrimitives.ReadUInt64LittleEndian(pair.Value))
                )),
            configurations.Select(static index => new LogIndex(index))
        );
    }

    /// <summary>The log must reach from its base to where it was acknowledged (rule 16).</summary>
    private void CheckEntries(RocksDatabase database, LogPosition start, LogPosition last)
    {
        if (last.Index <= start.Index)
        {
            return;
        }

        foreach (var index in new[] { start.Index.Next.Value, last.Index.Value })
        {
            if (database.Get(RocksFamily.Log, RocksDatabase.KeyOf(index)) is null)
            {
                throw new StorageException(
                    StorageFault.Lost,
                    $"Entry {index} is not there, and this member had acknowledged {last}. It must not vote as the "
                        + "member it was. Move the directory away: the node then joins as a new member and gets the log "
                        + "from the others.",
                    _directory
                );
            }
        }
    }

    private static List<(ulong Index, byte[] Value)> Keys(RocksDatabase database, byte prefix)
    {
        var found = new List<(ulong Index, byte[] Value)>();
        database.Scan(
            RocksFamily.State,
            [prefix],
            (key, value) =>
            {
                // Other keys are words, and longer or shorter than this.
                if (key[0] != prefix || key.Length != 9)
                {
                    return key[0] == prefix;
                }

                found.Add((BinaryPrimitives.ReadUInt64BigEndian(key.AsSpan(1)), value));
                return true;
            }
        );
        return found;
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
        database.Commit();
        lock (_gate)
        {
            _extent.Apply(batch);
        }
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

        database.Commit();
        lock (_gate)
        {
            _extent.Compact(through);
        }
    }

    private ReadOnlyMemory<LogEntry> Read(LogRange range, int bytesMax)
    {
        RocksDatabase database;
        lock (_gate)
        {
            database = Opened();
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
            $"Entry {range.First} can't be read, and the log is said to hold it. Move the directory away: the "
                + "node then joins as a new member and gets the log from the others.",
            _directory
        );
    }

    private RocksDatabase Opened()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return _failure is { } failure
            ? throw failure
            : _database ?? throw new InvalidOperationException("Open the store before anything else.");
    }

    private void BeginWriting()
    {
        if (_isWriting)
        {
            throw new InvalidOperationException("One write at a time: await the one on its way first.");
        }

        _isWriting = true;
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
            _failure =
                exception as StorageException
                ?? new StorageException(StorageFault.Io, exception.Message, _directory, null, exception);
            throw _failure;
        }
        finally
        {
            lock (_gate)
            {
                var took = _time.GetElapsedTime(_startedAt);
                _latency = _latency is { } smoothed ? smoothed + ((took - smoothed) / 8) : took;
                _startedAt = 0;
                _isWriting = false;
            }
        }
    }
}
