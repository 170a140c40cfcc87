using System.Buffers.Binary;
using Mosaik.Hybrid.Storage.Files;

namespace Mosaik.Hybrid.Storage.FileLog;

/// <summary>Reads entries back, and believes none without its checksum.</summary>
internal static class LogReader
{
    private const int ChunkBytesMax = 1024 * 1024;

    /// <summary>Reads from the first index on: at least one entry, at most up to a last one or a limit of bytes.</summary>
    /// <param name="mark">A place at or before the first entry. The caller holds the segment.</param>
    /// <param name="first">The first index that is wanted.</param>
    /// <param name="last">The last index that can be read from this mark and is wanted.</param>
    /// <param name="bytesMax">The most payload bytes, but for a single larger first entry.</param>
    /// <exception cref="StorageException">The file can't be read, or a checksum does not hold.</exception>
    public static ReadOnlyMemory<LogEntry> Read(in LogMark mark, ulong first, ulong last, int bytesMax)
    {
        var entries = new List<LogEntry>((int)Math.Min(last - first + 1, 1024));
        ProposerId? proposer = null;
        var offset = mark.Offset;
        var chain = mark.Chain;
        var payload = 0L;
        var wanted = (int)Math.Min(LogMarks.Stride + bytesMax + 4096L, ChunkBytesMax);
        while (entries.Count == 0)
        {
            var chunk = ReadChunk(mark.Segment, offset, wanted);
            var place = 0;
            while (TrySize(chunk.Span[place..], out var size, out wanted))
            {
                var record = chunk.Slice(place, size);
                chain = Check(record.Span, chain, mark.Segment, offset + place);
                place += size;
                if (record.Span[12] != (byte)RecordKind.Entry)
                {
                    continue;
                }

                var body = record[RecordForm.HeadSize..^record.Span[13]];
                if (!StoredForm.TryRead(body, ref proposer, out var entry))
                {
                    throw Damaged(mark.Segment, offset + place - size);
                }

                if (entry.Index.Value < first)
                {
                    continue;
                }

                payload += entry.Payload.Length;
                if (entries.Count > 0 && payload > bytesMax)
                {
                    return entries.ToArray();
                }

                entries.Add(entry);
                if (entry.Index.Value == last)
                {
                    return entries.ToArray();
                }
            }

            if (place == 0 && chunk.Length >= Math.Min(wanted, mark.Segment.Capacity - offset))
            {
                throw Damaged(mark.Segment, offset);
            }

            offset += place;
        }

        return entries.ToArray();
    }

    private static ReadOnlyMemory<byte> ReadChunk(Segment segment, long offset, int wanted)
    {
        var length = (int)Math.Min(wanted, segment.Capacity - offset);
        if (length < RecordForm.HeadSize)
        {
            throw Damaged(segment, offset);
        }

        var chunk = GC.AllocateUninitializedArray<byte>(length);
        var read = segment.File.Read(chunk, offset);
        return read == length ? chunk : throw Damaged(segment, offset + read);
    }

    /// <summary>False when the record does not fit; then says how long the next chunk must be.</summary>
    private static bool TrySize(ReadOnlySpan<byte> rest, out int size, out int wanted)
    {
        size = 0;
        wanted = ChunkBytesMax;
        if (rest.Length < RecordForm.HeadSize)
        {
            return false;
        }

        size = BinaryPrimitives.ReadInt32LittleEndian(rest[4..]);
        if (size <= rest.Length && size >= RecordForm.HeadSize + rest[13])
        {
            return true;
        }

        wanted = Math.Max(size, RecordForm.HeadSize);
        return false;
    }

    private static uint Check(ReadOnlySpan<byte> record, uint chain, Segment segment, long offset)
    {
        var checksum = BinaryPrimitives.ReadUInt32LittleEndian(record);
        return Crc32C.Append(chain, record[4..]) == checksum ? checksum : throw Damaged(segment, offset);
    }

    private static StorageException Damaged(Segment segment, long offset) =>
        new(
            StorageFault.Corrupt,
            "An entry of the log can't be read: its checksum does not hold. " + Advice.Damaged,
            segment.File.Path,
            offset
        );
}
