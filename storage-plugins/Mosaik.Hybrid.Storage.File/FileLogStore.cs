using Mosaik.Hybrid.Storage.FileLog;
using Mosaik.Hybrid.Storage.Files;

namespace Mosaik.Hybrid.Storage;

/// <summary>Keeps the log in files of a directory: survives the process, the power cord and a second process.</summary>
/// <remarks>
/// <para>
/// Batches are appended to preallocated segments, one flush for each, however many callers it serves. Every record
/// carries a checksum that covers the one before it, so torn, damaged, misplaced and stale bytes are told apart when
/// the store is opened. What a crash explains is cut off and reported. What it does not is refused, naming file and
/// offset; so is a log that is shorter than it once was.
/// </para>
/// <para>
/// A directory belongs to one peer and one group: give every group on every node its own. The format is in
/// docs/storage-format.md. Memory grows by about 32 bytes for every 32 KiB of log.
/// </para>
/// </remarks>
public sealed class FileLogStore : ILogStorage
{
    private const string LockName = "LOCK";
    private const string SnapshotsName = "snapshots";

    private readonly StoreFiles _files;
    private readonly SnapshotDirectory _snapshots;
    private readonly FileLogOptions _options;
    private readonly FreeSpace _freeSpace;
    private readonly StoreGate _gate = new();
    private IDisposable? _lock;
    private LogJournal? _journal;
    private JournalThread? _thread;

    /// <summary>Names the directory; touches nothing.</summary>
    /// <param name="directory">Made when the store is opened, if it is not there.</param>
    /// <param name="options">Defaults unless given.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public FileLogStore(string directory, FileLogOptions? options = null)
        : this(
            new SystemFiles(directory),
            new SystemFiles(Path.Combine(directory, SnapshotsName)),
            options ?? new FileLogOptions()
        ) => _options.Validate();

    internal FileLogStore(StoreFiles files, StoreFiles snapshots, FileLogOptions options)
    {
        _files = files;
        _snapshots = new SnapshotDirectory(snapshots);
        _options = options;
        _freeSpace = new FreeSpace(files, options.TimeProvider);
    }

    /// <summary>False: the log survives. Whether all of it does is a matter of <see cref="Durability"/>.</summary>
    public bool IsVolatile => false;

    /// <inheritdoc/>
    public ISnapshotStorage Snapshots => _snapshots;

    /// <inheritdoc/>
    public StorageHealth Health
    {
        get
        {
            var startedAt = _thread?.StartedAt ?? 0;
            var time = _options.TimeProvider;
            var waited = startedAt == 0 ? TimeSpan.Zero : time.GetElapsedTime(startedAt);
            return new StorageHealth(
                _thread?.Latency,
                waited > _options.StallThreshold ? time.GetUtcNow() - waited : null,
                _journal is null ? null : _freeSpace.Bytes
            );
        }
    }

    /// <summary>True when a directory holds the files of a store, sound or not.</summary>
    public static bool IsStore(string directory) =>
        Directory.Exists(directory)
        && Directory
            .EnumerateFiles(directory)
            .Select(static path => Path.GetFileName(path))
            .Any(static name => name == StateSlots.Name || Segment.TryParse(name, out _));

    /// <summary>Checks a store without changing it: every record, every snapshot.</summary>
    /// <param name="directory">The store's directory. No process may have it open.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    /// <returns>What is there, and everything that is wrong with it.</returns>
    /// <exception cref="StorageException">
    /// It is no store, it is in use, or it can't be read at all. Damage is no exception here, but in the report.
    /// </exception>
    public static Task<FileLogReport> InspectAsync(
        string directory,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        return Task.Run(
            () =>
            {
                var files = new SystemFiles(directory);
                if (!IsStore(directory))
                {
                    throw new StorageException(
                        StorageFault.Missing,
                        "The directory holds no store: neither a state nor a log",
                        directory
                    );
                }

                using var held = files.Lock(LockName);
                var snapshots = new SystemFiles(Path.Combine(directory, SnapshotsName));
                return new LogInspector(files, snapshots, cancellationToken).Run();
            },
            cancellationToken
        );
    }

