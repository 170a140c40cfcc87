namespace Mosaik.Hybrid.Storage.Memory;

/// <summary>Snapshots as arrays: gone with the store.</summary>
internal sealed class MemorySnapshots(Action throwUnlessOpen) : ISnapshotStorage
{
    private readonly Lock _gate = new();
    private (SnapshotInfo Info, byte[] Content)? _newest;
    private (SnapshotInfo Info, MemoryStream Content)? _partial;
    private bool _isSaving;
    private bool _isReceiving;

    /// <inheritdoc/>
    public SnapshotInfo? Newest
    {
        get
        {
            lock (_gate)
            {
                return _newest?.Info;
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask<SnapshotWriter> CreateAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        throwUnlessOpen();
        lock (_gate)
        {
            if (_isSaving)
            {
                throw new InvalidOperationException("Another snapshot is being saved.");
            }

            _isSaving = true;
        }

        return new ValueTask<SnapshotWriter>(new Saving(this));
    }

    /// <inheritdoc/>
    public ValueTask<StoredSnapshot?> OpenAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        throwUnlessOpen();
        lock (_gate)
        {
            return new ValueTask<StoredSnapshot?>(
                _newest is var (info, content)
                    ? new StoredSnapshot(info, new MemoryStream(content, writable: false))
                    : null
            );
        }
    }

    /// <inheritdoc/>
    public ValueTask<SnapshotReceiver> ReceiveAsync(
        SnapshotInfo info,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(info);
        cancellationToken.ThrowIfCancellationRequested();
        throwUnlessOpen();
        lock (_gate)
        {
            if (_newest is var (newest, _) && info.Position.Index <= newest.Position.Index)
            {
                throw new ArgumentException(
                    $"The {info} is not newer than what is here: {newest}.",
                    nameof(info)
                );
            }

            if (_isReceiving)
            {
                throw new InvalidOperationException("Another snapshot is being received.");
            }

            _isReceiving = true;
            if (_partial is not var (known, _) || !known.Equals(info))
            {
                _partial = (info, new MemoryStream());
            }

            return new ValueTask<SnapshotReceiver>(new Receiving(this, info, _partial.Value.Content));
        }
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _newest = null;
            _partial = null;
        }
    }

    private void Commit(SnapshotInfo info, byte[] content)
    {
        lock (_gate)
        {
            if (_newest is not var (newest, _) || newest.Position.Index <= info.Position.Index)
            {
                _newest = (info, content);
            }
        }
    }

    private sealed class Saving(MemorySnapshots owner) : SnapshotWriter
    {
        private readonly MemoryStream _content = new();
        private bool _isOver;

        public override Stream Content => _content;

        public override ValueTask<SnapshotInfo> CommitAsync(
            LogPosition position,
            ReadOnlyMemory<byte> configuration,
            CancellationToken cancellationToken = default
        )
        {
            ObjectDisposedException.ThrowIf(_isOver, this);
            cancellationToken.ThrowIfCancellationRequested();
            var content = _content.ToArray();
            var info = new SnapshotInfo(
                position,
                configuration.ToArray(),
                content.Length,
                Crc32C.Of(content)
            );
            owner.Commit(info, content);
            End();
            return new ValueTask<SnapshotInfo>(info);
        }

        public override ValueTask DisposeAsync()
        {
            if (!_isOver)
            {
                End();
            }

            return ValueTask.CompletedTask;
        }

        private void End()
        {
            _isOver = true;
            lock (owner._gate)
            {
                owner._isSaving = false;
            }
        }
    }

    private sealed class Receiving(MemorySnapshots owner, SnapshotInfo info, MemoryStream content)
        : SnapshotReceiver
    {
        private bool _isOver;

        public override long Offset => content.Length;

        public override ValueTask AppendAsync(
            ReadOnlyMemory<byte> chunk,
            CancellationToken cancellationToken = default
        )
        {
            ObjectDisposedException.ThrowIf(_isOver, this);
            cancellationToken.ThrowIfCancellationRequested();
            if (chunk.Length > info.Length - content.Length)
            {
                throw new ArgumentException($"The {info} ends before this chunk does.", nameof(chunk));
            }

            content.Write(chunk.Span);
            return ValueTask.CompletedTask;
        }

        public override ValueTask CommitAsync(CancellationToken cancellationToken = default)
        {
            ObjectDisposedException.ThrowIf(_isOver, this);
            cancellationToken.ThrowIfCancellationRequested();
            if (content.Length < info.Length)
            {
                throw new InvalidOperationException($"Only {content.Length} bytes of the {info} have come.");
            }

            owner._partial = null;
            End();
            var bytes = content.ToArray();
            if (Crc32C.Of(bytes) != info.Checksum)
            {
                throw new StorageException(
                    StorageFault.Corrupt,
                    $"What came of the {info} has another checksum. It is fetched again."
                );
            }

            owner.Commit(info, bytes);
            return ValueTask.CompletedTask;
        }

        public override ValueTask DisposeAsync()
        {
            if (!_isOver)
            {
                End();
            }

            return ValueTask.CompletedTask;
        }

        private void End()
        {
            _isOver = true;
            lock (owner._gate)
            {
                owner._isReceiving = false;
            }
        }
    }
}
