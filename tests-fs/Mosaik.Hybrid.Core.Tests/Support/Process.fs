namespace Mosaik.Hybrid.Core.Tests.Support

open System
open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// What a process can do to the world around it.
type Surroundings =
    {
        Now: unit -> int64
        /// Runs an action some milliseconds later.
        Later: int -> (unit -> unit) -> unit
        /// The longest way of a write to the disk, in milliseconds.
        DiskMax: unit -> int
        /// Gives a message to the bond between two members.
        Post: MemberId -> MemberId -> Message -> unit
        /// A member's lineage has become durable.
        Affiliated: MemberId -> unit
        /// A member wants to forget its log and begin anew.
        Reset: MemberId -> unit
        Oracle: Oracle
        Acknowledged: Acknowledged
        Trace: Trace
        Dice: Dice
    }

/// One run of one process: the core, and around it a runtime as its contract allows it to be, at its most awkward.
/// Inputs are gathered, writes and applies end late, words wait for the write that they depend on.
[<Sealed>]
type Process(schedule: Schedule, disk: Disk, session: uint64, seed: uint64, skew: int64, world: Surroundings)
    =

    let self = disk.Owner
    let config = { Consensus = schedule.Consensus; Preference = NodePreference.normal }
    let log = disk.Log.Copy()
    let machine = Machine self
    let client = Client(ProposerId(self, session), world.Acknowledged)
    let inbox = List<Input>()
    let outbox = Queue<struct (uint64 * MemberId * Message)>()
    let writes = Queue<Write>()
    let mutable isAlive = true
    let mutable isScheduled = false
    let mutable isApplying = false
    let mutable toApply = LogIndex.Zero
    let mutable armed = Instant.Never
    let mutable diskFreeAt = 0L
    let mutable state = Unchecked.defaultof<State>

    let clock () =
        { Now = Instant(world.Now() + skew); Wall = 1_000_000L + world.Now() }

    let say (line: unit -> string) =
        world.Trace.Say(world.Now(), (fun () -> $"{Name.show self} {line ()}"))

    let broken rule evidence = raise (Broken(rule, evidence))

    let whileAlive (action: unit -> unit) =
        fun () ->
            if isAlive then
                action ()

    do
        let hard: HardState =
            match disk.Hard with
            | null ->
                { Member = self
                  Session = session
                  Lineage = Lineage.None
                  CurrentTerm = Term.Zero
                  VotedFor = null
                  Acknowledged = LogPosition.Zero }
            | hard -> { hard with Session = session }
        if hard.Acknowledged.Index > disk.Log.Last then
            broken
                Rule.monotonic
                $"the log of {Name.show self} ends at {disk.Log.Last}, its watermark is {hard.Acknowledged}"
        disk.Hard <- hard
        state <- State.restore config (clock ()) seed hard disk.Outline disk.Configurations

    member _.Id = self
    member _.Disk = disk
    member _.Session = session
    member _.State = state
    member _.Log = log
    member _.Machine = machine
    member _.Client = client
    member _.IsAlive = isAlive

    /// Gives an input to the core, now or a little later, with others perhaps.
    member this.Deliver(input: Input) =
        if isAlive then
            inbox.Add input
            if not isScheduled then
                isScheduled <- true
                let delay =
                    if world.Dice.Chance 700 then
                        0
                    else
                        world.Dice.Between(1, 3)
                world.Later delay (whileAlive this.Run)

    /// Loses what is not durable. A part of what was on its way to the disk may have reached it.
    member _.Crash() =
        isAlive <- false
        for _ in 1 .. world.Dice.Below(writes.Count + 1) do
            disk.Settle(writes.Dequeue())
        say (fun () -> $"crashes; durable up to {disk.Log.Last}")

    member this.Propose(count: int) =
        let commands = client.Make count
        say (fun () -> $"proposes #{commands[0].Number} +{count}")
        this.Deliver(Input.Propose(ReadOnlyMemory commands))

    member this.Read() =
        this.Deliver(Input.Read(client.BeginRead()))

    member this.GiveUpReads() =
        this.Deliver(Input.ReadsExpired(client.GiveUpReads()))

    member private this.Run() =
        isScheduled <- false
        let inputs = inbox.ToArray()
        inbox.Clear()
        let before = state
        let now = clock ()
        let transition = Raft.stepAll config now inputs before
        state <- transition.State
        let mutable write = ValueNone
        for output in transition.Outputs do
            say (fun () -> $"{Show.role state} t{state.CurrentTerm} {Show.output output}")
            match output with
            | Output.Write asked ->
                write <- ValueSome asked
                this.Submit asked
            | Output.SetDeadline at -> this.Arm at
            | Output.Apply range -> this.ApplyUpTo range
            | Output.Notify _ -> ()
            | Output.Halt violation -> broken Rule.noAlarm $"{violation.Rule} {violation.Evidence}"
            | Output.Send(recipient, message) ->
                match message with
                | Message.AppendEntriesReply { Outcome = AppendOutcome.Accepted upTo } ->
                    world.Oracle.OnAccepted(self, disk, state, log, upTo)
                | _ -> ()
                outbox.Enqueue(struct (transition.SendAfter, recipient, message))
            | Output.SendEntries(recipient, header, range) ->
                if log.TermAt range.First.Previous <> header.Previous.Term then
                    broken Rule.logMatching $"{Name.show self} sends {range} after {header.Previous}"
                let inFlight = uint64 range.Count
                if
                    inFlight >
                        uint64 (min config.Consensus.EntriesPerAppendMax config.Consensus.EntriesInFlightMax)
                then
                    broken Rule.bounds $"{Name.show self} sends {range} at once"
                let message = Message.AppendEntries(header, ReadOnlyMemory(log.Slice range))
                outbox.Enqueue(struct (transition.SendAfter, recipient, message))
            | Output.SendCommands(recipient, header, first, last) ->
                for commands in this.Chunks(first, last) do
                    let message = Message.Forward(header, ReadOnlyMemory commands)
                    outbox.Enqueue(struct (transition.SendAfter, recipient, message))
            | Output.Resubmit(first, last) ->
                for commands in this.Chunks(first, last) do
                    this.Deliver(Input.Propose(ReadOnlyMemory commands))
            | Output.Assigned _ -> ()
            | Output.ReadReady(ids, index) -> client.Ready(ids, state.Lineage, index)
            | Output.ReadRefused id -> client.Refused id
            | Output.Blame(peer, evidence) ->
                broken Rule.noAlarm $"{Name.show self} blames {Name.show peer}: {evidence}"
            | Output.Reset -> world.Later 0 (fun () -> world.Reset self)
        world.Oracle.OnStep(self, before, state, log, write)
        this.CheckTimer(inputs, now)
        this.Flush()

    /// A process without a timer would sleep for ever; one whose timer stays in the past would spin.
    member private _.CheckTimer(inputs: Input[], now: Clock) =
        if armed = Instant.Never then
            broken Rule.liveness $"{Name.show self} has no deadline any more"
        let ticked =
            inputs
            |> Array.exists (function
                | Input.Tick -> true
                | _ -> false)
        if ticked && armed <= now.Now then
            broken Rule.liveness $"{Name.show self} spins: at {now.Now} it wants a tick at {armed}"

    member private this.Arm(at: Instant) =
        armed <- at
        let wait = max 0L (min 1_000_000L (at.Since((clock ()).Now)))
        let late = if world.Dice.Chance 900 then 0 else world.Dice.Below 10
        world.Later
            (int wait + late)
            (whileAlive (fun () ->
                if armed = at then
                    armed <- Instant.Never
                    this.Deliver Input.Tick))

    /// Own commands in whole batches, in one message or several.
    member private _.Chunks(first: uint64, last: uint64) : LogEntry[] list =
        let commands = client.Whole(first, last)
        let size = world.Dice.OneOf [| 1; 3; 1_000 |]
        let chunks = List<LogEntry[]>()
        let current = List<LogEntry>()
        for command in commands do
            current.Add command
            if command.BatchRemaining = 0 && current.Count >= size then
                chunks.Add(current.ToArray())
                current.Clear()
        if current.Count > 0 then
            chunks.Add(current.ToArray())
        List.ofSeq chunks

    member private this.Submit(write: Write) =
        if not (log.Apply write) then
            broken Rule.logMatching $"{Name.show self} writes entries that do not follow on"
        writes.Enqueue write
        let slowest = world.DiskMax()
        diskFreeAt <- max diskFreeAt (world.Now()) + int64 (world.Dice.Below(slowest + 1))
        // Group commit: a busy disk ends many writes together.
        diskFreeAt <- min diskFreeAt (world.Now() + int64 (2 * slowest))
        world.Later (int (diskFreeAt - world.Now())) (whileAlive (fun () -> this.Settled write.Sequence))

    member private this.Settled(sequence: uint64) =
        let former = disk.Lineage
        let mutable settled = 0
        while writes.Count > 0 && writes.Peek().Sequence <= sequence do
            disk.Settle(writes.Dequeue())
            settled <- settled + 1
        if settled > 0 then
            this.Deliver(Input.Persisted sequence)
            this.Flush()
            if disk.Lineage <> former then
                world.Affiliated self

    /// Lets words go whose write is durable.
    member private _.Flush() =
        let durable =
            if writes.Count = 0 then
                UInt64.MaxValue
            else
                writes.Peek().Sequence - 1UL
        let mutable goesOn = outbox.Count > 0
        while goesOn do
            let struct (after, recipient, message) = outbox.Peek()
            if after <= durable then
                outbox.Dequeue() |> ignore
                world.Oracle.OnLeave(self, disk, recipient, message)
                world.Post self recipient message
                goesOn <- outbox.Count > 0
            else
                goesOn <- false

    member private this.ApplyUpTo(range: LogRange) =
        if range.First <> toApply.Next then
            broken Rule.stateMachineSafety $"{Name.show self} is to apply {range} after {toApply}"
        toApply <- range.Last
        if not isApplying then
            isApplying <- true
            world.Later (world.Dice.Below 8) (whileAlive this.ApplySome)

    member private this.ApplySome() =
        let count = world.Dice.OneOf [| 1; 5; 1_000 |]
        let upTo = LogIndex(min toApply.Value (machine.Index.Value + uint64 count))
        let mutable gap = false
        while machine.Index < upTo do
            gap <- machine.Apply(log[machine.Index.Next], client.Proposer) || gap
            world.Oracle.OnApplied(self, state.Lineage, machine.Index, machine.Hash)
        let own = machine.LastOf client.Proposer
        client.Effective(own, state.Lineage, machine.Index)
        this.Deliver(Input.Applied(machine.Index, own, gap))
        if machine.Index < toApply then
            world.Later (world.Dice.Below 8) (whileAlive this.ApplySome)
        else
            isApplying <- false
