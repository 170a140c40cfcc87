// An election by hand. No threads, no sockets, no clock: three values, one function, and you are the network.
//
//     dotnet build -c Release
//     dotnet fsi examples/02-election-by-hand.fsx

#I "../core-fs/Mosaik.Hybrid.Core/bin/Release/net10.0"
#r "Mosaik.Hybrid.Primitives.dll"
#r "Mosaik.Hybrid.Core.dll"

open System
open System.Collections.Generic
open Mosaik.Hybrid
open Mosaik.Hybrid.Core

// The world: three members, what they know, what is in their logs, and the mail on its way.

let names = [ "Ann"; "Bob"; "Cyd" ]

let members =
    [ for number in 1..3 ->
          let peer = PeerId(Bytes32.FromBytes(ReadOnlySpan(Array.create 32 (byte number))))
          MemberId(peer, Incarnation(Bytes16(0UL, uint64 number))) ]

let placeOf (id: MemberId) = members |> List.findIndex id.Equals
let nameOf id = names[placeOf id]

let config: NodeConfig =
    { Consensus = { ConsensusConfig.defaults with FoundingMembers = 3 }
      Preference = NodePreference.normal }

/// Milliseconds. Nothing moves it but this script.
let mutable now = 0L
let clock () : Clock = { Now = Instant now; Wall = now }

let fresh place : State =
    let hard: HardState =
        { Member = members[place]
          Session = 1UL
          Lineage = Lineage.None
          CurrentTerm = Term.Zero
          VotedFor = null
          Acknowledged = LogPosition.Zero }
    State.restore config (clock ()) (uint64 place) (State.fresh hard)

let states = Array.init 3 fresh
let logs = Array.init 3 (fun _ -> List<LogEntry>())
let mail = Queue<struct (int * MemberId * Message)>()

let describe (message: Message) =
    match message with
    | Message.RequestVote request ->
        let ballot =
            match request.Ballot with
            | Ballot.PreVote -> "would you vote for me"
            | Ballot.Vote -> "vote for me"
            | Ballot.Founding proposal -> $"found a group of {proposal.Voters.Length} with me"
        $"{ballot} in term {request.Term}?"
    | Message.RequestVoteReply reply -> $"answers {reply.Vote} in term {reply.Term}"
    | Message.AppendEntries(header, entries) ->
        $"append {entries.Length} after {header.Previous}; committed up to {header.Commit}"
    | Message.AppendEntriesReply reply -> $"answers {reply.Outcome}"
    | other -> $"%A{other}"

/// One step of one member, and what it asks for, carried out: first the log, then words to others. The disk of
/// this world is done at once, so the member hears of it next.
let rec step place input =
    let transition = Raft.step config (clock ()) input states[place]
    states[place] <- transition.State
    let post recipient message =
        printfn $"{now, 6} ms  {names[place]} -> {nameOf recipient}: {describe message}"
        mail.Enqueue(struct (placeOf recipient, members[place], message))
    for output in transition.Outputs do
        match output with
        | Output.Write write ->
            let log = logs[place]
            if write.TruncateFrom <> LogIndex.Zero then
                let kept = int write.TruncateFrom.Value - 1
                log.RemoveRange(kept, log.Count - kept)
            for entries in write.Entries do
                log.AddRange(entries.ToArray())
        | Output.Send(recipient, message) -> post recipient message
        | Output.SendEntries(recipient, header, range) ->
            let entries = logs[place].GetRange(int range.First.Value - 1, range.Count).ToArray()
            post recipient (Message.AppendEntries(header, ReadOnlyMemory entries))
        | Output.Notify(Notice.RoleChanged(role, term)) ->
            printfn $"{now, 6} ms  {names[place]} is {role} in term {term}"
        | Output.Halt violation -> failwith $"{names[place]} halts: {violation.Rule} {violation.Evidence}"
        | _ -> ()
    if transition.State.WriteSequence > transition.State.PersistedSequence then
        step place (Input.Persisted transition.State.WriteSequence)

/// Delivers mail until there is none.
let deliver reachable =
    while mail.Count > 0 do
        let struct (recipient, sender, message) = mail.Dequeue()
        if reachable recipient && reachable (placeOf sender) then
            step recipient (Input.Received(sender, message))

let leaders () =
    states
    |> Array.filter State.isLeader
    |> Array.map (fun state -> state.Self, state.CurrentTerm)

let expect what condition =
    if not condition then
        failwith $"expected: {what}"

let everybody _ = true

/// What a bond's handshake says of a member that is willing to lead.
let factsOf lineage : PeerFacts =
    { Lineage = lineage; Preference = LeadershipPreference.Normal; HasCommands = false }

printfn "Everybody meets. Nobody has a log, so the lowest member stands for founding."

for place in 0..2 do
    for other in 0..2 do
        if other <> place then
            step place (Input.PeerUp(members[other], factsOf Lineage.None))

now <- states |> Array.map (fun state -> state.ElectionAt.Milliseconds) |> Array.min
let founder = states |> Array.findIndex (fun state -> state.ElectionAt = Instant now)
step founder Input.Tick
deliver everybody
expect "one leader" (leaders().Length = 1)
expect "the same lineage everywhere" (states |> Array.forall (fun state -> state.Lineage = states[0].Lineage))

printfn
    $"\n{names[founder]}'s cable is cut. The others notice, and ask before they stand: that is the pre-vote."
let others = [ 0..2 ] |> List.filter (fun place -> place <> founder)

for place in others do
    step place (Input.PeerDown members[founder])

now <-
    others
    |> List.map (fun place -> states[place].ElectionAt.Milliseconds)
    |> List.min
let challenger = others |> List.find (fun place -> states[place].ElectionAt = Instant now)
step challenger Input.Tick
deliver (fun place -> place <> founder)
expect "the challenger leads" (State.isLeader states[challenger])
expect "in a later term" (states[challenger].CurrentTerm > states[founder].CurrentTerm)

printfn
    $"\nThe cable is mended. {names[founder]} still believes that it leads, until it hears of the later term."
let facts = factsOf states[0].Lineage

for place in others do
    step place (Input.PeerUp(members[founder], facts))

deliver everybody
now <- now + int64 config.Consensus.HeartbeatInterval
step challenger Input.Tick
deliver everybody

printfn ""

for place in 0..2 do
    let state = states[place]
    printfn $"{names[place]}: {State.roleKind state}, term {state.CurrentTerm}, committed {state.CommitIndex}"

expect "one leader" (leaders () = [| (members[challenger], states[challenger].CurrentTerm) |])
expect
    "the same logs"
    (states
     |> Array.forall (fun state -> state.Outline.Last = states[0].Outline.Last))
expect
    "all committed"
    (states
     |> Array.forall (fun state -> state.CommitIndex = state.Outline.Last.Index))
printfn "One leader, three equal logs."
