using System.Buffers.Binary;

namespace Mosaik.Hybrid.Storage.FileLog;

/// <summary>What a record is for.</summary>
internal enum RecordKind : byte
{
    /// <summary>An entry of the log.</summary>
    Entry = 1,

    /// <summary>A new hard state.</summary>
    HardState = 2,

    /// <summary>The position that becomes the last one; what is after it is removed.</summary>
    Truncate = 3,

    /// <summary>A new base, and whether the entries after it stay.</summary>
    Base = 4,

    /// <summary>The end of a batch: all before it, from the commit before, count together.</summary>
    Commit = 5,
}

/// <summary>The bytes of records; docs/storage-format.md has them one by one.</summary>
internal static class RecordForm
{
    /// <summary>Checksum, size, salt, kind, padding.</summary>
    public const int HeadSize = 16;
    public const int Alignment = 8;
    public const int HardStateSize = HeadSize + StoredForm.HardStateSize;
    public const int TruncateSize = HeadSize + 16;
    public const int BaseSize = HeadSize + 24;
    public const int CommitSize = HeadSize + 32;

    /// <summary>The size of a record with a body of so many bytes: a multiple of eight.</summary>
    public static long SizeOf(long body) => (HeadSize + body + Alignment - 1) & ~(long)(Alignment - 1);

    /// <summary>Writes a record's head but for its checksum.</summary>
    public static void WriteHead(Span<byte> destination, long size, ulong salt, RecordKind kind, int padding)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], (uint)size);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], (uint)salt);
        destination[12] = (byte)kind;
        destination[13] = (byte)padding;
        destination[14] = destination[15] = 0;
    }

    /// <summary>Sums up a whole record after the one before it, and puts the checksum in its place.</summary>
    public static uint Seal(Span<byte> record, uint chain)
    {
        var checksum = Crc32C.Append(chain, record[4..]);
        BinaryPrimitives.WriteUInt32LittleEndian(record, checksum);
        return checksum;
    }

    /// <summary>Writes the body of a commit, which proves by itself that a batch was begun here.</summary>
    public static void WriteCommit(Span<byte> body, ulong salt, ulong sequence, int records)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(body, salt);
        BinaryPrimitives.WriteUInt64LittleEndian(body[8..], sequence);
        BinaryPrimitives.WriteInt32LittleEndian(body[16..], records);
        BinaryPrimitives.WriteInt32LittleEndian(body[20..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(body[24..], Crc32C.Of(body[..24]));
        BinaryPrimitives.WriteInt32LittleEndian(body[28..], 0);
    }

    /// <summary>Reads the sequence of a commit whose own checksum holds; 0 for anything else.</summary>
    public static ulong ReadCommit(ReadOnlySpan<byte> body, ulong salt) =>
        body.Length >= 32
        && BinaryPrimitives.ReadUInt64LittleEndian(body) == salt
        && BinaryPrimitives.ReadUInt32LittleEndian(body[24..]) == Crc32C.Of(body[..24])
            ? BinaryPrimitives.ReadUInt64LittleEndian(body[8..])
            : 0;

    public static void Write(LogPosition position, Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(destination, position.Term.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], position.Index.Value);
    }

    public static LogPosition ReadPosition(ReadOnlySpan<byte> source) =>
        new(
            new Term(BinaryPrimitives.ReadUInt64LittleEndian(source)),
            new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(source[8..]))
        );
}
