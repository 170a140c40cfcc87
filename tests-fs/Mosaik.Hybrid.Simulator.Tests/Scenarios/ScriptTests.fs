module Mosaik.Hybrid.Simulator.Tests.Scenarios.ScriptTests

open System.IO

open Expecto

let private mistake (text: string) : string =
    try
        Scenario.read "test.txt" text |> ignore
        failtest "the mistake is not seen"
    with ScriptError _ as error ->
        error.Message

let private report (text: string) : string =
    try
        Scenario.read "test.txt" text |> Script.play 1UL
        failtest "the scenario passes"
    with ScenarioFailed report ->
        report

/// A scenario of three members at rest, and these lines.
let private atRest (lines: string list) =
    String.concat "\n" ([ "# test"; "peers 3 founding 3"; "start everyone"; "await rest" ] @ lines)

/// Text, the line of its mistake, and what must be said of it.
let private mistakes =
    [ "peers 3 founding 3", 1, "the first line is a comment"
      "# title\nstart n1", 2, "begins with: peers 3 founding 3"
      "# title\npeers 3 founding 4", 2, "'4' is no number from 1 to 3"
      "# title\npeers 3 founding 3\npeers 3 founding 3", 3, "known already"
      atRest [ "dance n1" ], 5, "'dance n1' is no statement"
      atRest [ "crash n4" ], 5, "'4' is no number from 1 to 3"
      atRest [ "crash somebody" ], 5, "neither a peer, a role, nor a name"
      atRest [ "crash" ], 5, "a peer is missing"
      atRest [ "jitter 0 ms" ], 5, "settings come before the first event"
      atRest [ "run 3" ], 5, "'3' is no time"
      atRest [ "run 0 ms" ], 5, "'0' is no number from 1"
      atRest [ "cut n1 n2" ], 5, "say which way"
      atRest [ "execute n1" ], 5, "a call has a name"
      atRest [ "execute n1 as n2" ], 5, "can't be the name of a call"
      atRest [ "execute n1 as a"; "execute n1 as a" ], 6, "'a' is the name of a call already"
      atRest [ "execute n1 batch 2 as a"; "execute n1 as a1" ], 6, "'a1' is the name of a command already"
      atRest [ "expect a succeeded" ], 5, "'a succeeded' is no condition"
      atRest [ "expect n1 holds a" ], 5, "no command is called 'a'"
      atRest [ "execute n1 as a"; "expect a answered b" ], 6, "no command is called 'b'"
      atRest [ "expect n1 holds tightly a" ], 5, "'holds tightly a' is not understood"
      atRest [ "expect seen Unicorn" ], 5, "'Unicorn' is no sight"
      atRest [ "expect term of n1 is before" ], 5, "no number is called 'before'"
      atRest [ "expect term of n1 below term of n2" ], 5, "compare with"
      atRest [ "let n2 = n1" ], 5, "'n2' is a peer"
      atRest [ "let leader = n1" ], 5, "'leader' is a role"
      atRest [ "run 1 ms" ], 5, "a scenario expects something" ]

[<Tests>]
let errors =
    testList
        "Mistakes in scenarios"
        [ for text, line, reason in mistakes do
              testCase $"{reason} ({text.Split '\n' |> Array.last})"
              <| fun () ->
                  let message = mistake text
                  Expect.stringContains message $"test.txt:{line}: " "it names file and line"
                  Expect.stringContains message reason "it says what is wrong" ]

/// What can't be played: the text is right, and the moment is not.
let private unplayable =
    [ [ "crash n1"; "crash n1"; "expect n1 down" ], 6, "n1 does not run"
      [ "wipe n1"; "expect leader n1" ], 5, "n1 runs; crash it before its disk is lost"
      [ "pause n1"; "execute n1 as a"; "expect a pending" ], 6, "n1 stands still"
      [ "crash everyone"; "crash leader"; "expect n1 down" ], 6, "nobody is meant"
      [ "execute everyone as a"; "expect a pending" ], 5, "one peer is meant, not 3"
      [ "execute n1 as a"; "expect place of a at n3 is place of a at n1" ], 6, "a is not in its log" ]

[<Tests>]
let moments =
    testList
        "Statements at the wrong moment"
        [ for lines, line, reason in unplayable do
              testCase reason
              <| fun () ->
                  let report = report (atRest lines)
                  Expect.stringContains report $"test.txt:{line}: " "it names file and line"
                  Expect.stringContains report reason "it says what is wrong" ]

/// Expectations of the scenario files, each once the other way round: a scenario that can't fail shows nothing.
let private inversions =
    [ "S01-isolated-loner.txt", "expect not leader loner", "expect leader loner"
      "S02-isolated-leader.txt", "expect lost unknown", "expect lost succeeded"
      "S03-loner-with-a-higher-term.txt", "expect everyone committed b3", "expect not everyone committed b3"
      "S04-wrong-entry-before-the-gap.txt", "expect not old holds x1", "expect old holds x1"
      "S06-commit-by-those-who-elected.txt", "expect not n1 committed a", "expect n1 committed a"
      "S08-figure-8.txt", "expect not n1 n3 n4 committed a", "expect n1 committed a"
      "S09-vote-forgotten.txt", "expect term of n2 above voted", "expect term of n2 is voted"
      "S10-two-foundings.txt", "expect 2 lineages", "expect one lineage"
      "S12-strong-read-at-a-fresh-leader.txt", "expect fresh answered a", "expect fresh answered nothing"
      "S13-another-command-at-the-index.txt", "expect z pending", "expect z succeeded"
      "S15-lost-acknowledgement.txt",
      "expect state of everyone is a b c",
      "expect state of everyone is a b b c"
      "S16-newcomers-are-no-quorum.txt", "expect not old n4 n5 committed x", "expect old committed x"
      "S19-appends-of-several-terms.txt", "expect seen SuffixTruncated", "expect not seen SuffixTruncated" ]

[<Tests>]
let failures =
    testList
        "Scenarios can fail"
        [ for file, line, inverted in inversions do
              testCase $"{file}: {inverted}"
              <| fun () ->
                  let text = File.ReadAllText(Path.Combine(ScenarioTests.Here.Folder(), file))
                  Expect.stringContains text $"\n{line}" "the file has the expectation"
                  let report = report (text.Replace($"\n{line}", $"\n{inverted}"))
                  Expect.stringContains report $": {inverted}" "it says what was expected, and where"
                  Expect.stringContains report "does not hold at " "it says what is wrong, and when"
                  Expect.stringContains report " commit " "it shows the members"
                  Expect.stringContains report "the last that happened:" "it shows the trace" ]

[<Tests>]
let patience =
    testCase "what is awaited in vain fails"
    <| fun () ->
        let report = report (atRest [ "crash n1 n2"; "await leader n3"; "expect leader n3" ])
        Expect.stringContains report "test.txt:6: await leader n3" "the line"
        Expect.stringContains report "did not happen within 60000 ms" "the reason"

[<Tests>]
let equality =
    testCase "a scenario plays the same for the same seed"
    <| fun () ->
        let text = atRest [ "crash leader"; "await leader"; "execute leader as a"; "expect a succeeded" ]
        Expect.equal (report text) (report text) "its report, trace included"
