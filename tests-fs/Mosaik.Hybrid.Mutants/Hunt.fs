namespace Mosaik.Hybrid.Mutants

open System
open System.Diagnostics
open System.Threading.Tasks

open Mosaik.Hybrid.Simulation

/// How a run showed that something is wrong.
type Catch =
    {
        /// The rule that did not hold.
        Rule: string
        /// What showed it.
        Evidence: string
        Seed: uint64
        /// After how many events of the run.
        Events: int
    }

/// What became of a mutant.
type Verdict =
    {
        Mutant: Mutant
        /// The seeds that were played, from 1.
        Seeds: int
        /// None when every one of them held.
        Catch: Catch option
        Milliseconds: int64
    }

/// Plays whole clusters whose core has mutants in it, until a rule is broken.
[<RequireQualifiedAccess>]
module Hunt =

    /// Two runs side by side: the switches belong to their threads.
    let private sideBySide = 2

    /// What most mutants are looked for in: every other profile takes its turn.
    let usualProfile = "swarm"

    let private settings (traceLines: int) =
        { Simulation.registers with TraceLines = traceLines }

    /// `network` is a profile of the simulator; `network 5` is the same with five peers in every run.
    let private planOf (profile: string option) (seed: uint64) =
        let name = Option.defaultValue usualProfile profile
        let plan =
            match name.Split ' ' with
            | [| name; size |] -> Profile.planOfSize name (int size) seed
            | _ -> Profile.plan name seed
        match plan with
        | ValueSome plan -> plan
        | ValueNone -> raise (CatalogueError [ $"there is no profile '{name}'" ])

    /// What a run of this seed shows; none when all rules held. A core that throws is caught, too.
    let play (profile: string option) (seed: uint64) : Catch option =
        let plan = planOf profile seed
        try
            match (Simulation.run (settings 0) plan).Failure with
            | ValueSome failure ->
                Some
                    { Rule = failure.Rule.Name
                      Evidence = failure.Evidence
                      Seed = seed
                      Events = int failure.Events }
            | ValueNone -> None
        with error ->
            Some
                { Rule = "No exception"
                  Evidence = $"{error.GetType().Name}: {error.Message}"
                  Seed = seed
                  Events = 0 }

    /// The last lines of a run, as the simulator shows them.
    let trace (profile: string option) (seed: uint64) : string list =
        (Simulation.run (settings 200) (planOf profile seed)).Trace

    /// Looks for a mutant, alone or with others on beside it, within so many seeds.
    let within (seeds: int) (beside: int list) (mutant: Mutant) : Verdict =
        let watch = Stopwatch.StartNew()
        let found =
            Mutation.run (beside @ mutant.Numbers) (fun () ->
                seq { 1..seeds } |> Seq.tryPick (fun seed -> play mutant.Profile (uint64 seed)))
        { Mutant = mutant; Seeds = seeds; Catch = found; Milliseconds = watch.ElapsedMilliseconds }

    /// Runs that are judged by `judge`, side by side, in their order.
    let all (judge: 'work -> 'result) (work: 'work list) : 'result list =
        let work = Array.ofList work
        let results = Array.zeroCreate work.Length
        let options = ParallelOptions(MaxDegreeOfParallelism = min sideBySide Environment.ProcessorCount)
        Parallel.For(0, work.Length, options, fun place -> results[place] <- judge work[place])
        |> ignore
        List.ofArray results

    let private line
        (label: string)
        (title: string)
        (rule: string)
        (seed: string)
        (events: string)
        (seeds: string)
        =
        $"%6s{label} | %-72s{title} | %-32s{rule} | %5s{seed} | %8s{events} | %5s{seeds}"

    let header = line "mutant" "what is wrong" "caught by" "seed" "events" "of"

    /// One line of the table of mutants.
    let row (verdict: Verdict) =
        let rule, seed, events =
            match verdict.Catch, verdict.Mutant.Fate with
            | Some caught, _ -> caught.Rule, string caught.Seed, string caught.Events
            | None, Fate.Masked _ -> "masked, see MUTANTS.md", "", ""
            | None, Fate.Killed -> "NOT CAUGHT", "", ""
        line (Catalogue.label verdict.Mutant) verdict.Mutant.Title rule seed events (string verdict.Seeds)
