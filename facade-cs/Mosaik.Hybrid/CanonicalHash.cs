using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Mosaik.Hybrid;

/// <summary>SHA-256 over labelled, length-prefixed fields, the same in every language. See docs/group-id.md.</summary>
/// <remarks>The prefix keeps neighbours apart: "ab", "c" and "a", "bc" are different fields.</remarks>
internal sealed class CanonicalHash
{
    private readonly List<byte> _bytes = [];

    /// <summary>Begins with a label that no other use of this class has.</summary>
    public CanonicalHash(string label) => Append(label);

    /// <summary>Adds the number of bytes as 4 little-endian bytes, then the bytes.</summary>
    public CanonicalHash Append(ReadOnlySpan<byte> field)
    {
        AppendCount(field.Length);
        _bytes.AddRange(field);
        return this;
    }

    /// <summary>Adds a text as its UTF-8 bytes.</summary>
    public CanonicalHash Append(string field) => Append(Encoding.UTF8.GetBytes(field));

    /// <summary>Adds a number of items to follow, as 4 little-endian bytes.</summary>
    public CanonicalHash AppendCount(int count)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, count);
        _bytes.AddRange(bytes);
        return this;
    }

    /// <summary>Adds a value as 8 little-endian bytes, without a prefix.</summary>
    public CanonicalHash AppendNumber(ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        _bytes.AddRange(bytes);
        return this;
    }

    /// <summary>All that was added: what is hashed.</summary>
    public byte[] ToBytes() => [.. _bytes];

    /// <summary>The 32 bytes of the digest.</summary>
    public byte[] ToDigest() => SHA256.HashData(ToBytes());
}
