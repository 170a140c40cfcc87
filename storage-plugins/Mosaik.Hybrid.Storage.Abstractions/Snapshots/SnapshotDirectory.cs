using System.Globalization;
using Mosaik.Hybrid.Storage.Files;
using Mosaik.Hybrid.Storage.Snapshots;

namespace Mosaik.Hybrid.Storage;

/// <summary>Snapshots as files of a directory: for every store that has one.</summary>
/// <remarks>
/// <para>
/// A snapshot is written beside the others, flushed, and renamed: it is there whole or not at all. The two newest are
/// kept. A file that can't be read stays where it is; the next older one is opened in its place.
/// </para>
/// <para>The format is in docs/storage-format.md. Call <see cref="Open"/> first.</para>
/// </remarks>
public sealed class SnapshotDirectory : ISnapshotStorage
{
    private const string Prefix = "snapshot-";
    private const string SavingName = "snapshot.tmp";
    private const string ReceivingName = "receive.part";
    private const string ReceivingInfoName = "receive.info";
    private const int KeptMax = 2;

    private readonly Lock _gate = new();
    private readonly StoreFiles _files;
    private readonly List<string> _repairs = [];
    private List<(string Name, SnapshotInfo Info)> _committed = [];
    private bool _isOpen;
    private bool _isSaving;
    private bool _isReceiving;

    /// <summary>Names the directory; touches nothing.</summary>
    /// <param name="directory">Made if it is not there. Used by one store of one process at a time.</param>
    public SnapshotDirectory(string directory)
        : this(new SystemFiles(directory)) { }

    internal SnapshotDirectory(StoreFiles files) => _files = files;

    /// <inheritdoc/>
    public SnapshotInfo? Newest
    {
        get
        {
            lock (_gate)
            {
                return _committed.Count == 0 ? null : _committed[0].Info;
            }
        }
    }

    /// <summary>What <see cref="Open"/> found and could not use, each in a sentence for an operator.</summary>
    public IReadOnlyList<string> Repairs => _repairs;

    /// <summary>Looks at what is there. Once, before anything else, by whoever holds the store's lock.</summary>
    /// <exception cref="StorageException">
    /// The directory can't be read, or a newer version of the library wrote a snapshot.
    /// </exception>
    public void Open()
    {
        _files.EnsureDirectory();
        var found = new List<(string Name, SnapshotInfo Info)>();
        foreach (var name in _files.List())
        {
            if (name == SavingName)
            {
                // Nobody was told of it.
                _files.Delete(name);
            }
            else if (name.StartsWith(Prefix, StringComparison.Ordinal))
            {
                TryAdd(name, found);
            }
        }

        lock (_gate)
        {
            _committed = [.. found.OrderByDescending(item => item.Info.Position.Index.Value)];
            _isOpen = true;
        }
    }

    /// <summary>Refuses a log whose beginning was cut off when nothing stands for it.</summary>
    /// <param name="basePosition">Where the log begins. After <see cref="Open"/>.</param>
    /// <exception cref="StorageException">No snapshot that can be read reaches as far.</exception>
    public void CheckCovers(LogPosition basePosition)
    {
        if (
            basePosition.Index > LogIndex.Zero
            && (Newest is not { } newest || newest.Position.Index < basePosition.Index)
        )
        {
            throw new StorageException(
                StorageFault.Corrupt,
                $"The log begins after {basePosition}, and no snapshot that can be read stands for what was before. "
                    + Advice.Damaged,
                _files.PathOf("")
            );
        }
    }

