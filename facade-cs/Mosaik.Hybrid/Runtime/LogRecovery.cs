using System.Security.Cryptography;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Runtime;

/// <summary>What a snapshot that a member starts from says besides the machine's state.</summary>
internal sealed record RecoveredSnapshot(SnapshotFacts Facts, long Timestamp, bool HasCommands);

/// <summary>Turns what a store holds into the core's starting point. One path for a first start and for every other.</summary>
internal static class LogRecovery
{
    private const int ReadBytesMax = 4 * 1024 * 1024;

    /// <summary>The first command is near the beginning: little is read at a time in search of it.</summary>
    private const int ScanBytesMax = 64 * 1024;

    /// <summary>A member that has never been: a random incarnation; no lineage but that of a snapshot it begins with.</summary>
    public static HardState NewMember(PeerId peer, Lineage lineage = default)
    {
        Span<byte> random = stackalloc byte[16];
        RandomNumberGenerator.Fill(random);
        return new HardState(
            new MemberId(peer, new Incarnation(Bytes16.FromBytes(random))),
            1,
            lineage,
            Term.Zero,
            null,
            LogPosition.Zero
        );
    }

    /// <summary>Opens a store, begins its next session durably, and reads what the core needs.</summary>
    /// <param name="storage">The store, not opened yet.</param>
    /// <param name="peer">This node.</param>
    /// <param name="group">The group.</param>
    /// <param name="machine">What the machine is called, for people, and whether it can be restored.</param>
    /// <param name="onRepair">Told what the store repaired.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="StorageException">The store can't be opened, or belongs to another peer.</exception>
    /// <exception cref="GroupTerminatedException">The log begins with a snapshot, and the machine can't be restored.</exception>
    public static async Task<StoredState> OpenAsync(
        ILogStorage storage,
        PeerId peer,
        GroupId group,
        IMachineAdapter machine,
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

        var snapshot = await ReadSnapshotAsync(storage, stored, machine, onRepair, cancellationToken)
            .ConfigureAwait(false);
        CheckAcknowledged(stored, snapshot, peer);
        var hard = await BeginSessionAsync(storage, stored, snapshot, peer, cancellationToken)
            .ConfigureAwait(false);
        stored = await AlignAsync(storage, stored, snapshot, cancellationToken).ConfigureAwait(false);
        var (firstCommand, dissolution) = await FindLandmarksAsync(
                storage,
                stored,
                snapshot,
                cancellationToken
            )
            .ConfigureAwait(false);
        return new StoredState(
            hard,
            Outline(stored),
            await ReadConfigurationsAsync(storage, stored, snapshot, cancellationToken).ConfigureAwait(false),
            snapshot is null
                ? FSharpValueOption<SnapshotFacts>.ValueNone
                : FSharpValueOption<SnapshotFacts>.NewValueSome(snapshot.Facts),
            firstCommand,
            dissolution,
            await ReadTimestampAsync(storage, stored, snapshot, cancellationToken).ConfigureAwait(false)
        );
    }

    /// <summary>The newest readable snapshot, if the machine can be restored from one, or must be.</summary>
    private static async Task<RecoveredSnapshot?> ReadSnapshotAsync(
        ILogStorage storage,
        StoredLog stored,
        IMachineAdapter machine,
        Action<string> onRepair,
        CancellationToken cancellationToken
    )
    {
        var isNeeded = stored.BasePosition != LogPosition.Zero;
        if (machine.Snapshots is null)
        {
            return isNeeded ? throw SnapshotContent.Unsupported(stored.BasePosition, machine.Name) : null;
        }

        var found = await OpenSnapshotAsync(storage, isNeeded, onRepair, cancellationToken)
            .ConfigureAwait(false);
        if (found is null || found.Info.Position.Index < stored.BasePosition.Index)
        {
            if (found is not null)
            {
                await found.DisposeAsync().ConfigureAwait(false);
            }

            return isNeeded
                ? throw new StorageException(
                    StorageFault.Lost,
                    $"The log begins after {stored.BasePosition}, and no snapshot of what was before it can be read. "
                        + "Give the node an empty store, and it joins as a new member and gets everything from the others."
                )
                : null;
        }

        await using (found.ConfigureAwait(false))
        {
            var facts = await InLineageAsync(
                    storage,
                    stored,
                    SnapshotContent.ToFacts(found.Info),
                    cancellationToken
                )
                .ConfigureAwait(false);

            var head = await SnapshotContent
                .ReadHeadAsync(found.Content, cancellationToken)
                .ConfigureAwait(false);
            return new RecoveredSnapshot(facts, head.Timestamp, head.Records.Length > 0);
        }
    }

