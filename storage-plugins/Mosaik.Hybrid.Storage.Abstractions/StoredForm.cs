using System.Buffers.Binary;

namespace Mosaik.Hybrid.Storage;

/// <summary>Entries and hard states as bytes: the form in which the stores of this library keep them.</summary>
/// <remarks>
/// For authors of stores. Little-endian, documented byte by byte in docs/storage-format.md. It carries no checksum:
/// that is the store's business.
/// </remarks>
public static class StoredForm
{
    /// <summary>How many bytes a hard state takes: 152.</summary>
    public const int HardStateSize = 152;

    private const int EntryFixedSize = 40;
    private const int ProposerSize = 56;
    private const byte HasProposer = 1;
    private const byte HasVote = 1;

    /// <summary>How many bytes an entry takes: 40, 56 more when it has a proposer, and its payload.</summary>
    public static int SizeOf(in LogEntry entry) => PrefixSizeOf(entry) + entry.Payload.Length;

    /// <summary>How many bytes stand before an entry's payload.</summary>
    public static int PrefixSizeOf(in LogEntry entry) =>
        entry.Proposer is null ? EntryFixedSize : EntryFixedSize + ProposerSize;

    /// <summary>Writes an entry.</summary>
    /// <returns>How many bytes were written: <see cref="SizeOf"/>.</returns>
    public static int Write(in LogEntry entry, Span<byte> destination)
    {
        var prefix = WritePrefix(entry, destination);
        entry.Payload.Span.CopyTo(destination[prefix..]);
        return prefix + entry.Payload.Length;
    }

    /// <summary>Writes what stands before an entry's payload.</summary>
    /// <returns>How many bytes were written: <see cref="PrefixSizeOf"/>.</returns>
    public static int WritePrefix(in LogEntry entry, Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(destination, entry.Index.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], entry.Term.Value);
        BinaryPrimitives.WriteInt64LittleEndian(destination[16..], entry.Timestamp);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[24..], entry.Number);
        BinaryPrimitives.WriteInt32LittleEndian(destination[32..], entry.BatchRemaining);
        destination[36] = (byte)entry.Kind;
        destination[38] = destination[39] = 0;
        if (entry.Proposer is not { } proposer)
        {
            destination[37] = 0;
            return EntryFixedSize;
        }

        destination[37] = HasProposer;
        WriteMember(proposer.Member, destination[40..]);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[88..], proposer.Session);
        return EntryFixedSize + ProposerSize;
    }

    /// <summary>Reads an entry; its payload is a view of the source.</summary>
    /// <param name="source">The bytes of one entry, and no others.</param>
    /// <param name="proposer">The proposer of an entry before: taken again when equal, so that none is allocated.</param>
    /// <param name="entry">The entry.</param>
    /// <returns>False when the bytes are no entry.</returns>
    public static bool TryRead(ReadOnlyMemory<byte> source, ref ProposerId? proposer, out LogEntry entry)
    {
        entry = default;
        var span = source.Span;
        if (span.Length < EntryFixedSize || span[36] > (byte)EntryKind.Dissolution || span[37] > HasProposer)
        {
            return false;
        }

        var prefix = EntryFixedSize;
        if (span[37] == HasProposer)
        {
            prefix += ProposerSize;
            if (span.Length < prefix)
            {
                return false;
            }

            ReadProposer(span.Slice(EntryFixedSize, ProposerSize), ref proposer);
        }

        entry = new LogEntry(
            new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(span)),
            new Term(BinaryPrimitives.ReadUInt64LittleEndian(span[8..])),
            (EntryKind)span[36],
            BinaryPrimitives.ReadInt32LittleEndian(span[32..]),
            BinaryPrimitives.ReadInt64LittleEndian(span[16..]),
            span[37] == HasProposer ? proposer : null,
            BinaryPrimitives.ReadUInt64LittleEndian(span[24..]),
            source[prefix..]
        );
        return true;
    }

    /// <summary>Reads term, index and kind of an entry, and nothing else.</summary>
    /// <param name="source">At least the first 40 bytes of an entry.</param>
    /// <param name="kind">What the entry is for.</param>
    public static LogPosition ReadHead(ReadOnlySpan<byte> source, out EntryKind kind)
    {
        kind = (EntryKind)source[36];
        return new LogPosition(
            new Term(BinaryPrimitives.ReadUInt64LittleEndian(source[8..])),
            new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(source))
        );
    }

    /// <summary>Writes a hard state: exactly <see cref="HardStateSize"/> bytes.</summary>
    public static void Write(HardState hard, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(hard);
        destination[..HardStateSize].Clear();
        WriteMember(hard.Member, destination);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[48..], hard.Session);
        hard.Lineage.Value.CopyTo(destination[56..]);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[72..], hard.CurrentTerm.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[80..], hard.Acknowledged.Term.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[88..], hard.Acknowledged.Index.Value);
        if (hard.VotedFor is { } vote)
        {
            WriteMember(vote, destination[96..]);
            destination[144] = HasVote;
        }
    }

    /// <summary>Reads a hard state.</summary>
    /// <returns>Null when the bytes are none.</returns>
    public static HardState? ReadHardState(ReadOnlySpan<byte> source)
    {
        if (source.Length < HardStateSize || source[144] > HasVote)
        {
            return null;
        }

        return new HardState(
            ReadMember(source),
            BinaryPrimitives.ReadUInt64LittleEndian(source[48..]),
            new Lineage(Bytes16.FromBytes(source.Slice(56, 16))),
            new Term(BinaryPrimitives.ReadUInt64LittleEndian(source[72..])),
            source[144] == HasVote ? ReadMember(source[96..]) : null,
            new LogPosition(
                new Term(BinaryPrimitives.ReadUInt64LittleEndian(source[80..])),
                new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(source[88..]))
            )
        );
    }

    private static void WriteMember(MemberId member, Span<byte> destination)
    {
        member.Peer.CopyTo(destination);
        member.Incarnation.Value.CopyTo(destination[32..]);
    }

    private static MemberId ReadMember(ReadOnlySpan<byte> source) =>
        new(PeerId.FromBytes(source[..32]), new Incarnation(Bytes16.FromBytes(source.Slice(32, 16))));

    private static void ReadProposer(ReadOnlySpan<byte> source, ref ProposerId? proposer)
    {
        if (proposer is not null)
        {
            Span<byte> known = stackalloc byte[ProposerSize];
            WriteMember(proposer.Member, known);
            BinaryPrimitives.WriteUInt64LittleEndian(known[48..], proposer.Session);
            if (known.SequenceEqual(source))
            {
                return;
            }
        }

        proposer = new ProposerId(ReadMember(source), BinaryPrimitives.ReadUInt64LittleEndian(source[48..]));
    }
}
