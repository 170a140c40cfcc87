/// Raft §7: snapshots in the place of the log's beginning.
module Mosaik.Hybrid.Core.Tests.Paper.Section7_Snapshots

open System

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Core.Tests.Support
open Mosaik.Hybrid.Core.Tests.Support.Scenario

let private expectBase (basis: LogPosition) (scene: Scene) =
    Expect.equal (string scene.State.Outline.Base) (string basis) "where the log begins"
    scene

let private expectProgress (what: string) (holds: Progress -> bool) (id: MemberId) (scene: Scene) =
    match scene.State.Role with
    | Role.Leader leading -> Expect.isTrue (holds leading.Progress[id]) what
    | _ -> failtest "not a leader"
    scene

let private isSnapshotMode (progress: Progress) = progress.Mode.IsSnapshot

/// Leads in term 4 with entries 1 to 6, all committed and applied.
let private settled () =
    leader 3 [ 1; 3; 3; 3; 3 ] |> followedBy [ n2; n3 ]

/// Leads as before, and its log begins after entry 4; n3, of which nothing was known, has an empty log.
let private compactedLeader () =
    let scene = leader 3 [ 1; 3; 3; 3; 3 ] |> followedBy [ n2 ] |> savesAt 3 4 0
    let refused = AppendOutcome.Rejected(index 5, LogPosition.Zero)
    scene |> receives n3 (appendReply 4 (sessionWith n3 scene) 0 refused)

let private saving =
    [ testCase "a saved snapshot lets the log forget what is before it"
      <| fun () ->
          settled ()
          |> savesAt 3 4 0
          |> expectTold "compact 3/4"
          |> expectBase (position 3 4)
          |> expectLast (position 4 6)
          |> ignore

      testCase "the margin stays, for members that are a little behind"
      <| fun () -> settled () |> savesAt 3 4 2 |> expectTold "compact 3/2" |> ignore

      testCase "a margin that is longer than the log keeps it whole"
      <| fun () ->
          settled ()
          |> savesAt 3 4 100
          |> expectNotTold "compact"
          |> expectBase LogPosition.Zero
          |> ignore

      testCase "a snapshot beyond the commit index halts"
      <| fun () -> leader 3 [ 1; 3; 3 ] |> savesAt 3 3 0 |> expectHalted |> ignore

      testCase "a snapshot at an entry that is not in the log halts"
      <| fun () -> settled () |> savesAt 2 4 0 |> expectHalted |> ignore

      testCase "an older snapshot than the newest changes nothing"
      <| fun () ->
          settled ()
          |> savesAt 3 5 0
          |> savesAt 3 4 0
          |> expectNotTold "compact"
          |> expectBase (position 3 5)
          |> ignore

      testCase "entries after a snapshot that is on its way to a member stay"
      <| fun () ->
          compactedLeader ()
          |> savesAt 4 6 0
          |> expectNotTold "compact"
          |> expectBase (position 3 4)
          |> ignore

      testCase "they go when that member can't be reached"
      <| fun () ->
          compactedLeader ()
          |> gets [ Input.PeerDown n3 ]
          |> savesAt 4 6 0
          |> expectTold "compact 4/6"
          |> ignore ]

