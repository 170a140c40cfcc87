module Mosaik.Hybrid.Core.Tests.Paper.Section5_2_Election

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Core.Tests.Support.Scenario

let private candidate () =
    follower 3 [ 1; 3 ]
    |> at 1_000
    |> ticks
    |> receives n2 (voteReply true 4 Vote.Granted)

[<Tests>]
let tests =
    testList
        "Raft §5.2, elections"
        [ testCase "a silent election timeout starts a pre-vote, which changes no term"
          <| fun () ->
              follower 3 [ 1; 3 ]
              |> at 1_000
              |> ticks
              |> expectRole "pre-candidate"
              |> expectTerm 3
              |> expectTold "-> n2 RequestVote pre-vote t4 last 3/2"
              |> expectNotTold "write"
              |> ignore

          testCase "before the timeout nothing happens"
          <| fun () -> follower 3 [ 1; 3 ] |> at 999 |> ticks |> expectRole "follower" |> ignore

          testCase
              "a quorum of pre-votes starts the election, with the own vote durable before the request leaves"
          <| fun () ->
              candidate ()
              |> expectRole "candidate"
              |> expectTold "write 1 term 4 vote n1"
              |> expectTold "-> n3 RequestVote vote t4 last 3/2"
              |> expectHeld
              |> ignore

          testCase "a majority elects, and the leader appends a no-op first"
          <| fun () ->
              candidate ()
              |> receives n3 (voteReply false 4 Vote.Granted)
              |> expectRole "leader"
              |> expectLast (position 4 3)
              |> expectTold "write 2 4/3 no-op"
              |> ignore

          testCase "a repeated vote, a pre-vote, an older vote and a stranger's count for nothing"
          <| fun () ->
              follower 3 [ 1; 3 ]
              |> at 1_000
              |> ticks
              |> receives n4 (voteReply true 4 Vote.Granted)
              |> expectRole "pre-candidate"
              |> receives n2 (voteReply true 4 Vote.Granted)
              |> receives n3 (voteReply true 4 Vote.Granted)
              |> receives n3 (voteReply false 3 Vote.Granted)
              |> receives n4 (voteReply false 4 Vote.Granted)
              |> expectRole "candidate"
              |> ignore

          testCase "one vote a term: the second candidate is refused, the first may ask again"
          <| fun () ->
              follower 3 [ 1; 3 ]
              |> receives n2 (requestVote Ballot.Vote 4 (position 3 2))
              |> expectTold "-> n2 RequestVoteReply t4 granted"
              |> expectTold "write 1 term 4 vote n2"
              |> expectHeld
              |> receives n3 (requestVote Ballot.Vote 4 (position 3 2))
              |> expectTold "-> n3 RequestVoteReply t4 denied"
              |> receives n2 (requestVote Ballot.Vote 4 (position 3 2))
              |> expectTold "-> n2 RequestVoteReply t4 granted"
              |> ignore

          testCase "a vote resets the election timer"
          <| fun () ->
              follower 3 [ 1; 3 ]
              |> at 900
              |> receives n2 (requestVote Ballot.Vote 4 (position 3 2))
              |> at 1_000
              |> ticks
              |> expectRole "follower"
              |> ignore

          testCase "a candidate follows a leader of its term"
          <| fun () ->
              candidate ()
              |> receives n3 (append 4 (position 3 2) [ 4 ] 0)
              |> expectRole "follower"
              |> ignore

          testCase "who hears a live leader grants neither vote nor pre-vote, and keeps its term"
          <| fun () ->
              follower 3 [ 1; 3 ]
              |> receives n2 (append 3 (position 3 2) [] 0)
              |> at 999
              |> receives n3 (requestVote Ballot.Vote 9 (position 8 9))
              |> expectTold "-> n3 RequestVoteReply t3 denied"
              |> receives n3 (requestVote Ballot.PreVote 9 (position 8 9))
              |> expectTold "-> n3 RequestVoteReply pre-vote t3 denied"
              |> expectTerm 3
              |> ignore

          testCase "a pre-vote is granted to more than one, and not without the log check"
          <| fun () ->
              follower 3 [ 1; 3 ]
              |> receives n2 (requestVote Ballot.PreVote 4 (position 3 2))
              |> expectTold "-> n2 RequestVoteReply pre-vote t4 granted"
              |> receives n3 (requestVote Ballot.PreVote 4 (position 3 2))
              |> expectTold "-> n3 RequestVoteReply pre-vote t4 granted"
              |> receives n3 (requestVote Ballot.PreVote 4 (position 2 9))
              |> expectTold "-> n3 RequestVoteReply pre-vote t3 denied"
              |> expectTerm 3
              |> ignore

          testCase "who grants a pre-vote gives the candidate the time to win"
          <| fun () ->
              follower 3 [ 1; 3 ]
              |> at 900
              |> receives n2 (requestVote Ballot.PreVote 4 (position 3 2))
              |> at 1_000
              |> ticks
              |> expectRole "follower"
              |> at 1_900
              |> ticks
              |> expectRole "pre-candidate"
              |> ignore

          testCase "of two that ask at once the lower id goes on"
          <| fun () ->
              follower 3 [ 1; 3 ]
              |> at 1_000
              |> ticks
              |> receives n2 (requestVote Ballot.PreVote 4 (position 3 2))
              |> expectTold "-> n2 RequestVoteReply pre-vote t4 granted"
              |> expectRole "pre-candidate"
              |> ignore

          testCase "a split vote is followed by a pre-vote before the election timeout is over"
          <| fun () ->
              candidate ()
              |> persists
              |> receives n2 (voteReply false 4 Vote.Denied)
              |> receives n3 (voteReply false 4 Vote.Denied)
              |> expectRole "follower"
              |> at 2_000
              |> ticks
              |> expectRole "pre-candidate"
              |> expectTerm 4
              |> ignore

          testCase "a leader that hears no quorum for an election timeout steps down"
          <| fun () ->
              let led = leader 3 [ 1; 3 ]
              led
              |> at 2_900
              |> ticks
              |> expectRole "leader"
              |> at 3_000
              |> ticks
              |> expectRole "follower"
              |> ignore

          testCase "a broken bond to the leader brings the election forward"
          <| fun () ->
              let alone =
                  follower 3 [ 1; 3 ]
                  |> receives n2 (append 3 (position 3 2) [] 0)
                  |> gets [ Input.PeerDown n2 ]
              alone
              |> at 49
              |> ticks
              |> expectRole "follower"
              |> at 150
              |> ticks
              |> expectRole "pre-candidate"
              |> ignore ]
