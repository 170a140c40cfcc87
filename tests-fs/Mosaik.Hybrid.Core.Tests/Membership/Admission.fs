module Mosaik.Hybrid.Core.Tests.Membership.Admission

open Expecto

open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Simulation
open Mosaik.Hybrid.Core.Tests.Support
open Mosaik.Hybrid.Core.Tests.Support.Scenario

let private settled () =
    leader 3 [ 1; 3 ] |> followedBy [ n2; n3 ]

[<Tests>]
let tests =
    testList
        "Admission"
        [ testCase "a bonded newcomer becomes a learner by an entry, and quorums stay"
          <| fun () ->
              let scene =
                  settled ()
                  |> gets [ Input.PeerUp(n4, blank) ]
                  |> expectTold "configuration voters n1 n2 n3 learners n4"
              Expect.isFalse
                  (Configuration.isVoter n4 (State.configuration scene.State).Value)
                  "it does not vote"

          testCase "a learner's acknowledgement commits nothing"
          <| fun () ->
              let scene = settled () |> gets [ Input.PeerUp(n4, blank) ] |> persists
              scene
              |> receives n4 (accepts 4 (sessionWith n4 scene) 4)
              |> expectCommit 3
              |> ignore

          testCase "one change at a time, and none before an entry of the own term is committed"
          <| fun () ->
              leader 3 [ 1; 3 ]
              |> gets [ Input.PeerUp(n4, blank) ]
              |> expectLast (position 4 3)
              |> followedBy [ n2 ]
              |> expectLast (position 4 4)
              |> gets [ Input.PeerUp(Naming.memberOf 5 1, blank) ]
              |> expectLast (position 4 4)
              |> persists
              |> followedBy [ n2 ]
              |> expectLast (position 4 5)
              |> ignore

          testCase "a member of another lineage is not admitted"
          <| fun () ->
              settled ()
              |> gets [ Input.PeerUp(n4, factsOf (Name.lineage 8)) ]
              |> expectLast (position 4 3)
              |> ignore

          testCase "a new life replaces the learner of its old one"
          <| fun () ->
              settled ()
              |> gets [ Input.PeerUp(n4, blank) ]
              |> persists
              |> followedBy [ n2 ]
              |> gets [ Input.PeerDown n4; Input.PeerUp(Naming.memberOf 4 2, blank) ]
              |> expectTold "configuration voters n1 n2 n3 learners n4'2"
              |> ignore ]
