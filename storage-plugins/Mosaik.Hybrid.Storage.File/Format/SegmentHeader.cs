using System.Buffers.Binary;
using Mosaik.Hybrid.Storage.Files;

namespace Mosaik.Hybrid.Storage.FileLog;

/// <summary>The first bytes of a segment: whose it is, and all that is needed to go on from there.</summary>
/// <param name="Number">1, 2, 3, ...: also in the file's name.</param>
/// <param name="Salt">Random, new for every use of a file: tells its records from those of a former use.</param>
/// <param name="Peer">Whose log it is.</param>
/// <param name="Group">Which group's log it is.</param>
/// <param name="FirstBatch">The sequence number of the first batch in it; 1 in the first segment.</param>
/// <param name="Base">The log's base before that batch.</param>
/// <param name="Last">The log's last entry before that batch.</param>
/// <param name="PreviousChain">The checksum of the last record of the segment before; 0 in the first.</param>
/// <param name="Hard">The hard state before that batch; null for none.</param>
internal sealed record SegmentHeader(
    ulong Number,
    ulong Salt,
    PeerId Peer,
    GroupId Group,
    ulong FirstBatch,
    LogPosition Base,
    LogPosition Last,
    uint PreviousChain,
    HardState? Hard
)
{
    public const int Size = 512;
    public const uint Version = 1;

    private static ReadOnlySpan<byte> Magic => "MOSAIKLG"u8;

    /// <summary>Writes the header.</summary>
    /// <returns>Its checksum, with which the chain of records begins.</returns>
    public uint Write(Span<byte> destination)
    {
        destination[..Size].Clear();
        Magic.CopyTo(destination);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[12..], Size);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], Number);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[24..], Salt);
        Peer.CopyTo(destination[32..]);
        Group.CopyTo(destination[64..]);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[96..], FirstBatch);
        RecordForm.Write(Base, destination[104..]);
        RecordForm.Write(Last, destination[120..]);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[136..], PreviousChain);
        if (Hard is { } hard)
        {
            destination[140] = 1;
            StoredForm.Write(hard, destination[144..]);
        }

        var checksum = Crc32C.Of(destination[..(Size - 4)]);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[(Size - 4)..], checksum);
        return checksum;
    }

    /// <summary>Reads a header.</summary>
    /// <param name="source">The first bytes of a file.</param>
    /// <param name="path">The file, for messages.</param>
    /// <param name="chain">The checksum with which the chain of records begins.</param>
    /// <exception cref="StorageException">It is damaged, or a newer version wrote it.</exception>
    public static SegmentHeader Read(ReadOnlySpan<byte> source, string path, out uint chain)
    {
        chain = 0;
        if (source.Length < Size || !source[..8].SequenceEqual(Magic))
        {
            throw Damaged(path);
        }

        chain = BinaryPrimitives.ReadUInt32LittleEndian(source[(Size - 4)..]);
        if (chain != Crc32C.Of(source[..(Size - 4)]))
        {
            throw Damaged(path);
        }

        Advice.CheckVersion(BinaryPrimitives.ReadUInt32LittleEndian(source[8..]), Version, path);
        return new SegmentHeader(
            BinaryPrimitives.ReadUInt64LittleEndian(source[16..]),
            BinaryPrimitives.ReadUInt64LittleEndian(source[24..]),
            PeerId.FromBytes(source.Slice(32, 32)),
            GroupId.FromBytes(source.Slice(64, 32)),
            BinaryPrimitives.ReadUInt64LittleEndian(source[96..]),
            RecordForm.ReadPosition(source[104..]),
            RecordForm.ReadPosition(source[120..]),
            BinaryPrimitives.ReadUInt32LittleEndian(source[136..]),
            source[140] == 1 ? StoredForm.ReadHardState(source[144..]) : null
        );
    }

    private static StorageException Damaged(string path) =>
        new(
            StorageFault.Corrupt,
            "The head of this segment of the log is damaged. " + Advice.Damaged,
            path,
            0
        );
}
