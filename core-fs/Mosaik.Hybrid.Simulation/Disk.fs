namespace Mosaik.Hybrid.Simulation

open System
open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// A store that runs beside the simulated disk, so that a real one can be tried by simulated lives of its owner.
/// The simulator says what becomes durable and when the process ends; the store must give exactly that back.
type IStoreUnderTest =
    /// The owner's process starts: opens the store and says what it holds. Null for a fresh one.
    abstract Open: owner: MemberId -> (HardState | null)
    /// The entries that the open store holds, from index 1.
    abstract Entries: owner: MemberId -> LogEntry[]
    /// A write becomes durable.
    abstract Write: owner: MemberId * write: Write -> unit
    /// The owner's process ends. `cut` is a write that was on its way, and of which nothing may be left, or all.
    abstract Crash: owner: MemberId * cut: Write voption -> unit
    /// The disk is lost.
    abstract Wipe: owner: MemberId -> unit

/// What one incarnation has on its disk. A crash takes what is not here.
[<Sealed>]
type Disk(owner: MemberId) =

    let log = ChainedLog()
    let mutable freshFrom = Int64.MaxValue
    let mutable hardState: HardState | null = null

    member _.Owner = owner

    /// The last durable hard state; null before the first.
    member _.Hard
        with get (): HardState | null = hardState
        and set (value: HardState | null) = hardState <- value

    member _.Log = log

    /// Where the log that can be read begins. The entries before it are here for the oracle's eyes only.
    member val Base = LogPosition.Zero with get, set

    /// The newest snapshot.
    member val Snapshot: KeptSnapshot voption = ValueNone with get, set

    /// The snapshot that is being received.
    member val Partial: PartialSnapshot voption = ValueNone with get, set

    /// Writes do not end.
    member val IsStalled = false with get, set

    /// Writes fail.
    member val IsFull = false with get, set

    /// It can't be used any more once its owner looks at it.
    member val IsDoomed = false with get, set

    /// This entry can't be read any more; zero for none.
    member val Corrupt = LogIndex.Zero with get, set

    /// Makes a write durable.
    member this.Settle(write: Write) =
        match write.HardState with
        | null -> ()
        | hard -> this.Hard <- hard
        if write.TruncateFrom <> LogIndex.Zero then
            freshFrom <- min freshFrom (int64 write.TruncateFrom.Value)
        freshFrom <- min freshFrom (int64 log.Last.Next.Value)
        log.Apply write |> ignore

    /// Forgets the beginning of the log.
    member this.Compact(through: LogPosition) =
        if through.Index > this.Base.Index then
            this.Base <- through

    /// A snapshot takes the place of the log; `committed` is what it stands for.
    member this.Install(through: LogPosition, committed: LogEntry[]) =
        freshFrom <- 1L
        log.Become committed
        this.Base <- through

    /// What a process finds that begins on this disk: a snapshot beyond the log, or beside it, takes its place. True
    /// when it was so.
    member this.Recover(committedUpTo: SnapshotFacts -> LogEntry[]) =
        match this.Snapshot with
        | ValueSome { Facts = facts } when log.TermAt facts.Position.Index <> facts.Position.Term ->
            this.Install(facts.Position, committedUpTo facts)
            true
        | ValueSome _
        | ValueNone -> false

    /// The last entry of the log, or of what the snapshot stands for.
    member private _.LastPosition =
        if log.Count = 0 then
            LogPosition.Zero
        else
            log[log.Last].Position

    /// A process begins on this disk: its session is durable before anything is said in its name.
    member this.BeginSession(session: uint64) : HardState =
        let lineage =
            match this.Snapshot with
            | ValueSome { Facts = facts } -> facts.Lineage
            | ValueNone -> Lineage.None
        let hard: HardState =
            match this.Hard with
            | null ->
                { Member = owner
                  Session = session
                  Lineage = Lineage.None
                  CurrentTerm = Term.Zero
                  VotedFor = null
                  Acknowledged = LogPosition.Zero }
            // A crash between a snapshot of the first lineage and the hard state that names it.
            | hard when hard.Lineage.IsNone -> { hard with Session = session; Lineage = lineage }
            | hard -> { hard with Session = session }
        let last = this.LastPosition
        if
            hard.Acknowledged.Term > last.Term
            || hard.Acknowledged.Term = last.Term && hard.Acknowledged.Index > last.Index
        then
            Rules.break'
                Rules.monotonic
                $"the log of {Naming.show owner} ends at {log.Last}, its watermark is {hard.Acknowledged}"
        this.Hard <- hard
        hard

    /// The first entry that has become durable since the last call; after the last one when none has.
    member _.TakeFresh() =
        let first = min freshFrom (int64 log.Last.Next.Value)
        freshFrom <- Int64.MaxValue
        LogIndex(uint64 first)

    member this.Lineage =
        match this.Hard with
        | null -> Lineage.None
        | hard -> hard.Lineage

    /// What `Group.restore` wants to know of the log.
    member this.Outline =
        if log.Count = 0 then
            LogOutline.empty
        else
            let mutable runs = []
            for entry in log.All do
                if entry.Index > this.Base.Index then
                    match runs with
                    | (run: TermRun) :: _ when run.Term = entry.Term -> ()
                    | _ -> runs <- { First = entry.Index; Term = entry.Term } :: runs
            LogOutline.restore this.Base log[log.Last].Position (List.rev runs)

    /// What the log has forgotten is known by the snapshot only.
    member private this.FirstCommand =
        match this.Snapshot with
        | ValueSome kept when (Snapshot.headOf owner kept.Content).Records.Length > 0 ->
            kept.Facts.Position.Index
        | ValueSome _
        | ValueNone ->
            let first = log.FirstOf EntryKind.Command
            if first > this.Base.Index then first else LogIndex.Zero

    /// What `Group.restore` wants to know.
    member this.Stored(hard: HardState) : StoredState =
        let configurations =
            match this.Snapshot with
            | ValueSome { Facts = facts } ->
                let at = facts.Position.Index
                (log.Configurations |> List.filter (fun (struct (index, _)) -> index > at))
                @ [ struct (at, facts.Configuration) ]
            | ValueNone -> log.Configurations
        // Entries that the log has forgotten tell nobody when they were.
        let timestamp =
            match this.Snapshot with
            | ValueSome kept when log.Last = kept.Facts.Position.Index ->
                (Snapshot.headOf owner kept.Content).Timestamp
            | ValueSome _
            | ValueNone -> if log.Count = 0 then 0L else log[log.Last].Timestamp
        { Hard = hard
          Outline = this.Outline
          Configurations = configurations
          Snapshot =
            (match this.Snapshot with
             | ValueSome kept -> ValueSome kept.Facts
             | ValueNone -> ValueNone)
          FirstCommand = this.FirstCommand
          Dissolution = log.FirstOf EntryKind.Dissolution
          LastTimestamp = timestamp }

