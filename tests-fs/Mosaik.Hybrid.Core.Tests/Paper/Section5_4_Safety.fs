module Mosaik.Hybrid.Core.Tests.Paper.Section5_4_Safety

open Expecto

open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Core.Tests.Support.Scenario

let private asked last answer =
    testCase $"log 3/3, asked with {last}: {answer}"
    <| fun () ->
        follower 3 [ 1; 3; 3 ]
        |> receives n2 (requestVote Ballot.Vote 9 last)
        |> expectTold $"-> n2 RequestVoteReply t9 {answer}"
        |> ignore

[<Tests>]
let tests =
    testList
        "Raft §5.4, safety"
        [ testList
              "§5.4.1: up to date by term, then by index"
              [ asked (position 3 3) "granted"
                asked (position 3 4) "granted"
                asked (position 4 1) "granted"
                asked (position 3 2) "denied"
                asked (position 2 9) "denied" ]

          testCase "§5.4.2, Figure 8: an entry of a former term is not committed by counting"
          <| fun () ->
              let led = leader 3 [ 1; 2; 3 ]
              led
              |> receives n2 (accepts 4 (sessionWith n2 led) 3)
              |> expectCommit 0
              |> receives n2 (accepts 4 (sessionWith n2 led) 4)
              |> expectCommit 4
              |> ignore

          testCase "the leader's own copy counts only when it is durable"
          <| fun () ->
              let led =
                  memberWith config 3 [ 1; 3 ]
                  |> at 2_000
                  |> ticks
                  |> receives n2 (voteReply true 4 Vote.Granted)
                  |> receives n2 (voteReply false 4 Vote.Granted)
              led
              |> receives n2 (accepts 4 (sessionWith n2 led) 3)
              |> expectCommit 0
              |> persists
              |> expectCommit 3
              |> ignore

          testCase "a committed entry is never truncated: the member halts"
          <| fun () ->
              follower 3 [ 1; 3; 3 ]
              |> receives n2 (append 3 (position 3 3) [] 3)
              |> expectCommit 3
              |> receives n2 (append 4 (position 1 1) [ 4 ] 0)
              |> expectHalted
              |> ignore

          testCase "a foreign lineage changes neither term nor log"
          <| fun () ->
              let stranger =
                  match append 9 (position 3 3) [ 9 ] 3 with
                  | Message.AppendEntries(header, added) ->
                      Message.AppendEntries(
                          { header with Lineage = Mosaik.Hybrid.Core.Tests.Support.Name.lineage 8 },
                          added
                      )
                  | other -> other
              follower 3 [ 1; 3; 3 ]
              |> receives n2 stranger
              |> expectTerm 3
              |> expectLast (position 3 3)
              |> ignore ]
