module Mosaik.Hybrid.Core.Tests.Membership.JointConsensus

open System

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Simulation
open Mosaik.Hybrid.Core.Tests.Support
open Mosaik.Hybrid.Core.Tests.Support.Scenario

let private three = [ n2; n3; n4 ]

/// The leader of n1, n2 and n3 in term 4, and n4, a learner that is in step: a heartbeat has it promoted by entry 5.
let private promoting () =
    leader 3 [ 1; 3 ]
    |> followedBy [ n2; n3 ]
    |> gets [ Input.PeerUp(n4, blank) ]
    |> persists
    |> followedBy three
    |> at 2_150
    |> ticks

let private joint = { Configuration.ofVoters [ n1; n2; n3; n4 ] with Outgoing = committee.Voters }

let private entryWith (place: int) (number: int) (configuration: Configuration) =
    { entry place number with
        Kind = EntryKind.Configuration
        Payload = ReadOnlyMemory(Configuration.encode theLineage configuration) }

/// A follower of term 4 whose log ends with these configurations.
let private holding (configurations: Configuration list) =
    let added =
        configurations
        |> List.mapi (fun offset wanted -> entryWith (3 + offset) 4 wanted)
    follower 4 [ 1; 3 ]
    |> gets [ Input.PeerUp(n4, facts) ]
    |> receives n2 (Message.AppendEntries(header 4 (position 3 2) 2, ReadOnlyMemory(Array.ofList added)))
    |> persists

let private stands scene =
    scene
    |> gets [ Input.PeerDown n2; Input.PeerUp(n2, facts) ]
    |> at 20_000
    |> ticks

