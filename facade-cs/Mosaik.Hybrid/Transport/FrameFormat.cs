namespace Mosaik.Hybrid.Transport;

/// <summary>How a message stands in a stream: length, version, body.</summary>
/// <remarks>
/// <code>
/// offset 0  u32 little-endian  number of bytes that follow: 1 + body
/// offset 4  u8                 version, 1
/// offset 5  body               1 byte or more
/// </code>
/// </remarks>
internal static class FrameFormat
{
    /// <summary>The bytes before the body.</summary>
    public const int HeaderSize = 5;

    /// <summary>The bytes of the length field, which it does not count.</summary>
    public const int LengthSize = 4;

    /// <summary>The version that this end writes and reads.</summary>
    public const byte Version = 1;

    /// <summary>The greatest length before the other end has proved that it belongs: 64 KiB.</summary>
    public const int LengthMaxUnproved = 64 * 1024;

    /// <summary>The greatest length ever: 16 MiB. Larger transfers are cut into several frames.</summary>
    public const int LengthMax = 16 * 1024 * 1024;

    /// <summary>The longest body that can be sent.</summary>
    public const int BodyMax = LengthMax - 1;
}

/// <summary>Which frames go first.</summary>
internal enum FrameLane
{
    /// <summary>Small and urgent: heartbeats, votes, handshakes.</summary>
    Control,

    /// <summary>Everything else; never delays <see cref="Control"/> by more than one slice.</summary>
    Bulk,
}
