namespace Mosaik.Hybrid.Mutants

open System
open System.IO

/// One place where a mutant differs from the product.
type Edit =
    {
        /// The source file, relative to `core-fs`.
        File: string
        /// A part of one line of that file: only the block that this line begins is searched.
        Within: string option
        /// The expression that stands there, line by line; the indentation of lines after the first is free.
        Original: string list
        /// What stands there in the mutant.
        Mutated: string list
    }

/// What is expected of a mutant.
[<RequireQualifiedAccess>]
type Fate =
    /// The simulator finds it.
    | Killed
    /// It is equivalent to the product, or hidden by another rule: why, in one sentence. `MUTANTS.md` says more.
    | Masked of why: string

/// A deliberate bug, or several at once.
type Mutant =
    {
        /// One number, or those of the mutants that are on together.
        Numbers: int list
        /// What is wrong, in a few words.
        Title: string
        /// Where the bug comes from: a page of the design, a real system.
        Source: string
        /// What goes wrong because of it.
        Why: string
        /// It must be caught within the seeds from 1 to this one.
        Seeds: int
        /// The simulator's profile; none for the usual one.
        Profile: string option
        Fate: Fate
        /// None for a combination: its parts have them.
        Edits: Edit list
    }

/// A catalogue that cannot be read, or that the sources do not fit: everything that is wrong, and where.
exception CatalogueError of messages: string list

