namespace Mosaik.Hybrid.Core.Tests.Interaction

open System
open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Simulation
open Mosaik.Hybrid.Core.Tests.Support

/// A few members in one process, driven by commands of a scenario file:
///
///     nodes 3 founded|new    members n1 to n3, with a first configuration or without a log
///     at 1500                what time it is, in milliseconds
///     tick 1                 n1's deadline has come
///     deliver                messages go, until none is left; `deliver once` only those that are under way now
///     drop                   messages under way are lost
///     cut 1, join 1          n1's bonds break, form again
///     propose 1 3            n1 submits three commands
///     read 1                 n1 asks for a strong read
///
/// Disks are fast: writes end at once. What is committed is applied at once.
[<Sealed>]
type Script() =

    let lines = List<string>()
    let underWay = Queue<struct (MemberId * MemberId * Message)>()
    let mutable now = 0L
    let mutable nodes: MemberId[] = [||]
    let mutable states: Map<MemberId, State> = Map.empty
    let mutable logs: Map<MemberId, ChainedLog> = Map.empty
    /// Every command that a node has submitted, by number from 1.
    let mutable commands: Map<MemberId, List<LogEntry>> = Map.empty
    let mutable filters: Map<MemberId, CommandFilter> = Map.empty
    let mutable reads = 0UL
    let mutable alone: Set<MemberId> = Set.empty

    let config = Scenario.config

    let reaches (a: MemberId) (b: MemberId) =
        not (alone.Contains a || alone.Contains b)

    let submitted (id: MemberId) (first: uint64) (last: uint64) =
        ReadOnlyMemory(commands[id].GetRange(int first - 1, int (last - first) + 1).ToArray())

    let post (sender: MemberId) (recipient: MemberId) (message: Message) =
        if reaches sender recipient then
            underWay.Enqueue(struct (sender, recipient, message))

    let rec give (id: MemberId) (input: Input) =
        let clock = { Now = Instant now; Wall = now }
        let transition = Raft.step config clock input states[id]
        states <- states.Add(id, transition.State)
        let later = List<Input>()
        for output in transition.Outputs do
            lines.Add $"  {Naming.show id} {ShowOutput.line output}"
            perform id later output
        for input in later do
            give id input

    and perform (id: MemberId) (later: List<Input>) (output: Output) =
        match output with
        | Output.Write write ->
            logs[id].Apply write |> ignore
            later.Add(Input.Persisted write.Sequence)
        | Output.Apply range ->
            for place in range.First.Value .. range.Last.Value do
                filters[id].Judge(logs[id].Item(LogIndex place)) |> ignore
            let own = filters[id].LastOf(ProposerId(id, 1UL))
            later.Add(Input.Applied(range.Last, own, false))
        | Output.Send(recipient, message) -> post id recipient message
        | Output.SendEntries(recipient, header, range) ->
            post id recipient (Message.AppendEntries(header, ReadOnlyMemory(logs[id].Slice range)))
        | Output.SendCommands(recipient, header, first, last) ->
            post id recipient (Message.Forward(header, submitted id first last))
        | Output.Resubmit(first, last) -> later.Add(Input.Propose(submitted id first last))
        | _ -> ()

    let facts (id: MemberId) : PeerFacts = Scenario.factsOf states[id].Lineage

    let bond (a: MemberId) (b: MemberId) =
        give a (Input.PeerUp(b, facts b))
        give b (Input.PeerUp(a, facts a))

    let start (count: int) (founded: bool) =
        nodes <- [| for number in 1..count -> Naming.memberOf number 1 |]
        let committee = Configuration.ofVoters nodes
        let first =
            { Scenario.entry 1 1 with
                Kind = EntryKind.Configuration
                Payload = ReadOnlyMemory(Configuration.encode Scenario.theLineage committee) }
        for id in nodes do
            let disk = Disk id
            disk.Settle
                { Sequence = 1UL
                  HardState =
                    { Member = id
                      Session = 1UL
                      Lineage = (if founded then Scenario.theLineage else Lineage.None)
                      CurrentTerm = (if founded then Scenario.term 1 else Term.Zero)
                      VotedFor = null
                      Acknowledged = LogPosition.Zero }
                  TruncateFrom = LogIndex.Zero
                  Entries = (if founded then [ ReadOnlyMemory [| first |] ] else []) }
            let clock = { Now = Instant now; Wall = now }
            match disk.Hard with
            | null -> ()
            | hard ->
                let seed = uint64 (Naming.numberOf id)
                let stored =
                    { State.fresh hard with Outline = disk.Outline; Configurations = disk.Log.Configurations }
                states <- states.Add(id, State.restore config clock seed stored)
            logs <- logs.Add(id, disk.Log)
            commands <- commands.Add(id, List())
            filters <- filters.Add(id, CommandFilter CommandFilter.SessionsMaxDefault)
        for a in nodes do
            for b in nodes do
                if a < b then
                    bond a b
        // How a run begins is the same in every file.
        lines.Clear()
        lines.Add "ok"

    let deliverOnce () =
        for _ in 1 .. underWay.Count do
            let struct (sender, recipient, message) = underWay.Dequeue()
            if reaches sender recipient then
                lines.Add $"{Naming.show sender}->{Naming.show recipient} {Show.message message}"
                give recipient (Input.Received(sender, message))

    let node (word: string) = nodes[int word - 1]

    let cut (id: MemberId) =
        alone <- alone.Add id
        for other in nodes do
            if not (other.Equals id) then
                give id (Input.PeerDown other)
                give other (Input.PeerDown id)

    let join (id: MemberId) =
        alone <- alone.Remove id
        for other in nodes do
            if not (other.Equals id) then
                bond id other

    /// Does what a command says; the lines that it made.
    member _.Do(command: string) : string list =
        lines.Clear()
        match command.Split ' ' with
        | [| "nodes"; count; "founded" |] -> start (int count) true
        | [| "nodes"; count; "new" |] -> start (int count) false
        | [| "at"; time |] -> now <- int64 time
        | [| "tick"; id |] -> give (node id) Input.Tick
        | [| "deliver"; "once" |] -> deliverOnce ()
        | [| "deliver" |] ->
            while underWay.Count > 0 do
                deliverOnce ()
        | [| "drop" |] -> underWay.Clear()
        | [| "cut"; id |] -> cut (node id)
        | [| "join"; id |] -> join (node id)
        | [| "propose"; id; count |] ->
            for _ in 1 .. int count do
                let own = commands[node id]
                own.Add(Name.command (ProposerId(node id, 1UL)) (uint64 own.Count + 1UL) 0)
                give (node id) (Input.Propose(ReadOnlyMemory [| own[own.Count - 1] |]))
        | [| "read"; id |] ->
            reads <- reads + 1UL
            give (node id) (Input.Read reads)
        | _ -> lines.Add $"unknown command: {command}"
        if lines.Count = 0 then [ "ok" ] else List.ofSeq lines
