module Mosaik.Hybrid.Core.Tests.Membership.Leaving

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Core.Tests.Support.Scenario

let private settled () =
    leader 3 [ 1; 3 ] |> followedBy [ n2; n3 ]

let private depart number =
    Message.Depart { Lineage = theLineage; Term = term number }

let private departed number =
    Message.Departed { Lineage = theLineage; Term = term number }

let private following () =
    follower 3 [ 1; 3 ] |> receives n2 (append 3 (position 3 2) [] 2)

[<Tests>]
let tests =
    testList
        "Leaving"
        [ testCase "who leaves tells everybody, and may go when the leader has let it go"
          <| fun () ->
              following ()
              |> gets [ Input.Leave ]
              |> expectTold "-> n2 Depart t3"
              |> expectTold "-> n3 Depart t3"
              |> expectNotTold "may leave"
              |> receives n2 (departed 3)
              |> expectTold "may leave"
              |> ignore

          testCase "a leader that leaves hands over first"
          <| fun () ->
              settled ()
              |> gets [ Input.Leave ]
              |> expectTold "-> n2 TimeoutNow t4"
              |> expectNotTold "may leave"
              |> ignore

          testCase "it does not hand over to one that leaves too"
          <| fun () ->
              settled ()
              |> receives n2 (depart 4)
              |> gets [ Input.Leave ]
              |> expectNotTold "-> n2 TimeoutNow"
              |> ignore

          testCase "who leaves does not stand for election any more"
          <| fun () ->
              following ()
              |> gets [ Input.Leave ]
              |> at 2_900
              |> ticks
              |> expectRole "follower"
              |> ignore

          testCase "a voter that leaves is removed at once, and told when that is committed"
          <| fun () ->
              settled ()
              |> receives n3 (depart 4)
              |> expectTold "configuration voters n1 n2 outgoing n1 n2 n3"
              |> persists
              |> expectNotTold "Departed"
              |> followedBy [ n2 ]
              |> expectTold "configuration voters n1 n2"
              |> expectNotTold "Departed"
              |> persists
              |> followedBy [ n2 ]
              |> expectTold "-> n3 Departed t4"
              |> expectNotTold "configuration"
              |> ignore

          testCase "an answer that was lost is given again; who is no member is let go at once"
          <| fun () ->
              let gone =
                  settled ()
                  |> receives n3 (depart 4)
                  |> persists
                  |> followedBy [ n2 ]
                  |> persists
                  |> followedBy [ n2 ]
              gone |> ticks |> expectNotTold "Departed" |> ignore
              gone |> receives n3 (depart 4) |> expectTold "-> n3 Departed t4" |> ignore

          testCase "a leaver that is still bonded is not admitted again, but a new bond begins anew"
          <| fun () ->
              let gone =
                  settled ()
                  |> receives n3 (depart 4)
                  |> persists
                  |> followedBy [ n2 ]
                  |> persists
                  |> followedBy [ n2 ]
              gone |> at 2_150 |> ticks |> expectNotTold "configuration" |> ignore
              gone
              |> gets [ Input.PeerDown n3; Input.PeerUp(n3, facts) ]
              |> expectTold "configuration voters n1 n2 learners n3"
              |> ignore

          testCase "who has said that it leaves is removed after its bond is gone too"
          <| fun () ->
              leader 3 [ 1; 3 ]
              |> receives n3 (depart 4)
              |> gets [ Input.PeerDown n3 ]
              |> followedBy [ n2 ]
              |> expectTold "configuration voters n1 n2 outgoing n1 n2 n3"
              |> ignore

          testCase "a new leader is asked too, and a silent one again"
          <| fun () ->
              following ()
              |> gets [ Input.Leave ]
              |> receives n3 (append 4 (position 3 2) [] 2)
              |> expectTold "-> n3 Depart t4"
              |> at 450
              |> ticks
              |> expectTold "-> n3 Depart t4"
              |> ignore

          testCase "it is waited for no longer than two election timeouts"
          <| fun () ->
              following ()
              |> gets [ Input.Leave ]
              |> at 1_999
              |> ticks
              |> expectNotTold "may leave"
              |> at 2_000
              |> ticks
              |> expectTold "may leave"
              |> ignore

          testCase "and not at all where nobody is there to decide, or without a log"
          <| fun () ->
              following ()
              |> gets [ Input.PeerDown n2; Input.PeerDown n3; Input.Leave ]
              |> expectTold "may leave"
              |> ignore
              newcomer config |> gets [ Input.Leave ] |> expectTold "may leave" |> ignore ]
