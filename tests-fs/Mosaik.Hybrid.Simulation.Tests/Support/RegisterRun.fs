namespace Mosaik.Hybrid.Simulation.Tests.Support

open System.Collections.Generic

open Mosaik.Hybrid.Simulation

/// What a client of a run is waiting for.
[<RequireQualifiedAccess>]
type private Stage =
    | Idle
    | Called of OperationId * RegisterInput<int>
    | Applied of OperationId * RegisterOutput<int>

/// Really runs a register: clients call, the register applies each operation at one moment between call and return,
/// and whoever gives up leaves an operation behind that takes effect later or never. Values are unique.
/// What is recorded is linearizable by construction.
[<Sealed>]
type RegisterRun(seed: uint64, clients: int) =

    let dice = Dice seed
    let recorder = HistoryRecorder<string, RegisterInput<int>, RegisterOutput<int>>()
    let stages = Array.create clients Stage.Idle
    let names = Array.init clients id
    let abandoned = List<RegisterInput<int>>()
    let mutable now = 0L
    let mutable namesUsed = clients
    let mutable valuesUsed = 0
    let mutable register = ValueNone

    let tick () =
        now <- now + 1L
        now

    let fresh () =
        valuesUsed <- valuesUsed + 1
        valuesUsed

    let apply input =
        match input with
        | RegisterInput.Read -> RegisterOutput.Value register
        | RegisterInput.Write value ->
            register <- ValueSome value
            RegisterOutput.Written
        | RegisterInput.CompareAndSwap(expected, replacement) ->
            let fits = register = expected
            if fits then
                register <- ValueSome replacement
            RegisterOutput.Swapped fits

    let input () =
        match dice.Below 10 with
        | 0
        | 1
        | 2
        | 3 -> RegisterInput.Write(fresh ())
        | 4 -> RegisterInput.CompareAndSwap(register, fresh ())
        | 5 -> RegisterInput.CompareAndSwap(ValueSome(1 + dice.Below(valuesUsed + 1)), fresh ())
        | _ -> RegisterInput.Read

    let call client input =
        stages[client] <- Stage.Called(recorder.Call(names[client], "x", input, tick ()), input)

    // The number of a client that gave up is not used again.
    let giveUp client =
        stages[client] <- Stage.Idle
        names[client] <- namesUsed
        namesUsed <- namesUsed + 1

    let advance client givingUpPerMille =
        match stages[client] with
        | Stage.Idle -> call client (input ())
        | Stage.Called(_, input) when dice.Chance givingUpPerMille ->
            abandoned.Add input
            giveUp client
        | Stage.Called(id, input) -> stages[client] <- Stage.Applied(id, apply input)
        | Stage.Applied _ when dice.Chance givingUpPerMille -> giveUp client
        | Stage.Applied(id, output) ->
            if dice.Chance 100 then
                recorder.Acknowledge(id, tick ())
            else
                recorder.Return(id, output, tick ())
            stages[client] <- Stage.Idle

    /// Lets random clients take this many steps.
    member _.Play(steps: int, givingUpPerMille: int) =
        for _ in 1..steps do
            if abandoned.Count > 0 && dice.Chance 50 then
                let late = dice.Below abandoned.Count
                apply abandoned[late] |> ignore
                abandoned.RemoveAt late
            else
                advance (dice.Below clients) givingUpPerMille

    /// Lets every client finish what it has called.
    member _.Quiesce() =
        for client in 0 .. clients - 1 do
            while stages[client] <> Stage.Idle do
                advance client 0

    /// Client 0 writes and hears that it was written; the register loses it when `applied` is false.
    member _.Write(applied: bool) =
        let value = fresh ()
        let id = recorder.Call(names[0], "x", RegisterInput.Write value, tick ())
        if applied then
            apply (RegisterInput.Write value) |> ignore
        recorder.Return(id, RegisterOutput.Written, tick ())

    /// Client 0 reads.
    member _.Read() =
        let id = recorder.Call(names[0], "x", RegisterInput.Read, tick ())
        recorder.Return(id, apply RegisterInput.Read, tick ())

    /// What the clients saw.
    member _.History: RegisterOperation[] = recorder.Operations
