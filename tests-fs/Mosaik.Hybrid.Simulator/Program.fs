module Mosaik.Hybrid.Simulator.Program

open System

open Mosaik.Hybrid.Simulation

let private out = Console.Out

/// Plays one run and tells how it ended.
let private playOne (request: Request) (seed: uint64) =
    match Arguments.planOf request seed with
    | ValueNone -> 2
    | ValueSome plan ->
        let plan = Edits.apply request.Edits plan
        let lines =
            if request.TraceLines > 0 then request.TraceLines
            elif request.IsTraced then 200_000
            else 60
        let result = Simulation.run { Simulation.registers with TraceLines = lines } plan
        match result.Failure with
        | ValueSome failure ->
            Report.failure out result failure request.Edits
            1
        | ValueNone ->
            if request.IsTraced then
                for line in result.Trace do
                    out.WriteLine line
            Report.plan out plan
            out.WriteLine(
                $"every rule held: {result.Events} events, {result.Committed} entries committed, a leader {result.LeaderAfter} ms "
                + $"after the last fault, at rest {result.RestAfter} ms after it; fingerprint {result.Digest:x16}"
            )
            0

/// Plays the first failure of a batch again, smaller.
let private shrink (request: Request) (seed: uint64) (failure: Failure) =
    match Arguments.planOf request seed with
    | ValueNone -> ()
    | ValueSome plan ->
        out.WriteLine $"shrinking seed {seed}, at most {request.ShrinkRuns} runs ..."
        let edits = Shrinker.shrink Simulation.registers plan failure request.ShrinkRuns
        let smaller = Edits.apply edits plan
        let result = Simulation.run { Simulation.registers with TraceLines = 60 } smaller
        match result.Failure with
        | ValueSome failure -> Report.failure out result failure edits
        | ValueNone -> Report.failure out result failure Edits.none

let private playBatch (request: Request) =
    let batch = Batch(request, Simulation.registers, out)
    let isGood = batch.Play()
    if batch.Failures.Count > 0 then
        let first = Seq.head batch.Failures
        if request.ShrinkRuns > 0 && first.Value.Rule.Name <> Rules.determinism.Name then
            shrink request first.Key first.Value
        let seeds = String.Join(", ", batch.Failures.Keys)
        out.WriteLine $"failed seeds: {seeds}"
    if isGood then 0 else 1

[<EntryPoint>]
let main arguments =
    match List.ofArray arguments with
    | [ "--help" ]
    | [ "-h" ]
    | [ "help" ] ->
        out.WriteLine Arguments.usage
        0
    | [ "rules" ] ->
        Report.rules out
        0
    | "model" :: arguments -> Mosaik.Hybrid.Model.Cli.run arguments
    | arguments ->
        match Arguments.parse arguments with
        | Error problem ->
            Console.Error.WriteLine problem
            2
        | Ok request ->
            match request.Seed with
            | ValueSome seed -> playOne request seed
            | ValueNone -> playBatch request
