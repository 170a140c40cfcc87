module Mosaik.Hybrid.Core.Tests.Paper.Section5_3_Replication

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Core.Tests.Support.Scenario

[<Tests>]
let tests =
    testList
        "Raft §5.3, replication"
        [ testCase "entries right after the last one are taken, and acknowledged once durable"
          <| fun () ->
              follower 3 [ 1; 3 ]
              |> receives n2 (append 3 (position 3 2) [ 3; 3 ] 0)
              |> expectLast (position 3 4)
              |> expectNotTold "accepted 4"
              |> persists
              |> expectTold "-> n2 AppendEntriesReply t3 s1 accepted 4"
              |> ignore

          testCase "a gap of one is refused"
          <| fun () ->
              follower 3 [ 1; 3 ]
              |> receives n2 (append 3 (position 3 3) [ 3 ] 0)
              |> expectTold "-> n2 AppendEntriesReply t3 s1 rejected 3 hint 3/2"
              |> ignore

          testCase "another term at the place before is refused, with the last place that could match"
          <| fun () ->
              follower 5 [ 1; 2; 2; 4; 4 ]
              |> receives n2 (append 5 (position 3 5) [ 5 ] 0)
              |> expectTold "-> n2 AppendEntriesReply t5 s1 rejected 5 hint 2/3"
              |> expectLast (position 4 5)
              |> ignore

          testCase "a conflicting entry and all after it are removed"
          <| fun () ->
              follower 5 [ 1; 2; 4; 4 ]
              |> receives n2 (append 5 (position 2 2) [ 5 ] 0)
              |> expectLast (position 5 3)
              |> expectTold "write 1 term 5 vote none truncate 3 5/3 no-op"
              |> ignore

          testCase "a conflict behind matching entries of the same append is found"
          <| fun () ->
              follower 5 [ 1; 2; 2; 4 ]
              |> receives n2 (append 5 (position 1 1) [ 2; 2; 3; 5 ] 0)
              |> expectLast (position 5 5)
              |> ignore

          testCase "a late append of matching entries removes nothing"
          <| fun () ->
              follower 3 [ 1; 3; 3; 3 ]
              |> receives n2 (append 3 (position 1 1) [ 3 ] 0)
              |> expectLast (position 3 4)
              |> expectNotTold "truncate"
              |> ignore

          testCase "the commit index follows the leader only over what is verified"
          <| fun () ->
              follower 3 [ 1; 3; 3; 3 ]
              |> receives n2 (append 3 (position 1 1) [ 3 ] 4)
              |> expectCommit 2
              |> ignore

          testCase "a leader goes back a whole term at a time"
          <| fun () ->
              let led = leader 6 [ 1; 2; 2; 2; 5; 5; 5 ]
              led
              |> receives
                  n3
                  (appendReply 7 (sessionWith n3 led) 0 (AppendOutcome.Rejected(index 7, position 3 6)))
              |> expectTold "-> n3 AppendEntries t7 s2 after 2/4 +0 commit 0 entries 5..8"
              |> ignore

          testCase "a refusal ends a pipeline with its session: what of it is still on its way is void"
          <| fun () ->
              let led = leader 6 [ 1; 2; 2; 2; 5; 5; 5 ]
              let former = sessionWith n3 led
              let refuses (scene: Scene) =
                  receives n3 (appendReply 7 former 0 (AppendOutcome.Rejected(index 7, position 5 6))) scene
              led
              |> receives n3 (accepts 7 former 4)
              |> refuses
              |> expectTold "-> n3 AppendEntries t7 s3 after 5/6 +0 commit 0 entries 7..8"
              |> refuses
              |> expectNotTold "-> n3 AppendEntries"
              |> ignore

          testCase "an append of a former session is a sign of life and nothing else"
          <| fun () ->
              let ofSession (session: uint64) (terms: int list) =
                  match append 3 (position 3 4) terms 2 with
                  | Message.AppendEntries(header, entries) ->
                      Message.AppendEntries({ header with Session = session }, entries)
                  | other -> other
              follower 3 [ 1; 3; 3; 3 ]
              |> receives n2 (ofSession 2UL [])
              |> at 1_000
              |> receives n2 (ofSession 1UL [ 3 ])
              |> expectLast (position 3 4)
              |> expectNotTold "AppendEntriesReply"
              |> at (1_000 + config.Consensus.ElectionTimeout - 1)
              |> ticks
              |> expectRole "follower"
              |> ignore

          testCase "replies of a former session change nothing"
          <| fun () ->
              let led = leader 3 [ 1; 3 ]
              let former = sessionWith n2 led
              led
              |> gets [ Input.PeerDown n2; Input.PeerUp(n2, facts) ]
              |> receives n2 (accepts 4 former 3)
              |> expectCommit 0
              |> ignore

          testCase "no more than the window is on its way"
          <| fun () ->
              let narrow =
                  { config with
                      Consensus = { config.Consensus with EntriesPerAppendMax = 4; EntriesInFlightMax = 2 } }
              let led = leaderWith narrow 3 [ 1; 3; 3; 3; 3; 3 ]
              led
              |> receives n2 (accepts 4 (sessionWith n2 led) 2)
              |> fun led ->
                  receives
                      n2
                      (appendReply 4 (sessionWith n2 led) 0 (AppendOutcome.Rejected(index 6, position 3 2)))
                      led
              |> expectTold "-> n2 AppendEntries t4 s3 after 3/2 +0 commit 0 entries 3..4"
              |> ignore

          testCase "a lost probe is sent again after a heartbeat is answered"
          <| fun () ->
              let led = leader 3 [ 1; 3 ]
              led
              |> at 2_100
              |> ticks
              |> expectTold "-> n2 AppendEntries t4 s1 after 3/2 +0 commit 0"
              |> receives n2 (accepts 4 (sessionWith n2 led) 2)
              |> expectTold "-> n2 AppendEntries t4 s1 after 3/2 +0 commit 0 entries 3..3"
              |> ignore

          testCase "a term before the first entry is blamed on its sender, and halts nobody"
          <| fun () ->
              follower 3 [ 1; 3 ]
              |> receives n2 (append 3 (position 2 0) [ 3 ] 0)
              |> expectTold "blame n2: an append after 2/0 whose entries do not follow on"
              |> expectLast (position 3 2)
              |> ignore

          testCase "an acknowledgement of what was never sent is blamed"
          <| fun () ->
              let led = leader 3 [ 1; 3 ]
              led
              |> receives n2 (accepts 4 (sessionWith n2 led) 99)
              |> expectTold "blame n2: acknowledged 99, which was never sent"
              |> ignore

          testCase "a heartbeat is answered while the disk is slow"
          <| fun () ->
              follower 3 [ 1; 3 ]
              |> receives n2 (append 3 (position 3 2) [ 3 ] 0)
              |> at 50
              |> receives n2 (append 3 (position 3 3) [ 3 ] 0)
              |> expectNotTold "AppendEntriesReply"
              |> at 150
              |> receives n2 (append 3 (position 3 4) [ 3 ] 0)
              |> expectTold "-> n2 AppendEntriesReply t3 s1 accepted 2"
              |> ignore ]