[<Tests>]
let tests =
    testList
        "Joint consensus"
        [ testCase "a committee is changed through a joint configuration (Raft §6)"
          <| fun () ->
              promoting ()
              |> expectTold "configuration voters n1 n2 n3 n4 outgoing n1 n2 n3"
              |> expectLast (position 4 5)
              |> ignore

          testCase "a joint decision needs a majority of both committees"
          <| fun () ->
              // n1 and n4 and n2 are three of four, and two of the three that are being left.
              promoting ()
              |> persists
              |> followedBy [ n4 ]
              |> expectCommit 4
              |> followedBy [ n2 ]
              |> expectCommit 5
              |> ignore

          testCase "it is left as soon as it is committed, and not before"
          <| fun () ->
              promoting ()
              |> persists
              |> expectLast (position 4 5)
              |> followedBy [ n4; n2 ]
              |> expectTold "configuration voters n1 n2 n3 n4"
              |> expectLast (position 4 6)
              |> ignore

          testCase "no other change is proposed meanwhile"
          <| fun () ->
              promoting ()
              |> gets [ Input.PeerUp(Naming.memberOf 5 1, blank) ]
              |> expectLast (position 4 5)
              |> ignore

          testCase "whoever leads next leaves it too, once an entry of the own term is committed"
          <| fun () ->
              holding [ joint ]
              |> stands
              |> receives n3 (voteReply true 5 Vote.Granted)
              |> receives n4 (voteReply true 5 Vote.Granted)
              |> receives n3 (voteReply false 5 Vote.Granted)
              |> receives n4 (voteReply false 5 Vote.Granted)
              |> expectRole "leader"
              |> persists
              |> expectLast (position 5 4)
              |> followedBy [ n3; n4 ]
              |> expectTold "configuration voters n1 n2 n3 n4"
              |> expectLast (position 5 5)
              |> ignore

          testCase "an election in a joint configuration needs both majorities"
          <| fun () ->
              let other = { Configuration.ofVoters [ n1; n4 ] with Outgoing = [ n1; n2; n3 ] }
              holding [ other ]
              |> stands
              |> receives n4 (voteReply true 5 Vote.Granted)
              |> expectRole "pre-candidate"
              |> receives n3 (voteReply true 5 Vote.Granted)
              |> receives n3 (voteReply false 5 Vote.Granted)
              |> expectRole "candidate"
              |> receives n4 (voteReply false 5 Vote.Granted)
              |> expectRole "leader"
              |> ignore

          testCase "a configuration is in force from its append, committed or not, across a restart too"
          <| fun () ->
              let scene = holding [ joint ]
              Expect.equal (State.configuration scene.State) (ValueSome joint) "in force"
              let stored =
                  { State.fresh (State.hardState scene.State) with
                      Outline = scene.State.Outline
                      Configurations = scene.State.Configurations }
              let again = State.restore config { Now = Instant 0L; Wall = 0L } 1UL stored
              Expect.equal (State.configuration again) (ValueSome joint) "after a restart too"

          testCase "a configuration that is truncated gives its place back to the one before"
          <| fun () ->
              let scene = holding [ joint ] |> receives n3 (append 5 (position 3 2) [ 5 ] 2)
              Expect.equal (State.configuration scene.State) (ValueSome committee) "the former one"

          testCase "a member that is only outgoing may lead, and steps down when its removal is committed"
          <| fun () ->
              let other = { Configuration.ofVoters [ n2; n3; n4 ] with Outgoing = [ n1; n2; n3 ] }
              holding [ other ]
              |> stands
              |> receives n3 (voteReply true 5 Vote.Granted)
              |> receives n2 (voteReply true 5 Vote.Granted)
              |> receives n3 (voteReply false 5 Vote.Granted)
              |> receives n2 (voteReply false 5 Vote.Granted)
              |> persists
              |> followedBy [ n2; n3 ]
              |> expectTold "configuration voters n2 n3 n4"
              |> expectRole "leader"
              |> persists
              |> followedBy [ n2 ]
              |> expectCommit 4
              |> followedBy [ n3 ]
              |> expectCommit 5
              |> expectRole "follower"
              |> expectTold "-> n2 TimeoutNow t5"
              |> ignore

          testCase "a removed member disturbs nobody: its pre-vote is refused by whoever hears the leader"
          <| fun () ->
              holding [ joint; Configuration.ofVoters [ n2; n3; n1 ] ]
              |> receives n4 (requestVote Ballot.PreVote 9 (position 9 9))
              |> expectTold "-> n4 RequestVoteReply pre-vote t4 denied"
              |> expectTerm 4
              |> ignore

          testCase
              "a member whose removal is committed does not stand; while it is not, perhaps nobody else can win"
          <| fun () ->
              let removed =
                  [ { Configuration.ofVoters three with Outgoing = committee.Voters }
                    Configuration.ofVoters three ]
              holding removed |> stands |> expectRole "pre-candidate" |> ignore
              holding removed
              |> receives n2 (append 4 (position 4 4) [] 4)
              |> stands
              |> expectRole "follower"
              |> ignore

          testCase "the voters of its newest configuration elect it, without its own vote"
          <| fun () ->
              holding
                  [ { Configuration.ofVoters three with Outgoing = committee.Voters }
                    Configuration.ofVoters three ]
              |> stands
              |> receives n2 (voteReply true 5 Vote.Granted)
              |> expectRole "pre-candidate"
              |> receives n3 (voteReply true 5 Vote.Granted)
              |> expectRole "candidate"
              |> ignore

          testCase "a late answer of a member that was removed and added again changes nothing (rule 15)"
          <| fun () ->
              // n4 leaves as a learner, and is back under the same incarnation: its first session's answer is void.
              let scene =
                  leader 3 [ 1; 3 ]
                  |> followedBy [ n2; n3 ]
                  |> gets [ Input.PeerUp(n4, blank) ]
                  |> persists
              let late = sessionWith n4 scene
              let scene =
                  scene
                  |> followedBy [ n2; n3 ]
                  |> receives n4 (Message.Depart { Lineage = theLineage; Term = term 4 })
                  |> persists
                  |> followedBy [ n2; n3 ]
                  |> gets [ Input.PeerDown n4; Input.PeerUp(n4, facts) ]
                  |> persists
                  |> followedBy [ n2; n3 ]
              Expect.notEqual (sessionWith n4 scene) late "a session of its own"
              let after = scene |> receives n4 (accepts 4 late 4)
              match after.State.Role with
              | Role.Leader leading ->
                  Expect.equal leading.Progress[n4].MatchIndex LogIndex.Zero "nothing is known of its log"
              | _ -> failtest "it leads" ]