    /// <inheritdoc/>
    public ValueTask<StoredLog> OpenAsync(
        PeerId peer,
        GroupId group,
        CancellationToken cancellationToken = default
    )
    {
        cancellationToken.ThrowIfCancellationRequested();
        _gate.BeginOpen();
        return new ValueTask<StoredLog>(Task.Run(() => Open(peer, group), CancellationToken.None));
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(LogWriteBatch batch, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var (journal, thread) = Opened();
        lock (journal.Gate)
        {
            journal.Extent.Check(batch);
        }

        if (BatchEncoder.SizeOf(batch) > FileLogOptions.SegmentBytesMax - SegmentHeader.Size)
        {
            throw new ArgumentException(
                $"A batch has at most {FileLogOptions.SegmentBytesMax} bytes.",
                nameof(batch)
            );
        }

        return thread.WriteAsync(batch);
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
        var (journal, thread) = Opened();
        lock (journal.Gate)
        {
            journal.Extent.Check(range);
        }

        return new ValueTask<ReadOnlyMemory<LogEntry>>(
            Task.Run(() => ReadLaterAsync(journal, thread, range, bytesMax), cancellationToken)
        );
    }

    /// <inheritdoc/>
    public ValueTask CompactAsync(LogPosition through, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var (journal, thread) = Opened();
        lock (journal.Gate)
        {
            journal.Extent.Check(through, _snapshots.Newest);
        }

        return thread.CompactAsync(through);
    }

    /// <summary>Makes everything durable and closes the files. After a failed write it only closes them.</summary>
    /// <exception cref="StorageException">What was left to do could not be made durable.</exception>
    public async ValueTask DisposeAsync()
    {
        if (!_gate.BeginDispose())
        {
            return;
        }

        try
        {
            if (_thread is { } thread)
            {
                await thread.CloseAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            _lock?.Dispose();
        }
    }

    private StoredLog Open(PeerId peer, GroupId group)
    {
        _files.EnsureDirectory();
        _lock = _files.Lock(LockName);
        _snapshots.Open();
        var recovery = new JournalRecovery(_files, _options, peer, group);
        var recovered = recovery.Run();
        _snapshots.CheckCovers(recovered.Extent.Base);
        var journal = new LogJournal(_files, _options, recovered);
        journal.Begin();
        _thread = new JournalThread(journal, _gate, _options.TimeProvider);
        _journal = journal;
        _gate.EndOpen();
        return journal.Extent.Describe([.. _snapshots.Repairs, .. recovery.Repairs]);
    }

    private static async Task<ReadOnlyMemory<LogEntry>> ReadLaterAsync(
        LogJournal journal,
        JournalThread thread,
        LogRange range,
        int bytesMax
    )
    {
        LogMark mark = default;
        ulong last = 0;
        if (journal.IsBuffering)
        {
            // Between the two a batch could come that is only in the process, and a mark to where it will be.
            await thread.DrainAsync(Look).ConfigureAwait(false);
        }
        else
        {
            Look();
        }

        try
        {
            return LogReader.Read(mark, range.First.Value, Math.Min(last, range.Last.Value), bytesMax);
        }
        finally
        {
            lock (journal.Gate)
            {
                mark.Segment.Leave();
            }
        }

        void Look()
        {
            lock (journal.Gate)
            {
                // Again: the log may have been truncated or compacted meanwhile.
                journal.Extent.Check(range);
                mark = journal.Marks.For(range.First, out last);
                mark.Segment.Enter();
            }
        }
    }

    private (LogJournal Journal, JournalThread Thread) Opened()
    {
        _gate.ThrowUnlessOpen();
        return (_journal!, _thread!);
    }
}
