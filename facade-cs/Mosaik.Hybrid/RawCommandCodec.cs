using System.Buffers;

namespace Mosaik.Hybrid;

/// <summary>Takes commands that are bytes already, as they are.</summary>
public sealed class RawCommandCodec : ICommandCodec<ReadOnlyMemory<byte>>
{
    /// <summary><c>raw/1</c>.</summary>
    public string Name => "raw/1";

    /// <summary>Appends the bytes.</summary>
    public void Encode(ReadOnlyMemory<byte> value, IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        output.Write(value.Span);
    }

    /// <summary>The very bytes, not a copy.</summary>
    public ReadOnlyMemory<byte> Decode(ReadOnlyMemory<byte> bytes) => bytes;
}
