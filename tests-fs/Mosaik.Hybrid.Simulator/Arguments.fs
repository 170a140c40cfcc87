namespace Mosaik.Hybrid.Simulator

open System
open System.Globalization

open Mosaik.Hybrid.Simulation

/// What the command line asks for.
type Request =
    {
        Profile: string
        /// How many peers every run has; none to let each seed decide.
        Size: int voption
        /// The first seed, and how many.
        First: uint64
        Seeds: int64
        /// The batch ends after so many minutes, whatever is left of it.
        Minutes: float
        Threads: int
        /// One run instead of a batch.
        Seed: uint64 voption
        Edits: Edits
        /// Prints the trace of the one run.
        IsTraced: bool
        TraceLines: int
        /// How many runs a shrinker may make of the first failure; 0 for none.
        ShrinkRuns: int
        /// Coverage below what is demanded makes the batch fail.
        DemandsCoverage: bool
    }

[<RequireQualifiedAccess>]
module Arguments =

    let usage =
        let profiles = String.Join(", ", Profile.names)
        $"""Plays whole groups from seeds, under a virtual clock, and holds them to every rule of the paper and our own.

Usage:
  simulator [--seeds N] [--minutes M] [--profile NAME] [--first SEED] [--threads N]   plays a batch
  simulator --seed SEED [--profile NAME] [--trace] [edits]                            plays one run again
  simulator model [options]                                                           explores a small model whole
  simulator rules                                                                     prints the rules

A batch:
  --seeds N       how many seeds; 2000
  --first SEED    the first of them; 1
  --minutes M     ends the batch after so long, whatever is left of it; 60
  --profile NAME  {profiles}; swarm
  --size N        every run has N peers, 1 to 9, instead of as many as its seed decides
  --threads N     how many run at once; as many as there are processors
  --shrink N      runs that may be spent on shrinking the first failure; 400
  --demand        too little coverage of interesting states fails the batch

One run:
  --seed SEED     plays it, and says how it ended
  --trace         prints what happened
  --lines N       how many of the last lines are printed; 200000 with --trace, 60 of a failure

Edits, as a failure prints them; N,M-K are numbers of the plan that the seed makes:
  --faults LIST   only these faults
  --calls LIST    only these calls
  --peers N       only the first N peers
  --until MS      faults end after so many milliseconds
  --calm LIST     without loss, repeats, tails, reordering, shuffling, drift, gathering, slowdisks, slowmachines,
                  lateness, preferences

The exit code is 0 when every rule held, 1 when one was broken, 2 when the arguments make no sense."""

    let private defaults =
        { Profile = "swarm"
          Size = ValueNone
          First = 1UL
          Seeds = 2_000L
          Minutes = 60.0
          Threads = Environment.ProcessorCount
          Seed = ValueNone
          Edits = Edits.none
          IsTraced = false
          TraceLines = 0
          ShrinkRuns = 400
          DemandsCoverage = false }

    let private invariant = CultureInfo.InvariantCulture

    let private whole (name: string) (low: int64) (high: int64) (text: string) =
        match Int64.TryParse(text, NumberStyles.None, invariant) with
        | true, value when value >= low && value <= high -> Ok value
        | _ -> Error $"{name} takes a whole number from {low} to {high}, not '{text}'."

    let private seed (name: string) (text: string) =
        match UInt64.TryParse(text, NumberStyles.None, invariant) with
        | true, value -> Ok value
        | false, _ -> Error $"{name} takes a seed, a whole number from 0 to {UInt64.MaxValue}, not '{text}'."

    let private minutes (text: string) =
        match Double.TryParse(text, NumberStyles.AllowDecimalPoint, invariant) with
        | true, value when value > 0.0 && value <= 10_000.0 -> Ok value
        | _ -> Error $"--minutes takes a number above 0 and up to 10000, not '{text}'."

    let private numbers (name: string) (text: string) =
        match Edits.parseNumbers text with
        | ValueSome numbers -> Ok numbers
        | ValueNone -> Error $"{name} takes numbers such as 0-4,7, or none, not '{text}'."

    let private calms (text: string) : Result<Calm list, string> =
        let one (name: string) =
            Enum.GetValues<Calm>()
            |> Array.tryFind (fun calm ->
                String.Equals(string calm, name, StringComparison.OrdinalIgnoreCase))
        let found = text.Split ',' |> Array.map one |> List.ofArray
        if found |> List.forall Option.isSome then
            Ok(List.map Option.get found)
        else
            Error $"--calm does not know all of '{text}'; see --help."

    let private profile (text: string) =
        if List.contains text Profile.names then
            Ok text
        else
            let names = String.Join(", ", Profile.names)
            Error $"There is no profile '{text}'. There are: {names}."

    let private withValue (name: string) (value: string) (request: Request) : Result<Request, string> =
        match name with
        | "--seeds" ->
            whole name 1L 1_000_000_000L value
            |> Result.map (fun seeds -> { request with Seeds = seeds })
        | "--first" -> seed name value |> Result.map (fun first -> { request with First = first })
        | "--minutes" -> minutes value |> Result.map (fun minutes -> { request with Minutes = minutes })
        | "--profile" -> profile value |> Result.map (fun profile -> { request with Profile = profile })
        | "--size" ->
            whole name 1L 9L value
            |> Result.map (fun size -> { request with Size = ValueSome(int size) })
        | "--threads" ->
            whole name 1L 256L value
            |> Result.map (fun threads -> { request with Threads = int threads })
        | "--shrink" ->
            whole name 0L 100_000L value
            |> Result.map (fun runs -> { request with ShrinkRuns = int runs })
        | "--seed" ->
            seed name value
            |> Result.map (fun seed -> { request with Seed = ValueSome seed })
        | "--lines" ->
            whole name 1L 10_000_000L value
            |> Result.map (fun lines -> { request with TraceLines = int lines })
        | "--faults" ->
            numbers name value
            |> Result.map (fun kept ->
                { request with Edits = { request.Edits with Faults = ValueSome kept } })
        | "--calls" ->
            numbers name value
            |> Result.map (fun kept -> { request with Edits = { request.Edits with Calls = ValueSome kept } })
        | "--peers" ->
            whole name 1L 9L value
            |> Result.map (fun peers ->
                { request with Edits = { request.Edits with Peers = ValueSome(int peers) } })
        | "--until" ->
            whole name 1L 1_000_000L value
            |> Result.map (fun until ->
                { request with Edits = { request.Edits with Until = ValueSome(int until) } })
        | "--calm" ->
            calms value
            |> Result.map (fun calm -> { request with Edits = { request.Edits with Calm = calm } })
        | _ -> Error $"There is no option '{name}'; see --help."

    /// The plan of a seed, as the request wants it; none when there is no such profile.
    let planOf (request: Request) (seed: uint64) : Plan voption =
        match request.Size with
        | ValueSome size -> Profile.planOfSize request.Profile size seed
        | ValueNone -> Profile.plan request.Profile seed

    /// Reads the arguments of a batch or of one run.
    let parse (arguments: string list) : Result<Request, string> =
        let rec read (rest: string list) (request: Request) =
            match rest with
            | [] -> Ok request
            | "--trace" :: rest -> read rest { request with IsTraced = true }
            | "--demand" :: rest -> read rest { request with DemandsCoverage = true }
            | name :: value :: rest when name.StartsWith("--", StringComparison.Ordinal) ->
                withValue name value request |> Result.bind (read rest)
            | [ name ] when name.StartsWith("--", StringComparison.Ordinal) ->
                Error $"'{name}' needs a value, or is no option; see --help."
            | word :: _ -> Error $"'{word}' is no option; see --help."
        read arguments defaults
