module Mosaik.Hybrid.Core.Tests.Membership.Lineages

open System

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Simulation
open Mosaik.Hybrid.Core.Tests.Support
open Mosaik.Hybrid.Core.Tests.Support.Scenario

// The own lineage is number 7.
let private lower = Name.lineage 3
let private higher = Name.lineage 8

let private n5 = Naming.memberOf 5 1

let private settled () =
    leader 3 [ 1; 3 ] |> followedBy [ n2; n3 ]

let private meets (lineage: Lineage) (hasCommands: bool) scene =
    scene |> gets [ Input.PeerAffiliated(n5, lineage, hasCommands) ]

let private proposes scene =
    let command = Name.command (ProposerId(n1, 1UL)) 1UL 0
    scene |> gets [ Input.Propose(ReadOnlyMemory [| command |]) ]

let private dissolution place number =
    { Lineages.dissolution lower with Index = index place; Term = term number }

[<Tests>]
let tests =
    testList
        "Lineages"
        [ testCase "another lineage is told of, until it was not heard of for removal_delay"
          <| fun () ->
              let brief = { config with Consensus = { config.Consensus with RemovalDelay = 3_000 } }
              memberWith brief 3 [ 1; 3 ]
              |> meets higher false
              |> expectTold $"conflict with {Naming.showLineage higher}"
              |> at 2_999
              |> ticks
              |> expectNotTold "conflict"
              |> at 3_000
              |> ticks
              |> expectTold "conflict with "
              |> ignore

          testCase "a peer that is ours after all ends the conflict"
          <| fun () ->
              follower 3 [ 1; 3 ]
              |> meets higher false
              |> gets [ Input.PeerUp(n5, facts) ]
              |> expectTold "conflict with "
              |> ignore

          testCase "a lineage without commands ends in favour of a lower one, or of one with commands"
          <| fun () ->
              settled ()
              |> meets lower false
              |> expectTold "write 3 4/4 dissolution"
              |> ignore
              settled ()
              |> meets higher true
              |> expectTold "write 3 4/4 dissolution"
              |> ignore

          testCase "and stays beside a higher one that has none either"
          <| fun () -> settled () |> meets higher false |> expectLast (position 4 3) |> ignore

          testCase "a command in the log, committed or not, keeps a lineage"
          <| fun () ->
              settled ()
              |> proposes
              |> meets lower true
              |> expectLast (position 4 4)
              |> persists
              |> followedBy [ n2; n3 ]
              |> expectLast (position 4 4)
              |> ignore

          testCase "a lineage that ends takes no more commands, whoever leads"
          <| fun () ->
              settled ()
              |> meets lower false
              |> proposes
              |> expectLast (position 4 4)
              |> persists
              |> followedBy [ n2; n3 ]
              |> expectNotTold "resubmit"
              |> ignore

          testCase "followers begin anew when the end is committed, and the leader with its next tick"
          <| fun () ->
              let last =
                  Message.AppendEntries(header 3 (position 3 2) 2, ReadOnlyMemory [| dissolution 3 3 |])
              follower 3 [ 1; 3 ]
              |> receives n2 last
              |> persists
              |> expectNotTold "reset"
              |> receives n2 (append 3 (position 3 3) [] 3)
              |> expectTold "reset"
              |> ignore
              settled ()
              |> meets lower false
              |> persists
              |> followedBy [ n2 ]
              |> expectCommit 4
              |> expectTold "-> n2 AppendEntries t4 s1 after 4/4 +0 commit 4"
              |> expectNotTold "reset"
              |> ticks
              |> expectTold "reset"
              |> ignore

          testCase "an end that was not committed may be truncated"
          <| fun () ->
              let last =
                  Message.AppendEntries(header 3 (position 3 2) 2, ReadOnlyMemory [| dissolution 3 3 |])
              follower 3 [ 1; 3 ]
              |> receives n2 last
              |> receives n3 (append 4 (position 3 2) [ 4 ] 3)
              |> expectNotTold "reset"
              |> ignore

          testCase "a snapshot that has the end in it stands for nothing: who gets it would not know"
          <| fun () ->
              let last =
                  Message.AppendEntries(header 3 (position 3 2) 2, ReadOnlyMemory [| dissolution 3 3 |])
              let scene =
                  follower 3 [ 1; 3 ]
                  |> receives n2 last
                  |> gets
                      [ Input.Received(n2, append 3 (position 3 3) [] 3)
                        Input.Applied(index 3, 0UL, false)
                        Input.SnapshotSaved(snapshotAt 3 3, 0) ]
              Expect.isTrue scene.State.Snapshot.IsNone "it is not offered to anybody"

          testCase "a log without commands whose committee lives no more is given up, committed or not"
          <| fun () ->
              follower 3 [ 1; 3 ]
              |> receives n2 (append 3 (position 3 2) [] 2)
              |> gets [ Input.PeerDown n2; Input.PeerDown n3 ]
              |> gets [ Input.PeerUp(Naming.memberOf 2 2, blank) ]
              |> at 9_000
              |> ticks
              |> expectNotTold "reset"
              |> gets [ Input.PeerAffiliated(Naming.memberOf 3 2, higher, true) ]
              |> expectTold "reset"
              |> ignore

          testCase "a new life that has joined the own lineage is no loss"
          <| fun () ->
              follower 3 [ 1; 3 ]
              |> receives n2 (append 3 (position 3 2) [] 2)
              |> gets [ Input.PeerDown n2; Input.PeerDown n3 ]
              |> gets [ Input.PeerUp(Naming.memberOf 2 2, facts); Input.PeerUp(Naming.memberOf 3 2, facts) ]
              |> at 9_000
              |> ticks
              |> expectNotTold "reset"
              |> ignore

          testCase "the operator may give a node's part up"
          <| fun () -> follower 3 [ 1; 3 ] |> gets [ Input.Reset ] |> expectTold "reset" |> ignore ]
