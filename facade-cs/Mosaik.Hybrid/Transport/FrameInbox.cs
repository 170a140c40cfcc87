using System.Buffers.Binary;

namespace Mosaik.Hybrid.Transport;

/// <summary>Cuts the incoming bytes of one link into frames.</summary>
/// <remarks>
/// One thread at a time. Bodies are slices of the array that the link read into; the array is only ever filled
/// forward and never reused, so whoever holds a body owns it.
/// </remarks>
internal sealed class FrameInbox
{
    private const int ArraySize = 64 * 1024;
    private const int RoomMin = 4 * 1024;

    private byte[] _array = [];
    private int _start;
    private int _end;

    /// <summary>The greatest length field that is taken.</summary>
    public int LengthMax { get; set; } = FrameFormat.LengthMaxUnproved;

    /// <summary>True between frames: the stream may end here.</summary>
    public bool IsEmpty => _start == _end;

    /// <summary>Takes the next frame's body if all of it is here.</summary>
    /// <exception cref="FrameException">The frame is too large, empty or of an unknown version.</exception>
    public bool TryTake(out ReadOnlyMemory<byte> body)
    {
        if (!TryReadLength(out var length) || _end - _start < FrameFormat.LengthSize + length)
        {
            body = default;
            return false;
        }

        body = _array.AsMemory(_start + FrameFormat.HeaderSize, length - 1);
        _start += FrameFormat.LengthSize + length;
        return true;
    }

    /// <summary>Where the link reads into: room for the rest of the frame that has begun, or more.</summary>
    public Memory<byte> Room()
    {
        var pending = _end - _start;
        var lengthIsKnown = TryReadLength(out var length);
        var needed = lengthIsKnown ? FrameFormat.LengthSize + length : RoomMin;
        if (_start + needed > _array.Length)
        {
            var next = new byte[Math.Max(ArraySize, needed)];
            _array.AsSpan(_start, pending).CopyTo(next);
            (_array, _start, _end) = (next, 0, pending);
        }

        return _array.AsMemory(_end);
    }

    /// <summary>Says how many bytes the link has read.</summary>
    public void Advance(int count) => _end += count;

    private bool TryReadLength(out int length)
    {
        var pending = _array.AsSpan(_start, _end - _start);
        if (pending.Length < FrameFormat.LengthSize)
        {
            length = 0;
            return false;
        }

        var announced = BinaryPrimitives.ReadUInt32LittleEndian(pending);
        if (announced > LengthMax)
        {
            throw new FrameException(
                FrameFault.TooLarge,
                $"A frame of {announced} bytes was announced; at most {LengthMax} are taken."
            );
        }

        if (announced <= 1)
        {
            throw new FrameException(FrameFault.Empty, "A frame without a body arrived.");
        }

        length = (int)announced;
        if (pending.Length > FrameFormat.LengthSize && pending[FrameFormat.LengthSize] != FrameFormat.Version)
        {
            throw new FrameException(
                FrameFault.UnknownVersion,
                $"A frame of version {pending[FrameFormat.LengthSize]} arrived; this end reads {FrameFormat.Version}."
            );
        }

        return true;
    }
}
