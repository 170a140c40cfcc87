namespace Mosaik.Hybrid.Simulation

open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// A whole cluster under one virtual clock: peers with disks, the network between them, clients, and an oracle that
/// watches. What happens is decided by the plan.
[<Sealed>]
type World(plan: Plan, workload: IWorkload, store: IStoreUnderTest | null, trace: Trace) as this =

    let size = plan.Size
    let heap = Heap()
    let coverage = Coverage()
    let oracle = Oracle coverage
    let members = Dice.For(plan.Seed, Purpose.Members)
    let faults = Dice.For(plan.Seed, Purpose.Faults)
    let clients = Dice.For(plan.Seed, Purpose.Clients)
    let order = Dice.For(plan.Seed, Purpose.Disk)
    let calls = List<CallRecord>()
    let nodes: Node voption[] = Array.create (size + 1) ValueNone
    let disks: Disk voption[] = Array.create (size + 1) ValueNone
    let lives: int[] = Array.zeroCreate (size + 1)
    /// Peers that are to stay down.
    let barred: bool[] = Array.zeroCreate (size + 1)
    let mutable now = 0L
    let mutable ticks = 0L
    let mutable events = 0L
    let mutable sequence = 0UL
    let mutable isHealed = false
    let mutable digest = 17UL
    let mutable moments = 0

    let network = lazy Network(this :> ISurroundings)

    let later (delay: int64) (action: unit -> unit) =
        sequence <- sequence + 1UL
        let order =
            if plan.IsShuffled then
                (order.Bits() &&& 0xFFFF_FF00_0000_0000UL) ||| sequence
            else
                sequence
        heap.Add { At = now + max 0L delay; Order = order; Action = action }

    let say (line: string) = trace.Say(now, line)

    interface ISurroundings with
        member _.Now = now
        member _.Tick() =
            ticks <- ticks + 1L
            ticks
        member _.Mix value =
            digest <- (digest ^^^ value) * 0x9E3779B97F4A7C15UL + 1UL
        member _.Later(delay, action) = later delay action
        member _.Ended(peer, cause) = this.OnEnded(peer, cause)
        member _.Plan = plan
        member _.Workload = workload
        member _.Oracle = oracle
        member _.Coverage = coverage
        member _.Trace = trace
        member _.Dice = members
        member _.IsHealed = isHealed

    /// A run of more events than this is no run but a storm.
    static member EventsMax = 3_000_000L

    /// More than so many events at one moment make time stand still.
    static member EventsAMomentMax = 20_000

    member _.Now = now
    member _.Events = events
    member _.Oracle = oracle
    member _.Coverage = coverage
    member _.Plan = plan
    member _.Calls: IReadOnlyList<CallRecord> = calls
    member _.Network = network.Value
    member _.IsHealed = isHealed
    member _.Trace = trace

    /// A fingerprint of everything that has happened: equal runs have equal ones.
    member _.Digest = digest

    /// The processes that run.
    member _.Alive =
        [ for node in nodes do
              match node with
              | ValueSome node when node.IsAlive -> node
              | ValueSome _
              | ValueNone -> () ]

    member _.NodeOf(peer: int) =
        match nodes[peer] with
        | ValueSome node when node.IsAlive -> ValueSome node
        | ValueSome _
        | ValueNone -> ValueNone

    member _.DiskOf(peer: int) = disks[peer]

    /// Runs an action so many milliseconds later.
    member _.After(milliseconds: int, action: unit -> unit) =
        later (int64 milliseconds * 1_000L) action

    /// What the disk of a peer holds is lost, or can't be used: the peer begins anew.
    member _.Wipe(peer: int) =
        match disks[peer] with
        | ValueSome disk ->
            coverage.Meet Sight.DiskWiped
            if trace.IsOn then
                say $"{Naming.show disk.Owner} loses its disk"
            match store with
            | null -> ()
            | store -> store.Wipe disk.Owner
            disks[peer] <- ValueNone
        | ValueNone -> ()

    /// The disk of a peer comes back without its entries from an index on. The oracle goes on knowing what it held:
    /// its owner did keep its promises until then, and whoever counted on them was right.
    member _.Shorten(peer: int, from: LogIndex) =
        match disks[peer] with
        | ValueSome disk ->
            let shorter = Disk(disk.Owner, IsDoomed = true)
            shorter.Hard <- disk.Hard
            shorter.Log.Append(disk.Log, from.Previous)
            shorter.Base <- disk.Base
            shorter.Snapshot <- disk.Snapshot
            disks[peer] <- ValueSome shorter
        | ValueNone -> ()

    /// A disk that its owner must not use: with a corrupt entry, or shorter than its owner acknowledged.
    member private this.Inspect(peer: int) =
        match disks[peer] with
        | ValueSome disk ->
            let isShort =
                match disk.Hard with
                | null -> false
                | hard -> hard.Acknowledged.Index > disk.Log.Last
            if disk.Corrupt <> LogIndex.Zero then
                coverage.Meet Sight.CorruptionFound
                if this.CanLose peer then
                    this.Wipe peer
                else
                    // The committee has become smaller since, and needs it: somebody finds a copy.
                    disk.Corrupt <- LogIndex.Zero
                    disk.IsDoomed <- false
            elif disk.IsDoomed && isShort then
                coverage.Meet Sight.AcknowledgedSuffixLost
                this.Wipe peer
        | ValueNone -> ()

    member private _.CompareWithStore(disk: Disk, store: IStoreUnderTest) =
        let fail what =
            Rules.break' Rules.plugin $"the store of {Naming.show disk.Owner} {what}"
        let hard = store.Open disk.Owner
        match hard, disk.Hard with
        | null, null -> ()
        | null, _ -> fail "has forgotten its hard state"
        | _, null -> fail "has a hard state that was never written"
        | found, expected ->
            if
                found.CurrentTerm <> expected.CurrentTerm
                || found.Lineage <> expected.Lineage
                || not (System.Object.Equals(found.VotedFor, expected.VotedFor))
                || found.Acknowledged <> expected.Acknowledged
            then
                fail $"gives the hard state {found} back instead of {expected}"
        let entries = ChainedLog()
        let write: Write =
            { Sequence = 0UL
              HardState = null
              TruncateFrom = LogIndex.Zero
              Entries = [ System.ReadOnlyMemory(store.Entries disk.Owner) ] }
        if not (entries.Apply write) then
            fail "gives entries back that do not follow on"
        if
            entries.Count <> disk.Log.Count
            || entries.ChainAt entries.Last <> disk.Log.ChainAt disk.Log.Last
        then
            fail $"gives a log up to {entries.Last} back that is not the one up to {disk.Log.Last}"

    /// Starts a process on a peer, on its disk or on a fresh one. A peer that runs, or is barred, is left alone.
    member this.Start(peer: int) =
        if (this.NodeOf peer).IsNone && not barred[peer] then
            this.Inspect peer
            let disk =
                match disks[peer] with
                | ValueSome disk -> disk
                | ValueNone ->
                    lives[peer] <- lives[peer] + 1
                    let disk = Disk(Naming.memberOf peer lives[peer])
                    oracle.Knows disk
                    disks[peer] <- ValueSome disk
                    disk
            match store with
            | null -> ()
            | store -> this.CompareWithStore(disk, store)
            let session =
                match disk.Hard with
                | null -> 1UL
                | hard -> hard.Session + 1UL
            let node = Node(peer, disk, store, session, this :> ISurroundings)
            nodes[peer] <- ValueSome node
            node.Start()

    /// Ends the process of a peer, if it has one.
    member this.Crash(peer: int) =
        match this.NodeOf peer with
        | ValueSome node ->
            node.Crash()
            network.Value.Ended node
        | ValueNone -> ()

    member private this.OnEnded(peer: int, cause: ProcessEnd) =
        this.Crash peer
        match cause with
        | ProcessEnd.Reset ->
            this.Wipe peer
            this.After(5, (fun () -> this.Start peer))
        | ProcessEnd.Left -> this.After(faults.Between(5, 800), (fun () -> this.Start peer))
        | ProcessEnd.DiskFailed
        | _ ->
            if trace.IsOn then
                say $"n{peer} stops: its disk failed"
            // Somebody repairs it sooner or later.
            this.After(faults.Between(20, 800), (fun () -> this.Restart peer))

    /// Starts a peer that failed, unless its disk still does.
    member private this.Restart(peer: int) =
        match disks[peer] with
        | ValueSome disk when disk.IsFull -> this.After(50, (fun () -> this.Restart peer))
        | ValueSome _
        | ValueNone -> this.Start peer

    /// Keeps a peer down, or lets it start again.
    member _.Bar(peer: int, isBarred: bool) = barred[peer] <- isBarred

    /// A call of a client of this peer; refused when no process runs there.
    member this.Call(call: Call) =
        let count, next =
            match call.Kind with
            | CallKind.Execute count -> count, (fun () -> workload.NextCommand clients)
            | CallKind.StrongRead
            | CallKind.WeakRead -> 1, (fun () -> workload.NextQuery clients)
        let request = Array.init count (fun _ -> next ())
        match this.NodeOf call.Peer with
        | ValueSome node when not node.IsPaused ->
            let record = CallRecord(call, (this :> ISurroundings).Tick(), request)
            record.Floors <- oracle.Floors
            calls.Add record
            node.Call record
        | ValueSome _
        | ValueNone -> ()

    /// The committees that may still have to decide: by lineage the newest that is committed, and every later one that
    /// stands in a log, for whoever has it may be the one to be elected.
    member _.Deciding: struct (Lineage * Configuration) list =
        let committed = Dictionary<Lineage, LogIndex>()
        let deciding = List<struct (Lineage * Configuration)>()
        let mayDecide (lineage: Lineage) = not (oracle.Of lineage).IsDissolved
        for facts in oracle.Committing |> List.filter (fun facts -> mayDecide facts.Lineage) do
            let newest =
                facts.Committed.FindLast(fun committed -> committed.Entry.Kind = EntryKind.Configuration)
            committed[facts.Lineage] <- newest.Entry.Index
            match Configuration.decode newest.Entry.Payload with
            | Ok(struct (_, configuration)) -> deciding.Add(struct (facts.Lineage, configuration))
            | Error _ -> ()
        let addLater (lineage: Lineage) (log: ChainedLog) =
            for struct (index, configuration) in log.Configurations do
                match committed.TryGetValue lineage with
                | true, settled when index <= settled -> ()
                | _, _ when not (mayDecide lineage) -> ()
                | _, _ -> deciding.Add(struct (lineage, configuration))
        for node in nodes do
            match node with
            | ValueSome node when node.IsAlive -> addLater node.Raft.Lineage node.Log
            | ValueSome _
            | ValueNone -> ()
        for disk in disks do
            match disk with
            | ValueSome disk -> addLater disk.Lineage disk.Log
            | ValueNone -> ()
        List.ofSeq deciding

    /// True when every committee that may still have to decide has a majority of disks, other than those that are left
    /// out. Who belongs to another lineage by now, or whose disk is beyond use, is lost to a committee already.
    member private this.AllKeepMajorities(isLeftOut: MemberId -> bool) =
        let isKept (lineage: Lineage) (voter: MemberId) =
            not (isLeftOut voter)
            && (match disks[Naming.numberOf voter] with
                | ValueSome disk ->
                    disk.Owner.Equals voter
                    && not disk.IsDoomed
                    && (disk.Lineage.IsNone || disk.Lineage = lineage)
                | ValueNone -> false)
        this.Deciding
        |> List.forall (fun (struct (lineage, configuration)) ->
            Committees.decides configuration (isKept lineage))

    /// True when the group can do without this peer's disk.
    member this.CanLose(peer: int) =
        match disks[peer] with
        | ValueNone -> false
        | ValueSome lost -> not oracle.Committing.IsEmpty && this.AllKeepMajorities lost.Owner.Equals

    /// A committee has lost its majority: a leader chose it at the very moment when a disk was lost that it needs.
    member this.IsBeyondHelp = not (this.AllKeepMajorities(fun _ -> false))

    /// All faults end: the network and the disks work, and nobody stands still.
    member _.Heal() =
        isHealed <- true
        if trace.IsOn then
            say "---- all faults end ----"
        network.Value.Heal()
        for disk in disks do
            match disk with
            | ValueSome disk ->
                disk.IsStalled <- false
                disk.IsFull <- false
            | ValueNone -> ()
        for node in nodes do
            match node with
            | ValueSome node -> node.Resume()
            | ValueNone -> ()

    /// The next event happens. False when there is none before the moment, in microseconds.
    member _.Advance(until: int64) =
        if heap.Count = 0 || heap.NextAt > until then
            now <- max now until
            false
        else
            let next = heap.Take()
            moments <- if next.At = now then moments + 1 else 0
            now <- next.At
            events <- events + 1L
            if moments > World.EventsAMomentMax || events > World.EventsMax then
                Rules.break' Rules.termination $"{events} events by now, {moments} of them in one microsecond"
            digest <- (digest ^^^ uint64 now) * 0x9E3779B97F4A7C15UL + next.Order
            next.Action()
            true

    /// Looks after links every few milliseconds, for ever.
    member this.ManageNetwork() =
        network.Value.Manage nodes
        later (int64 (members.Between(4_000, 16_000))) this.ManageNetwork
