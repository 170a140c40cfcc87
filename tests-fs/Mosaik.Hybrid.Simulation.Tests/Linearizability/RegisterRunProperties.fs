module Mosaik.Hybrid.Simulation.Tests.Linearizability.RegisterRunProperties

open Expecto

open Mosaik.Hybrid.Simulation
open Mosaik.Hybrid.Simulation.Tests.Support

let private model = RegisterModel.create<int>()

let private runs = 400

/// A run of two to eight clients; half of the runs lose no answer, the others up to one in eight.
let private play (seed: uint64) =
    let dice = Dice(seed * 31UL)
    let run = RegisterRun(seed, dice.Between(2, 8))
    run.Play(dice.Between(20, 300), (if dice.Chance 500 then 0 else dice.Below 125))
    run

/// What an operation certainly wrote, as far as its client knows.
let private written (operation: RegisterOperation) =
    match operation.Input, operation.Outcome with
    | RegisterInput.Write value, (Outcome.Returned _ | Outcome.Acknowledged _)
    | RegisterInput.CompareAndSwap(_, value), Outcome.Returned(_, RegisterOutput.Swapped true) ->
        ValueSome value
    | RegisterInput.Read, _
    | RegisterInput.Write _, Outcome.Unknown
    | RegisterInput.CompareAndSwap _, _ -> ValueNone

let private isBefore (left: RegisterOperation) (right: RegisterOperation) =
    match Operation.returnedAt left with
    | ValueSome at -> at < right.CalledAt
    | ValueNone -> false

/// Values that were not current at any moment of the read in any order: overwritten before, or written after.
let private neverCurrent (history: RegisterOperation[]) (read: RegisterOperation) =
    let writes = history |> Array.filter (fun operation -> (written operation).IsSome)
    let isOver write =
        writes
        |> Array.exists (fun other -> isBefore write other && isBefore other read)
    let isYetToCome (operation: RegisterOperation) = isBefore read operation
    [| for write in writes do
           if isOver write || isYetToCome write then
               (written write).Value |]

let private isReturnedRead (operation: RegisterOperation) =
    match operation.Outcome with
    | Outcome.Returned(_, RegisterOutput.Value _) -> true
    | Outcome.Returned _
    | Outcome.Acknowledged _
    | Outcome.Unknown -> false

/// The history with one answer of a read changed to a value that was not current; none where no read allows it.
let private withWrongRead (dice: Dice) (history: RegisterOperation[]) =
    let choices =
        [| for place in 0 .. history.Length - 1 do
               if isReturnedRead history[place] then
                   for value in neverCurrent history history[place] do
                       struct (place, value) |]
    if choices.Length = 0 then
        None
    else
        let struct (place, value) = dice.OneOf choices
        let at = (Operation.returnedAt history[place]).Value
        let outcome = Outcome.Returned(at, RegisterOutput.Value(ValueSome value))
        Some(history |> Array.updateAt place { history[place] with Outcome = outcome })

let private expectVerdict expected (seed: uint64) history =
    let verdict = Linearizability.check model history
    Expect.equal (Verdict.decided verdict) expected $"seed {seed}: {verdict}"

[<Tests>]
let tests =
    testList
        "Runs of a register"
        [ testCase "what really happened is accepted"
          <| fun () ->
              for seed in 1UL .. uint64 runs do
                  expectVerdict true seed (play seed).History

          testCase "a read of a value that was not current in its time is refused"
          <| fun () ->
              let dice = Dice 3UL
              let mutable changed = 0
              for seed in 1UL .. uint64 runs do
                  match withWrongRead dice (play seed).History with
                  | Some history ->
                      changed <- changed + 1
                      expectVerdict false seed history
                  | None -> ()
              Expect.isGreaterThan changed (runs / 2) "most runs could be changed"

          testCase "an acknowledged write that was lost is found, whatever happens before and after"
          <| fun () ->
              for seed in 1UL .. uint64 runs do
                  for applied in [ true; false ] do
                      let run = play seed
                      run.Quiesce()
                      run.Write true
                      run.Write applied
                      run.Read()
                      run.Play(100, 50)
                      expectVerdict applied seed run.History

          testCase "the evidence names the read that gives a lost write away, and nothing after it"
          <| fun () ->
              let run = play 5UL
              run.Quiesce()
              run.Write true
              run.Write false
              run.Read()
              let last = Array.last run.History
              run.Play(100, 50)
              let evidence = Linearizability.check model run.History |> Verdict.evidence
              Expect.equal (ValueSome evidence.Until) (Operation.returnedAt last) "until the read's return"
              Expect.equal (evidence.Stuck |> Array.map string) [| string last |] "the read is stuck" ]