    /// <summary>
    /// The snapshot belongs to the log's lineage, or to the one before: an operator may have begun another one at a
    /// configuration entry after it. Then it is as good, and counts to the present one.
    /// </summary>
    /// <exception cref="StorageException">It belongs to neither.</exception>
    private static async Task<SnapshotFacts> InLineageAsync(
        ILogStorage storage,
        StoredLog stored,
        SnapshotFacts facts,
        CancellationToken cancellationToken
    )
    {
        if (stored.Hard is not { Lineage: var lineage } || lineage.IsNone || lineage == facts.Lineage)
        {
            return facts;
        }

        foreach (var index in stored.Configurations.Where(index => index > facts.Position.Index))
        {
            var entry = await ReadOneAsync(storage, index, cancellationToken).ConfigureAwait(false);
            if (
                ConfigurationModule.decode(entry.Payload) is { IsError: false } decoded
                && decoded.ResultValue.Item1 == lineage
            )
            {
                return SnapshotContent.InLineage(facts, lineage);
            }
        }

        throw new StorageException(
            StorageFault.Corrupt,
            $"The log is of lineage {lineage}, the snapshot at {facts.Position} of {facts.Lineage}: the files of two stores are mixed."
        );
    }

    /// <summary>A whole log needs no snapshot: where none can be read, the machine is made from the entries.</summary>
    private static async Task<StoredSnapshot?> OpenSnapshotAsync(
        ILogStorage storage,
        bool isNeeded,
        Action<string> onRepair,
        CancellationToken cancellationToken
    )
    {
        try
        {
            return await storage.Snapshots.OpenAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException exception) when (exception.Fault == StorageFault.Corrupt && !isNeeded)
        {
            onRepair($"The log is whole and is applied from its beginning, for {exception.Message}");
            return null;
        }
    }

    /// <summary>
    /// Before anything is said in the session's name: commands of two sessions must never share a number. A crash may have
    /// come between a received snapshot and the hard state that names its lineage; and where the log still has to give way
    /// to the snapshot, the watermark goes down before it.
    /// </summary>
    private static async Task<HardState> BeginSessionAsync(
        ILogStorage storage,
        StoredLog stored,
        RecoveredSnapshot? snapshot,
        PeerId peer,
        CancellationToken cancellationToken
    )
    {
        var hard = stored.Hard is { } known
            ? new HardState(
                known.Member,
                known.Session + 1,
                known.Lineage.IsNone && snapshot is not null ? snapshot.Facts.Lineage : known.Lineage,
                known.CurrentTerm,
                known.VotedFor,
                snapshot is null || Holds(stored, snapshot.Facts.Position)
                    ? known.Acknowledged
                    : snapshot.Facts.Position
            )
            : NewMember(peer, snapshot?.Facts.Lineage ?? Lineage.None);
        await storage
            .WriteAsync(
                new LogWriteBatch(hard, null, ReadOnlyMemory<ReadOnlyMemory<LogEntry>>.Empty),
                cancellationToken
            )
            .ConfigureAwait(false);
        return hard;
    }

    /// <summary>A log that ends before what this member once acknowledged is no torn tail but a loss (rule 16).</summary>
    private static void CheckAcknowledged(StoredLog stored, RecoveredSnapshot? snapshot, PeerId peer)
    {
        var last = stored.LastPosition;
        if (snapshot is not null && IsBefore(last, snapshot.Facts.Position))
        {
            last = snapshot.Facts.Position;
        }

        if (stored.Hard is { Acknowledged: var promised } && IsBefore(last, promised))
        {
            throw new StorageException(
                StorageFault.Lost,
                $"The log ends at {last}, and this member had acknowledged {promised}. It must not vote as the member it was: "
                    + "give the node an empty store, and it joins as a new member and gets the log from the others. "
                    + $"An old copy of the store is no help (peer {peer.Short})."
            );
        }
    }

    /// <summary>"At least as up to date" of Raft §5.4.1, the other way round.</summary>
    private static bool IsBefore(LogPosition left, LogPosition right) =>
        left.Term < right.Term || (left.Term == right.Term && left.Index < right.Index);

