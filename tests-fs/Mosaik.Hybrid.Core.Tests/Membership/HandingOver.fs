module Mosaik.Hybrid.Core.Tests.Membership.HandingOver

open System

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Core.Tests.Support
open Mosaik.Hybrid.Core.Tests.Support.Scenario

let private settled () =
    leader 3 [ 1; 3 ] |> followedBy [ n2; n3 ]

let private command number =
    Name.command (ProposerId(n1, 1UL)) (uint64 number) 0

let private proposes number scene =
    scene |> gets [ Input.Propose(ReadOnlyMemory [| command number |]) ]

let private handsTo (id: MemberId) scene =
    scene |> gets [ Input.HandOver(ValueSome id.Peer) ]

let private timeoutNow number =
    Message.TimeoutNow { Lineage = theLineage; Term = term number }

[<Tests>]
let tests =
    testList
        "Handing over"
        [ testCase "a target that has everything is ordered to stand at once (thesis §3.10)"
          <| fun () -> settled () |> handsTo n3 |> expectTold "-> n3 TimeoutNow t4" |> ignore

          testCase "a target that is behind is ordered when it has everything"
          <| fun () ->
              settled ()
              |> proposes 1
              |> persists
              |> handsTo n3
              |> expectNotTold "TimeoutNow"
              |> followedBy [ n2 ]
              |> expectNotTold "TimeoutNow"
              |> followedBy [ n3 ]
              |> expectTold "-> n3 TimeoutNow t4"
              |> ignore

          testCase "meanwhile the leader takes no commands, and asks for them again when nobody took over"
          <| fun () ->
              settled ()
              |> handsTo n3
              |> proposes 1
              |> expectLast (position 4 3)
              |> at 2_500
              |> followedBy [ n2; n3 ]
              |> expectNotTold "resubmit"
              |> at 3_000
              |> ticks
              |> expectTold "resubmit #1..1"
              |> ignore

          testCase "commands of others are put off"
          <| fun () ->
              let forwarded = Name.command (ProposerId(n2, 1UL)) 1UL 0
              let header: ForwardHeader = { Lineage = theLineage; Term = term 4; Applied = 0UL }
              settled ()
              |> handsTo n3
              |> receives n2 (Message.Forward(header, ReadOnlyMemory [| forwarded |]))
              |> expectTold "-> n2 ForwardReply t4 overloaded"
              |> ignore

          testCase "an order may be lost with its bond, and goes out again with the next heartbeat"
          <| fun () ->
              settled ()
              |> handsTo n3
              |> at 2_150
              |> ticks
              |> expectTold "-> n3 TimeoutNow t4"
              |> ignore

          testCase "who can't be reached, is no voter or does not vote is not handed to"
          <| fun () ->
              settled ()
              |> gets [ Input.PeerDown n3 ]
              |> handsTo n3
              |> expectNotTold "TimeoutNow"
              |> handsTo n4
              |> expectNotTold "TimeoutNow"
              |> proposes 1
              |> expectLast (position 4 4)
              |> ignore

          testCase "a follower passes the wish on to the leader, which fulfils it"
          <| fun () ->
              follower 3 [ 1; 3 ]
              |> receives n2 (append 3 (position 3 2) [] 2)
              |> handsTo n3
              |> expectTold "-> n2 HandOver t3 to n3"
              |> ignore
              settled ()
              |> receives n2 (Message.HandOver { Lineage = theLineage; Term = term 4; Target = n2 })
              |> expectTold "-> n2 TimeoutNow t4"
              |> ignore

          testCase "who is ordered to stand does so without a pre-vote, and by an ordered vote"
          <| fun () ->
              follower 3 [ 1; 3 ]
              |> receives n2 (append 3 (position 3 2) [] 2)
              |> receives n2 (timeoutNow 3)
              |> expectRole "candidate"
              |> expectTold "-> n3 RequestVote ordered vote t4 last 3/2"
              |> expectHeld
              |> ignore

          testCase "an order is obeyed only when it comes from the leader, in its term"
          <| fun () ->
              let led = follower 3 [ 1; 3 ] |> receives n2 (append 3 (position 3 2) [] 2)
              led |> receives n3 (timeoutNow 3) |> expectRole "follower" |> ignore
              led |> receives n2 (timeoutNow 2) |> expectRole "follower" |> ignore

          testCase "an ordered vote is given though the leader is heard, but not without the log check"
          <| fun () ->
              let led = follower 3 [ 1; 3 ] |> receives n2 (append 3 (position 3 2) [] 2)
              led
              |> receives n3 (requestVote Ballot.Transfer 4 (position 3 2))
              |> expectTold "-> n3 RequestVoteReply t4 granted"
              |> ignore
              led
              |> receives n3 (requestVote Ballot.Transfer 4 (position 3 1))
              |> expectTold "-> n3 RequestVoteReply t4 denied"
              |> ignore

          testCase "a leader that is ordered out of office by its heir votes for it"
          <| fun () ->
              settled ()
              |> handsTo n3
              |> receives n3 (requestVote Ballot.Transfer 5 (position 4 3))
              |> expectTold "-> n3 RequestVoteReply t5 granted"
              |> expectRole "follower"
              |> ignore

          testCase "a reluctant leader hands over to a willing voter that is in step, once in ten timeouts"
          <| fun () ->
              let reluctant =
                  { config with Preference = { Preference = LeadershipPreference.Reluctant; Factor = 1 } }
              let scene = leaderWith reluctant 3 [ 1; 3 ] |> followedBy [ n2; n3 ]
              scene |> expectNotTold "TimeoutNow" |> ignore
              let offered = scene |> at 2_150 |> ticks |> expectTold "-> n2 TimeoutNow t4"
              // Nobody takes over, and both go on answering.
              let later (moment: int) scene =
                  scene |> followedBy [ n2; n3 ] |> at moment |> ticks
              offered
              |> later 2_900
              |> later 3_300
              |> later 3_400
              |> expectNotTold "TimeoutNow"
              |> ignore

          testCase "a leader whose disk stalls steps down, and has another one stand at once"
          <| fun () ->
              settled ()
              |> proposes 1
              |> at 2_900
              |> ticks
              |> followedBy [ n2; n3 ]
              |> at 3_100
              |> ticks
              |> expectRole "follower"
              |> expectTold "-> n2 TimeoutNow t4"
              |> ignore ]
