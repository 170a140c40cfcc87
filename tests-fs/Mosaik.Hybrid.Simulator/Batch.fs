namespace Mosaik.Hybrid.Simulator

open System
open System.Collections.Generic
open System.Diagnostics
open System.IO
open System.Threading

open Mosaik.Hybrid.Simulation

/// Many runs, several at once. Each is decided by its seed, so how many run at once changes nothing but the time.
[<Sealed>]
type Batch(request: Request, settings: RunSettings, output: TextWriter) =

    let gate = obj ()
    let watch = Stopwatch.StartNew()
    let coverage = Coverage()
    let leaders = List<int64>()
    let rests = List<int64>()
    let failures = SortedDictionary<uint64, Failure>()
    let mutable next = -1L
    let mutable runs = 0L
    let mutable events = 0L
    let mutable committed = 0L
    let mutable isOver = false

    let limit = TimeSpan.FromMinutes request.Minutes

    /// A run now and then is played twice, and must be the same.
    let checkDeterminism (seed: uint64) (plan: Plan) (result: RunResult) =
        if seed % 50UL = 0UL then
            let again = Simulation.run settings plan
            if again.Digest <> result.Digest || again.Events <> result.Events then
                ValueSome
                    { Rule = Rules.determinism
                      Evidence = $"{result.Events} events the first time, {again.Events} the second"
                      At = 0L
                      Events = result.Events }
            else
                result.Failure
        else
            result.Failure

    let note (seed: uint64) (result: RunResult) (failure: Failure voption) =
        lock gate (fun () ->
            runs <- runs + 1L
            events <- events + result.Events
            committed <- committed + int64 result.Committed
            coverage.Add result.Coverage
            if result.LeaderAfter >= 0L then
                leaders.Add result.LeaderAfter
            if result.RestAfter >= 0L then
                rests.Add result.RestAfter
            match failure with
            | ValueSome failure ->
                failures[seed] <- failure
                output.WriteLine $"seed {seed}: BROKEN {failure.Rule.Name}: {failure.Evidence}"
            | ValueNone -> ())

    let work () =
        let mutable goesOn = true
        while goesOn do
            let turn = Interlocked.Increment &next
            if turn >= request.Seeds || watch.Elapsed > limit || isOver then
                goesOn <- false
            else
                let seed = request.First + uint64 turn
                match Arguments.planOf request seed with
                | ValueSome plan ->
                    let plan = Edits.apply request.Edits plan
                    let result = Simulation.run settings plan
                    note seed result (checkDeterminism seed plan result)
                | ValueNone -> goesOn <- false

    let percentile (values: List<int64>) (part: float) =
        if values.Count = 0 then
            0L
        else
            values[min (values.Count - 1) (int (float values.Count * part))]

    let progress () =
        lock gate (fun () ->
            let seconds = watch.Elapsed.TotalSeconds
            output.WriteLine(
                $"%7.0f{seconds} s  {runs} of {request.Seeds} seeds, %.0f{float runs / seconds} a second; "
                + $"%.0f{float events / seconds} events a second; {committed} entries committed; {failures.Count} failed"
            ))

    member _.Failures = failures

    /// Plays the batch to its end, or to the time limit; true when every rule held and coverage is what it must be.
    member _.Play() : bool =
        let threads =
            [ for number in 1 .. request.Threads ->
                  let thread =
                      Thread(work, 16 * 1_024 * 1_024, IsBackground = true, Name = $"simulator {number}")
                  thread.Start()
                  thread ]
        let mutable told = watch.Elapsed
        while threads |> List.exists (fun thread -> not (thread.Join 100)) do
            if watch.Elapsed - told > TimeSpan.FromSeconds 5.0 then
                told <- watch.Elapsed
                progress ()
        progress ()
        leaders.Sort()
        rests.Sort()
        output.WriteLine(
            $"milliseconds without faults until there is a leader: p50 {percentile leaders 0.5}, p99 {percentile leaders 0.99}; "
            + $"until all is at rest: p50 {percentile rests 0.5}, p99 {percentile rests 0.99}"
        )
        Report.coverage output coverage runs
        let missing = coverage.Missing runs
        if request.DemandsCoverage then
            for struct (sight, count, wanted) in missing do
                output.WriteLine $"met too seldom: {sight}, {count} times instead of at least {wanted}"
        let isBlind =
            not missing.IsEmpty
            || coverage.IsTooTangled runs
            || coverage.LosesCommittees runs
        if coverage.IsTooTangled runs then
            output.WriteLine
                $"{coverage[Sight.HistoryTooTangled]} histories of clients were too tangled to be judged"
        if coverage.LosesCommittees runs then
            output.WriteLine $"{coverage[Sight.CommitteeLost]} committees lost their majorities for good"
        failures.Count = 0 && not (request.DemandsCoverage && isBlind)
