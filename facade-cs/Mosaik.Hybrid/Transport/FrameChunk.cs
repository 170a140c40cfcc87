using System.Buffers;
using System.Buffers.Binary;

namespace Mosaik.Hybrid.Transport;

/// <summary>Whole frames, back to back, in one pooled array: what one write sends.</summary>
/// <remarks>Not thread-safe. The array goes back to the pool only after its write has ended well.</remarks>
internal sealed class FrameChunk : IBufferWriter<byte>
{
    private const int SizeInitial = 4 * 1024;

    private byte[] _array = ArrayPool<byte>.Shared.Rent(SizeInitial);
    private int _end;

    /// <summary>The bytes in use.</summary>
    public int Length => _end;

    /// <summary>The frames.</summary>
    public ReadOnlyMemory<byte> Written => _array.AsMemory(0, _end);

    /// <summary>Adds one frame.</summary>
    public void Add(ReadOnlySpan<byte> body)
    {
        Reserve(FrameFormat.HeaderSize + body.Length);
        body.CopyTo(_array.AsSpan(_end + FrameFormat.HeaderSize));
        var start = _end;
        _end += FrameFormat.HeaderSize + body.Length;
        WriteHeader(start);
    }

    /// <summary>Adds one frame whose body the function writes. If it throws, the chunk is as before.</summary>
    /// <exception cref="InvalidOperationException">The body is empty or longer than a frame may be.</exception>
    public void Add<TState>(TState state, Action<TState, IBufferWriter<byte>> encode)
    {
        var start = _end;
        Reserve(FrameFormat.HeaderSize);
        _end += FrameFormat.HeaderSize;
        var complete = false;
        try
        {
            encode(state, this);
            var body = _end - start - FrameFormat.HeaderSize;
            if (body is < 1 or > FrameFormat.BodyMax)
            {
                throw new InvalidOperationException(
                    $"A frame's body is 1 to {FrameFormat.BodyMax} bytes; this one has {body}. Send larger data in parts."
                );
            }

            WriteHeader(start);
            complete = true;
        }
        finally
        {
            _end = complete ? _end : start;
        }
    }

    /// <summary>Adds all frames of another chunk.</summary>
    public void AddAll(FrameChunk other)
    {
        Reserve(other._end);
        other._array.AsSpan(0, other._end).CopyTo(_array.AsSpan(_end));
        _end += other._end;
    }

    /// <summary>Forgets what was added after the length.</summary>
    public void TruncateTo(int length) => _end = length;

    /// <summary>Gives the array back. Nothing may use the chunk, or <see cref="Written"/>, afterwards.</summary>
    public void Recycle()
    {
        ArrayPool<byte>.Shared.Return(_array);
        _array = [];
        _end = 0;
    }

    void IBufferWriter<byte>.Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _array.Length - _end);
        _end += count;
    }

    Memory<byte> IBufferWriter<byte>.GetMemory(int sizeHint)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _array.AsMemory(_end);
    }

    Span<byte> IBufferWriter<byte>.GetSpan(int sizeHint)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _array.AsSpan(_end);
    }

    private void WriteHeader(int start)
    {
        var header = _array.AsSpan(start, FrameFormat.HeaderSize);
        BinaryPrimitives.WriteInt32LittleEndian(header, _end - start - FrameFormat.LengthSize);
        header[FrameFormat.LengthSize] = FrameFormat.Version;
    }

    private void Reserve(int count)
    {
        if (count <= _array.Length - _end)
        {
            return;
        }

        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(checked(_end + count), 2 * _array.Length));
        _array.AsSpan(0, _end).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_array);
        _array = larger;
    }
}
