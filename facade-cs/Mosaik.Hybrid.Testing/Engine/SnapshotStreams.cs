namespace Mosaik.Hybrid.Testing.Engine;

/// <summary>Takes a snapshot's bytes in order, as a store does.</summary>
internal sealed class SnapshotSink : Stream
{
    private readonly MemoryStream _bytes = new();

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException("A snapshot is written in order.");

    public override long Position
    {
        get => throw new NotSupportedException("A snapshot is written in order.");
        set => throw new NotSupportedException("A snapshot is written in order.");
    }

    public byte[] ToArray() => _bytes.ToArray();

    public override void Write(byte[] buffer, int offset, int count) => _bytes.Write(buffer, offset, count);

    public override void Flush() { }

    public override int Read(byte[] buffer, int offset, int count) =>
        throw new NotSupportedException("A snapshot that is written can't be read.");

    public override long Seek(long offset, SeekOrigin origin) =>
        throw new NotSupportedException("A snapshot is written in order.");

    public override void SetLength(long value) =>
        throw new NotSupportedException("A snapshot is written in order.");
}

/// <summary>Gives a snapshot's bytes in order and a few at a time: whoever counts on full reads is found out.</summary>
internal sealed class SnapshotSource(ReadOnlyMemory<byte> bytes) : Stream
{
    /// <summary>Odd, so that no field is as long.</summary>
    private const int BytesAReadMax = 7;

    private int _place;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException("A snapshot is read in order.");

    public override long Position
    {
        get => throw new NotSupportedException("A snapshot is read in order.");
        set => throw new NotSupportedException("A snapshot is read in order.");
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        var read = Math.Min(Math.Min(count, BytesAReadMax), bytes.Length - _place);
        bytes.Span.Slice(_place, read).CopyTo(buffer.AsSpan(offset, read));
        _place += read;
        return read;
    }

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) =>
        throw new NotSupportedException("A snapshot is read in order.");

    public override void SetLength(long value) =>
        throw new NotSupportedException("A snapshot can't be changed.");

    public override void Write(byte[] buffer, int offset, int count) =>
        throw new NotSupportedException("A snapshot can't be changed.");
}
