module Mosaik.Hybrid.Mutants.Main

open System

open Expecto

/// Lets xunit's runners see every `[<Tests>]` value of this assembly.
type Bridge() =
    inherit ExpectoBridge()

let private usage =
    """usage: dotnet run -c Release --project tests-fs/Mosaik.Hybrid.Mutants -- [--seeds N] [--beside N] [MUTANT ...]
  --seeds N    play at most N seeds each, instead of what the catalogue says
  --beside N   with mutant N on as well, in every run
  --profile P  in profile P of the simulator, or "P 5" with five peers, instead of the catalogue's
  --trace      with the last lines of the run that caught it
  MUTANT       8, or 10+11; all of them unless some are named"""

type private Wish =
    { Seeds: int voption
      Beside: int list
      Profile: string option
      IsTraced: bool
      Labels: string list }

let private nothing = { Seeds = ValueNone; Beside = []; Profile = None; IsTraced = false; Labels = [] }

let private (|Number|_|) (word: string) =
    match Int32.TryParse word with
    | true, number when number > 0 && number < Mutation.numbersMax * 1_000 -> Some number
    | _ -> None

let rec private read (wish: Wish) (arguments: string list) : Wish voption =
    match arguments with
    | [] -> ValueSome wish
    | "--seeds" :: Number seeds :: rest -> read { wish with Seeds = ValueSome seeds } rest
    | "--beside" :: Number number :: rest -> read { wish with Beside = number :: wish.Beside } rest
    | "--profile" :: profile :: rest -> read { wish with Profile = Some profile } rest
    | "--trace" :: rest -> read { wish with IsTraced = true } rest
    | label :: rest when
        MutantTests.mutants
        |> List.exists (fun mutant -> Catalogue.label mutant = label)
        ->
        read { wish with Labels = label :: wish.Labels } rest
    | _ -> ValueNone

/// One row with what showed it, as soon as it is known.
let private hunt (wish: Wish) (mutant: Mutant) : Verdict =
    let verdict = Hunt.within (ValueOption.defaultValue mutant.Seeds wish.Seeds) wish.Beside mutant
    let details =
        match verdict.Catch with
        | Some caught when wish.IsTraced ->
            let numbers = wish.Beside @ mutant.Numbers
            caught.Evidence
            :: Mutation.run numbers (fun () -> Hunt.trace mutant.Profile caught.Seed)
        | Some caught -> [ caught.Evidence ]
        | None -> []
    let text =
        $"{Hunt.row verdict}, {verdict.Milliseconds} ms" :: details
        |> String.concat "\n         "
    Console.Out.WriteLine text
    verdict

/// Prints the table row by row, and the evidence of each; 1 when a mutant is not caught that should be.
[<EntryPoint>]
let main arguments =
    match read nothing (List.ofArray arguments) with
    | ValueNone ->
        Console.Error.WriteLine usage
        2
    | ValueSome wish ->
        Console.Out.WriteLine Hunt.header
        let verdicts =
            MutantTests.mutants
            |> List.filter (fun mutant ->
                wish.Labels.IsEmpty || List.contains (Catalogue.label mutant) wish.Labels)
            |> List.map (fun mutant -> { mutant with Profile = Option.orElse mutant.Profile wish.Profile })
            |> Hunt.all (hunt wish)
        let isMissed (verdict: Verdict) =
            verdict.Catch.IsNone && verdict.Mutant.Fate = Fate.Killed
        if List.exists isMissed verdicts then 1 else 0
