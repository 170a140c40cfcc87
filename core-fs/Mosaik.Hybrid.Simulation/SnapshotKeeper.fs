namespace Mosaik.Hybrid.Simulation

open System
open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// The snapshots of one run of one process: taken, sent and received, each at the pace of its disk, and lost with the
/// process when they were not durable yet.
[<Sealed>]
type SnapshotKeeper(peer: int, disk: Disk, world: ISurroundings) =

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

    /// The last entry's time, and not that of the machine that received it.
    let timestampOf (content: byte[]) =
        let content = ReadOnlyMemory content
        match SnapshotHead.sizeOf content with
        | Ok size ->
            match SnapshotHead.decode (content.Slice(0, size)) with
            | Ok head -> head.Timestamp
            | Error error -> Rules.break' Rules.snapshotTruth $"n{peer} received a head that is none: {error}"
        | Error error -> Rules.break' Rules.snapshotTruth $"n{peer} received a head that is none: {error}"

    let commit (received: PartialSnapshot) =
        let facts = received.Facts
        let content = received.Content
        disk.Partial <- ValueNone
        if Snapshot.checksum content <> facts.Checksum then
            Rules.break' Rules.snapshotTruth $"n{peer} received other bytes than were sent"
        let kept = { Facts = facts; Content = content }
        oracle.OnSnapshot(disk.Owner, kept)
        disk.Snapshot <- ValueSome kept
        deliver (GroupInput.SnapshotReceived(facts, timestampOf content))

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

    /// Makes a snapshot durable, sooner or later.
    member _.Save(snapshot: KeptSnapshot, kept: int) =
        coverage.Meet Sight.SnapshotTaken
        oracle.OnSnapshot(disk.Owner, snapshot)
        isSaving <- true
        lastTaken <- snapshot.Facts.Position.Index
        afterDisk (diskTime ()) (fun () ->
            isSaving <- false
            if snapshot.Facts.Position.Index > newest () then
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

    /// The process ends: of what came and was not flushed, a part may be gone.
    member _.Crash() =
        match disk.Partial with
        | ValueSome received when dice.Chance 500 -> received.Cut(dice.Below(int received.Held + 1))
        | ValueSome _
        | ValueNone -> ()
