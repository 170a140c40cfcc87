module Mosaik.Hybrid.Core.Tests.Paper.Section5_1_Terms

open Expecto

open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Core.Tests.Support.Scenario

[<Tests>]
let tests =
    testList
        "Raft §5.1, terms"
        [ testCase "a later term in a message is adopted, durably"
          <| fun () ->
              follower 3 [ 1; 3 ]
              |> receives n2 (append 5 (position 3 2) [] 0)
              |> expectTerm 5
              |> expectTold "write 1 term 5 vote none"
              |> expectHeld
              |> ignore

          testCase "a leader that learns of a later term follows"
          <| fun () ->
              leader 3 [ 1; 3 ]
              |> receives n3 (accepts 9 1 0)
              |> expectRole "follower"
              |> expectTerm 9
              |> ignore

          testCase "an append of an earlier term is refused with the current one, and changes nothing"
          <| fun () ->
              follower 5 [ 1; 3 ]
              |> receives n2 (append 4 (position 3 2) [ 4 ] 0)
              |> expectTold "-> n2 AppendEntriesReply t5 s1 rejected 2 hint 3/2"
              |> expectLast (position 3 2)
              |> expectTerm 5
              |> ignore

          testCase "replies of an earlier term change nothing"
          <| fun () ->
              let before = leader 3 [ 1; 3 ]
              let after = before |> receives n2 (accepts 3 1 3) |> expectCommit 0
              Expect.equal after.State.CurrentTerm.Value before.State.CurrentTerm.Value "the term"

          testCase "two leaders in one term are an alarm, to a leader and to a follower"
          <| fun () ->
              leader 3 [ 1; 3 ]
              |> receives n2 (append 4 (position 3 2) [] 0)
              |> expectHalted
              |> ignore
              follower 3 [ 1; 3 ]
              |> receives n2 (append 3 (position 3 2) [] 0)
              |> receives n3 (append 3 (position 3 2) [] 0)
              |> expectHalted
              |> ignore ]