/// What is on its way to a disk, in this order.
[<RequireQualifiedAccess; NoEquality; NoComparison>]
type DiskJob =
    | Write of Write
    | Compact of through: LogPosition
    | Install of through: LogPosition * committed: LogEntry[]

/// Writes on their way to one disk in one run of a process: at most one flush at a time, and it takes everything
/// that has gathered, as the runtime does it.
[<Sealed>]
type DiskQueue(disk: Disk, store: IStoreUnderTest | null) =

    let waiting = Queue<DiskJob>()
    /// How many of the waiting writes the current flush takes; 0 when none is under way.
    let mutable flushing = 0

    let settle (job: DiskJob) =
        match job with
        | DiskJob.Write write ->
            disk.Settle write
            match store with
            | null -> ()
            | store -> store.Write(disk.Owner, write)
        | DiskJob.Compact through -> disk.Compact through
        | DiskJob.Install(through, committed) -> disk.Install(through, committed)

    let sequenceOf (job: DiskJob) =
        match job with
        | DiskJob.Write write -> ValueSome write.Sequence
        | DiskJob.Compact _
        | DiskJob.Install _ -> ValueNone

    let firstWrite () =
        waiting |> Seq.tryPick (sequenceOf >> ValueOption.toOption)

    /// A process begins: its session is durable, in a store under test too, before anything is said in its name.
    member _.BeginSession(session: uint64) : HardState =
        let hard = disk.BeginSession session
        match store with
        | null -> ()
        | store ->
            let write: Write =
                { Sequence = 0UL; HardState = hard; TruncateFrom = LogIndex.Zero; Entries = [] }
            store.Write(disk.Owner, write)
        hard

    member _.IsFlushing = flushing > 0
    member _.Count = waiting.Count

    /// The sequence before that of the first write that is not durable.
    member _.DurableSequence(last: uint64) =
        match firstWrite () with
        | Some first -> first - 1UL
        | None -> last

    member _.Add(job: DiskJob) = waiting.Enqueue job

    /// A flush of all that waits begins.
    member _.Begin() = flushing <- waiting.Count

    /// The flush has ended; returns the sequence of its last write, 0 when it had none.
    member _.End() : uint64 =
        let mutable last = 0UL
        for _ in 1..flushing do
            let job = waiting.Dequeue()
            last <- ValueOption.defaultValue last (sequenceOf job)
            settle job
        flushing <- 0
        last

    /// The process ends: the first `kept` of the writes on their way have reached the disk, the next one was torn and
    /// counts as not written, the others are gone.
    member _.Crash(kept: int) =
        for _ in 1..kept do
            settle (waiting.Dequeue())
        match store with
        | null -> ()
        | store ->
            let cut =
                if waiting.Count > 0 then
                    match waiting.Peek() with
                    | DiskJob.Write write -> ValueSome write
                    | DiskJob.Compact _
                    | DiskJob.Install _ -> ValueNone
                else
                    ValueNone
            store.Crash(disk.Owner, cut)
        waiting.Clear()
        flushing <- 0
