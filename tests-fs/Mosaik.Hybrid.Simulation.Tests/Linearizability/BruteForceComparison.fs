module Mosaik.Hybrid.Simulation.Tests.Linearizability.BruteForceComparison

open Expecto

open Mosaik.Hybrid.Simulation
open Mosaik.Hybrid.Simulation.Tests.Support

/// A counter: adding answers the sum. Two additions of unknown outcome may be needed at once, in any order.
let private counter =
    Model.ofApply 0 (fun sum addend -> struct (sum + addend, sum + addend)) (=) (fun addend -> addend = 0)

/// A machine that is not total: a pop of an empty stack has no outcome at all, so that an operation of unknown outcome
/// cannot always take effect.
let private stack: Model<int voption, int, int list> =
    let step state input seen =
        match input, state with
        | ValueSome element, _ ->
            if seen = ValueNone || seen = ValueSome 0 then
                ValueSome(element :: state)
            else
                ValueNone
        | ValueNone, top :: rest ->
            if seen = ValueNone || seen = ValueSome top then
                ValueSome rest
            else
                ValueNone
        | ValueNone, [] -> ValueNone
    { Initial = []
      Step = step
      IsReadOnly = fun _ -> false
      States = System.Collections.Generic.EqualityComparer<int list>.Default }

let private outcome (dice: Dice) at answer =
    match dice.Below 10 with
    | 0
    | 1 -> Outcome.Unknown
    | 2 -> Outcome.Acknowledged(at + int64 (dice.Below 6))
    | _ -> Outcome.Returned(at + int64 (dice.Below 6), answer ())

/// At most seven operations at times from 0 to 14, so that many coincide.
let private draw (dice: Dice) input answer =
    [ for client in 1 .. dice.Between(1, 7) do
          let at = int64 (dice.Below 10)
          let asked = input ()
          { Key = "x"
            Client = client
            CalledAt = at
            Input = asked
            Outcome = outcome dice at (fun () -> answer asked) } ]

let private registerHistory (dice: Dice) =
    let value () = 1 + dice.Below 3
    let content () =
        if dice.Chance 200 then ValueNone else ValueSome(value ())
    let input () =
        match dice.Below 6 with
        | 0
        | 1
        | 2 -> RegisterInput.Read
        | 3
        | 4 -> RegisterInput.Write(value ())
        | _ -> RegisterInput.CompareAndSwap(content (), value ())
    let answer input =
        match input with
        | RegisterInput.Read -> RegisterOutput.Value(content ())
        | RegisterInput.Write _ -> RegisterOutput.Written
        | RegisterInput.CompareAndSwap _ -> RegisterOutput.Swapped(dice.Chance 500)
    draw dice input answer

let private listHistory (dice: Dice) =
    let elements () =
        [| for element in 1..3 do
               if dice.Chance 500 then
                   element |]
    let input () =
        if dice.Chance 300 then
            AppendListInput.ReadAll
        else
            AppendListInput.Append(1 + dice.Below 3)
    let answer input =
        match input with
        | AppendListInput.ReadAll -> AppendListOutput.Elements(elements ())
        | AppendListInput.Append _ -> AppendListOutput.Place(1 + dice.Below 3)
    draw dice input answer

let private counterHistory (dice: Dice) =
    draw dice (fun () -> dice.Below 4) (fun addend -> addend + dice.Below 6)

let private stackHistory (dice: Dice) =
    let input () =
        if dice.Chance 600 then
            ValueSome(1 + dice.Below 2)
        else
            ValueNone
    let answer (input: int voption) =
        if input.IsSome then 0 else 1 + dice.Below 2
    draw dice input answer

/// Compares both checkers on this many histories; each verdict must have come up often.
let private agree name count model history =
    testCase name
    <| fun () ->
        let dice = Dice 20260101UL
        let mutable linearizable = 0
        for number in 1..count do
            let operations = history dice
            let expected = BruteForce.isLinearizable model operations
            let verdict = Linearizability.check model operations
            let shown = operations |> List.map string |> String.concat "\n"
            Expect.equal (Verdict.decided verdict) expected $"history {number}:\n{shown}\n{verdict}"
            if expected then
                linearizable <- linearizable + 1
        Expect.isGreaterThan linearizable (count / 20) "enough are linearizable"
        Expect.isGreaterThan (count - linearizable) (count / 20) "enough are not"

[<Tests>]
let tests =
    testList
        "The search and brute force agree"
        [ agree "on registers" 6_000 (RegisterModel.create<int>()) registerHistory
          agree "on append lists" 6_000 (AppendListModel.create<int>()) listHistory
          agree "on counters" 6_000 counter counterHistory
          agree "on stacks, which cannot always be popped" 6_000 stack stackHistory ]
