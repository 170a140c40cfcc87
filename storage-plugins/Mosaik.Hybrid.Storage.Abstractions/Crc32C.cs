using System.Buffers.Binary;
using System.Numerics;

namespace Mosaik.Hybrid.Storage;

/// <summary>CRC32C (Castagnoli), continued from an earlier value; hardware does eight bytes in one step.</summary>
/// <remarks>For authors of stores, and for whoever checks a snapshot's content.</remarks>
public static class Crc32C
{
    /// <summary>The checksum of bytes alone.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes) => Append(0, bytes);

    /// <summary>The checksum of earlier bytes and these.</summary>
    /// <param name="checksum">The checksum of the earlier bytes; 0 for none.</param>
    /// <param name="bytes">What follows them.</param>
    public static uint Append(uint checksum, ReadOnlySpan<byte> bytes)
    {
        var register = ~checksum;
        while (bytes.Length >= sizeof(ulong))
        {
            register = BitOperations.Crc32C(register, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }

        foreach (var value in bytes)
        {
            register = BitOperations.Crc32C(register, value);
        }

        return ~register;
    }
}
