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

    /// A process begins on this disk: its session is durable before anything is said in its name.
    member this.BeginSession(session: uint64) : HardState =
        let hard: HardState =
            match this.Hard with
            | null ->
                { Member = owner
                  Session = session
                  Lineage = Lineage.None
                  CurrentTerm = Term.Zero
                  VotedFor = null
                  Acknowledged = LogPosition.Zero }
            | hard -> { hard with Session = session }
        if hard.Acknowledged.Index > log.Last then
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
    member _.Outline =
        if log.Count = 0 then
            LogOutline.empty
        else
            let mutable runs = []
            for entry in log.All do
                match runs with
                | (run: TermRun) :: _ when run.Term = entry.Term -> ()
                | _ -> runs <- { First = entry.Index; Term = entry.Term } :: runs
            LogOutline.restore LogPosition.Zero log[log.Last].Position (List.rev runs)

/// Writes on their way to one disk in one run of a process: at most one flush at a time, and it takes everything
/// that has gathered, as the runtime does it.
[<Sealed>]
type DiskQueue(disk: Disk, store: IStoreUnderTest | null) =

    let waiting = Queue<Write>()
    /// How many of the waiting writes the current flush takes; 0 when none is under way.
    let mutable flushing = 0

    let settle (write: Write) =
        disk.Settle write
        match store with
        | null -> ()
        | store -> store.Write(disk.Owner, write)

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
        if waiting.Count = 0 then
            last
        else
            waiting.Peek().Sequence - 1UL

    member _.Add(write: Write) = waiting.Enqueue write

    /// A flush of all that waits begins.
    member _.Begin() = flushing <- waiting.Count

    /// The flush has ended; returns the sequence of its last write.
    member _.End() : uint64 =
        let mutable last = 0UL
        for _ in 1..flushing do
            let write = waiting.Dequeue()
            last <- write.Sequence
            settle write
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
                    ValueSome(waiting.Peek())
                else
                    ValueNone
            store.Crash(disk.Owner, cut)
        waiting.Clear()
        flushing <- 0
