using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Mosaik.Hybrid.Cli.Kv;

/// <summary>Commands as bytes: operation (1 byte), length of the key (4 bytes, little-endian), key, value; both UTF-8.</summary>
internal sealed class KvCodec : ICommandCodec<KvCommand>
{
    private const int HeaderLength = 5;

    /// <summary>Replaces nothing: what is not text is refused when it is written, and when it is read.</summary>
    private static readonly UTF8Encoding s_strict = new(false, throwOnInvalidBytes: true);

    /// <inheritdoc/>
    public string Name => "mosaik.kv.binary/1";

    /// <inheritdoc/>
    public void Encode(KvCommand value, IBufferWriter<byte> output)
    {
        var keyLength = s_strict.GetByteCount(value.Key);
        var length = HeaderLength + keyLength + s_strict.GetByteCount(value.Value);
        var span = output.GetSpan(length);
        span[0] = (byte)value.Operation;
        BinaryPrimitives.WriteInt32LittleEndian(span[1..], keyLength);
        s_strict.GetBytes(value.Key, span[HeaderLength..]);
        s_strict.GetBytes(value.Value, span[(HeaderLength + keyLength)..]);
        output.Advance(length);
    }

    /// <inheritdoc/>
    /// <exception cref="FormatException">The bytes are no command.</exception>
    public KvCommand Decode(ReadOnlyMemory<byte> bytes)
    {
        var span = bytes.Span;
        if (span.Length < HeaderLength || span[0] is not ((byte)KvOperation.Put or (byte)KvOperation.Delete))
        {
            throw new FormatException("These bytes are no command of the map: they have no known operation.");
        }

        var keyLength = BinaryPrimitives.ReadInt32LittleEndian(span[1..]);
        if (keyLength < 0 || keyLength > span.Length - HeaderLength)
        {
            throw new FormatException("These bytes are no command of the map: the key is cut off.");
        }

        var rest = span[HeaderLength..];
        return new KvCommand(
            (KvOperation)span[0],
            s_strict.GetString(rest[..keyLength]),
            s_strict.GetString(rest[keyLength..])
        );
    }
}
