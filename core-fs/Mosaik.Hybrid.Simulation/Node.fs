namespace Mosaik.Hybrid.Simulation

open System
open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Wire

/// One run of one process: the core, and around it a runtime as its contract allows it to be, at its most awkward.
/// Inputs are gathered, writes and applies end late, words wait for the write that they depend on.
[<Sealed>]
type Node(peer: int, disk: Disk, store: IStoreUnderTest | null, session: uint64, world: ISurroundings) =

    let self = disk.Owner
    let habits = world.Plan.Peers[peer - 1]
    let runtime = world.Plan.Runtime
    let config = { Consensus = world.Plan.Consensus; Preference = habits.Preference }
    let dice, oracle, coverage, trace = world.Dice, world.Oracle, world.Coverage, world.Trace
    let clock = NodeClock(world, habits.Drift, int64 (dice.Below 10_000))

    do
        if disk.Recover(fun facts -> oracle.CommittedUpTo(self, facts)) then
            coverage.Meet Sight.SnapshotAheadOfLog

    let log = disk.Log.Copy()
    let writes = DiskQueue(disk, store)
    let client = Client(ProposerId(self, session), coverage)
    // A frame may have come that the core has not been given yet: two heartbeats more than it would wait itself.
    let outbox = Outbox(disk, writes, config.Consensus.MaxMissedHeartbeats + 2, world)
    let inbox = List<GroupInput>()
    let postponed = List<unit -> unit>()
    let mutable stepWrites: Write list = []
    let mutable isAlive = true
    let mutable isPaused = false
    let mutable isScheduled = false
    let mutable isRunning = false
    let snapshots = SnapshotKeeper(disk, world)
    // A real store beside the simulated disk is not told of snapshots.
    let machine = MachineLoop(peer, self, log, client, snapshots, isNull store, world)
    let mutable lastSequence = 0UL
    let mutable timerAt = Int64.MaxValue
    let mutable nextLink = 0L
    /// The deadline that the core has told.
    let mutable told = Instant.Never
    let mutable state = Unchecked.defaultof<GroupState>

    let say (line: string) =
        trace.Say(world.Now, $"{Naming.show self} {line}")

    /// Runs an action now, or when the process goes on.
    let whileAlive (action: unit -> unit) =
        fun () ->
            if isAlive then
                if isPaused then postponed.Add action else action ()

    let memberOf (link: LinkId) =
        match state.Bonds.TryFind link with
        | Some { Theirs = ValueSome theirs } -> ValueSome theirs.Member
        | Some _
        | None -> ValueNone

    do
        let hard = writes.BeginSession session
        state <-
            Group.restore config (clock.Read()) (dice.Bits()) Naming.network Naming.group (disk.Stored hard)
        match disk.Snapshot with
        | ValueSome snapshot ->
            coverage.Meet Sight.RestartedFromSnapshot
            machine.StartFrom snapshot
        | ValueNone -> ()

    member _.Id = self
    member _.Peer = peer
    member _.Disk = disk
    member _.State = state
    member _.Raft = state.Raft
    member _.Log = log
    member _.Applier = machine.Applier
    member _.Client = client
    member _.IsAlive = isAlive
    member _.IsPaused = isPaused
    member _.Clock = clock

    /// The peers that this node has a bond with.
    member _.BondedPeers =
        [ for pair in state.Links do
              Naming.numberOf pair.Key ]

    /// True while a link to the peer stands, or is being made.
    member _.HasLinkTo(other: int) =
        let peer = Naming.peer other
        state.Bonds |> Map.exists (fun _ bond -> bond.Peer = peer)

    /// Gives an input to the core, now or a little later, with others perhaps.
    member this.Deliver(input: GroupInput) =
        if isAlive then
            inbox.Add input
            if not isScheduled && not isRunning && not isPaused then
                if dice.Chance runtime.GatherPerMille then
                    isScheduled <- true
                    world.Later(
                        int64 (dice.Below(runtime.GatherMax + 1)),
                        fun () ->
                            isScheduled <- false
                            if isAlive && not isPaused then
                                this.Run()
                    )
                else
                    this.Run()

    /// The process begins: the core wants to be asked for its first deadline.
    member this.Start() =
        if trace.IsOn then
            say $"starts, session {session}, log after {disk.Base} up to {disk.Log.Last}"
        oracle.Departed.Remove self
        MembershipSights.ofStart coverage log
        snapshots.Attach(whileAlive, this.Deliver)
        machine.Attach(whileAlive, this.Deliver, (fun () -> state.Raft))
        this.Deliver GroupInput.Tick

    /// A link to a peer is open; returns its name here.
    member this.Open(port: IPort, other: int, isDialler: bool) : LinkId =
        nextLink <- nextLink + 1L
        outbox.Attach(nextLink, port)
        this.Deliver(GroupInput.LinkOpened(nextLink, Naming.peer other, isDialler, Proofs.nonce dice))
        nextLink

    /// A frame came on a link.
    member this.Receive(link: LinkId, frame: byte[]) =
        if isAlive && outbox.Has link then
            let mutable message = Unchecked.defaultof<BondMessage>
            let mutable error = Unchecked.defaultof<DecodeError>
            if WireReader.TryDecode(ReadOnlyMemory frame, &message, &error) then
                outbox.Heard link
                this.Note(link, message)
                this.Deliver(GroupInput.Received(link, message))
            elif outbox.IsHonest link then
                Rules.break' Rules.noFalseAlarm $"{Naming.show self} can't read a frame: {error}"
            else
                this.Lost(link, CloseReason.ProtocolViolation)

    member private _.Note(link: LinkId, message: BondMessage) =
        match message with
        | BondMessage.Raft message ->
            if
                not (outbox.IsHonest link)
                && (memberOf link).IsSome
                && state.Bonds[link].Phase = BondPhase.Bonded
            then
                Rules.break' Rules.bonds $"{Naming.show self} listens to somebody without a proof"
            Sightings.ofMessage coverage config (clock.Read()) message state.Raft
        | _ -> ()

    /// A link is gone.
    member this.Lost(link: LinkId, reason: CloseReason) =
        if isAlive && outbox.Detach link then
            this.Deliver(GroupInput.LinkLost(link, reason))

    member _.Pause() =
        if not isPaused then
            coverage.Meet Sight.Paused
            isPaused <- true
            if trace.IsOn then
                say "stands still"

    member this.Resume() =
        if isPaused then
            isPaused <- false
            if isAlive then
                if trace.IsOn then
                    say "goes on"
                let waiting = postponed.ToArray()
                postponed.Clear()
                for action in waiting do
                    if isAlive then
                        action ()
                if isAlive && inbox.Count > 0 && not isScheduled then
                    this.Run()

    /// The process ends. A part of what was on its way to the disk may have reached it.
    member _.Crash() =
        if isAlive then
            isAlive <- false
            let onTheirWay = writes.Count
            let kept = dice.Below(onTheirWay + 1)
            if onTheirWay > 0 then
                Sightings.ofCrash coverage onTheirWay kept
                if kept < onTheirWay && dice.Chance 500 then
                    coverage.Meet Sight.WriteTorn
            writes.Crash kept
            snapshots.Crash()
            oracle.OnDurable disk
            oracle.OnEnded self
            client.End(world.Tick())
            outbox.Clear()
            if trace.IsOn then
                say $"ends; durable up to {disk.Log.Last}, {onTheirWay - kept} writes lost"

    /// A client calls.
    member this.Call(record: CallRecord) =
        let call = record.Call
        match call.Kind with
        | CallKind.WeakRead ->
            record.Lineage <- state.Raft.Lineage
            record.Answered(machine.Applier.Machine.Query record.Request[0])
            record.Indexes <- [| machine.Applier.Index |]
            coverage.Meet Sight.WeakRead
            record.End(CallOutcome.Succeeded, world.Tick())
        | CallKind.StrongRead ->
            let patience = int64 call.Patience * 1_000L
            let id = client.BeginRead(record, world.Now + patience)
            world.Later(patience, whileAlive this.ExpireReads)
            this.Deliver(GroupInput.Read id)
        | CallKind.Execute count ->
            if state.Raft.Leader.IsNone || not (client.HasRoom count) then
                coverage.Meet Sight.CallRefused
                record.End(CallOutcome.Refused, world.Tick())
            else
                let commands = client.Add record
                if trace.IsOn then
                    say $"proposes #{commands[0].Number} +{count}"
                world.Later(
                    int64 call.Patience * 1_000L,
                    fun () ->
                        if record.Outcome = CallOutcome.Pending then
                            coverage.Meet Sight.CallOutcomeUnknown
                            record.End(CallOutcome.Unknown, world.Tick())
                )
                this.Deliver(GroupInput.Propose(ReadOnlyMemory commands))

    /// Gives up reads that have waited too long.
    member this.ExpireReads() =
        let last = client.Expire(world.Now, world.Tick())
        if last > 0UL then
            this.Deliver(GroupInput.ReadsExpired last)

    /// Leadership shall go to a peer, or to whoever is fit for it.
    member this.HandOver(target: int voption) =
        this.Deliver(GroupInput.HandOver(target |> ValueOption.map Naming.peer |> ValueOption.toNullable))

    /// Leaves in good order: leadership is handed over, the others let the member go, and the process ends.
    member this.Leave() = this.Deliver GroupInput.Leave

    member private this.Close() =
        coverage.Meet Sight.LeftInGoodOrder
        this.Deliver GroupInput.Close
        if isAlive then
            world.Ended(peer, ProcessEnd.Left)

    member private this.Run() =
        isRunning <- true
        let mutable goesOn = true
        while goesOn do
            let inputs = inbox.ToArray()
            inbox.Clear()
            this.Step inputs
            goesOn <- isAlive && not isPaused && inbox.Count > 0
        isRunning <- false
        if isAlive then
            this.Arm()

    member private this.Step(inputs: GroupInput[]) =
        let before = state
        let now = clock.Read()
        for input in inputs do
            Sightings.ofInput coverage input before.Raft
        let transition = Group.stepAll config now inputs before
        state <- transition.State
        stepWrites <- []
        for output in transition.Outputs do
            this.CarryOut(output, transition.SendAfter)
        oracle.OnStep { Id = self; Before = before.Raft; After = state.Raft; Log = log; Writes = stepWrites }
        StepChecks.run oracle config now inputs before state transition.Outputs log stepWrites
        Sightings.ofStep coverage before.Raft state.Raft
        MembershipSights.ofStep coverage before.Raft state.Raft
        if MembershipSights.ofDeparture coverage now inputs before.Raft state.Raft then
            oracle.Departed.Add self
        outbox.Release lastSequence

    /// One timer, which may fire too early, and then looks again: deadlines move with every append.
    member private this.Arm() =
        if told = Instant.Never || told <> state.Deadline then
            Rules.break'
                Rules.termination
                $"{Naming.show self} wants a tick at {state.Deadline} and has asked for one at {told}"
        let late =
            if not world.IsHealed && dice.Chance 20 then
                int64 (dice.Below 10_000)
            else
                0L
        let at = clock.MomentOf state.Deadline + late
        if at < timerAt then
            timerAt <- at
            world.Later(
                at - world.Now,
                whileAlive (fun () ->
                    if timerAt = at || world.Now >= timerAt then
                        timerAt <- Int64.MaxValue
                        if (clock.Read()).Now >= state.Deadline then
                            this.Deliver GroupInput.Tick
                        else
                            this.Arm())
            )

    member private this.CarryOut(output: GroupOutput, sendAfter: uint64) =
        match output with
        | GroupOutput.Install through -> this.Install through
        | GroupOutput.Compact through ->
            coverage.Meet Sight.LogCompacted
            oracle.OnCompacted(self, disk, through)
            this.Enqueue(DiskJob.Compact through)
        | GroupOutput.Keep(facts, chunk) -> snapshots.Keep(facts, chunk)
        | GroupOutput.SendSnapshot(link, header, facts, offset, count) ->
            match snapshots.Read(link, facts, offset, count) with
            | ValueSome data ->
                this.Say(
                    link,
                    Message.InstallSnapshot(header, facts, { Offset = offset; Data = data }),
                    sendAfter
                )
            | ValueNone -> ()
        | GroupOutput.Write write ->
            if trace.IsOn then
                say $"{Show.role state.Raft} t{state.Raft.CurrentTerm} {Show.write write}"
            this.Submit write
        | GroupOutput.SendRaft(link, message) ->
            match message with
            | Message.AppendEntriesReply { Outcome = AppendOutcome.Accepted upTo } ->
                oracle.OnAccepted(self, disk, state.Raft, log, upTo)
            | Message.InstallSnapshot(_, facts, _) -> snapshots.Open(link, facts)
            | Message.Departed _ ->
                match memberOf link with
                | ValueSome leaver -> oracle.Departed.OnTold(state.Raft, log, leaver)
                | ValueNone -> ()
            | _ -> ()
            this.Say(link, message, sendAfter)
        | GroupOutput.SendEntries(link, header, range) -> this.SendEntries(link, header, range, sendAfter)
        | GroupOutput.ServeEntries(link, header, range) ->
            StateContracts.onServed range state.Raft
            this.Say(link, Message.FetchedEntries(header, ReadOnlyMemory(log.Slice range)), sendAfter)
        | GroupOutput.Surveyed _ -> ()
        | GroupOutput.SendCommands(link, header, first, last) ->
            for commands in client.Chunks(first, last, dice.OneOf [| 1; 3; 1_000; 1_000 |]) do
                this.Say(link, Message.Forward(header, ReadOnlyMemory commands), sendAfter)
        | GroupOutput.SendAffiliated(link, lineage) ->
            world.Later(
                int64 (dice.Below 1_000),
                whileAlive (fun () -> this.TellAffiliated(link, lineage, sendAfter))
            )
        | GroupOutput.SendBond(link, message) -> outbox.Say(link, message)
        | GroupOutput.Prove(link, mine, theirs, isDialler) ->
            let mac = Proofs.make mine theirs isDialler
            outbox.Say(link, BondMessage.Proof { Mac = mac; Entry = ReadOnlyMemory.Empty })
        | GroupOutput.Check(link, mine, theirs, isDialler, proof) ->
            let expected = Proofs.make theirs mine (not isDialler)
            let credentials =
                if proof.Mac = expected then
                    Credentials.Good Instant.Never
                else
                    coverage.Meet Sight.WrongProofRefused
                    Credentials.WrongProof
            world.Later(
                int64 (dice.Below 3_000),
                whileAlive (fun () -> this.Deliver(GroupInput.Checked(link, credentials)))
            )
        | GroupOutput.Recheck(link, _) ->
            world.Later(
                int64 (dice.Below 3_000),
                whileAlive (fun () -> this.Deliver(GroupInput.Checked(link, Credentials.Good Instant.Never)))
            )
        | GroupOutput.CloseLink(link, reason, evidence) ->
            if reason = CloseReason.AlreadyBonded then
                coverage.Meet Sight.DuplicateBondRefused
            outbox.Close(link, reason, evidence)
        | GroupOutput.BondFormed(link, other) ->
            if trace.IsOn then
                say $"bonds with {Naming.show other} on link {link}"
        | GroupOutput.BondEnded(_, other, reason) ->
            if reason = CloseReason.Timeout then
                coverage.Meet Sight.BondTimedOut
            if trace.IsOn then
                say $"loses the bond with {Naming.show other}: {reason}"
        | GroupOutput.Apply range -> machine.ApplyUpTo range
        | GroupOutput.Resubmit(first, last) ->
            for commands in client.Chunks(first, last, dice.OneOf [| 1; 3; 1_000; 1_000 |]) do
                inbox.Add(GroupInput.Propose(ReadOnlyMemory commands))
        | GroupOutput.Assigned _ -> ()
        | GroupOutput.ReadReady(ids, index) ->
            if trace.IsOn then
                say $"may answer reads at {index}"
            for id in ids do
                client.Ready(id, index)
            machine.AnswerReads()
        | GroupOutput.ReadRefused id -> client.Refused(id, world.Tick())
        | GroupOutput.SetDeadline at -> told <- at
        | GroupOutput.Notify Notice.MayLeave -> world.Later(0L, whileAlive this.Close)
        | GroupOutput.Notify _ -> ()
        | GroupOutput.Reset ->
            oracle.OnReset(self, state.Raft.Lineage, log)
            MembershipSights.ofReset coverage state.Raft
            world.Later(0L, whileAlive (fun () -> world.Ended(peer, ProcessEnd.Reset)))
        | GroupOutput.Halt violation ->
            Rules.break' Rules.noFalseAlarm $"{Naming.show self} halts: {violation.Rule} {violation.Evidence}"

    /// Words to a bond that has ended in the same step are lost.
    member private _.Say(link: LinkId, message: Message, sendAfter: uint64) =
        match memberOf link with
        | ValueSome recipient -> outbox.Hold(sendAfter, link, recipient, message)
        | ValueNone -> ()

    member private this.SendEntries(link: LinkId, header: AppendHeader, range: LogRange, sendAfter: uint64) =
        if log.TermAt range.First.Previous <> header.Previous.Term then
            Rules.break' Rules.logMatching $"{Naming.show self} sends {range} after {header.Previous}"
        match memberOf link with
        | ValueSome recipient -> Bounds.checkAppend config self recipient range state.Raft
        | ValueNone -> ()
        if disk.Corrupt <> LogIndex.Zero && range.Contains disk.Corrupt && dice.Chance 300 then
            // The entry is not in memory any more, and the disk can't give it back.
            coverage.Meet Sight.CorruptionFound
            world.Later(0L, whileAlive (fun () -> world.Ended(peer, ProcessEnd.DiskFailed)))
        else
            this.Say(link, Message.AppendEntries(header, ReadOnlyMemory(log.Slice range)), sendAfter)

    /// A lineage is told of when it is durable, as words of consensus are.
    member private this.TellAffiliated(link: LinkId, lineage: Lineage, sendAfter: uint64) =
        if writes.DurableSequence lastSequence >= sendAfter then
            outbox.Say(link, BondMessage.Affiliated lineage)
        else
            world.Later(1_000L, whileAlive (fun () -> this.TellAffiliated(link, lineage, sendAfter)))

    member private this.Submit(write: Write) =
        if not (log.Apply write) then
            Rules.break' Rules.logMatching $"{Naming.show self} writes entries that do not follow on"
        if write.Sequence <> lastSequence + 1UL then
            Rules.break' Rules.durableFirst $"{Naming.show self} writes {write.Sequence} after {lastSequence}"
        lastSequence <- write.Sequence
        stepWrites <- write :: stepWrites
        this.Enqueue(DiskJob.Write write)

    member private this.Enqueue(job: DiskJob) =
        writes.Add job
        if not writes.IsFlushing then
            this.Flush()

    /// A received snapshot takes the place of the log, in memory at once and on the disk in its turn, and of the
    /// machine's state when that has applied what was handed out before.
    member private this.Install(through: LogPosition) =
        match disk.Snapshot with
        | ValueSome snapshot when snapshot.Facts.Position = through ->
            coverage.Meet Sight.SnapshotInstalled
            let committed = oracle.CommittedUpTo(self, snapshot.Facts)
            log.Become committed
            this.EndAtTheWorstMoment()
            this.Enqueue(DiskJob.Install(through, committed))
            machine.Become snapshot
        | ValueSome _
        | ValueNone ->
            Rules.break'
                Rules.snapshotTruth
                $"{Naming.show self} installs at {through}, and has no such snapshot"

    /// The process may end between a received snapshot and what follows from it on the disk.
    member private _.EndAtTheWorstMoment() =
        if not world.IsHealed && dice.Chance runtime.SnapshotCrashPerMille then
            world.Later(
                int64 (dice.Below(runtime.DiskMax / 2 + 1)),
                whileAlive (fun () -> world.Ended(peer, ProcessEnd.DiskFailed))
            )

    /// One flush for everything that has gathered.
    member private this.Flush() =
        writes.Begin()
        let slowest =
            if world.IsHealed then
                min 3_000 runtime.DiskMax
            else
                runtime.DiskMax
        world.Later(int64 (dice.Below(slowest + 1)), whileAlive this.Flushed)

    member private this.Flushed() =
        if disk.IsFull then
            coverage.Meet Sight.DiskFull
            world.Ended(peer, ProcessEnd.DiskFailed)
        elif disk.IsStalled then
            coverage.Meet Sight.DiskStalled
            if State.isLeader state.Raft then
                coverage.Meet Sight.LeaderWithStalledDisk
            world.Later(5_000L, whileAlive this.Flushed)
        else
            let sequence = writes.End()
            oracle.OnDurable disk
            if writes.Count > 0 then
                this.Flush()
            if sequence > 0UL then
                this.Deliver(GroupInput.Persisted sequence)
            if isAlive then
                outbox.Release lastSequence
