namespace Mosaik.Hybrid.Model

open System
open System.Diagnostics

/// The command for people: explores as far as they want.
[<RequireQualifiedAccess>]
module Cli =

    let private usage =
        """Visits every state of a small cluster of the real core, within bounds, and checks every rule in each.

  --tier atomic|async|founding|configuration|all   which interleavings; atomic
  --members N          voters; 3
  --founding-members N how many must agree to found a group; members
  --terms N            terms after the first; 2
  --proposals N        commands; 1
  --crashes N          crashes with restart, with and without lost writes; 1
  --messages N         messages on their way at once, async tier; 2
  --duplicates N       messages that arrive twice, async tier; 0
  --sessions N         replication sessions that a leader begins anew, async tier; 2
  --entries N          the most entries in one append; 16
  --writes N           writes on their way at once, which a crash may lose; 1
  --lost-requests      appends may be lost in the atomic tiers too, and not only their answers
  --sticky             members that heard the leader lately refuse to vote, until they forget
  --no-symmetry        states that differ only in names are different
  --states-max N       stop after so many states; 100000000
  --minutes N          stop after so many minutes; 60
  --help               this text

The exit code is 0 when every rule holds in every state visited, 1 when one is broken, 2 for a wrong argument.
A visited state costs about 40 bytes for good, and about 2 KB while it is part of the frontier."""

    type private Asked = { Bounds: Bounds; Tiers: Tier list; GivenFounding: bool }

    let private everyTier = [ Tier.Atomic; Tier.Async; Tier.Founding; Tier.Configuration ]

    let private nameOf (tier: Tier) =
        match tier with
        | Tier.Atomic -> "atomic"
        | Tier.Async -> "async"
        | Tier.Founding -> "founding"
        | Tier.Configuration -> "configuration"

    let private tiersOf (name: string) =
        match name with
        | "all" -> Some everyTier
        | name ->
            everyTier
            |> List.tryFind (fun tier -> nameOf tier = name)
            |> Option.map List.singleton

    let private withNumber (name: string) (number: int) (asked: Asked) : Result<Asked, string> =
        let bounds = asked.Bounds
        let changed bounds = Ok { asked with Bounds = bounds }
        match name with
        | "--members" -> changed { bounds with Members = number }
        | "--founding-members" ->
            Ok { asked with Bounds = { bounds with FoundingMembers = number }; GivenFounding = true }
        | "--terms" -> changed { bounds with Terms = number }
        | "--proposals" -> changed { bounds with Proposals = number }
        | "--crashes" -> changed { bounds with Crashes = number }
        | "--messages" -> changed { bounds with Messages = number }
        | "--duplicates" -> changed { bounds with Duplicates = number }
        | "--sessions" -> changed { bounds with Sessions = number }
        | "--writes" -> changed { bounds with WritesInFlight = number }
        | "--entries" -> changed { bounds with EntriesPerAppend = number }
        | "--states-max" -> changed { bounds with StatesMax = number }
        | "--minutes" -> changed { bounds with MinutesMax = float number }
        | name -> Error $"Unknown argument {name}."

    let rec private parse (asked: Asked) (arguments: string list) : Result<Asked, string> =
        match arguments with
        | [] -> Ok asked
        | "--no-symmetry" :: rest ->
            parse { asked with Bounds = { asked.Bounds with Symmetry = Symmetry.Off } } rest
        | "--sticky" :: rest -> parse { asked with Bounds = { asked.Bounds with Sticky = true } } rest
        | "--promotion" :: rest -> parse { asked with Bounds = { asked.Bounds with Promotion = true } } rest
        | "--lost-requests" :: rest ->
            parse { asked with Bounds = { asked.Bounds with LostRequests = true } } rest
        | "--tier" :: name :: rest ->
            match tiersOf name with
            | Some tiers -> parse { asked with Tiers = tiers } rest
            | None -> Error $"There is no tier {name}."
        | name :: value :: rest ->
            match Int32.TryParse value with
            | true, number -> withNumber name number asked |> Result.bind (fun asked -> parse asked rest)
            | false, _ -> Error $"{name} {value}: a whole number is needed, or the argument is unknown."
        | [ name ] -> Error $"Unknown argument {name}, or its value is missing."

    let private progressEvery (seconds: float) =
        let clock = Stopwatch.StartNew()
        let mutable said = 0.0
        let mutable known = 0
        fun (states: int) (transitions: int64) (depth: int) (waiting: int) ->
            let now = clock.Elapsed.TotalSeconds
            if now - said >= seconds then
                let rate = float (states - known) / (now - said)
                printfn
                    $"  {now, 6:F0} s  depth {depth}  {states} states  {transitions} transitions  {waiting} waiting  {rate:F0} new states/s"
                said <- now
                known <- states

    let private endingOf (report: Report) =
        match report.Ending with
        | Ending.Exhausted -> "exhausted: every rule holds"
        | Ending.Cut limit -> $"cut at {limit}: every rule holds so far"
        | Ending.Broken found -> "BROKEN: " + found.Rule

    let private row (report: Report) =
        let rate = float report.States / max 0.001 report.Seconds
        let counts = $"{report.States, 12}{report.Transitions, 14}{report.Depth, 7}"
        $"{nameOf report.Bounds.Tier, -14}{counts}{report.Seconds, 9:F1}{rate, 10:F0}  {endingOf report}"

    let private coverage (report: Report) =
        let seen (sight: Sight) = report.Coverage.Of sight
        $"{nameOf report.Bounds.Tier, -14}{seen Sight.Election} elections, {seen Sight.Commit} commits, {seen Sight.Truncation} truncations, "
        + $"{seen Sight.Rejection} appends rejected, {seen Sight.VoteDenied} votes denied, {seen Sight.CrashThatLoses} crashes that lose writes, "
        + $"{seen Sight.Founding} foundings, {seen Sight.Admission} configurations appended, "
        + $"{seen Sight.JointEntered} of them joint and {seen Sight.Promotion} with another voter, {seen Sight.NewBeginning} new beginnings"

    /// The table of some reports, and the trace of each broken rule.
    let table (reports: Report list) : string list =
        [ $"""{"tier", -14}{"states", 12}{"transitions", 14}{"depth", 7}{"seconds", 9}{"states/s", 10}  ending"""
          yield! reports |> List.map row
          "seen on the way, over all transitions:"
          yield! reports |> List.map coverage
          for report in reports do
              match report.Ending with
              | Ending.Broken found ->
                  ""
                  $"{found.Rule} Broken after {found.Length} actions:"
                  yield! found.Trace
                  $"   ! {found.Evidence}"
              | Ending.Exhausted
              | Ending.Cut _ -> () ]

    let private explore (bounds: Bounds) =
        printfn
            $"{nameOf bounds.Tier}: {bounds.Members} members, {bounds.Terms} terms, {bounds.Proposals} proposals, {bounds.Crashes} crashes"
        Explorer.run bounds (progressEvery 5.0)

    let private exploreAll (asked: Asked) =
        let bounds =
            if asked.GivenFounding then
                asked.Bounds
            else
                { asked.Bounds with FoundingMembers = asked.Bounds.Members }
        match Bounds.validate bounds with
        | [] ->
            let reports = asked.Tiers |> List.map (fun tier -> explore { bounds with Tier = tier })
            table reports |> List.iter (printfn "%s")
            let isBroken (report: Report) =
                match report.Ending with
                | Ending.Broken _ -> true
                | Ending.Exhausted
                | Ending.Cut _ -> false
            if List.exists isBroken reports then 1 else 0
        | faults ->
            faults |> List.iter (eprintfn "%s")
            2

    /// Runs the command; the result is its exit code.
    let run (argv: string list) : int =
        let asked = { Bounds = Bounds.small Tier.Atomic; Tiers = [ Tier.Atomic ]; GivenFounding = false }
        if List.contains "--help" argv then
            printfn "%s" usage
            0
        else
            match parse asked argv with
            | Ok asked -> exploreAll asked
            | Error message ->
                eprintfn "%s" message
                eprintfn "%s" usage
                2
