namespace Mosaik.Hybrid.Simulator.Tests.Scenarios

open System
open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Simulation

/// The plan of a scenario: nothing goes wrong by itself, and whatever could be awkward is not, but what the scenario
/// sets.
[<RequireQualifiedAccess>]
module Staging =

    let private usual (size: int) (founding: int) (seed: uint64) : Plan =
        let peer = { Preference = NodePreference.normal; StartsAt = 0; Drift = 0 }
        { Seed = seed
          Profile = "scenario"
          Peers = Array.create size peer
          Consensus =
            { ConsensusConfig.defaults with
                HeartbeatInterval = 30
                HeartbeatJitter = 5
                MaxMissedHeartbeats = 4
                ElectionTimeout = 150
                ElectionTimeoutJitter = 75
                BootstrapDelay = 0
                ForwardTimeout = 60
                QueryTimeout = 400
                FoundingMembers = founding
                MaxVoters = size
                EntriesPerAppendMax = 64 }
          Network =
            { DelayMin = 300
              DelayMax = 300
              TailPerMille = 0
              LossPerMille = 0
              RepeatPerMille = 0
              IsOrdered = false }
          Runtime =
            { GatherPerMille = 0
              GatherMax = 0
              DiskMax = 0
              ApplyMax = 0
              ApplyChunk = 1_000
              SnapshotEvery = 0
              SnapshotlessPerMille = 0
              SnapshotDamagePerMille = 0
              SnapshotCrashPerMille = 0
              SnapshotKept = 0 }
          IsShuffled = false
          FaultyFor = 0
          Faults = [||]
          Calls = [||] }

    let private withHabits (numbers: int list) (change: PeerHabits -> PeerHabits) (plan: Plan) =
        let changeOne place (habits: PeerHabits) =
            if List.contains (place + 1) numbers then
                change habits
            else
                habits
        { plan with Peers = Array.mapi changeOne plan.Peers }

    let private withPreference (numbers: int list) (preference: NodePreference) (plan: Plan) =
        withHabits numbers (fun habits -> { habits with Preference = preference }) plan

    let private withSetting (plan: Plan) (setting: Setting) : Plan =
        let consensus = plan.Consensus
        match setting with
        | Setting.Reluctant(numbers, factor) ->
            withPreference numbers { Preference = LeadershipPreference.Reluctant; Factor = factor } plan
        | Setting.Observer numbers ->
            withPreference numbers { Preference = LeadershipPreference.Observer; Factor = 1 } plan
        | Setting.Drift(numbers, parts) ->
            withHabits numbers (fun habits -> { habits with Drift = parts }) plan
        | Setting.Jitter time -> { plan with Consensus = { consensus with ElectionTimeoutJitter = time } }
        | Setting.VotersMax most -> { plan with Consensus = { consensus with MaxVoters = most } }
        | Setting.RemovalDelay time -> { plan with Consensus = { consensus with RemovalDelay = time } }
        | Setting.EntriesAnAppend most ->
            { plan with Consensus = { consensus with EntriesPerAppendMax = most; EntriesInFlightMax = most } }
        | Setting.ForwardTimeout time -> { plan with Consensus = { consensus with ForwardTimeout = time } }
        | Setting.BootstrapDelay time -> { plan with Consensus = { consensus with BootstrapDelay = time } }
        | Setting.NetworkRepeats times -> { plan with Network = { plan.Network with RepeatPerMille = times } }
        | Setting.NetworkDelays(low, high) ->
            { plan with Network = { plan.Network with DelayMin = low; DelayMax = high } }
        | Setting.DisksTake time -> { plan with Runtime = { plan.Runtime with DiskMax = time } }
        | Setting.SnapshotEvery entries ->
            { plan with Runtime = { plan.Runtime with SnapshotEvery = entries } }
        | Setting.BytesAnAppend most -> { plan with Consensus = { consensus with BytesPerAppendMax = most } }
        | Setting.MachinesApply(entries, time) ->
            { plan with Runtime = { plan.Runtime with ApplyChunk = entries; ApplyMax = time } }

    /// The plan that the statements ask for; none without `peers`.
    let plan (lines: Line list) (seed: uint64) : Plan voption =
        let take (plan: Plan voption) (line: Line) =
            match line.Statement, plan with
            | Statement.Group(size, founding), _ -> ValueSome(usual size founding seed)
            | Statement.Set setting, ValueSome plan -> ValueSome(withSetting plan setting)
            | _, _ -> plan
        List.fold take ValueNone lines

