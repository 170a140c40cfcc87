namespace Mosaik.Hybrid.Simulation

open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// The machine of one run of one process, behind the filter that every member runs. It checks by a table of its own
/// that each proposer's numbers take effect as 1, 2, 3, ...
[<Sealed>]
type Applier(owner: MemberId, workload: IWorkload, peer: int, oracle: Oracle, coverage: Coverage) =

    let filter = CommandFilter CommandFilter.SessionsMaxDefault
    let machine = workload.NewMachine peer
    let seen = Dictionary<ProposerId, uint64>()
    let mutable index = LogIndex.Zero
    let mutable ownLast = 0UL
    let mutable gap = false
    let mutable isHolding = false
    let mutable commands = 0
    let mutable timestamp = 0L

    let take (entry: LogEntry) (own: ProposerId) (onOwn: uint64 -> LogIndex -> unit) =
        match entry.Proposer with
        | null -> ()
        | proposer ->
            let last =
                match seen.TryGetValue proposer with
                | true, last -> last
                | false, _ -> 0UL
            if entry.Number <> last + 1UL then
                Rules.break'
                    Rules.exactlyOnce
                    $"{Naming.show owner} applies #{entry.Number} of {Naming.show proposer.Member} after #{last}"
            seen[proposer] <- entry.Number
            machine.Apply entry
            if proposer.Equals own then
                ownLast <- entry.Number
                onOwn entry.Number entry.Index

    let takeBatch own onOwn =
        let batch = List.ofSeq filter.Held
        let first = List.head batch
        let isWhole =
            first.BatchRemaining = batch.Length - 1
            && batch
               |> List.pairwise
               |> List.forall (fun (former, next) -> next.Index = former.Index.Next)
        if not isWhole then
            Rules.break' Rules.exactlyOnce $"{Naming.show owner} applies a part of a batch at {index}"
        coverage.Meet Sight.BatchApplied
        for entry in batch do
            take entry own onOwn

    member _.Index = index

    /// Takes hold of its state, unless it can't be saved or is in the middle of a batch; the bytes come later.
    member _.Capture() : (unit -> byte[]) voption =
        match machine with
        | :? ISnapshotMachineUnderTest as machine when filter.IsBetweenBatches ->
            let head = SnapshotHead.encode { Timestamp = timestamp; Records = filter.Records }
            let captured = machine.Capture()
            ValueSome(fun () -> Array.append head (captured.Invoke()))
        | _ -> ValueNone

    /// Becomes what a snapshot holds.
    member _.Restore(lineage: Lineage, snapshot: KeptSnapshot, proposer: ProposerId) =
        let struct (head, own) = Snapshot.split owner snapshot.Content
        match machine with
        | :? ISnapshotMachineUnderTest as machine -> machine.Restore own
        | _ -> Rules.break' Rules.snapshotTruth $"the machine of {Naming.show owner} can't be restored"
        filter.Restore head.Records
        timestamp <- head.Timestamp
        seen.Clear()
        for record in head.Records do
            seen[record.Proposer] <- record.Last
        index <- snapshot.Facts.Position.Index
        isHolding <- false
        ownLast <- max ownLast (filter.LastOf proposer)
        if index.Value % uint64 workload.DigestEvery = 0UL then
            oracle.OnDigest(owner, lineage, index, machine.Digest())

    /// The last of these commands that took effect, and where.
    member _.LastOf(own: ProposerId) =
        struct (filter.LastOf own, filter.UsedAt own)

    /// How many commands have been applied here, such as were dropped included.
    member _.Commands = commands
    member _.Machine = machine

    /// The number of the last own command that took effect here, and whether one was dropped for a gap since the
    /// last report.
    member _.Report() : struct (uint64 * bool) =
        let report = struct (ownLast, gap)
        gap <- false
        report

    /// Applies the next entry of the log.
    member _.Apply(lineage: Lineage, entry: LogEntry, chain: uint64, own: ProposerId, onOwn) =
        oracle.OnApply(owner, lineage, &entry, chain)
        index <- index.Next
        if entry.Index <> index then
            Rules.break' Rules.stateMachineSafety $"{Naming.show owner} applies {entry.Position} at {index}"
        timestamp <- entry.Timestamp
        if entry.Kind = EntryKind.Command then
            commands <- commands + 1
        let verdict = filter.Judge entry
        if isHolding && verdict <> FilterVerdict.Hold && verdict <> FilterVerdict.ApplyHeld then
            coverage.Meet Sight.BatchCut
        isHolding <- (verdict = FilterVerdict.Hold)
        match verdict with
        | FilterVerdict.Apply when entry.BatchRemaining > 0 ->
            Rules.break' Rules.exactlyOnce $"{Naming.show owner} applies a part of a batch at {index}"
        | FilterVerdict.Apply -> take entry own onOwn
        | FilterVerdict.ApplyHeld -> takeBatch own onOwn
        | FilterVerdict.Gap ->
            coverage.Meet Sight.GapDropped
            gap <- gap || own.Equals entry.Proposer
        | FilterVerdict.Repeat -> coverage.Meet Sight.RepeatDropped
        | _ -> ()
        if index.Value % uint64 workload.DigestEvery = 0UL then
            oracle.OnDigest(owner, lineage, index, machine.Digest())
