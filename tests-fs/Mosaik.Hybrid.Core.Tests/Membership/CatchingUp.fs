module Mosaik.Hybrid.Core.Tests.Membership.CatchingUp

open System

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Core.Tests.Support
open Mosaik.Hybrid.Core.Tests.Support.Scenario

/// One entry an append: a gap of four committed ones is a long one.
let private small = { config with Consensus = { config.Consensus with EntriesPerAppendMax = 1 } }

/// A leader of term 4 whose log of nine entries is committed with n2; n3 is known to have three of them.
let private ahead () =
    let scene = leaderWith small 3 [ 1; 1; 1; 3; 3; 3; 3; 3 ]
    scene
    |> receives n2 (accepts 4 (sessionWith n2 scene) 9)
    |> receives n3 (appendReply 4 (sessionWith n3 scene) 0 (AppendOutcome.Rejected(index 8, position 1 2)))

let private catchesUp scene =
    scene |> receives n3 (accepts 4 (sessionWith n3 scene) 3)

let private plan: CatchUpPlan =
    { UpTo = index 8
      Runs = [ { First = index 3; Term = term 1 }; { First = index 5; Term = term 3 } ]
      Sources = [ n3; n4 ] }

let private sentBy (number: int) (plan: CatchUpPlan) =
    Message.CatchUp(header number (position 1 2) 9, plan)

/// A follower with two entries that n2, its leader, has sent to n3 and n4 for the next six.
let private reading () =
    memberWith small 3 [ 1; 1 ]
    |> gets [ Input.PeerUp(n4, facts) ]
    |> receives n2 (sentBy 4 plan)

let private fetched (request: int) (previous: LogPosition) (terms: int list) =
    let header: FetchedHeader =
        { Lineage = theLineage; Term = term 4; Request = uint64 request; Previous = previous }
    Message.FetchedEntries(header, ReadOnlyMemory(entries (int previous.Index.Value + 1) terms))

