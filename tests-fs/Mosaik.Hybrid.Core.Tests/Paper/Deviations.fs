module Mosaik.Hybrid.Core.Tests.Paper.Deviations

open System

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Core.Tests.Support.Scenario

/// Deviations that no other paper test shows. The list is core-fs/DEVIATIONS.md.
[<Tests>]
let tests =
    testList
        "Deviations"
        [ testCase "one reply a transition"
          <| fun () ->
              let scene =
                  follower 3 [ 1; 3 ]
                  |> gets
                      [ Input.Received(n2, append 3 (position 3 2) [] 0)
                        Input.Received(n2, append 3 (position 3 2) [] 2)
                        Input.Received(n2, append 3 (position 1 1) [ 3 ] 2) ]
              let replies = told scene |> List.filter (fun line -> line.Contains "AppendEntriesReply")
              Expect.hasLength replies 1 "one answer for three appends"

          testCase "a vote of an earlier term in the same transition is never itself on disk"
          <| fun () ->
              follower 3 [ 1; 3 ]
              |> gets
                  [ Input.Received(n2, requestVote Ballot.Vote 4 (position 3 2))
                    Input.Received(n3, requestVote Ballot.Vote 5 (position 3 2)) ]
              |> expectTold "write 1 term 5 vote n3"
              |> expectTold "-> n2 RequestVoteReply t4 granted"
              |> expectTold "-> n3 RequestVoteReply t5 granted"
              |> expectHeld
              |> receives n3 (requestVote Ballot.Vote 4 (position 3 2))
              |> expectTold "-> n3 RequestVoteReply t5 denied"
              |> ignore

          testCase "the leader sends entries while it writes them itself"
          <| fun () ->
              let led = leader 3 [ 1; 3 ] |> followedBy [ n2; n3 ]
              let command = Mosaik.Hybrid.Core.Tests.Support.Name.command (ProposerId(n1, 1UL)) 1UL 0
              let scene = led |> gets [ Input.Propose(ReadOnlyMemory [| command |]) ]
              scene
              |> expectTold "-> n2 AppendEntries t4 s1 after 4/3 +0 commit 3 entries 4..4"
              |> ignore
              Expect.equal scene.SendAfter 0UL "nothing waits for the disk"

          testCase "a member without a lineage votes for a candidate of one"
          <| fun () ->
              newcomer config
              |> receives n2 (requestVote Ballot.Vote 4 (position 1 1))
              |> expectTold "-> n2 RequestVoteReply t4 granted"
              |> ignore

          testCase "a voter votes whatever its own configuration says of the candidate"
          <| fun () ->
              follower 3 [ 1; 3 ]
              |> receives n4 (requestVote Ballot.Vote 4 (position 3 2))
              |> expectTold "-> n4 RequestVoteReply t4 granted"
              |> ignore ]
