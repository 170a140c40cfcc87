module Mosaik.Hybrid.Core.Tests.Paper.Forwarding

open System

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Core.Tests.Support
open Mosaik.Hybrid.Core.Tests.Support.Scenario

/// Commands from `first` to `last`: single ones, or one atomic batch.
let private commands (author: MemberId) (isBatch: bool) (first: int) (last: int) =
    [| for number in first..last ->
           Name.command (ProposerId(author, 1UL)) (uint64 number) (if isBatch then last - number else 0) |]

let private propose first last =
    Input.Propose(ReadOnlyMemory(commands n1 false first last))

let private forward (applied: int) (commands: LogEntry[]) =
    let header: ForwardHeader = { Lineage = theLineage; Term = term 4; Applied = uint64 applied }
    Message.Forward(header, ReadOnlyMemory commands)

let private reply outcome =
    Message.ForwardReply { Lineage = theLineage; Term = term 3; Outcome = outcome }

let private settled () =
    leader 3 [ 1; 3 ] |> followedBy [ n2; n3 ]

let private following () =
    follower 3 [ 1; 3 ] |> receives n2 (append 3 (position 3 2) [] 2)

[<Tests>]
let tests =
    testList
        "Forwarding"
        [ testCase "a leader appends its own commands, a follower sends them on"
          <| fun () ->
              settled () |> gets [ propose 1 2 ] |> expectTold "assigned #1..2 at 4" |> ignore
              following ()
              |> gets [ propose 1 2 ]
              |> expectTold "-> n2 Forward t3 #1..2 applied 0"
              |> ignore

          testCase "the leader takes no gap, and says what is missing"
          <| fun () ->
              settled ()
              |> receives n2 (forward 0 (commands n2 false 2 3))
              |> expectTold "-> n2 ForwardReply t4 missing #1"
              |> expectLast (position 4 3)
              |> ignore

          testCase "a repeat is acknowledged and not appended again"
          <| fun () ->
              settled ()
              |> receives n2 (forward 0 (commands n2 false 1 3))
              |> expectTold "-> n2 ForwardReply t4 appended #1..3 at 4"
              |> receives n2 (forward 0 (commands n2 false 1 3))
              |> expectTold "-> n2 ForwardReply t4 appended #1..3 at 0"
              |> receives n2 (forward 0 (commands n2 false 2 4))
              |> expectTold "-> n2 ForwardReply t4 appended #4..4 at 7"
              |> expectLast (position 4 7)
              |> ignore

          testCase "what the sender has seen take effect is not asked for again"
          <| fun () ->
              settled ()
              |> receives n2 (forward 0 (commands n2 false 1 1))
              |> receives n2 (forward 5 (commands n2 false 6 6))
              |> expectTold "-> n2 ForwardReply t4 appended #6..6 at 5"
              |> ignore

          testCase "a new leader gets everything that has not taken effect, in order"
          <| fun () ->
              following ()
              |> gets [ propose 1 3 ]
              |> receives n2 (reply (ForwardOutcome.Appended(1UL, 3UL, index 3)))
              |> gets [ Input.Applied(index 2, 1UL, false) ]
              |> receives n3 (append 4 (position 3 2) [] 2)
              |> expectTold "-> n3 Forward t4 #2..3 applied 1"
              |> ignore

          testCase "a member without a lineage offers its commands to no leader: it may still join another's"
          <| fun () ->
              newcomer config
              |> receives n2 (append 3 (position 3 2) [] 2)
              |> gets [ propose 1 3 ]
              |> expectNotTold "Forward"
              |> ignore

          testCase "unanswered commands go again after the forward timeout"
          <| fun () ->
              following ()
              |> gets [ propose 1 3 ]
              |> at 400
              |> ticks
              |> expectTold "-> n2 Forward t3 #1..3 applied 0"
              |> ignore

          testCase "an overloaded leader takes whole batches that fit, and is left alone for a while"
          <| fun () ->
              let mixed = Array.append (commands n2 false 1 6) (commands n2 true 7 10)
              settled ()
              |> receives n2 (forward 0 mixed)
              |> expectTold "-> n2 ForwardReply t4 appended #1..6 at 4"
              |> expectTold "-> n2 ForwardReply t4 overloaded"
              |> expectLast (position 4 9)
              |> ignore
              following ()
              |> gets [ propose 1 3 ]
              |> receives n2 (reply ForwardOutcome.Overloaded)
              |> expectNotTold "Forward"
              |> at 20
              |> ticks
              |> expectTold "-> n2 Forward t3 #1..3 applied 0"
              |> ignore

          testCase "many answers of one gap make one resend"
          <| fun () ->
              following ()
              |> gets [ propose 1 3 ]
              |> receives n2 (reply (ForwardOutcome.Missing 1UL))
              |> expectNotTold "Forward"
              |> receives n2 (reply (ForwardOutcome.Missing 1UL))
              |> expectNotTold "Forward"
              |> at 20
              |> ticks
              |> expectTold "-> n2 Forward t3 #1..3 applied 0"
              |> ignore

          testCase "a batch above the limit goes when nothing else is uncommitted"
          <| fun () ->
              settled ()
              |> gets [ Input.Propose(ReadOnlyMemory(commands n1 true 1 20)) ]
              |> expectTold "assigned #1..20 at 4"
              |> ignore

          testCase "commands asked for again, of which some took effect meanwhile, are not stuck"
          <| fun () ->
              let led =
                  follower 3 [ 1; 3 ]
                  |> gets [ propose 1 5 ]
                  |> at 2_000
                  |> ticks
                  |> receives n2 (voteReply true 4 Vote.Granted)
                  |> receives n2 (voteReply false 4 Vote.Granted)
                  |> expectTold "resubmit #1..4"
              led
              |> gets [ Input.Applied(index 0, 3UL, false); propose 1 5 ]
              |> expectTold "assigned #4..5 at 4"
              |> ignore

          testCase "commands of somebody else are blamed on the sender"
          <| fun () ->
              settled ()
              |> receives n2 (forward 0 (commands n3 false 1 1))
              |> expectTold "blame n2: forwarded commands that are not its own, or not in order"
              |> ignore ]
