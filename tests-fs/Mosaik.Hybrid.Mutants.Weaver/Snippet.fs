namespace Mosaik.Hybrid.Mutants

open System

/// From a character of a source up to, but not including, another.
[<Struct>]
type Span = { From: int; UpTo: int }

/// Finds the expressions of the catalogue in a source.
[<RequireQualifiedAccess>]
module Snippet =

    let private indentOf (line: string) = line.Length - line.TrimStart().Length

    /// Where each line of the text begins.
    let private starts (text: string) =
        [| yield 0
           for place in 0 .. text.Length - 1 do
               if text[place] = '\n' then
                   yield place + 1 |]

    /// True where the text before and after is no part of the same word.
    let private isWhole (line: string) (at: int) (length: int) =
        let isWord (c: char) = Char.IsLetterOrDigit c || c = '_'
        let starts = at = 0 || not (isWord line[at - 1] && isWord line[at])
        let last = at + length
        starts
        && (last >= line.Length || not (isWord line[last] && isWord line[last - 1]))

    /// The lines of the block that begins with the line of which `within` is a part: that line, and those after it
    /// that are deeper.
    let private blockOf (lines: string[]) (within: string) : Result<struct (int * int), string> =
        let isThere (line: string) =
            let at = line.IndexOf(within, StringComparison.Ordinal)
            at >= 0 && isWhole line at within.Length
        let found = [ 0 .. lines.Length - 1 ] |> List.filter (fun place -> isThere lines[place])
        match found with
        | [ first ] ->
            let indent = indentOf lines[first]
            let isInside (line: string) =
                String.IsNullOrWhiteSpace line || indentOf line > indent
            let mutable upTo = first + 1
            while upTo < lines.Length && isInside lines[upTo] do
                upTo <- upTo + 1
            Ok(struct (first, upTo))
        | _ -> Error $"'{within}' is a part of {found.Length} lines, it must be a part of one"

    /// Where the snippet's other lines match those after `place`: up to which character of the last of them.
    let rec private follows (lines: string[]) (place: int) (rest: string list) : int voption =
        match rest with
        | [] -> ValueSome place
        | _ when place + 1 >= lines.Length -> ValueNone
        | [ last ] ->
            let line = lines[place + 1]
            let indent = indentOf line
            let last = last.Trim()
            if
                line.Substring(indent).StartsWith(last, StringComparison.Ordinal)
                && isWhole line indent last.Length
            then
                ValueSome(place + 1)
            else
                ValueNone
        | line :: rest ->
            if lines[place + 1].Trim() = line.Trim() then
                follows lines (place + 1) rest
            else
                ValueNone

    /// Every place in those lines where the snippet stands.
    let private occurrences (text: string) (lines: string[]) (first: int) (upTo: int) (snippet: string list) =
        let starts = starts text
        let head = snippet.Head.Trim()
        [ for place in first .. upTo - 1 do
              let line = lines[place]
              let mutable at = line.IndexOf(head, StringComparison.Ordinal)
              while at >= 0 do
                  if snippet.Tail.IsEmpty then
                      if isWhole line at head.Length then
                          { From = starts[place] + at; UpTo = starts[place] + at + head.Length }
                  elif at + head.Length = line.TrimEnd().Length && isWhole line at head.Length then
                      match follows lines place snippet.Tail with
                      | ValueSome last when last < upTo ->
                          let length = (List.last snippet).Trim().Length
                          { From = starts[place] + at; UpTo = starts[last] + indentOf lines[last] + length }
                      | ValueSome _
                      | ValueNone -> ()
                  at <- line.IndexOf(head, at + 1, StringComparison.Ordinal) ]

    /// The one place where the edit's original stands, or what is wrong.
    let find (text: string) (edit: Edit) : Result<Span, string> =
        let lines = text.Split '\n'
        let block =
            match edit.Within with
            | Some within -> blockOf lines within
            | None -> Ok(struct (0, lines.Length))
        match block with
        | Error message -> Error message
        | Ok(struct (first, upTo)) ->
            match occurrences text lines first upTo edit.Original with
            | [ span ] -> Ok span
            | found ->
                let original = String.concat "\n    " edit.Original
                Error
                    $"the original stands there {found.Length} times, it must stand there once:\n    {original}"
