using System.Buffers.Binary;

namespace Mosaik.Hybrid.Storage.TestKit;

/// <summary>Entries, hard states and ids to test stores with.</summary>
public static class Sample
{
    /// <summary>Whose store it is.</summary>
    public static PeerId Peer { get; } = PeerNumber(1);

    /// <summary>Which group's store it is.</summary>
    public static GroupId Group { get; } = new(BytesNumber(1_000));

    /// <summary>A peer that is different for every number.</summary>
    public static PeerId PeerNumber(int number) => new(BytesNumber(number));

    /// <summary>A member that is different for every number.</summary>
    public static MemberId Member(int number) =>
        new(PeerNumber(number), new Incarnation(new Bytes16(7, (ulong)number)));

    /// <summary>A hard state of the store's own member.</summary>
    public static HardState Hard(ulong term, MemberId? vote = null, LogPosition? acknowledged = null) =>
        new(
            Member(1),
            1,
            new Lineage(new Bytes16(3, 4)),
            new Term(term),
            vote,
            acknowledged ?? LogPosition.Zero
        );

    /// <summary>Consecutive commands of one term.</summary>
    public static LogEntry[] Entries(ulong first, ulong term, int count, int bytes = 8)
    {
        var entries = new LogEntry[count];
        for (var place = 0; place < count; place++)
        {
            entries[place] = Entry(first + (ulong)place, term, bytes);
        }

        return entries;
    }

    /// <summary>A command whose payload tells its place and term.</summary>
    public static LogEntry Entry(ulong index, ulong term, int bytes, EntryKind kind = EntryKind.Command)
    {
        var payload = new byte[bytes];
        for (var place = 0; place < bytes; place++)
        {
            payload[place] = (byte)((index * 31) + (term * 7) + (ulong)place);
        }

        var isCommand = kind == EntryKind.Command;
        return new LogEntry(
            new LogIndex(index),
            new Term(term),
            kind,
            isCommand ? (int)(index % 3) : 0,
            1_700_000_000_000 + (long)index,
            isCommand ? new ProposerId(Member((int)(index % 4)), index % 5) : null,
            isCommand ? index : 0,
            payload
        );
    }

    /// <summary>A batch.</summary>
    public static LogWriteBatch Batch(
        HardState? hard,
        ulong? truncateFrom,
        params ReadOnlyMemory<LogEntry>[] runs
    ) => new(hard, truncateFrom is { } index ? new LogIndex(index) : null, runs);

    /// <summary>A range.</summary>
    public static LogRange Range(ulong first, ulong last) => new(new LogIndex(first), new LogIndex(last));

    /// <summary>A position.</summary>
    public static LogPosition At(ulong term, ulong index) => new(new Term(term), new LogIndex(index));

    private static Bytes32 BytesNumber(int number)
    {
        var bytes = new byte[32];
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(28), number);
        return Bytes32.FromBytes(bytes);
    }
}