/// Reads the catalogue: one text file each mutant.
///
///     number: 8                       or, for mutants that are on together, `numbers: 10 11`
///     title: log check of votes uses the index only
///     source: SAFETY §5
///     why: A long log of an old term wins against a shorter one of a later term.
///     seeds: 36
///     profile: swarm                  optional
///     masked: why nothing can see it  optional
///
///     file: Mosaik.Hybrid.Core/Raft/Election.fs
///     within: let isUpToDate          optional
///     replace:
///         last.Term > own.Term || (last.Term = own.Term && last.Index >= own.Index)
///     with:
///         last.Index >= own.Index
[<RequireQualifiedAccess>]
module Catalogue =

    /// More mutants than a catalogue may have; the switches are an array of this length.
    let numbersMax = 1_000

    let private fail (name: string) (message: string) =
        raise (CatalogueError [ $"{name}: {message}" ])

    let private fields = [ "number"; "numbers"; "title"; "source"; "why"; "seeds"; "profile"; "masked" ]

    let private isBlank (line: string) = String.IsNullOrWhiteSpace line

    let private indentOf (line: string) = line.Length - line.TrimStart().Length

    /// A block without its common indentation and the blank lines around it.
    let private dedent (lines: string list) =
        let lines = lines |> List.map (fun line -> line.TrimEnd())
        let trim = List.skipWhile isBlank >> List.rev
        let lines = lines |> trim |> trim
        let common = lines |> List.filter (isBlank >> not) |> List.map indentOf
        match common with
        | [] -> []
        | _ ->
            let indent = List.min common
            lines
            |> List.map (fun line -> if isBlank line then "" else line.Substring indent)

    /// The indented lines that follow a heading, and the rest.
    let private block (lines: string list) =
        let isInside (line: string) = isBlank line || line.StartsWith "    "
        let rec count taken (rest: string list) =
            match rest with
            | line :: after when isInside line -> count (taken + 1) after
            | _ -> taken
        let length = count 0 lines
        dedent (List.take length lines), List.skip length lines

    let private split (name: string) (line: string) =
        match line.IndexOf ':' with
        | -1 -> fail name $"a line that is no field: {line}"
        | at -> line.Substring(0, at), line.Substring(at + 1).Trim()

    let rec private readEdits (name: string) (edits: Edit list) (lines: string list) =
        match List.skipWhile isBlank lines with
        | [] -> List.rev edits
        | line :: rest ->
            match split name line with
            | "file", file ->
                readEdits name ({ File = file; Within = None; Original = []; Mutated = [] } :: edits) rest
            | "within", line -> changeEdit name edits rest (fun edit -> { edit with Within = Some line })
            | "replace", "" ->
                let original, rest = block rest
                match edits with
                | { Original = _ :: _ } as edit :: _ ->
                    // The next edit of the same file.
                    let edit = { edit with Within = None; Original = original; Mutated = [] }
                    readEdits name (edit :: edits) rest
                | _ -> changeEdit name edits rest (fun edit -> { edit with Original = original })
            | "with", "" ->
                let mutated, rest = block rest
                changeEdit name edits rest (fun edit -> { edit with Mutated = mutated })
            | field, _ -> fail name $"unknown field '{field}' among the edits"

    and private changeEdit name (edits: Edit list) (rest: string list) (change: Edit -> Edit) =
        match edits with
        | edit :: others -> readEdits name (change edit :: others) rest
        | [] -> fail name "an edit must begin with 'file:'"

    let private readNumbers (name: string) (words: string) =
        words.Split([| ' '; ',' |], StringSplitOptions.RemoveEmptyEntries)
        |> Array.map (fun word ->
            match Int32.TryParse word with
            | true, number when number > 0 && number < numbersMax -> number
            | _ -> fail name $"'{word}' is no number from 1 to {numbersMax - 1}")
        |> List.ofArray

    let private check (name: string) (mutant: Mutant) =
        for edit in mutant.Edits do
            if edit.Original.IsEmpty || edit.Mutated.IsEmpty then
                fail name $"an edit of {edit.File} without 'replace:' or 'with:'"
            if edit.Original = edit.Mutated then
                fail name $"an edit of {edit.File} that changes nothing"
        match mutant.Numbers with
        | [] -> fail name "no number"
        | [ _ ] when mutant.Edits.IsEmpty -> fail name "no edits"
        | _ :: _ :: _ when not mutant.Edits.IsEmpty -> fail name "a combination has no edits of its own"
        | _ -> mutant

    /// Reads one file. The name is for messages.
    let read (name: string) (text: string) : Mutant =
        let lines = text.Replace("\r", "").Split '\n' |> List.ofArray
        let isField (line: string) =
            isBlank line || not (line.StartsWith "file:")
        let head = lines |> List.takeWhile isField |> List.filter (isBlank >> not)
        let known = head |> List.map (split name)
        for field, _ in known do
            if not (List.contains field fields) then
                fail name $"unknown field '{field}'"
        let optional field =
            match known |> List.filter (fun (known, _) -> known = field) with
            | [] -> None
            | [ _, value ] when value <> "" -> Some value
            | [ _ ] -> fail name $"'{field}' is empty"
            | _ -> fail name $"'{field}' stands there more than once"
        let required field =
            match optional field with
            | Some value -> value
            | None -> fail name $"'{field}' is missing"
        let numbers =
            match optional "number", optional "numbers" with
            | Some number, None -> readNumbers name number
            | None, Some numbers -> readNumbers name numbers
            | _ -> fail name "either 'number' or 'numbers', please"
        check
            name
            { Numbers = numbers
              Title = required "title"
              Source = required "source"
              Why = required "why"
              Seeds = List.head (readNumbers name (required "seeds"))
              Profile = optional "profile"
              Fate =
                match optional "masked" with
                | Some why -> Fate.Masked why
                | None -> Fate.Killed
              Edits = readEdits name [] (List.skipWhile isField lines) }

    /// What a mutant is called in tables: `8`, or `10+11`.
    let label (mutant: Mutant) =
        mutant.Numbers |> List.map string |> String.concat "+"

    /// Every mutant of a folder, by number; combinations last. Each number stands for one mutant.
    let ofFolder (folder: string) : Mutant list =
        let mutants =
            Directory.GetFiles(folder, "*.mutant")
            |> Array.map (fun path -> read (nonNull (Path.GetFileName path)) (File.ReadAllText path))
            |> List.ofArray
        let labels = mutants |> List.map label
        match labels |> List.countBy id |> List.tryFind (fun (_, count) -> count > 1) with
        | Some(twice, _) -> fail folder $"two mutants have the number {twice}"
        | None -> ()
        for mutant in mutants do
            for number in mutant.Numbers do
                if not (List.contains (string number) labels) then
                    fail folder $"{label mutant} combines {number}, which is not there"
        mutants |> List.sortBy (fun mutant -> mutant.Numbers.Length, mutant.Numbers)
