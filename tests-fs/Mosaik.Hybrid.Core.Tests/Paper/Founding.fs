module Mosaik.Hybrid.Core.Tests.Paper.Founding

open System

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Core.Tests.Support
open Mosaik.Hybrid.Core.Tests.Support.Scenario

let private ballot (number: int) (members: MemberId list) =
    requestVote (Ballot.Founding(Configuration.ofVoters members)) number LogPosition.Zero

let private founding () =
    newcomer config |> at (config.Consensus.BootstrapDelay + 1_000) |> ticks

let private granted (scene: Scene) =
    Message.RequestVoteReply
        { Lineage =
            (match scene.State.Role with
             | Role.Founder(_, lineage, _) -> lineage
             | _ -> Lineage.None)
          Term = scene.State.CurrentTerm
          Vote = Vote.Granted
          PreVote = false }

/// The first append of a founder: entry 1, in term 1.
let private foundedBy (members: MemberId list) =
    let first =
        { entry 1 1 with
            Kind = EntryKind.Configuration
            Payload = ReadOnlyMemory(Configuration.encode theLineage (Configuration.ofVoters members)) }
    match append 1 LogPosition.Zero [] 0 with
    | Message.AppendEntries(header, _) -> Message.AppendEntries(header, ReadOnlyMemory [| first |])
    | other -> other

[<Tests>]
let tests =
    testList
        "Founding"
        [ testCase "nothing is proposed before the bootstrap delay and an election timeout"
          <| fun () ->
              newcomer config
              |> at (config.Consensus.BootstrapDelay + 999)
              |> ticks
              |> expectRole "follower"
              |> ignore

          testCase "then the bonded nodes without a lineage are proposed"
          <| fun () ->
              founding ()
              |> expectRole "founder"
              |> expectTold "-> n2 RequestVote founding [n1 n2 n3] t1 last 0/0"
              |> expectHeld
              |> ignore

          testCase "who stood in vain stands again after one to two election timeouts, whatever the jitter"
          <| fun () ->
              let steady = { config with Consensus = { config.Consensus with ElectionTimeoutJitter = 0 } }
              let timeout = steady.Consensus.ElectionTimeout
              let stood = steady.Consensus.BootstrapDelay + timeout
              let again (seed: uint64) =
                  let scene = newcomer steady
                  let scene = { scene with State = { scene.State with Rng = Rng.ofSeed seed } }
                  let after = scene |> at stood |> ticks
                  int (after.State.ElectionAt.Since(Instant(int64 stood)))
              let waits = [ for seed in 1UL .. 20UL -> again seed ]
              Expect.isTrue
                  (waits |> List.forall (fun wait -> wait >= timeout && wait <= 2 * timeout))
                  "between one and two election timeouts"
              Expect.isTrue ((List.distinct waits).Length > 10) "and seldom the same"

          testCase "a majority of the proposal founds: the configuration is entry 1"
          <| fun () ->
              let scene = founding ()
              scene
              |> receives n3 (granted scene)
              |> expectRole "leader"
              |> expectTold "write 2 term 1 vote n1 1/1 [n1 n2 n3]"
              |> ignore

          testCase "who gave a founding ballot gives the founder the time to found"
          <| fun () ->
              newcomer config
              |> receives n2 (ballot 1 [ n1; n2; n3 ])
              |> at 900
              |> receives n3 (ballot 2 [ n1; n2; n3 ])
              |> expectTold "-> n3 RequestVoteReply t1 denied"
              |> expectTerm 1
              |> at (config.Consensus.BootstrapDelay + 1_000)
              |> receives n3 (ballot 3 [ n1; n2; n3 ])
              |> expectTold "-> n3 RequestVoteReply t3 granted"
              |> ignore

          testCase "one founding ballot a term"
          <| fun () ->
              newcomer config
              |> receives n2 (ballot 1 [ n1; n2; n3 ])
              |> expectTold "-> n2 RequestVoteReply t1 granted"
              |> expectHeld
              |> receives n3 (ballot 1 [ n1; n2; n3 ])
              |> expectTold "-> n3 RequestVoteReply t1 denied"
              |> ignore

          testCase "crossing ballots: each refuses the other, the next term decides"
          <| fun () ->
              founding ()
              |> receives n2 (ballot 1 [ n1; n2; n3 ])
              |> expectTold "-> n2 RequestVoteReply t1 denied"
              |> receives n2 (ballot 2 [ n1; n2; n3 ])
              |> expectTold "-> n2 RequestVoteReply t2 granted"
              |> expectRole "follower"
              |> ignore

          testCase "who has a lineage grants none"
          <| fun () ->
              follower 3 [ 1; 3 ]
              |> receives n2 (ballot 9 [ n1; n2; n3 ])
              |> expectTold "-> n2 RequestVoteReply t3 denied"
              |> expectTerm 3
              |> ignore

          testCase "who is not in the proposal grants none"
          <| fun () ->
              newcomer config
              |> receives n2 (ballot 1 [ n2; n3 ])
              |> expectTold "-> n2 RequestVoteReply t1 denied"
              |> ignore

          testCase "nothing is founded while a bonded peer, or a word, shows a lineage"
          <| fun () ->
              newcomer config
              |> gets [ Input.PeerAffiliated(n2, theLineage, true) ]
              |> at 60_000
              |> ticks
              |> expectRole "follower"
              |> ignore
              newcomer config
              |> receives n2 (requestVote Ballot.PreVote 4 (position 1 1))
              |> at 60_000
              |> ticks
              |> expectRole "follower"
              |> ignore

          testCase "a log is joined at its first entry only"
          <| fun () ->
              newcomer config
              |> receives n2 (append 3 (position 1 1) [ 3 ] 0)
              |> expectTold "-> n2 AppendEntriesReply t3 s1 rejected 1 hint 0/0"
              |> receives n2 (append 3 LogPosition.Zero [ 1; 3 ] 0)
              |> expectLast (position 3 2)
              |> ignore

          testCase "a majority of the own committee elsewhere: this lineage never committed, and is forgotten"
          <| fun () ->
              let other = Name.lineage 8
              follower 3 [ 1; 3 ]
              |> gets [ Input.PeerAffiliated(n2, other, true) ]
              |> expectNotTold "reset"
              |> gets [ Input.PeerAffiliated(n3, other, true) ]
              |> expectTold "reset"
              |> ignore

          testCase "half of an even committee elsewhere: the other half never was a majority"
          <| fun () ->
              let other = Name.lineage 8
              newcomer config
              |> receives n2 (foundedBy [ n1; n2; n3; n4 ])
              |> gets [ Input.PeerAffiliated(n3, other, true) ]
              |> expectNotTold "reset"
              |> gets [ Input.PeerAffiliated(n4, other, true) ]
              |> expectTold "reset"
              |> ignore

          testCase "a member that is ours after all is no witness for a reset"
          <| fun () ->
              let other = Name.lineage 8
              follower 3 [ 1; 3 ]
              |> gets [ Input.PeerAffiliated(n2, other, true) ]
              |> gets [ Input.PeerUp(n2, facts) ]
              |> gets [ Input.PeerAffiliated(n3, other, true) ]
              |> expectNotTold "reset"
              |> ignore

          testCase "nothing committed is ever forgotten"
          <| fun () ->
              let other = Name.lineage 8
              follower 3 [ 1; 3 ]
              |> receives n2 (append 3 (position 3 2) [] 2)
              |> gets [ Input.PeerAffiliated(n2, other, true); Input.PeerAffiliated(n3, other, true) ]
              |> expectNotTold "reset"
              |> ignore ]
