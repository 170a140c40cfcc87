module Mosaik.Hybrid.Core.Tests.Foundation.CommandFilterTests

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Core.Tests.Support
open Mosaik.Hybrid.Core.Tests.Support.Scenario

let private author = ProposerId(n1, 1UL)
let private single (number: int) = Name.command author (uint64 number) 0
let private part (number: int) (remaining: int) =
    Name.command author (uint64 number) remaining

let private verdicts (log: LogEntry list) =
    let filter = CommandFilter CommandFilter.SessionsMaxDefault
    log |> List.map (fun entry -> filter.Judge entry)

[<Tests>]
let tests =
    testList
        "CommandFilter"
        [ testCase "repeats are dropped and gaps are seen"
          <| fun () ->
              Expect.equal
                  (verdicts [ single 1; single 1; single 3; single 2; single 3 ])
                  [ FilterVerdict.Apply
                    FilterVerdict.Repeat
                    FilterVerdict.Gap
                    FilterVerdict.Apply
                    FilterVerdict.Apply ]
                  "exactly once, in order"

          testCase "a batch takes effect with its last command"
          <| fun () ->
              Expect.equal
                  (verdicts [ part 1 2; part 2 1; part 3 0; single 4 ])
                  [ FilterVerdict.Hold; FilterVerdict.Hold; FilterVerdict.ApplyHeld; FilterVerdict.Apply ]
                  "all together"

          testCase "a batch that another entry interrupts takes no effect, and may come again"
          <| fun () ->
              Expect.equal
                  (verdicts [ part 1 1; entry 2 2; part 1 1; part 2 0 ])
                  [ FilterVerdict.Hold; FilterVerdict.Nothing; FilterVerdict.Hold; FilterVerdict.ApplyHeld ]
                  "none of the half"

          testCase "another run of the process numbers from 1 again"
          <| fun () ->
              Expect.equal
                  (verdicts [ single 1; Name.command (ProposerId(n1, 2UL)) 1UL 0 ])
                  [ FilterVerdict.Apply; FilterVerdict.Apply ]
                  "sessions are apart"

          testProperty "whatever is repeated or left out, numbers take effect as 1, 2, 3, ..."
          <| fun (numbers: uint8 list) ->
              let numbers = numbers |> List.map (fun number -> 1 + int number % 6)
              let applied =
                  List.zip numbers (verdicts (List.map single numbers))
                  |> List.filter (fun (_, verdict) -> verdict = FilterVerdict.Apply)
                  |> List.map fst
              applied = [ 1 .. applied.Length ] ]