    /// <summary>
    /// A crash may have come between a received snapshot and the log's new beginning: then the log ends before it, or
    /// differs, and goes (Raft §7).
    /// </summary>
    private static async Task<StoredLog> AlignAsync(
        ILogStorage storage,
        StoredLog stored,
        RecoveredSnapshot? snapshot,
        CancellationToken cancellationToken
    )
    {
        if (snapshot is null || Holds(stored, snapshot.Facts.Position))
        {
            return stored;
        }

        var position = snapshot.Facts.Position;
        await storage.CompactAsync(position, cancellationToken).ConfigureAwait(false);
        return new StoredLog(stored.Hard, position, position, [], [], []);
    }

    private static bool Holds(StoredLog stored, LogPosition position)
    {
        if (position == stored.BasePosition)
        {
            return true;
        }

        var term = Term.Zero;
        foreach (var run in stored.TermRuns)
        {
            term = run.First <= position.Index ? run.Term : term;
        }

        return position.Index > stored.BasePosition.Index
            && position.Index <= stored.LastPosition.Index
            && term == position.Term;
    }

    private static LogOutline Outline(StoredLog stored)
    {
        var runs = stored.TermRuns.Select(static run => new Core.TermRun(run.First, run.Term));
        return LogOutlineModule.restore(stored.BasePosition, stored.LastPosition, ListModule.OfSeq(runs));
    }

    /// <summary>The snapshot's, and those after it: what was before it is settled.</summary>
    private static async Task<FSharpList<ValueTuple<LogIndex, Configuration>>> ReadConfigurationsAsync(
        ILogStorage storage,
        StoredLog stored,
        RecoveredSnapshot? snapshot,
        CancellationToken cancellationToken
    )
    {
        var newestFirst = new List<ValueTuple<LogIndex, Configuration>>(stored.Configurations.Count + 1);
        var after = LogIndex.Zero;
        if (snapshot is not null)
        {
            after = snapshot.Facts.Position.Index;
            newestFirst.Add((after, snapshot.Facts.Configuration));
        }

        foreach (var index in stored.Configurations.Where(index => index > after))
        {
            newestFirst.Add(
                (index, Decode(await ReadOneAsync(storage, index, cancellationToken).ConfigureAwait(false)))
            );
        }

        newestFirst.Reverse();
        return ListModule.OfSeq(newestFirst);
    }

    /// <summary>The first command, and where the lineage ends: which it can only do in a log without commands.</summary>
    /// <remarks>What the log has forgotten the snapshot knows. Reads no further than to the first command, so little of a long log.</remarks>
    private static async Task<(LogIndex FirstCommand, LogIndex Dissolution)> FindLandmarksAsync(
        ILogStorage storage,
        StoredLog stored,
        RecoveredSnapshot? snapshot,
        CancellationToken cancellationToken
    )
    {
        if (snapshot is { HasCommands: true })
        {
            return (snapshot.Facts.Position.Index, LogIndex.Zero);
        }

        var dissolution = LogIndex.Zero;
        var next = stored.BasePosition.Index.Next;
        while (next <= stored.LastPosition.Index)
        {
            var range = new LogRange(next, stored.LastPosition.Index);
            var entries = await storage
                .ReadAsync(range, ScanBytesMax, cancellationToken)
                .ConfigureAwait(false);
            foreach (ref readonly var entry in entries.Span)
            {
                if (entry.Kind == EntryKind.Command)
                {
                    return (entry.Index, dissolution);
                }

                dissolution = entry.Kind == EntryKind.Dissolution ? entry.Index : dissolution;
            }

            next = next.Plus(entries.Length);
        }

        return (LogIndex.Zero, dissolution);
    }

    /// <summary>Entries of a next leader must not be earlier than those that were.</summary>
    private static async Task<long> ReadTimestampAsync(
        ILogStorage storage,
        StoredLog stored,
        RecoveredSnapshot? snapshot,
        CancellationToken cancellationToken
    )
    {
        var known = snapshot?.Timestamp ?? 0;
        if (stored.LastPosition == stored.BasePosition)
        {
            return known;
        }

        var last = await ReadOneAsync(storage, stored.LastPosition.Index, cancellationToken)
            .ConfigureAwait(false);
        return Math.Max(known, last.Timestamp);
    }

    internal static async Task<LogEntry> ReadOneAsync(
        ILogStorage storage,
        LogIndex index,
        CancellationToken cancellationToken
    )
    {
        var entries = await storage
            .ReadAsync(new LogRange(index, index), ReadBytesMax, cancellationToken)
            .ConfigureAwait(false);
        return entries.Span[0];
    }

    internal static Configuration Decode(in LogEntry entry)
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
