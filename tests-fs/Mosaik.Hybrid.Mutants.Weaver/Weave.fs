namespace Mosaik.Hybrid.Mutants

open System
open System.Text

/// One mutant's form of a snippet.
type private Form = { Number: int; Mutated: string list }

/// A snippet of the source with all its forms, and the snippets inside it.
type private Seam = { Span: Span; Forms: Form list; Inside: Seam list }

/// Makes a woven source: each snippet becomes a choice between the original and the mutants that are on.
[<RequireQualifiedAccess>]
module Weave =

    let private switch = "Mosaik.Hybrid.Mutants.Mutation.isOn"

    /// Columns from the opening bracket of a choice to its `if`, and to the forms under it.
    let private toIf, toForm = 1, 5

    let private fail (message: string) = raise (CatalogueError [ message ])

    /// Orders spans so that what contains comes before what is inside.
    let private order (span: Span) = struct (span.From, -span.UpTo)

    let rec private nest (file: string) (spans: (Span * Form list) list) : Seam list =
        match spans with
        | [] -> []
        | (span, forms) :: rest ->
            let inside = rest |> List.takeWhile (fun (other, _) -> other.From < span.UpTo)
            for other, others in inside do
                if other.UpTo > span.UpTo then
                    fail
                        $"{file}: the snippets of mutants {forms.Head.Number} and {others.Head.Number} overlap in part"
            { Span = span; Forms = forms; Inside = nest file inside }
            :: nest file (List.skip inside.Length rest)

    let private column (written: StringBuilder) =
        let mutable at = written.Length
        while at > 0 && written[at - 1] <> '\n' do
            at <- at - 1
        written.Length - at

    let private newLine (written: StringBuilder) (indent: int) =
        written.Append('\n').Append(' ', indent) |> ignore

    /// Copies a part of the source; lines that begin inside it move to the right by `shift` columns.
    let private copy (written: StringBuilder) (text: string) (span: Span) (shift: int) =
        for place in span.From .. span.UpTo - 1 do
            written.Append text[place] |> ignore
            let isLineStart = text[place] = '\n' && place + 1 < text.Length && text[place + 1] <> '\n'
            if isLineStart then
                written.Append(' ', shift) |> ignore

    let private isOneLine (text: string) (seam: Seam) =
        let isShort (form: Form) = form.Mutated.Tail.IsEmpty
        List.forall isShort seam.Forms
        && text.IndexOf('\n', seam.Span.From, seam.Span.UpTo - seam.Span.From) < 0

    let private checkLayout (file: string) (text: string) (seam: Seam) (column: int) =
        let lines = text.Substring(seam.Span.From, seam.Span.UpTo - seam.Span.From).Split('\n')
        for line in Array.tail lines do
            if line.Trim() <> "" && line.Length - line.TrimStart().Length < column then
                fail
                    $"{file}: the snippet of mutant {seam.Forms.Head.Number} goes on left of where it begins; take a larger one"

    let rec private write (file: string) (written: StringBuilder) (text: string) (span: Span) shift seams =
        let mutable from = span.From
        for seam in seams do
            copy written text { From = from; UpTo = seam.Span.From } shift
            if isOneLine text seam then
                writeShort file written text seam
            else
                writeLong file written text seam
            from <- seam.Span.UpTo
        copy written text { From = from; UpTo = span.UpTo } shift

    and private writeShort file (written: StringBuilder) (text: string) (seam: Seam) =
        written.Append '(' |> ignore
        for form in seam.Forms do
            written.Append $"if {switch} {form.Number} then ({form.Mutated.Head}) else "
            |> ignore
        written.Append '(' |> ignore
        write file written text seam.Span 0 seam.Inside
        written.Append "))" |> ignore

    and private writeLong file (written: StringBuilder) (text: string) (seam: Seam) =
        let start = column written
        let source = seam.Span.From - (text.LastIndexOf('\n', max 0 (seam.Span.From - 1)) + 1)
        checkLayout file text seam source
        written.Append '(' |> ignore
        for form in seam.Forms do
            written.Append $"if {switch} {form.Number} then" |> ignore
            for line in form.Mutated do
                if line = "" then
                    written.Append '\n' |> ignore
                else
                    newLine written (start + toForm)
                    written.Append line |> ignore
            newLine written (start + toIf)
            written.Append "else " |> ignore
        newLine written (start + toForm)
        write file written text seam.Span (start + toForm - source) seam.Inside
        written.Append ')' |> ignore

    /// The woven form of a source.
    let source (file: string) (text: string) (mutants: Mutant list) : string =
        let text = text.Replace("\r", "")
        let wanted =
            [ for mutant in mutants do
                  for edit in mutant.Edits do
                      if edit.File = file then
                          mutant, edit, Snippet.find text edit ]
        let wrong =
            wanted
            |> List.choose (fun (mutant, _, found) ->
                match found with
                | Ok _ -> None
                | Error message ->
                    Some $"{file}: mutant {Catalogue.label mutant} ({mutant.Title}): {message}")
        if not wrong.IsEmpty then
            raise (CatalogueError wrong)
        let seams =
            wanted
            |> List.choose (fun (mutant, edit, found) ->
                match found with
                | Ok span -> Some(span, { Number = mutant.Numbers.Head; Mutated = edit.Mutated })
                | Error _ -> None)
            |> List.groupBy fst
            |> List.map (fun (span, forms) -> span, List.map snd forms)
            |> List.sortBy (fun (span, _) -> order span)
            |> nest file
        let written = StringBuilder(text.Length * 2)
        write file written text { From = 0; UpTo = text.Length } 0 seams
        written.ToString()

    /// Every file that an edit names must be among the sources.
    let checkFiles (files: string list) (mutants: Mutant list) =
        for mutant in mutants do
            for edit in mutant.Edits do
                if not (List.contains edit.File files) then
                    fail
                        $"mutant {Catalogue.label mutant} ({mutant.Title}): {edit.File} is not among the sources"
