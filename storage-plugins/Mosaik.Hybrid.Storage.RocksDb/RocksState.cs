using System.Buffers.Binary;

namespace Mosaik.Hybrid.Storage.Rocks;

/// <summary>Keys and values of the state family; docs/storage-format.md lists them.</summary>
internal static class RocksState
{
    public const uint Version = 1;

    public static ReadOnlySpan<byte> Identity => "identity"u8;

    public static ReadOnlySpan<byte> Hard => "hard"u8;

    public static ReadOnlySpan<byte> Base => "base"u8;

    public static ReadOnlySpan<byte> Last => "last"u8;

    /// <summary>How many batches were written: what the watermark is compared with.</summary>
    public static ReadOnlySpan<byte> Batch => "batch"u8;

    /// <summary>A key of the index at which a term begins.</summary>
    public static byte[] Run(ulong index) => [(byte)'t', .. RocksDatabase.KeyOf(index)];

    /// <summary>A key of the index of a configuration.</summary>
    public static byte[] Configuration(ulong index) => [(byte)'c', .. RocksDatabase.KeyOf(index)];

    public static byte[] IdentityOf(PeerId peer, GroupId group)
    {
        var value = new byte[68];
        BinaryPrimitives.WriteUInt32LittleEndian(value, Version);
        peer.CopyTo(value.AsSpan(4));
        group.CopyTo(value.AsSpan(36));
        return value;
    }

    public static byte[] Write(LogPosition position)
    {
        var value = new byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(value, position.Term.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(value.AsSpan(8), position.Index.Value);
        return value;
    }

    public static LogPosition Read(ReadOnlySpan<byte> value) =>
        new(
            new Term(BinaryPrimitives.ReadUInt64LittleEndian(value)),
            new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(value[8..]))
        );
}