let private sending =
    [ testCase "a member that lacks entries before the base is offered the newest snapshot"
      <| fun () ->
          compactedLeader ()
          |> expectProgress "a snapshot goes in their place" isSnapshotMode n3
          |> expectTold "-> n3 InstallSnapshot t4 s2 at 3/4 bytes 0 +0 of 100 commit 6"
          |> expectNotTold "bytes 0 +100"
          |> ignore

      testCase "it is sent once the member has said from where on"
      <| fun () ->
          let scene = compactedLeader ()
          scene
          |> receives n3 (appendReply 4 (sessionWith n3 scene) 0 (AppendOutcome.Receiving(position 3 4, 40L)))
          |> expectTold "-> n3 snapshot 3/4 t4 s2 bytes 40 +60"
          |> ignore

      testCase "in chunks, a few at a time"
      <| fun () ->
          let small = { config with Consensus = { config.Consensus with BytesPerAppendMax = 10 } }
          let scene = { compactedLeader () with Config = small }
          let session = sessionWith n3 scene
          let receiving (offset: int64) =
              receives n3 (appendReply 4 session 0 (AppendOutcome.Receiving(position 3 4, offset)))
          let scene = receiving 0L scene
          Expect.equal
              (told scene |> List.filter (fun line -> line.Contains "snapshot 3/4"))
              [ for offset in [ 0; 10; 20; 30 ] -> $"-> n3 snapshot 3/4 t4 s2 bytes {offset} +10" ]
              "four chunks"
          scene
          |> receiving 20L
          |> expectTold "-> n3 snapshot 3/4 t4 s2 bytes 40 +10"
          |> expectTold "-> n3 snapshot 3/4 t4 s2 bytes 50 +10"
          |> expectNotTold "bytes 60"
          |> ignore

      testCase "what has not come to rest for an election timeout is sent again, and not before"
      <| fun () ->
          let scene = compactedLeader ()
          let hears id outcome (scene: Scene) =
              receives id (appendReply 4 (sessionWith id scene) 0 outcome) scene
          let receiving = AppendOutcome.Receiving(position 3 4, 0L)
          let later (time: int) (scene: Scene) =
              scene
              |> hears n2 (AppendOutcome.Accepted(index 6))
              |> hears n3 receiving
              |> at time
              |> ticks
          scene
          |> hears n3 receiving
          |> later 2_900
          |> expectNotTold "snapshot 3/4"
          |> expectTold "-> n3 InstallSnapshot t4 s2 at 3/4 bytes 0 +0 of 100 commit 6"
          |> later 3_000
          |> expectTold "-> n3 snapshot 3/4 t4 s2 bytes 0 +100"
          |> ignore

      testCase "a member that had to begin anew is sent all of it again"
      <| fun () ->
          let scene = compactedLeader ()
          let session = sessionWith n3 scene
          let receiving (offset: int64) =
              receives n3 (appendReply 4 session 0 (AppendOutcome.Receiving(position 3 4, offset)))
          scene
          |> receiving 40L
          |> receiving 0L
          |> expectTold "-> n3 snapshot 3/4 t4 s2 bytes 0 +100"
          |> ignore

      testCase "bytes are no entries: nothing is committed by them"
      <| fun () ->
          let scene = compactedLeader ()
          scene
          |> receives
              n3
              (appendReply 4 (sessionWith n3 scene) 0 (AppendOutcome.Receiving(position 3 4, 100L)))
          |> expectProgress "no entry counts" (fun progress -> progress.MatchIndex = LogIndex.Zero) n3
          |> ignore

      testCase "the log goes on after it"
      <| fun () ->
          let scene = compactedLeader ()
          scene
          |> receives n3 (accepts 4 (sessionWith n3 scene) 4)
          |> expectTold "-> n3 AppendEntries t4 s2 after 3/4 +0 commit 6 entries 5..6"
          |> ignore

      testCase "an answer about less than the log that is left does not end it"
      <| fun () ->
          let scene = compactedLeader ()
          scene
          |> receives n3 (accepts 4 (sessionWith n3 scene) 2)
          |> expectProgress "the snapshot goes on" isSnapshotMode n3
          |> ignore

      testCase "a late refusal offers no snapshot behind what was acknowledged since"
      <| fun () ->
          let scene = leader 3 [ 1; 3; 3; 3; 3 ] |> followedBy [ n2 ] |> savesAt 3 4 0
          let session = sessionWith n3 scene
          let refused = AppendOutcome.Rejected(index 6, LogPosition.Zero)
          scene
          |> receives n3 (accepts 4 session 5)
          |> receives n3 (appendReply 4 session 0 refused)
          |> expectNotTold "HALT"
          |> expectNotTold "InstallSnapshot"
          |> expectProgress "it goes on after that" (fun progress -> progress.NextIndex = index 6) n3
          |> ignore

      testCase "answers that a snapshot comes count as signs of life and confirm reads"
      <| fun () ->
          let scene = compactedLeader () |> gets [ Input.PeerDown n2; Input.Read 1UL ]
          scene
          |> receives n3 (appendReply 4 (sessionWith n3 scene) 1 (AppendOutcome.Receiving(position 3 4, 0L)))
          |> expectTold "read 1 ready at 6"
          |> ignore ]

