module Mosaik.Hybrid.Simulation.Tests.Linearizability.ReportTests

open System

open Expecto

open Mosaik.Hybrid.Simulation
open Mosaik.Hybrid.Simulation.Tests.Support
open Mosaik.Hybrid.Simulation.Tests.Support.History

let private model = RegisterModel.create<int>()

let private lines (words: string list) = String.Join("\n", words) + "\n"

[<Tests>]
let tests =
    testList
        "Reports of wrong histories"
        [ testCase "a report shows the order, the state and what is stuck"
          <| fun () ->
              let history =
                  [ write 1 (1, 2) 1
                    lost (write 2 (3, 0) 2)
                    read 3 (4, 5) 2
                    read 4 (6, 9) 1
                    write 1 (10, 11) 3
                    read 3 (12, 13) 3 ]
              let report = Linearizability.check model history |> string
              Expect.equal
                  report
                  (lines
                      [ "The operations on key x up to 9 have no order that explains their answers."
                        "These can be placed, in this order:"
                        "    client 1 [1, 2] Write 1 -> Written"
                        "    client 2 [3, ...] Write 2 -> unknown"
                        "    client 3 [4, 5] Read -> Value 2"
                        "Then the state is 2, and none of these can be next:"
                        "    client 4 [6, 9] Read -> Value 1" ])
                  "the report"

          testCase "a long report hides the beginning"
          <| fun () ->
              let history =
                  [ for number in 1..50 do
                        write 1 (number * 2, number * 2 + 1) number
                    read 2 (200, 201) 7 ]
              let report = Linearizability.check model history |> string
              Expect.stringContains report "    (30 before)" "the number hidden"
              Expect.isFalse (report.Contains "Write 30 ") "hidden"
              Expect.stringContains report "Write 31 " "shown"

          testCase "the smallest wrong key is the one reported"
          <| fun () ->
              let wrong key count =
                  [ for number in 1..count do
                        under key (write 1 (number * 2, number * 2 + 1) number)
                    under key (read 2 (200, 201) 99) ]
              let evidence = Linearizability.check model (wrong "big" 40 @ wrong "small" 3 @ wrong "middle" 9)
              Expect.equal (Verdict.evidence evidence).Key "small" "the key"

          testCase "the same history gives the same report, in whichever order it is listed"
          <| fun () ->
              let history =
                  [ write 1 (1, 9) 1
                    write 2 (2, 8) 2
                    lost (write 3 (3, 0) 3)
                    read 4 (10, 12) 2
                    read 5 (13, 14) 1
                    read 6 (15, 16) 2 ]
              let report = Linearizability.check model history |> string
              Expect.stringContains report "up to 14" "not linearizable"
              for other in [ List.rev history; List.permute (fun place -> (place + 3) % 6) history ] do
                  Expect.equal (Linearizability.check model other |> string) report "the same"

          testCase "verdicts print"
          <| fun () ->
              Expect.equal (string (Linearizability.check model [])) "Linearizable." "good"
              let wide: RegisterOperation list =
                  [ for value in 1..9 do
                        write value (1, 9) value ]
              let verdict = Linearizability.checkWithin 0 model wide
              Expect.stringContains (string verdict) "Unknown: gave up at key x" "unknown"

          testCase "an operation that returned before its call is refused"
          <| fun () ->
              Expect.throwsT<ArgumentException>
                  (fun () -> Linearizability.check model [ write 1 (5, 4) 1 ] |> ignore)
                  "refused" ]
