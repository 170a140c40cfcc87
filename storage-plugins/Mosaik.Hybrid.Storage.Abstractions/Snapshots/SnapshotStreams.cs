using Mosaik.Hybrid.Storage.Files;

namespace Mosaik.Hybrid.Storage.Snapshots;

/// <summary>Writes content behind a head, in large pieces, and sums it up on the way.</summary>
internal sealed class ContentWriter(StoreFile file, long length, uint checksum) : Stream
{
    /// <summary>
    /// A flush of much at once keeps the disk from the log, whose flushes commands wait for; many small ones let it in
    /// between.
    /// </summary>
    private const long FlushEvery = 16 * 1024 * 1024;

    private readonly byte[] _buffer = new byte[256 * 1024];
    private int _buffered;
    private long _unflushed;
    private long _written = length;

    /// <summary>How many bytes of content there are.</summary>
    public long Count { get; private set; } = length;

    /// <summary>CRC32C of the content so far.</summary>
    public uint Checksum { get; private set; } = checksum;

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => Count;
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        Checksum = Crc32C.Append(Checksum, buffer);
        Count += buffer.Length;
        while (!buffer.IsEmpty)
        {
            if (_buffered == _buffer.Length)
            {
                Flush();
            }

            var taken = Math.Min(buffer.Length, _buffer.Length - _buffered);
            buffer[..taken].CopyTo(_buffer.AsSpan(_buffered));
            _buffered += taken;
            buffer = buffer[taken..];
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override Task WriteAsync(
        byte[] buffer,
        int offset,
        int count,
        CancellationToken cancellationToken
    ) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override ValueTask WriteAsync(
        ReadOnlyMemory<byte> buffer,
        CancellationToken cancellationToken = default
    )
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (buffer.Length <= _buffer.Length - _buffered)
        {
            Write(buffer.Span);
            return ValueTask.CompletedTask;
        }

        return new ValueTask(Task.Run(() => Write(buffer.Span), cancellationToken));
    }

    /// <inheritdoc/>
    public override void Flush()
    {
        file.Write(_buffer.AsSpan(0, _buffered), SnapshotForm.HeadSize + _written);
        _written += _buffered;
        _unflushed += _buffered;
        _buffered = 0;
        if (_unflushed >= FlushEvery)
        {
            file.Flush();
            _unflushed = 0;
        }
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();
}

/// <summary>Reads the content of a snapshot file; owns the file.</summary>
internal sealed class ContentReader(StoreFile file, long length) : Stream
{
    private long _position;

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => true;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => length;

    /// <inheritdoc/>
    public override long Position
    {
        get => _position;
        set => Seek(value, SeekOrigin.Begin);
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        var wanted = (int)Math.Min(buffer.Length, Math.Max(0, length - _position));
        var count = file.Read(buffer[..wanted], SnapshotForm.HeadSize + _position);
        _position += count;
        return count;
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override Task<int> ReadAsync(
        byte[] buffer,
        int offset,
        int count,
        CancellationToken cancellationToken
    ) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(
        Memory<byte> buffer,
        CancellationToken cancellationToken = default
    ) => new(Task.Run(() => Read(buffer.Span), cancellationToken));

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin)
    {
        var target = origin switch
        {
            SeekOrigin.Begin => offset,
            SeekOrigin.Current => _position + offset,
            _ => length + offset,
        };
        ArgumentOutOfRangeException.ThrowIfNegative(target, nameof(offset));
        return _position = target;
    }

    /// <inheritdoc/>
    public override void Flush() { }

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        file.Dispose();
        base.Dispose(disposing);
    }
}