let private taking =
    [ testCase "bytes are kept, and told when they are"
      <| fun () ->
          follower 4 [ 1; 3 ]
          |> receives n2 (offer 4 (snapshotAt 3 4) 0 10)
          |> expectTold "keep snapshot 3/4 bytes 0 +10 of 100"
          |> expectNotTold "AppendEntriesReply"
          |> gets [ Input.SnapshotGrew(position 3 4, 10L) ]
          |> expectTold "-> n2 AppendEntriesReply t4 s1 receiving 3/4 up to 10"
          |> ignore

      testCase "a slow disk does not pass for a dead member"
      <| fun () ->
          follower 4 [ 1; 3 ]
          |> receives n2 (offer 4 (snapshotAt 3 4) 0 10)
          |> at 150
          |> receives n2 (offer 4 (snapshotAt 3 4) 0 0)
          |> expectTold "-> n2 AppendEntriesReply t4 s1 accepted 0"
          |> ignore

      testCase "a whole snapshot takes the place of the log"
      <| fun () ->
          follower 4 [ 1; 2; 2; 2; 2 ]
          |> receives n2 (offer 4 (snapshotAt 3 4) 0 100)
          |> gets [ Input.SnapshotReceived(snapshotAt 3 4, 9_000L, true) ]
          |> expectTold "install 3/4"
          |> expectTold "-> n2 AppendEntriesReply t4 s1 accepted 4"
          |> expectNotTold "apply"
          |> expectLast (position 3 4)
          |> expectCommit 4
          |> ignore

      testCase "what was written for the log before counts for nothing"
      <| fun () ->
          let scene =
              follower 4 [ 1; 2 ]
              |> receives n2 (append 4 (position 2 2) [ 2; 2; 2; 2 ] 0)
              |> receives n2 (offer 4 (snapshotAt 3 4) 0 100)
              |> gets [ Input.SnapshotReceived(snapshotAt 3 4, 0L, true) ]
          let scene = persists scene
          Expect.equal scene.State.DurableIndex (index 4) "only the snapshot is durable"

      testCase "a member whose log came so far by itself keeps what is after it"
      <| fun () ->
          follower 4 [ 1; 3; 3; 3; 3 ]
          |> gets [ Input.SnapshotReceived(snapshotAt 3 4, 0L, true) ]
          |> expectNotTold "install"
          |> expectTold "apply 1..4"
          |> expectLast (position 3 5)
          |> ignore

      testCase "and is not sent any bytes: it says so at the offer"
      <| fun () ->
          follower 4 [ 1; 3; 3; 3; 3 ]
          |> receives n2 (offer 4 (snapshotAt 3 4) 0 0)
          |> expectNotTold "keep"
          |> expectTold "-> n2 AppendEntriesReply t4 s1 accepted 4"
          |> ignore

      testCase "a newcomer joins the lineage by a snapshot, durably before it says so"
      <| fun () ->
          newcomer config
          |> receives n2 (offer 4 (snapshotAt 3 4) 0 100)
          |> persists
          |> gets [ Input.SnapshotReceived(snapshotAt 3 4, 9_000L, true) ]
          |> expectTold "install 3/4"
          |> expectTold "-> n2 AppendEntriesReply t4 s1 accepted 4"
          |> expectHeld
          |> ignore

      testCase "the configuration comes with it"
      <| fun () ->
          let others = Configuration.ofVoters [ n2; n3; n4 ]
          let snapshot = { snapshotAt 3 4 with Configuration = others }
          let scene = follower 4 [ 1 ] |> gets [ Input.SnapshotReceived(snapshot, 0L, true) ]
          Expect.equal (State.configuration scene.State) (ValueSome others) "in force"

      testCase "and so does the time: the next leader's entries are not earlier"
      <| fun () ->
          let scene =
              follower 4 [ 1 ]
              |> gets [ Input.SnapshotReceived(snapshotAt 3 4, 9_000L, true) ]
          Expect.equal scene.State.LastTimestamp 9_000L "the timestamp of the entry it stands at"

      testCase "a snapshot of another lineage changes nothing"
      <| fun () ->
          let foreign = { snapshotAt 3 4 with Lineage = Name.lineage 8 }
          follower 4 [ 1 ]
          |> gets [ Input.SnapshotReceived(foreign, 0L, true) ]
          |> expectNotTold "install"
          |> expectLast (position 1 1)
          |> ignore

      testCase "one that comes after the log has passed it changes nothing"
      <| fun () ->
          follower 4 [ 1; 3; 3; 3; 3 ]
          |> receives n2 (append 4 (position 3 5) [] 5)
          |> gets [ Input.SnapshotReceived(snapshotAt 3 4, 0L, true) ]
          |> expectNotTold "install"
          |> expectCommit 5
          |> ignore

      testCase "impossible ones are blamed"
      <| fun () ->
          let sent = snapshotAt 3 4
          for impossible in
              [ offer 4 { sent with Length = -1L } 0 0
                offer 4 sent 99 2
                offer 4 sent -1 1
                offer 4 { sent with Position = position 5 4 } 0 0
                offer 4 { sent with Position = LogPosition.Zero } 0 0
                Message.InstallSnapshot(
                    header 4 (position 3 4) 3,
                    sent,
                    { Offset = 0L; Data = ReadOnlyMemory.Empty }
                ) ] do
              let scene = follower 4 [ 1 ] |> receives n2 impossible |> expectNotTold "keep"
              Expect.exists
                  (told scene)
                  (fun line -> line.StartsWith "blame n2: a snapshot at ")
                  "its sender is blamed"

      testCase "an offer of an earlier term is refused"
      <| fun () ->
          follower 5 [ 1 ]
          |> receives n2 (offer 4 (snapshotAt 3 4) 0 10)
          |> expectNotTold "keep"
          |> expectTold "-> n2 AppendEntriesReply t5 s1 rejected 4 hint 1/1"
          |> ignore ]