[<Tests>]
let tests =
    testList
        "Catching up"
        [ testCase "a member that is far behind is sent to those that have what it lacks"
          <| fun () ->
              ahead ()
              |> catchesUp
              |> expectTold "-> n3 CatchUp t4 s2 after 1/3 up to 9 from n2"
              |> expectNotTold "entries"
              |> ignore

          testCase "the plan names the terms of the leader's log"
          <| fun () ->
              let scene = ahead () |> catchesUp
              let runs =
                  scene.Outputs
                  |> List.tryPick (fun output ->
                      match output with
                      | Output.Send(_, Message.CatchUp(_, plan)) -> Some plan.Runs
                      | _ -> None)
              Expect.equal
                  runs
                  (Some [ { First = index 4; Term = term 3 }; { First = index 9; Term = term 4 } ])
                  "from the entry after the last one that it has"

          testCase "the leader counts what it acknowledges, and goes on by itself from there"
          <| fun () ->
              let scene = ahead () |> catchesUp
              scene
              |> receives n3 (accepts 4 (sessionWith n3 scene) 6)
              |> expectNotTold "entries"
              |> receives n3 (accepts 4 (sessionWith n3 scene) 9)
              |> gets [ Input.Propose(ReadOnlyMemory [| Name.command (ProposerId(n1, 1UL)) 1UL 0 |]) ]
              |> expectTold "-> n3 AppendEntries t4 s2 after 4/9 +0 commit 9 entries 10..10"
              |> ignore

          testCase "when nothing comes for an election timeout the leader sends the rest itself"
          <| fun () ->
              let scene = ahead () |> catchesUp
              let session = sessionWith n3 scene
              let beat (moment: int) scene =
                  scene
                  |> at moment
                  |> ticks
                  |> receives n2 (accepts 4 (sessionWith n2 scene) 9)
                  |> receives n3 (accepts 4 session 3)
              scene
              |> beat 2_500
              |> beat 2_900
              |> expectNotTold "entries"
              |> at 3_050
              |> ticks
              |> expectTold "-> n3 AppendEntries t4 s2 after 1/3 +0 commit 9 entries 4..4"
              |> beat 3_100
              |> expectNotTold "CatchUp"
              |> ignore

          testCase "who is far behind asks all of them at once, each for other entries"
          <| fun () ->
              reading ()
              |> expectTold "-> n3 FetchEntries t4 request 1 3..3"
              |> expectTold "-> n4 FetchEntries t4 request 2 4..4"
              |> expectTold "-> n3 FetchEntries t4 request 3 5..5"
              |> expectTold "-> n4 FetchEntries t4 request 4 6..6"
              |> expectNotTold "request 5"
              |> ignore

          testCase
              "what comes is appended in order, committed, and acknowledged to the leader when it is durable"
          <| fun () ->
              reading ()
              |> receives n4 (fetched 2 (position 1 3) [ 1 ])
              |> expectLast (position 1 2)
              |> expectTold "-> n4 FetchEntries t4 request 5 7..7"
              |> receives n3 (fetched 1 (position 1 2) [ 1 ])
              |> expectLast (position 1 4)
              |> expectCommit 4
              |> persists
              |> expectTold "-> n2 AppendEntriesReply t4 s1 accepted 4"
              |> ignore

          testCase
              "entries of other terms than the leader's are not taken, and who gave them is not asked again"
          <| fun () ->
              reading ()
              |> receives n3 (fetched 1 (position 1 2) [ 2 ])
              |> expectLast (position 1 2)
              |> expectNotTold "-> n3 FetchEntries"
              |> receives n4 (fetched 2 (position 1 3) [ 1 ])
              |> expectTold "-> n4 FetchEntries t4 request 5 5..5"
              |> ignore

          testCase "who has nothing, or is silent, is given up, and the others are asked"
          <| fun () ->
              reading ()
              |> receives n3 (fetched 1 LogPosition.Zero [])
              |> receives n4 (fetched 2 (position 1 3) [ 1 ])
              |> expectTold "-> n4 FetchEntries t4 request 5 5..5"
              |> ignore
              reading () |> at 100 |> ticks |> expectNotTold "FetchEntries" |> ignore

          testCase "an answer to nobody's question changes nothing"
          <| fun () ->
              reading ()
              |> receives n4 (fetched 1 (position 1 2) [ 1 ])
              |> expectLast (position 1 2)
              |> receives n3 (fetched 99 (position 1 2) [ 1 ])
              |> expectLast (position 1 2)
              |> ignore

          testCase "an append of the leader ends it"
          <| fun () ->
              reading ()
              |> receives n2 (append 4 (position 1 2) [ 1 ] 9)
              |> receives n3 (fetched 1 (position 1 2) [ 1 ])
              |> expectLast (position 1 3)
              |> ignore

          testCase "a plan that does not fit the log is not followed"
          <| fun () ->
              memberWith small 3 [ 1; 3 ]
              |> receives n2 (sentBy 4 plan)
              |> expectNotTold "FetchEntries"
              |> ignore

          testCase "a plan that no honest leader makes is blamed on the sender"
          <| fun () ->
              let broken =
                  [ { plan with Sources = [] }
                    { plan with UpTo = index 99 }
                    { plan with Runs = [] }
                    { plan with Runs = List.rev plan.Runs }
                    { plan with Runs = [ { First = index 3; Term = term 9 } ] } ]
              for plan in broken do
                  memberWith small 3 [ 1; 1 ]
                  |> receives n2 (sentBy 4 plan)
                  |> expectTold $"blame n2: a plan up to {plan.UpTo} after 1/2 that can't be"
                  |> ignore

          testCase "only committed entries are given, as many as one append carries"
          <| fun () ->
              let ask (first: int) (last: int) =
                  Message.FetchEntries
                      { Lineage = theLineage
                        Term = term 4
                        Request = 7UL
                        First = index first
                        Last = index last }
              let source = memberWith small 4 [ 1; 1; 3 ] |> receives n2 (append 4 (position 3 3) [] 2)
              source
              |> receives n3 (ask 1 2)
              |> expectTold "-> n3 FetchedEntries t4 request 7 after 0/0 +0 entries 1..1"
              |> receives n3 (ask 3 3)
              |> expectTold "-> n3 FetchedEntries t4 request 7 after 0/0 +0"
              |> ignore ]
