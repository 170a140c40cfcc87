module Mosaik.Hybrid.Simulator.Tests.Scenarios.ScenarioTests

open System.IO
open System.Runtime.CompilerServices

open Expecto

/// The folder of the scenario files, beside this source.
type Here =
    static member Folder([<CallerFilePath>] ?path: string) = Path.GetDirectoryName(Option.get path)

let private ofKind (pattern: string) =
    Directory.GetFiles(Here.Folder(), pattern) |> Array.sort

/// The failures of the original, and then the traps of joint consensus and of coming back that other systems fell into.
let private failures = ofKind "S??-*.txt"
let private traps = ofKind "T?-*.txt"
let private files = Array.append failures traps

/// Each scenario is played with the choices of so many seeds: what it shows must not hang on one of them.
let private seeds = [ 1UL .. 20UL ]

/// The number of the failure of the original that a file is about: `S08-figure-8.txt` is about 8.
let private numberOf (file: string) =
    int (Path.GetFileName(file).Substring(1, 2))

/// The first line, whatever the rest is like: a file with a mistake is a failed test, not a missing one.
let private titleOf (file: string) =
    (Seq.head (File.ReadLines file)).TrimStart('#', ' ')

let readFile (file: string) =
    Scenario.read (Path.GetFileName file) (File.ReadAllText file)

[<Tests>]
let tests =
    testList
        "Scenarios"
        [ for file in files do
              testCase (titleOf file)
              <| fun () ->
                  let scenario = readFile file
                  for seed in seeds do
                      Script.play seed scenario ]

[<Tests>]
let completeness =
    testCase "every failure of the original, S1 to S19, has a scenario"
    <| fun () ->
        let numbers = failures |> Array.map numberOf |> Array.distinct |> Array.sort
        Expect.sequenceEqual numbers [| 1..19 |] "numbers of the scenario files"

[<Tests>]
let names =
    testCase "a scenario's first line names its number"
    <| fun () ->
        for file in failures do
            let title = (readFile file).Title
            Expect.stringContains title $"S{numberOf file}: " (Path.GetFileName file)
        for file in traps do
            let letter = Path.GetFileName(file)[1]
            Expect.stringContains (readFile file).Title $"T({letter}): " (Path.GetFileName file)
