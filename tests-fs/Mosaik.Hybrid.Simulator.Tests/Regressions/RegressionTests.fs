module Mosaik.Hybrid.Simulator.Tests.Regressions.RegressionTests

open System
open System.IO
open System.Runtime.CompilerServices

open Expecto

open Mosaik.Hybrid.Simulation

/// The folder of the regression files, beside this source.
type private Here =
    static member Folder([<CallerFilePath>] ?path: string) = Path.GetDirectoryName(Option.get path)

/// A seed that broke a rule once.
type private Regression = { Profile: string; Seed: uint64; Rule: string; Story: string }

/// `swarm 213 Linearizability: what it was`.
let private parse (file: string) (number: int) (line: string) : Regression =
    let fail (reason: string) : 'any = failtest $"{file}:{number}: {reason}"
    match line.Split(':', 2) with
    | [| head; story |] ->
        match head.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries) with
        | [| profile; seed; rule |] ->
            match UInt64.TryParse seed with
            | true, seed -> { Profile = profile; Seed = seed; Rule = rule; Story = story.Trim() }
            | false, _ -> fail $"'{seed}' is no seed"
        | _ -> fail "a line is: profile seed rule: story"
    | _ -> fail "a line is: profile seed rule: story"

let private regressions =
    [ for file in Directory.GetFiles(Here.Folder(), "*.txt") |> Array.sort do
          let name = Path.GetFileName file
          let lines = File.ReadAllLines file
          for place in 0 .. lines.Length - 1 do
              let line = lines[place].Trim()
              if line <> "" && not (line.StartsWith '#') then
                  parse name (place + 1) line ]

/// The rules that exist, by name: a misspelt one would say nothing.
let private ruleNames = Rules.all |> List.map (fun rule -> rule.Name)

let private settings trace =
    { Simulation.registers with TraceLines = trace }

let private describe (failure: Failure) (trace: string list) =
    let head = $"{failure.Rule.Name} at {failure.At} ms, after {failure.Events} events: {failure.Evidence}"
    String.Join('\n', head :: trace)

[<Tests>]
let replays =
    testList
        "Regressions"
        [ for regression in regressions do
              testCase $"{regression.Profile} {regression.Seed}: {regression.Story}"
              <| fun () ->
                  match Profile.plan regression.Profile regression.Seed with
                  | ValueNone -> failtest $"there is no profile {regression.Profile}"
                  | ValueSome plan ->
                      match (Simulation.run (settings 0) plan).Failure with
                      | ValueNone -> ()
                      | ValueSome _ ->
                          let again = Simulation.run (settings 60) plan
                          failtest (describe again.Failure.Value again.Trace) ]

[<Tests>]
let rules =
    testCase "regressions name rules that exist"
    <| fun () ->
        Expect.isNonEmpty regressions "some regressions are recorded"
        for regression in regressions do
            Expect.contains ruleNames regression.Rule $"the rule of seed {regression.Seed}"
