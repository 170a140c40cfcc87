namespace Mosaik.Hybrid.Simulator.Tests.Scenarios

open System

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Simulation

/// A scenario did not end as it should: the line, what was expected, and what was there.
exception ScenarioFailed of report: string with
    override this.Message = this.report

/// Plays a scenario on a stage, line by line.
[<Sealed>]
type private Play(scenario: Scenario, stage: Stage) =

    let world = stage.World
    let mutable current = List.head scenario.Lines

    /// An awaited condition that does not come within so long, in virtual milliseconds, never will.
    let patience = 60_000

    /// A call without a patience of its own outlasts every await.
    let callPatience = 10_000_000

    let fail (reason: string) : 'any =
        let text =
            [ $"{scenario.File}:{current.Number}: {current.Text}"
              $"    {reason} at {world.Now / 1_000L} ms, seed {world.Plan.Seed}"
              yield! stage.Describe() |> List.map (fun line -> "    " + line)
              "    the last that happened:"
              yield! stage.Trace 40 ]
        raise (ScenarioFailed(String.Join('\n', text)))

    let several (peers: Peers) =
        match stage.Resolve peers with
        | [] -> fail "nobody is meant"
        | numbers -> numbers

    let one (peers: Peers) =
        match several peers with
        | [ number ] -> number
        | numbers -> fail $"one peer is meant, not {numbers.Length}"

    let nodeOf (number: int) =
        match world.NodeOf number with
        | ValueSome node -> node
        | ValueNone -> fail $"n{number} does not run"

    let nodes (peers: Peers) = several peers |> List.map nodeOf

    let diskOf (number: int) =
        match world.DiskOf number with
        | ValueSome disk -> disk
        | ValueNone -> fail $"n{number} has no disk"

    /// The peers that are meant, if the role is somebody's, all run and do.
    let all (peers: Peers) (holds: Node -> bool) =
        match stage.Resolve peers with
        | [] -> false
        | numbers ->
            numbers
            |> List.forall (fun number ->
                match world.NodeOf number with
                | ValueSome node -> holds node
                | ValueNone -> false)

    let has (log: ChainedLog) (label: string) = (Stage.PlaceIn(log, label)).IsSome

    let committed (label: string) (node: Node) =
        match Stage.PlaceIn(node.Log, label) with
        | ValueSome index -> index <= node.Raft.CommitIndex
        | ValueNone -> false

    let forgot (label: string) (node: Node) =
        match Stage.PlaceIn(node.Log, label) with
        | ValueSome index -> index <= node.Raft.Outline.Base.Index
        | ValueNone -> false

    let counts (label: string) (others: Peers) (leader: Node) =
        match leader.Raft.Role, Stage.PlaceIn(leader.Log, label) with
        | Role.Leader leading, ValueSome index ->
            let isCounted (number: int) =
                leading.Progress
                |> Map.exists (fun id progress -> Naming.numberOf id = number && progress.MatchIndex >= index)
            stage.Resolve others |> List.forall isCounted
        | (Role.Leader _ | Role.Follower | Role.PreCandidate _ | Role.Candidate _ | Role.Founder _), _ ->
            false

    let isCandidate (node: Node) =
        match node.Raft.Role with
        | Role.Candidate _ -> true
        | Role.Leader _
        | Role.Follower
        | Role.PreCandidate _
        | Role.Founder _ -> false

    let terms (log: ChainedLog) =
        log.All |> Seq.map (fun entry -> entry.Term.Value) |> Seq.distinct |> Seq.length

    let machineNames (node: Node) =
        match node.Applier.Machine with
        | :? ChronicleMachine as machine -> machine.Names
        | _ -> fail "the machine is no chronicle"

    let isVoter (configuration: Configuration) (number: int) =
        configuration.Voters |> List.exists (fun id -> Naming.numberOf id = number)

    let ofLeader (holds: Configuration -> bool) =
        match stage.Leader with
        | Some leader ->
            match State.configuration leader.Raft with
            | ValueSome configuration -> holds configuration
            | ValueNone -> false
        | None -> false

    /// The trace says who sent what; counting there needs no second tap on the network.
    let saidBy (node: Node) (what: string) =
        let start = $" {Naming.show node.Id} -> "
        stage.TraceLines
        |> List.filter (fun line ->
            line.Contains(start, StringComparison.Ordinal)
            && line.Contains(what, StringComparison.Ordinal))

    let entriesOf (line: string) =
        let words = line.Split ' '
        match words |> Array.tryFind (fun word -> word.StartsWith '+') with
        | Some word -> int word
        | None -> 0

    let number (number: Number) : uint64 =
        match number with
        | Number.TermOf peers -> (nodeOf (one peers)).Raft.CurrentTerm.Value
        | Number.CommitOf peers -> (nodeOf (one peers)).Raft.CommitIndex.Value
        | Number.PlaceOf(label, peers) ->
            match Stage.PlaceIn((nodeOf (one peers)).Log, label) with
            | ValueSome index -> index.Value
            | ValueNone -> fail $"{label} is not in its log"
        | Number.Remembered name -> stage.Numbers[name]

    let call (label: string) =
        match stage.Calls.TryGetValue label with
        | true, record -> record
        | false, _ -> fail $"{label} was not called yet"

    let answered (label: string) (names: string list) =
        let record = call label
        match record.Answer with
        | :? string as found -> record.Outcome = CallOutcome.Succeeded && found = String.Join(' ', names)
        | _ -> false

    let entryAt (place: uint64) (label: string voption) =
        world.Oracle.Committing
        |> List.exists (fun facts ->
            uint64 facts.Committed.Count >= place
            && (match label with
                | ValueSome label ->
                    let entry = facts.Committed[int place - 1].Entry
                    entry.Kind = EntryKind.Command && ChronicleWorkload.NameOf entry.Payload = label
                | ValueNone -> true))

    let isSameState () =
        let states =
            world.Alive
            |> List.map (fun node -> struct (node.Applier.Machine.Digest(), node.Applier.Index.Value))
        (List.distinct states).Length = 1

    let isCandidateInOneTerm (peers: Peers) =
        all peers isCandidate
        && (nodes peers |> List.map _.Raft.CurrentTerm.Value |> List.distinct).Length = 1

    let compared comparison (left: uint64) (right: uint64) =
        match comparison with
        | Comparison.Above -> left > right
        | Comparison.AtLeast -> left >= right
        | _ -> left = right

    let isBonded (node: Node) = not node.BondedPeers.IsEmpty

    let knowsLeader (node: Node) =
        State.isLeader node.Raft || node.Raft.Leader.IsSome

    let isLearner (configuration: Configuration) (number: int) =
        configuration.Learners |> List.exists (fun id -> Naming.numberOf id = number)

    let isJoint (node: Node) =
        match node.Log.Configuration with
        | ValueSome configuration -> Configuration.isJoint configuration
        | ValueNone -> false

    /// A condition of several peers holds when it is so for each of them, and `not` holds when it is so for none.
    let rec isSo (wanted: bool) (condition: Condition) : bool =
        let each (peers: Peers) (holds: Node -> bool) =
            all peers (fun node -> holds node = wanted)
        let eachNumber (peers: Peers) (holds: int -> bool) =
            several peers |> List.forall (fun peer -> holds peer = wanted)
        match condition with
        | Condition.Not condition -> isSo (not wanted) condition
        | Condition.Leads peers -> each peers (fun node -> State.isLeader node.Raft)
        | Condition.NoLeaderAt peers -> each peers (knowsLeader >> not)
        | Condition.Alone peers -> each peers (isBonded >> not)
        | Condition.Down peers -> eachNumber peers (fun peer -> (world.NodeOf peer).IsNone)
        | Condition.Holds(peers, label) -> each peers (fun node -> has node.Log label)
        | Condition.OnDisk(peers, label) -> eachNumber peers (fun peer -> has (diskOf peer).Log label)
        | Condition.Committed(peers, label) -> each peers (committed label)
        | Condition.Forgot(peers, label) -> each peers (forgot label)
        | Condition.Counts(leader, label, others) -> each leader (counts label others)
        | Condition.HoldsTerms(peers, count) -> each peers (fun node -> terms node.Log = count)
        | Condition.Forwarded(peers, times) ->
            each peers (fun node -> (saidBy node " Forward t").Length >= times)
        | Condition.Append(sender, recipient, entries) ->
            let towards = $"-> {Naming.show (nodeOf (one recipient)).Id} AppendEntries"
            each sender (fun node ->
                saidBy node towards |> List.exists (fun line -> entriesOf line >= entries))
        | Condition.MachineOf(peers, names) -> each peers (fun node -> machineNames node = names)
        | Condition.Voters peers ->
            ofLeader (fun configuration ->
                several peers |> List.forall (fun peer -> isVoter configuration peer = wanted))
        | Condition.Committee peers ->
            ofLeader (fun configuration ->
                let members = configuration.Voters |> List.map Naming.numberOf |> List.sort
                (members = List.sort (several peers) && not (Configuration.isJoint configuration)) = wanted)
        | Condition.Joint peers -> each peers isJoint
        | Condition.Learner peers ->
            ofLeader (fun configuration ->
                several peers |> List.forall (fun peer -> isLearner configuration peer = wanted))
        | Condition.SomeoneLeads -> stage.Leader.IsSome = wanted
        | Condition.Candidates peers -> isCandidateInOneTerm peers = wanted
        | Condition.Outcome(label, outcome) -> ((call label).Outcome = outcome) = wanted
        | Condition.Ended label -> ((call label).Outcome <> CallOutcome.Pending) = wanted
        | Condition.Answered(label, names) -> answered label names = wanted
        | Condition.Compare(left, comparison, right) ->
            compared comparison (number left) (number right) = wanted
        | Condition.EntryAt(place, label) -> entryAt stage.Numbers[place] label = wanted
        | Condition.Rest ->
            ((Rest.unrest world.Alive).IsNone && (Rest.missingBond world.Alive).IsNone) = wanted
        | Condition.SameState -> isSameState () = wanted
        | Condition.Lineages count -> (world.Oracle.Committing.Length = count) = wanted
        | Condition.OneLeaderATerm -> stage.LeadersInOneTerm.IsEmpty = wanted
        | Condition.Seen sight -> (world.Coverage[sight] > 0L) = wanted

    let holds (condition: Condition) = isSo true condition

    let perform (deed: Deed) (numbers: int list) =
        match deed with
        | Deed.Start ->
            for number in numbers do
                world.Start number
        | Deed.Crash ->
            for number in numbers do
                nodeOf number |> ignore
                world.Crash number
        | Deed.Wipe ->
            for number in numbers do
                if (world.NodeOf number).IsSome then
                    fail $"n{number} runs; crash it before its disk is lost"
                world.Wipe number
        | Deed.Pause -> numbers |> List.iter (fun number -> (nodeOf number).Pause())
        | Deed.Resume -> numbers |> List.iter (fun number -> (nodeOf number).Resume())
        | Deed.StallDisk -> numbers |> List.iter (fun number -> (diskOf number).IsStalled <- true)
        | Deed.Leave -> numbers |> List.iter (fun number -> (nodeOf number).Leave())
        | Deed.FreeDisk -> numbers |> List.iter (fun number -> (diskOf number).IsStalled <- false)
        | _ -> stage.Isolate numbers

    let setWays (senders: Peers) (receivers: Peers) (bothWays: bool) (isCut: bool) =
        let receivers = several receivers
        for sender in several senders do
            for receiver in receivers do
                if sender <> receiver then
                    stage.SetWay(sender, receiver, isCut)
                    if bothWays then
                        stage.SetWay(receiver, sender, isCut)

    let submit (peers: Peers) (kind: CallKind) (name: string) (span: Span voption) =
        let node = nodeOf (one peers)
        if node.IsPaused then
            fail $"n{node.Peer} stands still, nobody can call it"
        let time =
            match span with
            | ValueSome span -> stage.Milliseconds span
            | ValueNone -> callPatience
        stage.Calls[name] <- stage.Call(node.Peer, kind, time)

    let play (statement: Statement) =
        match statement with
        | Statement.Group _
        | Statement.Set _ -> ()
        | Statement.Let(name, peers) -> stage.Names[name] <- several peers
        | Statement.Do(deed, peers) -> perform deed (several peers)
        | Statement.HandOver(asked, target) -> (nodeOf (one asked)).HandOver(target |> ValueOption.map one)
        | Statement.Cut(senders, receivers, bothWays) -> setWays senders receivers bothWays true
        | Statement.Join(senders, receivers, bothWays) -> setWays senders receivers bothWays false
        | Statement.Heal -> stage.Heal()
        | Statement.WallClock(peers, by) ->
            for node in nodes peers do
                node.Clock.WallOffset <- node.Clock.WallOffset + int64 by
        | Statement.Execute(peers, labels, name, span) ->
            stage.Workload.Announce labels
            submit peers (CallKind.Execute labels.Length) name span
        | Statement.Read(peers, isStrong, name, span) ->
            submit peers (if isStrong then CallKind.StrongRead else CallKind.WeakRead) name span
        | Statement.Run span -> stage.Run(stage.Milliseconds span)
        | Statement.Remember(name, what) -> stage.Numbers[name] <- number what
        | Statement.Await condition ->
            if not (stage.Until(patience, (fun () -> holds condition))) then
                fail $"did not happen within {patience} ms"
        | Statement.Expect condition ->
            if not (holds condition) then
                fail "does not hold"

    /// What clients saw, held against the committed logs.
    let judge () =
        let committing = world.Oracle.Committing
        for facts in committing do
            Replay.check world.Coverage stage.Workload facts world.Calls
        Replay.checkRefusals committing world.Calls

    member _.Run() =
        try
            for line in scenario.Lines do
                current <- line
                play line.Statement
            judge ()
        with RuleBroken(rule, evidence) ->
            fail $"breaks a rule. {rule.Name}: {rule.Sentence} {evidence}"

[<RequireQualifiedAccess>]
module Script =

    /// Plays a scenario with the choices of a seed: election timeouts, dialling. Raises `ScenarioFailed`.
    let play (seed: uint64) (scenario: Scenario) =
        match Staging.plan scenario.Lines seed with
        | ValueSome plan -> Play(scenario, Stage plan).Run()
        | ValueNone -> raise (ScriptError(scenario.File, 1, "a scenario begins with: peers 3 founding 3"))
