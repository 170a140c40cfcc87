namespace Mosaik.Hybrid.Simulation.Tests.Support

open Mosaik.Hybrid.Simulation

/// Linearizability by its definition: some sequence of the operations, in which each one of known outcome stands and
/// any of the others may, fits the model and has no operation before one that had returned before its call.
/// For a few operations of one key; shares no code with the search.
[<RequireQualifiedAccess>]
module BruteForce =

    let private answer (operation: Operation<'key, 'input, 'output>) =
        match operation.Outcome with
        | Outcome.Returned(_, output) -> ValueSome output
        | Outcome.Acknowledged _
        | Outcome.Unknown -> ValueNone

    let private precedes (left: Operation<'key, 'input, 'output>) (right: Operation<'key, 'input, 'output>) =
        match Operation.returnedAt left with
        | ValueSome at -> at < right.CalledAt
        | ValueNone -> false

    /// Latest first.
    let rec private respectsTime order =
        match order with
        | [] -> true
        | latest :: earlier ->
            not (earlier |> List.exists (fun former -> precedes latest former))
            && respectsTime earlier

    let isLinearizable
        (model: Model<'input, 'output, 'state>)
        (operations: Operation<'key, 'input, 'output> list)
        : bool =
        let rec search state order rest =
            let complete = rest |> List.forall (fun operation -> (Operation.returnedAt operation).IsNone)
            complete && respectsTime order
            || rest
               |> List.indexed
               |> List.exists (fun (place, operation) ->
                   match model.Step state operation.Input (answer operation) with
                   | ValueSome after -> search after (operation :: order) (List.removeAt place rest)
                   | ValueNone -> false)
        search model.Initial [] operations
