module Mosaik.Hybrid.Mutants.MutantTests

open System
open System.IO
open System.Text.RegularExpressions

open Expecto

let private beside (name: string) =
    Path.Combine(AppContext.BaseDirectory, name)

let mutants = Catalogue.ofFolder (beside "catalogue")

/// All of them, on first use: the tests after that only look at the results.
let private verdicts = lazy (mutants |> Hunt.all (fun mutant -> Hunt.within mutant.Seeds [] mutant))

let private isCaught (mutant: Mutant) =
    let verdict = verdicts.Value |> List.find (fun verdict -> verdict.Mutant = mutant)
    match verdict.Catch, mutant.Fate with
    | Some _, Fate.Killed
    | None, Fate.Masked _ -> ()
    | None, Fate.Killed -> failtest $"no rule is broken within {verdict.Seeds} seeds: {mutant.Why}"
    | Some caught, Fate.Masked why ->
        failtest
            $"seed {caught.Seed} breaks '{caught.Rule}', though it was thought that nothing sees it: {why}\n{caught.Evidence}"

/// Shown on the console, and kept beside the tests for whoever wants to see it afterwards.
let private printTable () =
    let lines = Hunt.header :: List.map Hunt.row verdicts.Value
    File.WriteAllLines(beside "mutants.txt", lines)
    for line in lines do
        Console.Out.WriteLine line

let private explained = File.ReadAllText(beside "MUTANTS.md")

/// True when MUTANTS.md has a row, or a heading, of this number.
let private isExplained (label: string) =
    Regex.IsMatch(explained, $@"(?m)^\| {Regex.Escape label} \|")

[<Tests>]
let tests =
    testList
        "Mutants"
        [ testList
              "caught"
              [ for mutant in mutants do
                    testCase $"{Catalogue.label mutant}: {mutant.Title}" (fun () -> isCaught mutant) ]

          testCase "the same seeds pass when none is on"
          <| fun () ->
              let seeds = mutants |> List.map (fun mutant -> mutant.Profile, mutant.Seeds)
              let controls =
                  [ for profile, runs in List.groupBy fst seeds do
                        for seed in 1 .. runs |> List.map snd |> List.max do
                            profile, uint64 seed ]
              let failures =
                  controls
                  |> Hunt.all (fun (profile, seed) -> Hunt.play profile seed)
                  |> List.choose id
              Expect.isEmpty failures "the core as it is keeps every rule"

          testCase "the table is printed"
          <| fun () ->
              printTable ()
              Expect.hasLength (File.ReadAllLines(beside "mutants.txt")) (mutants.Length + 1) "a row each"

          testCase "whatever is masked, or has no mutant yet, is explained"
          <| fun () ->
              let numbers = mutants |> List.collect (fun mutant -> mutant.Numbers) |> Set.ofList
              let missing = [ 1..50 ] |> List.filter (numbers.Contains >> not) |> List.map string
              let masked =
                  mutants
                  |> List.filter (fun mutant -> mutant.Fate <> Fate.Killed)
                  |> List.map Catalogue.label
              Expect.isEmpty
                  (missing @ masked |> List.filter (isExplained >> not))
                  "MUTANTS.md has a row for each" ]
