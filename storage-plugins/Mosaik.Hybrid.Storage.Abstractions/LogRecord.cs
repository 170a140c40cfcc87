using System.Buffers.Binary;

namespace Mosaik.Hybrid.Storage;

/// <summary>What a <see cref="RecordedLogStore"/> records, as bytes: whose store it is, batches, bases.</summary>
/// <remarks>Documented byte by byte in docs/storage-format.md. No checksum: that is the store's business.</remarks>
internal static class LogRecord
{
    /// <summary>The version that is written.</summary>
    public const uint Version = 1;

    private const byte Owner = 1;
    private const byte Base = 2;
    private const byte Batch = 3;
    private const int OwnerSize = 1 + 4 + 32 + 32;
    private const int BaseSize = 1 + 8 + 8;
    private const int BatchHeadSize = 1 + 1 + 8 + 4;

    /// <summary>Says whose store it is: the first record.</summary>
    public static byte[] Write(PeerId peer, GroupId group)
    {
        var bytes = new byte[OwnerSize];
        bytes[0] = Owner;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(1), Version);
        peer.CopyTo(bytes.AsSpan(5));
        group.CopyTo(bytes.AsSpan(37));
        return bytes;
    }

    /// <summary>Says that a position becomes the base.</summary>
    public static byte[] Write(LogPosition through)
    {
        var bytes = new byte[BaseSize];
        bytes[0] = Base;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(1), through.Term.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(9), through.Index.Value);
        return bytes;
    }

    /// <summary>All parts of a batch, the entries each behind its length.</summary>
    public static byte[] Write(in LogWriteBatch batch)
    {
        var bytes = new byte[SizeOf(batch)];
        bytes[0] = Batch;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(2), batch.TruncateFrom?.Value ?? 0);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(10), batch.EntryCount);
        var rest = bytes.AsSpan(BatchHeadSize);
        if (batch.HardState is { } hard)
        {
            bytes[1] = 1;
            StoredForm.Write(hard, rest);
            rest = rest[StoredForm.HardStateSize..];
        }

        foreach (var run in batch.Entries.Span)
        {
            foreach (ref readonly var entry in run.Span)
            {
                var size = StoredForm.Write(entry, rest[sizeof(int)..]);
                BinaryPrimitives.WriteInt32LittleEndian(rest, size);
                rest = rest[(sizeof(int) + size)..];
            }
        }

        return bytes;
    }

    /// <summary>Reads whose store it is, and the version of all its records.</summary>
    /// <returns>False when the bytes are no such record.</returns>
    public static bool TryReadOwner(
        ReadOnlySpan<byte> source,
        out uint version,
        out (PeerId Peer, GroupId Group) owner
    )
    {
        (version, owner) = (0, default);
        if (source.Length < OwnerSize || source[0] != Owner)
        {
            return false;
        }

        version = BinaryPrimitives.ReadUInt32LittleEndian(source[1..]);
        owner = (PeerId.FromBytes(source.Slice(5, 32)), GroupId.FromBytes(source.Slice(37, 32)));
        return true;
    }

    /// <summary>Reads a base.</summary>
    /// <returns>False when the bytes are no such record.</returns>
    public static bool TryRead(ReadOnlySpan<byte> source, out LogPosition through)
    {
        through = LogPosition.Zero;
        if (source.Length != BaseSize || source[0] != Base)
        {
            return false;
        }

        through = new LogPosition(
            new Term(BinaryPrimitives.ReadUInt64LittleEndian(source[1..])),
            new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(source[9..]))
        );
        return true;
    }

    /// <summary>Reads a batch; payloads are views of the source.</summary>
    /// <returns>False when the bytes are no such record.</returns>
    public static bool TryRead(ReadOnlyMemory<byte> source, ref ProposerId? proposer, out LogWriteBatch batch)
    {
        batch = default;
        var head = source.Span;
        if (head.Length < BatchHeadSize || head[0] != Batch || head[1] > 1)
        {
            return false;
        }

        var truncateFrom = BinaryPrimitives.ReadUInt64LittleEndian(head[2..]);
        var count = BinaryPrimitives.ReadInt32LittleEndian(head[10..]);
        HardState? hard = null;
        var rest = source[BatchHeadSize..];
        if (head[1] == 1)
        {
            hard = StoredForm.ReadHardState(rest.Span);
            if (hard is null)
            {
                return false;
            }

            rest = rest[StoredForm.HardStateSize..];
        }

        if (!TryReadEntries(rest, count, ref proposer, out var entries))
        {
            return false;
        }

        batch = new LogWriteBatch(
            hard,
            truncateFrom == 0 ? null : new LogIndex(truncateFrom),
            new ReadOnlyMemory<LogEntry>[] { entries }
        );
        return true;
    }

    private static bool TryReadEntries(
        ReadOnlyMemory<byte> rest,
        int count,
        ref ProposerId? proposer,
        out LogEntry[] entries
    )
    {
        entries = [];
        if (count < 0 || count > rest.Length / sizeof(int))
        {
            // More than there can be: no memory is set aside for a number that is wrong.
            return false;
        }

        var read = new LogEntry[count];
        for (var place = 0; place < count; place++)
        {
            var size = rest.Length < sizeof(int) ? -1 : BinaryPrimitives.ReadInt32LittleEndian(rest.Span);
            if (
                size < 0
                || size > rest.Length - sizeof(int)
                || !StoredForm.TryRead(rest.Slice(sizeof(int), size), ref proposer, out read[place])
            )
            {
                return false;
            }

            rest = rest[(sizeof(int) + size)..];
        }

        entries = read;
        return rest.IsEmpty;
    }

    private static int SizeOf(in LogWriteBatch batch)
    {
        var size = BatchHeadSize + (batch.HardState is null ? 0L : StoredForm.HardStateSize);
        foreach (var run in batch.Entries.Span)
        {
            foreach (ref readonly var entry in run.Span)
            {
                size += sizeof(int) + StoredForm.SizeOf(entry);
            }
        }

        return size <= Array.MaxLength
            ? (int)size
            : throw new ArgumentException($"A batch has at most {Array.MaxLength} bytes.", nameof(batch));
    }
}
