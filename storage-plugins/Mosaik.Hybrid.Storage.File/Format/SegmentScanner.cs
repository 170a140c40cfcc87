using System.Buffers.Binary;

namespace Mosaik.Hybrid.Storage.FileLog;

/// <summary>A record of a segment that is in memory.</summary>
/// <param name="Kind">What it is for.</param>
/// <param name="Offset">Where it begins, from the segment's start.</param>
/// <param name="BodyLength">How long its body is, without padding.</param>
/// <param name="Chain">The checksum of the record before it.</param>
internal readonly record struct ScannedRecord(RecordKind Kind, int Offset, int BodyLength, uint Chain)
{
    public int BodyOffset => Offset + RecordForm.HeadSize;
}

/// <summary>Reads the batches of a segment in order, and stops at the first that is not whole.</summary>
internal sealed class SegmentScanner(ReadOnlyMemory<byte> segment, SegmentHeader header, uint chain)
{
    /// <summary>Where the next batch begins.</summary>
    public int Offset { get; private set; } = SegmentHeader.Size;

    /// <summary>Where the first record is that does not count; after a read that found no batch.</summary>
    public int EndOffset { get; private set; }

    /// <summary>The checksum of the last record that counts.</summary>
    public uint Chain { get; private set; } = chain;

    /// <summary>The sequence number that the next batch has.</summary>
    public ulong NextBatch { get; private set; } = header.FirstBatch;

    /// <summary>Reads the next batch: its records but for the commit.</summary>
    /// <returns>False when there is none that is whole; nothing moves then.</returns>
    public bool TryRead(List<ScannedRecord> records)
    {
        records.Clear();
        var offset = Offset;
        var link = Chain;
        while (TryRecord(offset, link, out var record, out var next))
        {
            link = BinaryPrimitives.ReadUInt32LittleEndian(segment.Span[offset..]);
            offset = next;
            if (record.Kind != RecordKind.Commit)
            {
                records.Add(record);
                continue;
            }

            if (RecordForm.ReadCommit(BodyOf(record), header.Salt) != NextBatch)
            {
                EndOffset = record.Offset;
                return false;
            }

            Offset = offset;
            Chain = link;
            NextBatch++;
            return true;
        }

        EndOffset = offset;
        return false;
    }

    /// <summary>The body of a record.</summary>
    public ReadOnlySpan<byte> BodyOf(in ScannedRecord record) =>
        segment.Span.Slice(record.BodyOffset, record.BodyLength);

    /// <summary>True when something of this use of the file stands where the next batch would begin.</summary>
    public bool HasRemains =>
        Offset + RecordForm.HeadSize <= segment.Length
        && BinaryPrimitives.ReadUInt32LittleEndian(segment.Span[(Offset + 8)..]) == (uint)header.Salt;

    /// <summary>Looks behind the end for a commit of a later batch than the next.</summary>
    /// <returns>
    /// Where it is; -1 for none. A batch is written only after the one before it is durable, so a later one proves
    /// that the next was here and is damaged.
    /// </returns>
    public int FindLater()
    {
        var span = segment.Span;
        var salt = (uint)header.Salt;
        for (var place = Offset; place + RecordForm.CommitSize <= span.Length; place += RecordForm.Alignment)
        {
            if (
                BinaryPrimitives.ReadUInt32LittleEndian(span[(place + 8)..]) == salt
                && span[place + 12] == (byte)RecordKind.Commit
                && RecordForm.ReadCommit(span.Slice(place + RecordForm.HeadSize, 32), header.Salt) > NextBatch
            )
            {
                return place;
            }
        }

        return -1;
    }

    private bool TryRecord(int offset, uint link, out ScannedRecord record, out int next)
    {
        record = default;
        next = offset;
        var rest = segment.Span[offset..];
        if (rest.Length < RecordForm.HeadSize)
        {
            return false;
        }

        var size = BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]);
        var padding = rest[13];
        if (
            size < RecordForm.HeadSize
            || size % RecordForm.Alignment != 0
            || size > (uint)rest.Length
            || padding >= RecordForm.Alignment
            || size < (uint)(RecordForm.HeadSize + padding)
            || BinaryPrimitives.ReadUInt32LittleEndian(rest[8..]) != (uint)header.Salt
            || Crc32C.Append(link, rest[4..(int)size]) != BinaryPrimitives.ReadUInt32LittleEndian(rest)
        )
        {
            return false;
        }

        record = new ScannedRecord(
            (RecordKind)rest[12],
            offset,
            (int)size - RecordForm.HeadSize - padding,
            link
        );
        next = offset + (int)size;
        return true;
    }
}
