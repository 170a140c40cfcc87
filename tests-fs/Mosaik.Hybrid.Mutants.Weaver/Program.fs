module Mosaik.Hybrid.Mutants.Program

open System
open System.IO

let private usage =
    "usage: Mosaik.Hybrid.Mutants.Weaver CATALOGUE SOURCES OUTPUT LIST
  CATALOGUE  the folder of the *.mutant files
  SOURCES    the folder to which the names of the files are relative
  OUTPUT     where the woven files go, by the same names
  LIST       a text file with the names, one a line"

/// Writes a file unless it has that content already: what has not changed need not be compiled again.
let private writeIfChanged (path: string) (text: string) =
    if not (File.Exists path && File.ReadAllText path = text) then
        Directory.CreateDirectory(nonNull (Path.GetDirectoryName path)) |> ignore
        File.WriteAllText(path, text)

let private weave (catalogue: string) (sources: string) (output: string) (list: string) =
    let mutants = Catalogue.ofFolder catalogue
    let files =
        File.ReadAllLines list
        |> Array.filter (fun line -> line.Trim() <> "")
        |> List.ofArray
    Weave.checkFiles files mutants
    let woven =
        files
        |> List.map (fun file ->
            try
                Ok(file, Weave.source file (File.ReadAllText(Path.Combine(sources, file))) mutants)
            with CatalogueError messages ->
                Error messages)
    let wrong =
        woven
        |> List.collect (function
            | Ok _ -> []
            | Error messages -> messages)
    if not wrong.IsEmpty then
        raise (CatalogueError wrong)
    for result in woven do
        match result with
        | Ok(file, text) -> writeIfChanged (Path.Combine(output, file)) text
        | Error _ -> ()

/// In the form that builds show as an error.
let private complain (message: string) =
    eprintfn "weaver : error MUTANT: %s" (message.Replace("\n", " | "))

[<EntryPoint>]
let main arguments =
    match arguments with
    | [| catalogue; sources; output; list |] ->
        try
            weave catalogue sources output list
            0
        with
        | CatalogueError messages ->
            for message in messages do
                complain message
            1
        | :? IOException as error ->
            complain error.Message
            1
    | _ ->
        eprintfn "%s" usage
        2
