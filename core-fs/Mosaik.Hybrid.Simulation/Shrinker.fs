namespace Mosaik.Hybrid.Simulation

/// Takes away from a failing plan whatever it fails without: what is left tells what it takes.
[<RequireQualifiedAccess>]
module Shrinker =

    /// The search: the smallest edits so far, and how many runs it may still make.
    type private Search = { Edits: Edits; Runs: int; Fails: Edits -> bool }

    let private attempt (edits: Edits) (search: Search) : struct (bool * Search) =
        if search.Runs <= 0 then
            struct (false, search)
        elif search.Fails edits then
            struct (true, { search with Edits = edits; Runs = search.Runs - 1 })
        else
            struct (false, { search with Runs = search.Runs - 1 })

    let private attemptOnly edits search =
        let struct (_, search) = attempt edits search
        search

    /// Removes ever smaller chunks of numbers while it still fails (Zeller's ddmin, complements only).
    let private thin (numbers: int[]) (withNumbers: int[] -> Edits -> Edits) (search: Search) =
        let rec go (kept: int[]) (chunk: int) (search: Search) =
            if chunk = 0 || search.Runs <= 0 then
                search
            else
                let rec pass (kept: int[]) (from: int) (search: Search) =
                    if from >= kept.Length then
                        struct (kept, search)
                    else
                        let fewer = Array.append kept[.. from - 1] kept[min kept.Length (from + chunk) ..]
                        let struct (fails, search) = attempt (withNumbers fewer search.Edits) search
                        if fails then
                            pass fewer from search
                        else
                            pass kept (from + chunk) search
                let before = kept.Length
                let struct (kept, search) = pass kept 0 search
                go kept (if kept.Length < before && chunk = 1 then 1 else chunk / 2) search
        if numbers.Length = 0 then
            search
        else
            go numbers numbers.Length search

    let private calms = System.Enum.GetValues<Calm>() |> List.ofArray

    let private soothe (search: Search) =
        calms
        |> List.filter (fun calm -> not (List.contains calm search.Edits.Calm))
        |> List.fold
            (fun (search: Search) calm ->
                attemptOnly { search.Edits with Calm = search.Edits.Calm @ [ calm ] } search)
            search

    let private shorten (failure: Failure) (plan: Plan) (search: Search) =
        if failure.At < int64 plan.FaultyFor then
            attemptOnly { search.Edits with Until = ValueSome(int failure.At + 1) } search
        else
            [ 4; 2 ]
            |> List.fold
                (fun (search: Search) part ->
                    attemptOnly { search.Edits with Until = ValueSome(plan.FaultyFor / part) } search)
                search

    let private fewerPeers (plan: Plan) (search: Search) =
        [ 1 .. plan.Size - 1 ]
        |> List.fold
            (fun (search: Search) count ->
                match search.Edits.Peers with
                | ValueSome _ -> search
                | ValueNone -> attemptOnly { search.Edits with Peers = ValueSome count } search)
            search

    /// The smallest edits found with which the plan still breaks the same rule, within so many runs. `plan` is the
    /// one that the seed makes; `play` plays one, and may have to make and end what it plays with.
    let shrinkWith (play: Plan -> Failure voption) (plan: Plan) (failure: Failure) (runs: int) : Edits =
        let fails (edits: Edits) =
            match play (Edits.apply edits plan) with
            | ValueSome found -> found.Rule.Name = failure.Rule.Name
            | ValueNone -> false
        let left (numbers: int[] voption) all = ValueOption.defaultValue all numbers
        let faults = plan.Faults |> Array.map (fun fault -> fault.Number)
        let calls = plan.Calls |> Array.map (fun call -> call.Number)
        let thinFaults (search: Search) =
            thin
                (left search.Edits.Faults faults)
                (fun kept edits -> { edits with Faults = ValueSome kept })
                search
        let thinCalls (search: Search) =
            thin
                (left search.Edits.Calls calls)
                (fun kept edits -> { edits with Calls = ValueSome kept })
                search
        let search =
            { Edits = Edits.none; Runs = runs; Fails = fails }
            |> shorten failure plan
            |> thinFaults
            |> soothe
            |> thinCalls
            |> fewerPeers plan
            |> thinFaults
            |> soothe
        search.Edits

    /// As `shrinkWith`, for plans that `settings` say all about.
    let shrink (settings: RunSettings) (plan: Plan) (failure: Failure) (runs: int) : Edits =
        let play plan =
            (Simulation.run { settings with TraceLines = 0 } plan).Failure
        shrinkWith play plan failure runs
