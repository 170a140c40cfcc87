using System.Security.Cryptography;
using Microsoft.FSharp.Collections;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Runtime;

/// <summary>What a member knows when it starts.</summary>
internal sealed record RecoveredLog(
    HardState Hard,
    LogOutline Outline,
    FSharpList<ValueTuple<LogIndex, Configuration>> Configurations
);

/// <summary>Turns what a store holds into the core's starting point. One path for a first start and for every other.</summary>
internal static class LogRecovery
{
    private const int ReadBytesMax = 4 * 1024 * 1024;

    /// <summary>A member that has never been: a random incarnation, no lineage.</summary>
    public static HardState NewMember(PeerId peer)
    {
        Span<byte> random = stackalloc byte[16];
        RandomNumberGenerator.Fill(random);
        return new HardState(
            new MemberId(peer, new Incarnation(Bytes16.FromBytes(random))),
            1,
            Lineage.None,
            Term.Zero,
            null,
            LogPosition.Zero
        );
    }

    /// <summary>Opens a store, begins its next session durably, and reads what the core needs.</summary>
    /// <exception cref="StorageException">The store can't be opened, or belongs to another peer.</exception>
    public static async Task<RecoveredLog> OpenAsync(
        ILogStorage storage,
        PeerId peer,
        GroupId group,
        Action<string> onRepair,
        CancellationToken cancellationToken
    )
    {
        var stored = await storage.OpenAsync(peer, group, cancellationToken).ConfigureAwait(false);
        foreach (var repair in stored.Repairs)
        {
            onRepair(repair);
        }

        if (stored.Hard is { } former && former.Member.Peer != peer)
        {
            throw new StorageException(
                StorageFault.Foreign,
                $"The store belongs to peer {former.Member.Peer}, this node is {peer}. Give each node a store and an identity of its own."
            );
        }

        CheckAcknowledged(stored, peer);
        if (stored.BasePosition != LogPosition.Zero)
        {
            throw new StorageException(
                StorageFault.Unsupported,
                $"The log begins after {stored.BasePosition}, and this version can't start a group from a snapshot. Run the version that made it."
            );
        }

        var hard = stored.Hard is { } known
            ? new HardState(
                known.Member,
                known.Session + 1,
                known.Lineage,
                known.CurrentTerm,
                known.VotedFor,
                known.Acknowledged
            )
            : NewMember(peer);
        // Before anything is said in this session's name: commands of two sessions must never share a number.
        await storage
            .WriteAsync(
                new LogWriteBatch(hard, null, ReadOnlyMemory<ReadOnlyMemory<LogEntry>>.Empty),
                cancellationToken
            )
            .ConfigureAwait(false);
        var configurations = await ReadConfigurationsAsync(storage, stored, cancellationToken)
            .ConfigureAwait(false);
        return new RecoveredLog(hard, Outline(stored), configurations);
    }

    /// <summary>A log that ends before what this member once acknowledged is no torn tail but a loss (rule 16).</summary>
    private static void CheckAcknowledged(StoredLog stored, PeerId peer)
    {
        var last = stored.LastPosition;
        if (
            stored.Hard is { Acknowledged: var promised }
            && (last.Term < promised.Term || (last.Term == promised.Term && last.Index < promised.Index))
        )
        {
            throw new StorageException(
                StorageFault.Lost,
                $"The log ends at {last}, and this member had acknowledged {promised}. It must not vote as the member it was: "
                    + "give the node an empty store, and it joins as a new member and gets the log from the others. "
                    + $"An old copy of the store is no help (peer {peer.Short})."
            );
        }
    }

    private static LogOutline Outline(StoredLog stored)
    {
        var runs = stored.TermRuns.Select(static run => new Core.TermRun(run.First, run.Term));
        return LogOutlineModule.restore(stored.BasePosition, stored.LastPosition, ListModule.OfSeq(runs));
    }

    private static async Task<FSharpList<ValueTuple<LogIndex, Configuration>>> ReadConfigurationsAsync(
        ILogStorage storage,
        StoredLog stored,
        CancellationToken cancellationToken
    )
    {
        var newestFirst = new List<ValueTuple<LogIndex, Configuration>>(stored.Configurations.Count);
        foreach (var index in stored.Configurations)
        {
            var entries = await storage
                .ReadAsync(new LogRange(index, index), ReadBytesMax, cancellationToken)
                .ConfigureAwait(false);
            newestFirst.Add((index, Decode(entries.Span[0])));
        }

        newestFirst.Reverse();
        return ListModule.OfSeq(newestFirst);
    }

    private static Configuration Decode(in LogEntry entry)
    {
        var decoded = ConfigurationModule.decode(entry.Payload);
        return decoded.IsError
            ? throw new StorageException(
                StorageFault.Corrupt,
                $"Entry {entry.Position} of the log is no configuration: {decoded.ErrorValue}."
            )
            : decoded.ResultValue.Item2;
    }
}
