module Mosaik.Hybrid.Model.Tests.SabotageTests

open Expecto

open Mosaik.Hybrid.Model

let private whole (tier: Tier) =
    { Bounds.small tier with WritesInFlight = 0 }

let private finds rule (bounds: Bounds) =
    let found = breaks bounds
    Expect.equal found.Rule rule (String.concat "\n" (found.Trace @ [ found.Evidence ]))

let private wholeBreaks rule sabotage () =
    finds rule { whole Tier.Atomic with Sabotage = sabotage }

/// Each breaks the world outside of the core, and so a rule that only the world keeps: the model must see it.
[<Tests>]
let tests =
    testList
        "What the model must find"
        [ testCase "a vote that a crash forgets is given twice" (fun () ->
              finds Rule.oneVote { whole Tier.Founding with Proposals = 0; Sabotage = Sabotage.ForgetVote })

          testCase
              "a durable entry that a crash loses is missing from a later leader"
              (wholeBreaks Rule.leaderCompleteness Sabotage.LoseDurableEntry)

          testCase "an acknowledged entry that a crash loses is committed without a durable quorum" (fun () ->
              let bounds = Bounds.small Tier.Atomic
              finds Rule.durableQuorum { bounds with Sabotage = Sabotage.LoseDurableEntry })

          testCase "words that do not wait for their write carry a vote that is not durable" (fun () ->
              let bounds = Bounds.small Tier.Atomic
              finds Rule.durableVote { bounds with Sabotage = Sabotage.SpeakTooSoon })

          testCase "words that do not wait are found among messages of their own, too" (fun () ->
              let bounds = Bounds.small Tier.Async
              finds Rule.durableVote { bounds with Sabotage = Sabotage.SpeakTooSoon })

          testCase
              "forged votes elect two leaders in one term"
              (wholeBreaks Rule.electionSafety Sabotage.ForgeVotes)

          testCase
              "forged acknowledgements commit without a durable quorum"
              (wholeBreaks Rule.durableQuorum Sabotage.ForgeAcknowledgements)

          testCase "the trace tells what happened, action by action" (fun () ->
              let found = breaks { whole Tier.Atomic with Sabotage = Sabotage.ForgeAcknowledgements }
              let steps = found.Trace |> List.filter (fun line -> not (line.StartsWith ' '))
              Expect.equal steps [ for number in 1 .. found.Length -> $"{number}." ] "one heading an action"
              Expect.exists found.Trace (fun line -> line.Contains "election deadline passes") "an election"
              Expect.exists found.Trace (fun line -> line.Contains "LEADS term 2") "a leader") ]
