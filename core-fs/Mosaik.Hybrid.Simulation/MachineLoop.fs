namespace Mosaik.Hybrid.Simulation

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// The machine's loop in one run of one process: it applies in pieces what is committed, takes snapshots between two
/// commands, becomes what a received one holds, and ends the calls and reads that it makes ready.
[<Sealed>]
type MachineLoop
    (
        peer: int,
        owner: MemberId,
        log: ChainedLog,
        client: Client,
        snapshots: SnapshotKeeper,
        takesSnapshots: bool,
        world: ISurroundings
    ) =

    let dice, oracle, coverage = world.Dice, world.Oracle, world.Coverage
    let runtime = world.Plan.Runtime
    let applier = Applier(owner, world.Workload, peer, oracle, coverage)
    let every =
        if
            takesSnapshots
            && runtime.SnapshotEvery > 0
            && not (dice.Chance runtime.SnapshotlessPerMille)
        then
            runtime.SnapshotEvery
        else
            0
    let mutable whileAlive: (unit -> unit) -> (unit -> unit) = id
    let mutable deliver: GroupInput -> unit = ignore
    let mutable raft: unit -> State = fun () -> Unchecked.defaultof<State>
    let mutable isApplying = false
    let mutable toApply = LogIndex.Zero
    /// The snapshot that the machine is to become.
    let mutable toRestore: KeptSnapshot voption = ValueNone

    let succeed (lineage: Lineage) (index: LogIndex) (call: CallRecord | null) =
        match call with
        | null -> ()
        | record ->
            record.Lineage <- lineage
            if record.Outcome = CallOutcome.Pending then
                coverage.Meet Sight.CallSucceeded
            oracle.Raise(lineage, index)
            record.End(CallOutcome.Succeeded, world.Tick())

    /// The machine becomes what the snapshot holds. Own commands that took effect in it end here.
    let restore (snapshot: KeptSnapshot) =
        toRestore <- ValueNone
        let lineage = snapshot.Facts.Lineage
        applier.Restore(lineage, snapshot, client.Proposer)
        let struct (last, index) = applier.LastOf client.Proposer
        if last > 0UL then
            succeed lineage index (client.Installed(last, index, world.Tick()))

    /// Takes a snapshot now and then, between two commands.
    let saveSome (lineage: Lineage) =
        if every > 0 && snapshots.IsDue(applier.Index, every) then
            match applier.Capture(), log.ConfigurationAt applier.Index with
            | ValueSome write, ValueSome configuration ->
                let position = log[applier.Index].Position
                let finish () =
                    let content = write ()
                    { Facts =
                        { Lineage = lineage
                          Position = position
                          Configuration = configuration
                          Length = int64 content.Length
                          Checksum = Snapshot.checksum content }
                      Content = content }
                snapshots.Save(position.Index, finish, runtime.SnapshotKept)
            | _, _ -> ()

    /// The process has begun: how it runs actions while it lives, how its core hears of them, and what that knows.
    member _.Attach
        (guard: (unit -> unit) -> (unit -> unit), input: GroupInput -> unit, state: unit -> State)
        =
        whileAlive <- guard
        deliver <- input
        raft <- state

    member _.Applier = applier

    /// The process begins with a snapshot on its disk.
    member _.StartFrom(snapshot: KeptSnapshot) =
        applier.Restore(snapshot.Facts.Lineage, snapshot, client.Proposer)
        toApply <- snapshot.Facts.Position.Index

    member this.ApplyUpTo(range: LogRange) =
        if range.First <> toApply.Next then
            Rules.break' Rules.stateMachineSafety $"{Naming.show owner} is to apply {range} after {toApply}"
        toApply <- range.Last
        this.Begin()

    /// A received snapshot takes the place of the machine's state; what was to be applied before it is in it.
    member this.Become(snapshot: KeptSnapshot) =
        toApply <- snapshot.Facts.Position.Index
        toRestore <- ValueSome snapshot
        this.Begin()

    member private this.Begin() =
        if not isApplying then
            isApplying <- true
            world.Later(int64 (dice.Below(runtime.ApplyMax + 1)), whileAlive this.ApplySome)

    member private this.ApplySome() =
        ValueOption.iter restore toRestore
        let lineage = (raft ()).Lineage
        let upTo = min toApply.Value (applier.Index.Value + uint64 (1 + dice.Below runtime.ApplyChunk))
        while applier.Index.Value < upTo do
            let index = applier.Index.Next
            applier.Apply(
                lineage,
                log[index],
                log.ChainAt index,
                client.Proposer,
                fun number index -> succeed lineage index (client.Applied(number, index))
            )
        let struct (own, gap) = applier.Report()
        this.AnswerReads()
        saveSome lineage
        if applier.Index < toApply then
            world.Later(int64 (dice.Below(runtime.ApplyMax + 1)), whileAlive this.ApplySome)
        else
            isApplying <- false
        deliver (GroupInput.Applied(applier.Index, own, gap))

    /// Answers the reads whose index is applied.
    member _.AnswerReads() =
        for struct (_, record) in client.TakeReady applier.Index do
            let state = raft ()
            let lineage = state.Lineage
            for struct (known, floor) in record.Floors do
                if known = lineage && applier.Index < floor then
                    Rules.break'
                        Rules.linearizable
                        $"{Naming.show owner} answers a strong read at {applier.Index}; {floor} was acknowledged before it began"
            record.Lineage <- lineage
            record.Answered(applier.Machine.Query record.Request[0])
            record.Indexes <- [| applier.Index |]
            if record.Outcome = CallOutcome.Pending then
                coverage.Meet(
                    if State.isLeader state then
                        Sight.StrongReadAtLeader
                    else
                        Sight.StrongReadAtFollower
                )
                oracle.Raise(lineage, applier.Index)
            record.End(CallOutcome.Succeeded, world.Tick())
