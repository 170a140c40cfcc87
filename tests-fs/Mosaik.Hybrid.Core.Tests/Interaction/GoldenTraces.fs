module Mosaik.Hybrid.Core.Tests.Interaction.GoldenTraces

open System
open System.IO
open System.Runtime.CompilerServices

open Expecto

/// The folder of the scenario files, beside this source.
type private Here =
    static member Folder([<CallerFilePath>] ?path: string) =
        Path.Combine(Path.GetDirectoryName(Option.get path), "testdata")

/// The file as it should be: comments stay, each command is followed by `----` and what it made.
let private replay (text: string) =
    let script = Script()
    let blocks =
        text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries ||| StringSplitOptions.TrimEntries)
    let played =
        blocks
        |> Array.map (fun block ->
            let head = block.Split('\n') |> Array.takeWhile (fun line -> line <> "----")
            let isComment (line: string) = line.StartsWith '#'
            let made =
                head
                |> Array.filter (isComment >> not)
                |> List.ofArray
                |> List.collect script.Do
            if Array.forall isComment head then
                String.concat "\n" head
            else
                String.concat "\n" (List.ofArray head @ [ "----" ] @ made))
    String.concat "\n\n" played + "\n"

let private files =
    Directory.GetFiles(Here.Folder(), "*.txt", SearchOption.AllDirectories)
    |> Array.sort

[<Tests>]
let tests =
    testList
        "Golden traces"
        [ for file in files do
              testCase (Path.GetRelativePath(Here.Folder(), file))
              <| fun () ->
                  let recorded = File.ReadAllText file
                  let played = replay recorded
                  if Environment.GetEnvironmentVariable "UPDATE_TRACES" = "1" then
                      File.WriteAllText(file, played)
                  else
                      Expect.sequenceEqual
                          (played.Split '\n')
                          (recorded.Split '\n')
                          "the trace is as recorded; UPDATE_TRACES=1 writes it anew" ]
