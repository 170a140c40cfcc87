module Mosaik.Hybrid.Core.Tests.Paper.Reads

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Core.Tests.Support.Scenario

let private echo round (id: MemberId) (scene: Scene) =
    receives id (appendReply 4 (sessionWith id scene) round (AppendOutcome.Accepted(index 3))) scene

let private readIndexReply (request: int) (place: int) =
    Message.ReadIndexReply
        { Lineage = theLineage; Term = term 3; Request = uint64 request; Index = index place }

let private following () =
    follower 3 [ 1; 3 ] |> receives n2 (append 3 (position 3 2) [] 2)

[<Tests>]
let tests =
    testList
        "Thesis §6.4, reads"
        [ testCase "no read begins before an entry of the own term is committed"
          <| fun () ->
              leader 3 [ 1; 3 ]
              |> gets [ Input.Read 1UL ]
              |> expectNotTold "round 1"
              |> followedBy [ n2 ]
              |> expectTold "-> n3 AppendEntries t4 s2 after 3/2 +0 commit 3 round 1"
              |> expectNotTold "ready"
              |> ignore

          testCase "a quorum's echo of the round confirms the read, at the index of its beginning"
          <| fun () ->
              leader 3 [ 1; 3 ]
              |> followedBy [ n2 ]
              |> gets [ Input.Read 1UL ]
              |> expectNotTold "ready"
              |> echo 1 n3
              |> expectTold "read 1 ready at 3"
              |> ignore

          testCase "a member without a lineage asks no leader: it may still join another's"
          <| fun () ->
              newcomer config
              |> receives n2 (append 3 (position 3 2) [] 2)
              |> gets [ Input.Read 1UL ]
              |> expectNotTold "ReadIndex"
              |> ignore

          testCase "answers to what was sent before the round confirm nothing"
          <| fun () ->
              leader 3 [ 1; 3 ]
              |> followedBy [ n2 ]
              |> gets [ Input.Read 1UL ]
              |> echo 0 n3
              |> expectNotTold "ready"
              |> ignore

          testCase "reads that come during a round wait for the next one"
          <| fun () ->
              leader 3 [ 1; 3 ]
              |> followedBy [ n2 ]
              |> gets [ Input.Read 1UL ]
              |> gets [ Input.Read 2UL; Input.Read 3UL ]
              |> echo 1 n3
              |> expectTold "read 1 ready at 3"
              |> echo 2 n3
              |> expectTold "read 3 2 ready at 3"
              |> ignore

          testCase "a follower asks the leader once for all that wait"
          <| fun () ->
              following ()
              |> gets [ Input.Read 1UL; Input.Read 2UL ]
              |> expectTold "-> n2 ReadIndex t3 request 1"
              |> receives n2 (readIndexReply 1 2)
              |> expectTold "read 2 1 ready at 2"
              |> ignore

          testCase "the answer to an earlier attempt confirms nothing"
          <| fun () ->
              following ()
              |> gets [ Input.Read 1UL ]
              |> at 400
              |> ticks
              |> expectTold "-> n2 ReadIndex t3 request 2"
              |> receives n2 (readIndexReply 1 2)
              |> expectNotTold "ready"
              |> ignore

          testCase "reads survive a change of leader, in either role"
          <| fun () ->
              following ()
              |> gets [ Input.Read 1UL ]
              |> receives n3 (append 4 (position 3 2) [] 2)
              |> expectTold "-> n3 ReadIndex t4 request 2"
              |> ignore
              leader 3 [ 1; 3 ]
              |> gets [ Input.Read 7UL ]
              |> receives n2 (append 5 (position 3 2) [] 2)
              |> expectTold "-> n2 ReadIndex t5 request 1"
              |> ignore

          testCase "after its reads expired a follower has no deadline in the past"
          <| fun () ->
              let waiting = following () |> gets [ Input.Read 1UL ] |> gets [ Input.ReadsExpired 1UL ]
              let later = waiting |> at 400 |> ticks
              Expect.isTrue (later.State.Armed > Instant 400L) "the next deadline lies ahead"

          testCase "a member's reads of a former bond are not answered on the next"
          <| fun () ->
              let request = Message.ReadIndex { Lineage = theLineage; Term = term 4; Request = 1UL }
              leader 3 [ 1; 3 ]
              |> followedBy [ n2 ]
              |> receives n3 request
              |> gets [ Input.PeerDown n3; Input.PeerUp(n3, facts) ]
              |> echo 1 n2
              |> expectNotTold "ReadIndexReply"
              |> ignore ]