    /// <inheritdoc/>
    public ValueTask<SnapshotWriter> CreateAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Enter(ref _isSaving, "Another snapshot is being saved.");
        try
        {
            var file = _files.Create(SavingName);
            file.Write(SnapshotForm.Head(), 0);
            return new ValueTask<SnapshotWriter>(new Saving(this, file));
        }
        catch
        {
            Leave(ref _isSaving);
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask<StoredSnapshot?> OpenAsync(CancellationToken cancellationToken = default)
    {
        ThrowUnlessOpen();
        return new ValueTask<StoredSnapshot?>(
            Task.Run(() => OpenNewest(cancellationToken), cancellationToken)
        );
    }

    /// <inheritdoc/>
    public ValueTask<SnapshotReceiver> ReceiveAsync(
        SnapshotInfo info,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(info);
        if (Newest is { } newest && info.Position.Index <= newest.Position.Index)
        {
            throw new ArgumentException(
                $"The {info} is not newer than what is here: {newest}.",
                nameof(info)
            );
        }

        Enter(ref _isReceiving, "Another snapshot is being received.");
        return new ValueTask<SnapshotReceiver>(
            Task.Run<SnapshotReceiver>(
                () =>
                {
                    try
                    {
                        return Resume(info);
                    }
                    catch
                    {
                        Leave(ref _isReceiving);
                        throw;
                    }
                },
                CancellationToken.None
            )
        );
    }

    private static string NameOf(LogPosition position) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Prefix}{position.Index.Value:x16}-{position.Term.Value:x16}"
        );

    private void TryAdd(string name, List<(string Name, SnapshotInfo Info)> found)
    {
        using var file = _files.Open(name, writable: false);
        try
        {
            var info = SnapshotForm.Read(file);
            if (file.Length != FileLength(info) || name != NameOf(info.Position))
            {
                throw SnapshotForm.Damaged(file, 0);
            }

            found.Add((name, info));
        }
        catch (StorageException exception) when (exception.Fault == StorageFault.Corrupt)
        {
            // Never removed because it can't be read: an operator may know better.
            _repairs.Add($"Left a snapshot aside that can't be read: {exception.Message}");
        }
    }

    private static long FileLength(SnapshotInfo info) =>
        SnapshotForm.HeadSize + info.Length + SnapshotForm.Foot(info).Length;

    private StoredSnapshot? OpenNewest(CancellationToken cancellationToken)
    {
        StorageException? damage = null;
        while (true)
        {
            (string Name, SnapshotInfo Info) candidate;
            lock (_gate)
            {
                if (_committed.Count == 0)
                {
                    return damage is null ? null : throw damage;
                }

                candidate = _committed[0];
            }

            StoreFile file;
            try
            {
                file = _files.Open(candidate.Name, writable: false);
            }
            catch (StorageException) when (!_files.List().Contains(candidate.Name))
            {
                // A newer one took its place between the two lines above.
                lock (_gate)
                {
                    _committed.Remove(candidate);
                }

                continue;
            }

            var (length, checksum) = SnapshotForm.Sum(file, candidate.Info.Length, cancellationToken);
            if (length == candidate.Info.Length && checksum == candidate.Info.Checksum)
            {
                return new StoredSnapshot(candidate.Info, new ContentReader(file, candidate.Info.Length));
            }

            damage = SnapshotForm.Damaged(file, SnapshotForm.HeadSize);
            file.Dispose();
            lock (_gate)
            {
                _committed.Remove(candidate);
            }
        }
    }

    private Receiving Resume(SnapshotInfo info)
    {
        var names = _files.List();
        if (names.Contains(ReceivingName) && names.Contains(ReceivingInfoName) && Describes(info))
        {
            var partial = _files.Open(ReceivingName, writable: true);
            // A crash may have left a file without a head, or more than was announced: then begin anew.
            var (length, checksum) = SnapshotForm.Sum(partial, info.Length, CancellationToken.None);
            if (partial.Length >= SnapshotForm.HeadSize)
            {
                return new Receiving(this, partial, info, length, checksum);
            }

            partial.Dispose();
        }

        using (var description = _files.Create(ReceivingInfoName))
        {
            description.Write(SnapshotForm.Foot(info), 0);
        }

        return new Receiving(this, _files.Create(ReceivingName), info, 0, 0);
    }

    private bool Describes(SnapshotInfo info)
    {
        using var file = _files.Open(ReceivingInfoName, writable: false);
        try
        {
            return SnapshotForm.ReadFoot(file, 0).Equals(info);
        }
        catch (StorageException exception) when (exception.Fault == StorageFault.Corrupt)
        {
            return false;
        }
    }

    /// <summary>Ends a file with its foot, makes it durable under its name, and forgets what is too old.</summary>
    private void Commit(string name, StoreFile file, SnapshotInfo info)
    {
        file.SetLength(SnapshotForm.HeadSize + info.Length);
        file.Write(SnapshotForm.Foot(info), SnapshotForm.HeadSize + info.Length);
        file.Flush();
        _files.Rename(name, NameOf(info.Position));
        _files.SyncDirectory();
        List<(string Name, SnapshotInfo Info)> old;
        lock (_gate)
        {
            _committed.RemoveAll(item => item.Name == NameOf(info.Position));
            _committed.Add((NameOf(info.Position), info));
            _committed.Sort(
                static (left, right) =>
                    right.Info.Position.Index.Value.CompareTo(left.Info.Position.Index.Value)
            );
            old = [.. _committed.Skip(KeptMax)];
            _committed.RemoveRange(Math.Min(KeptMax, _committed.Count), old.Count);
        }

        foreach (var item in old)
        {
            _files.Delete(item.Name);
        }
    }

    private void Enter(ref bool isBusy, string refusal)
    {
        ThrowUnlessOpen();
        lock (_gate)
        {
            if (isBusy)
            {
                throw new InvalidOperationException(refusal);
            }

            isBusy = true;
        }
    }

    private void Leave(ref bool isBusy)
    {
        lock (_gate)
        {
            isBusy = false;
        }
    }

    private void ThrowUnlessOpen()
    {
        lock (_gate)
        {
            if (!_isOpen)
            {
                throw new InvalidOperationException("Open the store before its snapshots.");
            }
        }
    }

    private sealed class Saving(SnapshotDirectory owner, StoreFile file) : SnapshotWriter
    {
        private readonly ContentWriter _content = new(file, 0, 0);
        private bool _isOver;

        public override Stream Content => _content;

        public override async ValueTask<SnapshotInfo> CommitAsync(
            LogPosition position,
            ReadOnlyMemory<byte> configuration,
            CancellationToken cancellationToken = default
        )
        {
            ObjectDisposedException.ThrowIf(_isOver, this);
            var info = new SnapshotInfo(position, configuration.ToArray(), _content.Count, _content.Checksum);
            await Task.Run(
                    () =>
                    {
                        _content.Flush();
                        owner.Commit(SavingName, file, info);
                    },
                    cancellationToken
                )
                .ConfigureAwait(false);
            End();
            return info;
        }

        public override ValueTask DisposeAsync()
        {
            if (!_isOver)
            {
                owner._files.Delete(SavingName);
                End();
            }

            return ValueTask.CompletedTask;
        }

        private void End()
        {
            _isOver = true;
            file.Dispose();
            owner.Leave(ref owner._isSaving);
        }
    }

    private sealed class Receiving : SnapshotReceiver
    {
        private readonly SnapshotDirectory _owner;
        private readonly StoreFile _file;
        private readonly SnapshotInfo _info;
        private readonly ContentWriter _content;
        private bool _isOver;

        public Receiving(
            SnapshotDirectory owner,
            StoreFile file,
            SnapshotInfo info,
            long length,
            uint checksum
        )
        {
            (_owner, _file, _info) = (owner, file, info);
            file.Write(SnapshotForm.Head(), 0);
            _content = new ContentWriter(file, length, checksum);
        }

        public override long Offset => _content.Count;

        public override ValueTask AppendAsync(
            ReadOnlyMemory<byte> chunk,
            CancellationToken cancellationToken = default
        )
        {
            ObjectDisposedException.ThrowIf(_isOver, this);
            if (chunk.Length > _info.Length - _content.Count)
            {
                throw new ArgumentException($"The {_info} ends before this chunk does.", nameof(chunk));
            }

            return _content.WriteAsync(chunk, cancellationToken);
        }

        public override async ValueTask CommitAsync(CancellationToken cancellationToken = default)
        {
            ObjectDisposedException.ThrowIf(_isOver, this);
            if (_content.Count < _info.Length)
            {
                throw new InvalidOperationException($"Only {_content.Count} bytes of the {_info} have come.");
            }

            await Task.Run(Finish, cancellationToken).ConfigureAwait(false);
        }

        public override ValueTask DisposeAsync()
        {
            if (!_isOver)
            {
                try
                {
                    _content.Flush();
                }
                finally
                {
                    End();
                }
            }

            return ValueTask.CompletedTask;
        }

        private void Finish()
        {
            _content.Flush();
            if (_content.Checksum != _info.Checksum)
            {
                End();
                _owner._files.Delete(ReceivingName);
                throw new StorageException(
                    StorageFault.Corrupt,
                    $"What came of the {_info} has another checksum. It is fetched again.",
                    _owner._files.PathOf(ReceivingName)
                );
            }

            _owner.Commit(ReceivingName, _file, _info);
            _owner._files.Delete(ReceivingInfoName);
            End();
        }

        private void End()
        {
            _isOver = true;
            _file.Dispose();
            _owner.Leave(ref _owner._isReceiving);
        }
    }
}
