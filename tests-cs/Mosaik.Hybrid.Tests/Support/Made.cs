using System.Text.Json;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Runtime;
using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Tests.Support;

/// <summary>Parts of a log made by hand, for tests of one piece of the runtime.</summary>
internal static class Made
{
    public static readonly Lineage Lineage = new(new Bytes16(3, 4));

    public static readonly PeerId Peer = PeerId.FromBytes(Enumerable.Repeat((byte)7, 32).ToArray());

    public static readonly GroupId Group = GroupId.FromBytes(Enumerable.Repeat((byte)9, 32).ToArray());

    public static readonly MemberId Member = new(Peer, new Incarnation(new Bytes16(1, 2)));

    public static readonly ProposerId Proposer = new(Member, 1);

    public static readonly Configuration Configuration = ConfigurationModule.ofVoters([Member]);

    public static LogPosition At(ulong term, ulong index) => new(new Term(term), new LogIndex(index));

    public static HardState Hard(LogPosition acknowledged, Lineage? lineage = null) =>
        new(Member, 4, lineage ?? Lineage, new Term(8), null, acknowledged);

    public static byte[] ConfigurationBytes() => ConfigurationModule.encode(Lineage, Configuration);

    /// <summary>Entry 1 of every log.</summary>
    public static LogEntry Founding() =>
        new(new LogIndex(1), new Term(1), EntryKind.Configuration, 0, 1_000, null, 0, ConfigurationBytes());

    /// <summary>A command of <see cref="Proposer"/>, as the default codec writes it.</summary>
    public static LogEntry Command(
        ulong term,
        ulong index,
        ulong number,
        string command,
        int remaining = 0
    ) =>
        new(
            new LogIndex(index),
            new Term(term),
            EntryKind.Command,
            remaining,
            1_000 + (long)index,
            Proposer,
            number,
            JsonSerializer.SerializeToUtf8Bytes(command)
        );

    public static LogWriteBatch Batch(HardState? hard, params LogEntry[] entries) =>
        new(hard, null, new ReadOnlyMemory<LogEntry>[] { entries });

    /// <summary>A snapshot's bytes: the head, then the machine's own.</summary>
    public static byte[] SnapshotBytes(long timestamp, ulong last, ulong usedAt, params string[] commands)
    {
        var record = new ProposerRecord(Proposer, last, new LogIndex(usedAt));
        var head = SnapshotHeadModule.encode(new SnapshotHead(timestamp, last == 0 ? [] : [record]));
        return [.. head, .. JsonSerializer.SerializeToUtf8Bytes(commands)];
    }

    /// <summary>Saves a snapshot to a store.</summary>
    public static async Task<SnapshotInfo> SaveAsync(ILogStorage store, LogPosition position, byte[] content)
    {
        await using var writer = await store.Snapshots.CreateAsync();
        await writer.Content.WriteAsync(content);
        return await writer.CommitAsync(position, ConfigurationBytes());
    }

    /// <summary>A journal as the runtime sees it.</summary>
    public static MachineAdapter<string, int, string[]> Adapter(Journal machine) =>
        new(machine, new JsonCommandCodec<string>());
}
