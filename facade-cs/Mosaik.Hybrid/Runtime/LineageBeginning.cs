using System.Security.Cryptography;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Runtime;

/// <summary>How a lineage begins at the end of a log that survived a disaster.</summary>
internal static class LineageBeginning
{
    /// <summary>Looks whether one can begin, and gives the configuration in force.</summary>
    public static async Task<GroupMembers> CheckAsync(
        ILogStorage storage,
        StoredLog log,
        PeerId peer,
        CancellationToken cancellationToken
    )
    {
        if (log.Hard is not { } hard || hard.Lineage.IsNone || log.LastPosition == LogPosition.Zero)
        {
            throw new InvalidOperationException(
                "The store holds no log, so there is nothing to begin with. Choose the store of a member that has one."
            );
        }

        if (hard.Member.Peer != peer)
        {
            throw new StorageException(
                StorageFault.Foreign,
                $"The store belongs to peer {hard.Member.Peer}, and not to {peer}."
            );
        }

        if (IsBefore(log.LastPosition, hard.Acknowledged))
        {
            throw new StorageException(
                StorageFault.Lost,
                $"The log ends at {log.LastPosition}, and this member had acknowledged {hard.Acknowledged}: it has lost entries. "
                    + "Choose another store."
            );
        }

        if (log.Configurations.Count > 0)
        {
            var entry = await LogRecovery
                .ReadOneAsync(storage, log.Configurations[^1], cancellationToken)
                .ConfigureAwait(false);
            return GroupMembers.Of(LogRecovery.Decode(entry));
        }

        return storage.Snapshots.Newest is { } snapshot
            ? GroupMembers.Of(SnapshotContent.ToFacts(snapshot).Configuration)
            : throw new StorageException(
                StorageFault.Lost,
                "The log begins after a snapshot, and there is none. Choose another store."
            );
    }

    /// <summary>The last entry's, which no later one may precede.</summary>
    public static async Task<long> TimestampAsync(
        ILogStorage storage,
        StoredLog log,
        CancellationToken cancellationToken
    ) =>
        log.LastPosition == log.BasePosition
            ? 0
            : (
                await LogRecovery
                    .ReadOneAsync(storage, log.LastPosition.Index, cancellationToken)
                    .ConfigureAwait(false)
            ).Timestamp;

    /// <summary>
    /// A later term, a new lineage, and a configuration of a new member of this peer alone as the entry after the last. A
    /// new one, for a member belongs to one lineage for good: others conclude from it that theirs committed nothing.
    /// </summary>
    public static LogWriteBatch Make(HardState hard, LogPosition last, long timestamp)
    {
        Span<byte> random = stackalloc byte[16];
        RandomNumberGenerator.Fill(random);
        var lineage = new Lineage(Bytes16.FromBytes(random));
        var term = hard.CurrentTerm.Next;
        var begun = LogRecovery.NewMember(hard.Member.Peer);
        var alone = ConfigurationModule.ofVoters([begun.Member]);
        var entry = new LogEntry(
            last.Index.Next,
            term,
            EntryKind.Configuration,
            0,
            timestamp,
            null,
            0,
            ConfigurationModule.encode(lineage, alone)
        );
        var after = new HardState(begun.Member, begun.Session, lineage, term, null, entry.Position);
        ReadOnlyMemory<LogEntry> run = new[] { entry };
        return new LogWriteBatch(after, null, new[] { run });
    }

    private static bool IsBefore(LogPosition left, LogPosition right) =>
        left.Term < right.Term || (left.Term == right.Term && left.Index < right.Index);
}