/// A world that scenarios act on: who is who, which ways are cut, whom the calls belong to.
[<Sealed>]
type Stage(plan: Plan) =

    let workload = ChronicleWorkload()
    let trace = Trace 200_000
    let world = World(plan, workload, Unchecked.defaultof<IStoreUnderTest>, trace)
    let cuts = HashSet<struct (int * int)>()
    let names = Dictionary<string, int list>()
    let calls = Dictionary<string, CallRecord>()
    /// Who was seen leading in a lineage and term.
    let leaders = HashSet<struct (Lineage * uint64 * MemberId)>()

    let everyone = [ 1 .. plan.Size ]

    let leaderNode () =
        world.Alive
        |> List.filter (fun node -> State.isLeader node.Raft)
        |> List.sortByDescending (fun node -> node.Raft.CurrentTerm.Value)
        |> List.tryHead

    let followers () =
        match leaderNode () with
        | Some leader ->
            [ for node in world.Alive do
                  if node.Peer <> leader.Peer then
                      node.Peer ]
        | None -> []

    let ofWord (word: PeerWord) =
        match word with
        | PeerWord.Number number -> [ number ]
        | PeerWord.Named name -> names[name]
        | PeerWord.Leader -> leaderNode () |> Option.map _.Peer |> Option.toList
        | PeerWord.Follower -> followers () |> List.truncate 1
        | PeerWord.Followers -> followers ()
        | PeerWord.Everyone -> everyone

    let observe () =
        for node in world.Alive do
            if State.isLeader node.Raft then
                leaders.Add(struct (node.Raft.Lineage, node.Raft.CurrentTerm.Value, node.Id))
                |> ignore

    do world.ManageNetwork()

    member _.World = world
    member _.Workload = workload
    member _.Names = names
    member _.Calls = calls
    member val Numbers = Dictionary<string, uint64>()
    member _.Everyone = everyone
    member _.Leader = leaderNode ()

    /// Pairs that were seen leading in one lineage and term: counted here once more, beside the oracle.
    member _.LeadersInOneTerm =
        [ for struct (lineage, term, leader) in leaders do
              for struct (otherLineage, otherTerm, other) in leaders do
                  if lineage = otherLineage && term = otherTerm && compare leader other < 0 then
                      struct (term, leader, other) ]

    /// The longest wait of a usual member for an election, in milliseconds.
    member _.Timeout = plan.Consensus.ElectionTimeout + plan.Consensus.ElectionTimeoutJitter

    /// The numbers of the peers that are meant; empty when the role is nobody's at this moment.
    member _.Resolve(peers: Peers) : int list =
        let excluded = List.collect ofWord peers.Except
        peers.Words
        |> List.collect ofWord
        |> List.distinct
        |> List.filter (fun peer -> not (List.contains peer excluded))

    member _.Milliseconds(span: Span) =
        match span with
        | Span.Timeouts count ->
            count * (plan.Consensus.ElectionTimeout + plan.Consensus.ElectionTimeoutJitter)
        | Span.Milliseconds count -> count

    /// Cuts or joins one way; a way is cut once, however often it is said.
    member _.SetWay(sender: int, receiver: int, isCut: bool) =
        let way = struct (sender, receiver)
        let isNews = if isCut then cuts.Add way else cuts.Remove way
        if isNews then
            world.Network.Cut(sender, receiver, isCut)

    member this.Heal() =
        for struct (sender, receiver) in List.ofSeq cuts do
            this.SetWay(sender, receiver, false)

    /// These peers, and everybody else, no longer hear each other.
    member this.Isolate(peers: int list) =
        for peer in peers do
            for other in everyone do
                if not (List.contains other peers) then
                    this.SetWay(peer, other, true)
                    this.SetWay(other, peer, true)

    /// Plays events until the condition holds, which is looked at after each, or the time has passed.
    member _.Until(milliseconds: int, holds: unit -> bool) : bool =
        let until = world.Now + int64 milliseconds * 1_000L
        let mutable isDone = holds ()
        let mutable goesOn = not isDone
        while goesOn do
            goesOn <- world.Advance until
            if goesOn then
                observe ()
                isDone <- holds ()
                goesOn <- not isDone
        isDone

    member this.Run(milliseconds: int) =
        this.Until(milliseconds, (fun () -> false)) |> ignore

    /// A call at a peer; the record that was made of it.
    member _.Call(peer: int, kind: CallKind, patience: int) : CallRecord =
        let call = { Number = calls.Count + 1; At = 0; Peer = peer; Kind = kind; Patience = patience }
        world.Call call
        world.Calls[world.Calls.Count - 1]

    /// Where a command stands in a log in memory; none when it does not.
    static member PlaceIn(log: ChainedLog, label: string) : LogIndex voption =
        let mutable found = ValueNone
        for entry in log.All do
            if entry.Kind = EntryKind.Command && ChronicleWorkload.NameOf entry.Payload = label then
                found <- ValueSome entry.Index
        found

    /// Everything that a reader of a failure wants to know of this moment.
    member _.Describe() : string list =
        let machine (node: Node) =
            match node.Applier.Machine with
            | :? ChronicleMachine as machine -> String.Join(' ', machine.Names)
            | _ -> "?"
        [ for node in world.Alive do
              $"{Show.state node.Raft} state [{machine node}]"
          for pair in calls do
              $"call {pair.Key} at n{pair.Value.Call.Peer}: {pair.Value.Outcome}" ]

    /// The last lines of what happened.
    member _.Trace(count: int) =
        trace.Lines |> List.rev |> List.truncate count |> List.rev

    member _.TraceLines = trace.Lines