let private starting =
    [ testCase "a member starts where its snapshot stands"
      <| fun () ->
          restartedAt (snapshotAt 3 4) 4 [ 3; 4 ]
          |> expectCommit 4
          |> expectLast (position 4 6)
          |> receives n2 (append 4 (position 4 6) [] 6)
          |> expectTold "apply 5..6"
          |> ignore

      testCase "an append from before its base is taken from there on"
      <| fun () ->
          restartedAt (snapshotAt 3 4) 4 []
          |> receives n2 (append 4 (position 3 2) [ 3; 3; 3; 4 ] 4)
          |> expectLast (position 4 6)
          |> ignore

      testCase "it is elected, and its entries are not earlier than those in the snapshot"
      <| fun () ->
          let scene =
              restartedAt (snapshotAt 3 4) 4 [ 3 ]
              |> at 2_000
              |> ticks
              |> receives n2 (voteReply true 5 Vote.Granted)
              |> receives n2 (voteReply false 5 Vote.Granted)
              |> expectRole "leader"
          Expect.equal scene.State.LastTimestamp 5_000L "time does not go back" ]

let private disk =
    [ testCase "a leader whose write takes an election timeout steps down"
      <| fun () ->
          let hears (scene: Scene) =
              receives n2 (appendReply 4 (sessionWith n2 scene) 0 (AppendOutcome.Accepted(index 6))) scene
          let author = ProposerId(n1, 1UL)
          settled ()
          |> gets [ Input.Propose(ReadOnlyMemory [| Name.command author 1UL 0 |]) ]
          |> at 2_900
          |> hears
          |> expectRole "leader"
          |> at 3_000
          |> ticks
          |> expectRole "follower"
          |> expectTold "disk stalled"
          |> ignore

      testCase "and does not stand until it has come to rest"
      <| fun () ->
          let scene =
              follower 4 [ 1; 3 ]
              |> receives n2 (append 4 (position 3 2) [ 4 ] 2)
              |> at 1_000
              |> ticks
              |> expectTold "disk stalled"
          scene
          |> at 4_000
          |> ticks
          |> expectNotTold "RequestVote"
          |> persists
          |> expectTold "disk works again"
          |> at 8_000
          |> ticks
          |> expectTold "-> n2 RequestVote pre-vote t5 last 4/3"
          |> ignore

      testCase "the deadline is the stall's when that comes first"
      <| fun () ->
          follower 4 [ 1; 3 ]
          |> receives n2 (append 4 (position 3 2) [ 4 ] 2)
          |> at 500
          |> receives n2 (append 4 (position 4 3) [] 2)
          |> expectNotTold "deadline"
          |> persists
          |> expectTold "deadline 1500ms"
          |> ignore ]

[<Tests>]
let tests =
    testList
        "Raft §7"
        [ testList "saving" saving
          testList "sending" sending
          testList "taking" taking
          testList "starting" starting
          testList "disk watchdog" disk ]
