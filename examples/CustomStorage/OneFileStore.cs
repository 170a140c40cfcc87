using System.Buffers.Binary;
using Mosaik.Hybrid;
using Mosaik.Hybrid.Storage;

namespace CustomStorage;

/// <summary>A log in one file: batch after batch, each with its length and checksum. Entries stay in memory too.</summary>
/// <remarks>Never gives space back, and reads all of it at the start: a beginning, not an end.</remarks>
public sealed class OneFileStore(string directory) : ILogStorage
{
    private readonly LogExtent _extent = new();
    private readonly List<LogEntry> _entries = [];
    private readonly SnapshotDirectory _snapshots = new(Path.Combine(directory, "snapshots"));
    private readonly List<string> _repairs = [];
    private FileStream? _file;
    private FileStream? _lock;
    private StorageException? _failure;
    private bool _isDisposed;

    public bool IsVolatile => false;
    public StorageHealth Health => StorageHealth.Unknown;
    public ISnapshotStorage Snapshots => _snapshots;

    public ValueTask<StoredLog> OpenAsync(
        PeerId peer,
        GroupId group,
        CancellationToken cancellationToken = default
    )
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (_file is not null)
        {
            throw new InvalidOperationException("This store is open already.");
        }

        Directory.CreateDirectory(directory);
        var path = Path.Combine(directory, "log");
        // Write-through: a write returns when the disk has it, and throws when it fails.
        var options = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite,
            Options = FileOptions.WriteThrough,
            BufferSize = 0,
        };
        try
        {
            _lock = new FileStream(
                path + ".lock",
                FileMode.OpenOrCreate,
                FileAccess.ReadWrite,
                FileShare.None
            );
            _file = new FileStream(path, options);
        }
        catch (IOException exception)
        {
            throw new StorageException(
                StorageFault.Locked,
                "Another process has the store.",
                path,
                innerException: exception
            );
        }

        var owner = new byte[64];
        peer.CopyTo(owner);
        group.CopyTo(owner.AsSpan(32));
        Replay(owner);
        _snapshots.Open();
        return new(_extent.Describe(_repairs));
    }

    public ValueTask WriteAsync(LogWriteBatch batch, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_entries)
        {
            ThrowUnlessOpen();
            _extent.Check(batch);
            Append(BatchForm.Write(batch));
            Apply(batch);
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask<ReadOnlyMemory<LogEntry>> ReadAsync(
        LogRange range,
        int bytesMax,
        CancellationToken cancellationToken = default
    )
    {
        lock (_entries)
        {
            ThrowUnlessOpen();
            _extent.Check(range);
            var first = (int)(range.First.Value - _extent.First.Value);
            var (count, bytes) = (1, (long)_entries[first].Payload.Length);
            while (count < range.Count && (bytes += _entries[first + count].Payload.Length) <= bytesMax)
            {
                count++;
            }

            return new(_entries.GetRange(first, count).ToArray());
        }
    }

    public ValueTask CompactAsync(LogPosition through, CancellationToken cancellationToken = default)
    {
        lock (_entries)
        {
            ThrowUnlessOpen();
            _extent.Check(through, _snapshots.Newest);
            Append(BatchForm.Write(through));
            Compact(through);
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        _isDisposed = true;
        _file?.Dispose();
        _lock?.Dispose();
        return ValueTask.CompletedTask;
    }

    private void Apply(in LogWriteBatch batch)
    {
        _extent.Apply(batch);
        var kept = (int)(
            (batch.TruncateFrom ?? _extent.First.Plus(_entries.Count)).Value - _extent.First.Value
        );
        _entries.RemoveRange(kept, _entries.Count - kept);
        foreach (var run in batch.Entries.Span)
        {
            _entries.AddRange(run.Span);
        }
    }

    private void Compact(LogPosition through)
    {
        var dropped = _extent.Keeps(through)
            ? (int)(through.Index.Value - _extent.Base.Index.Value)
            : _entries.Count;
        _extent.Compact(through);
        _entries.RemoveRange(0, dropped);
    }

    /// <summary>A frame: length, checksum, content. One write, which is durable when it returns.</summary>
    private void Append(byte[] content)
    {
        var frame = new byte[8 + content.Length];
        BinaryPrimitives.WriteInt32LittleEndian(frame, content.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(4), Crc32C.Of(content));
        content.CopyTo(frame, 8);
        try
        {
            _file!.Write(frame);
        }
        catch (IOException exception)
        {
            // Nobody knows what reached the disk: only a new instance may look again.
            throw _failure = new StorageException(
                StorageFault.Io,
                exception.Message,
                _file!.Name,
                innerException: exception
            );
        }
    }

    private void Replay(byte[] owner)
    {
        var file = _file!;
        var all = new byte[file.Length];
        file.ReadExactly(all);
        var at = 0;
        for (var frame = 0; TryFrame(all, at, out var content); frame++)
        {
            if (frame == 0 && !content.Span.SequenceEqual(owner))
            {
                throw new StorageException(
                    StorageFault.Foreign,
                    "The store belongs to another peer or group.",
                    file.Name
                );
            }

            at += 8 + content.Length;
            if (frame > 0 && BatchForm.TryReadBase(content, out var through))
            {
                Compact(through);
            }
            else if (frame > 0)
            {
                Apply(BatchForm.Read(content));
            }
        }

        // A crash cuts the last frame short. One that is whole and wrong is damage, and stays for somebody to look at.
        if (
            at + 8 <= all.Length
            && BinaryPrimitives.ReadInt32LittleEndian(all.AsSpan(at)) <= all.Length - at - 8
        )
        {
            throw new StorageException(StorageFault.Corrupt, "A batch is damaged.", file.Name, at);
        }

        if (at < all.Length)
        {
            _repairs.Add($"Cut off {all.Length - at} bytes of a batch that was not written whole.");
            file.SetLength(at);
        }

        file.Position = at;
        if (at == 0)
        {
            Append(owner);
        }
    }

    private static bool TryFrame(byte[] all, int at, out ReadOnlyMemory<byte> content)
    {
        content = default;
        var length = at + 8 <= all.Length ? BinaryPrimitives.ReadInt32LittleEndian(all.AsSpan(at)) : -1;
        if (length < 0 || length > all.Length - at - 8)
        {
            return false;
        }

        content = all.AsMemory(at + 8, length);
        return Crc32C.Of(content.Span) == BinaryPrimitives.ReadUInt32LittleEndian(all.AsSpan(at + 4));
    }

    private void ThrowUnlessOpen()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (_failure is not null || _file is null)
        {
            throw _failure ?? (Exception)new InvalidOperationException("Open the store first.");
        }
    }
}
