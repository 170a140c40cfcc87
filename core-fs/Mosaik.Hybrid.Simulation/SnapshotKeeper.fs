namespace Mosaik.Hybrid.Simulation

open System
open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// The snapshots of one run of one process: taken, sent and received, each at the pace of its disk, and lost with the
/// process when they were not durable yet.
[<Sealed>]
type SnapshotKeeper(disk: Disk, world: ISurroundings) =

    let dice, oracle, coverage = world.Dice, world.Oracle, world.Coverage
    let opened = Dictionary<LinkId, KeptSnapshot>()
    let mutable whileAlive: (unit -> unit) -> (unit -> unit) = id
    let mutable deliver: GroupInput -> unit = ignore
    let mutable isSaving = false
    let mutable lastTaken = LogIndex.Zero
    /// What is received is kept in the order in which it came.
    let mutable keptAt = 0L

    let newest () =
        match disk.Snapshot with
        | ValueSome kept -> kept.Facts.Position.Index
        | ValueNone -> LogIndex.Zero

    /// Runs an action when the disk has had its time, and works.
    let rec afterDisk (delay: int64) (action: unit -> unit) =
        world.Later(
            delay,
            whileAlive (fun () ->
                if disk.IsStalled || disk.IsFull then
                    afterDisk 5_000L action
                else
                    action ())
        )

    let diskTime () =
        int64 (dice.Below(world.Plan.Runtime.DiskMax + 1))

    let commit (received: PartialSnapshot) =
        let facts = received.Facts
        let content = received.Content
        disk.Partial <- ValueNone
        if Snapshot.checksum content = facts.Checksum then
            let kept = { Facts = facts; Content = content }
            oracle.OnSnapshot(disk.Owner, kept)
            disk.Snapshot <- ValueSome kept
            // The last entry's time, and not that of the machine that received it.
            let head = Snapshot.headOf disk.Owner content
            deliver (GroupInput.SnapshotReceived(facts, head.Timestamp, head.Records.Length > 0))
        elif received.IsDamaged then
            coverage.Meet Sight.SnapshotDamaged
            deliver (GroupInput.SnapshotGrew(facts.Position, 0L))
        else
            Rules.break' Rules.snapshotTruth $"{Naming.show disk.Owner} received other bytes than were sent"

    let take (facts: SnapshotFacts) (chunk: SnapshotChunk) =
        if facts.Position.Index > newest () then
            let current =
                match disk.Partial with
                | ValueSome current when Snapshot.isSame current.Facts facts -> current
                | ValueSome _
                | ValueNone ->
                    let fresh = PartialSnapshot facts
                    disk.Partial <- ValueSome fresh
                    fresh
            if chunk.Data.IsEmpty && current.Held > 0L then
                coverage.Meet Sight.SnapshotResumed
            current.Take chunk
            if not world.IsHealed && dice.Chance world.Plan.Runtime.SnapshotDamagePerMille then
                current.Damage(dice.Below(int current.Held))
            if current.IsWhole then
                commit current
            else
                deliver (GroupInput.SnapshotGrew(facts.Position, current.Held))

    /// The process has begun: how it runs actions while it lives, and how its core hears of what they came to.
    member _.Attach(guard: (unit -> unit) -> (unit -> unit), input: GroupInput -> unit) =
        whileAlive <- guard
        deliver <- input
        lastTaken <- newest ()

    /// True when it is time for the next one.
    member _.IsDue(applied: LogIndex, every: int) =
        not isSaving
        && applied.Value >= (max lastTaken.Value (newest ()).Value) + uint64 every

    /// Makes a snapshot durable, sooner or later; it is written when other commands have taken effect.
    member _.Save(index: LogIndex, write: unit -> KeptSnapshot, kept: int) =
        isSaving <- true
        lastTaken <- index
        afterDisk (diskTime ()) (fun () ->
            isSaving <- false
            let snapshot = write ()
            oracle.OnSnapshot(disk.Owner, snapshot)
            coverage.Meet Sight.SnapshotTaken
            if index > newest () then
                disk.Snapshot <- ValueSome snapshot
                deliver (GroupInput.SnapshotSaved(snapshot.Facts, kept)))

    /// Bytes of a snapshot that another member sends.
    member _.Keep(facts: SnapshotFacts, chunk: SnapshotChunk) =
        keptAt <- max keptAt (world.Now + diskTime ())
        afterDisk (keptAt - world.Now) (fun () -> take facts chunk)

    /// The own snapshot is offered on a link: it stays open for it also when a newer one takes its place.
    member _.Open(link: LinkId, facts: SnapshotFacts) =
        match disk.Snapshot with
        | ValueSome source when Snapshot.isSame source.Facts facts -> opened[link] <- source
        | ValueSome _
        | ValueNone -> ()

    /// Bytes of a snapshot that was offered on a link; none when it was gone by then.
    member _.Read
        (link: LinkId, facts: SnapshotFacts, offset: int64, count: int)
        : ReadOnlyMemory<byte> voption =
        match opened.TryGetValue link with
        | true, source when Snapshot.isSame source.Facts facts ->
            ValueSome(ReadOnlyMemory(source.Content, int offset, count))
        | true, _
        | false, _ -> ValueNone

    /// The process ends: of what came and was not flushed, a part may be gone, or be something else.
    member _.Crash() =
        match disk.Partial with
        | ValueSome received when dice.Chance 500 -> received.Cut(dice.Below(int received.Held + 1))
        | ValueSome received when dice.Chance 400 -> received.Damage(dice.Below(int received.Held))
        | ValueSome _
        | ValueNone -> ()
