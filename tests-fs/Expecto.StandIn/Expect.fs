namespace Expecto

open System

/// Assertions in Expecto's order: actual, expected, message.
[<RequireQualifiedAccess>]
module Expect =

    let private failed message detail = failtest $"{message}. {detail}"

    let equal (actual: 'value) (expected: 'value) message =
        if actual <> expected then
            failed message $"\nexpected: %A{expected}\n  actual: %A{actual}"

    let notEqual (actual: 'value) (expected: 'value) message =
        if actual = expected then
            failed message $"Did not expect: %A{actual}"

    let isTrue actual message =
        if not actual then
            failed message "Expected true; actual: false"

    let isFalse actual message =
        if actual then
            failed message "Expected false; actual: true"

    /// The value of a Some.
    let wantSome (actual: 'value option) message =
        match actual with
        | Some value -> value
        | None -> failed message "Expected Some; actual: None"

    let isSome (actual: 'value option) message = wantSome actual message |> ignore

    let isNone (actual: 'value option) message =
        match actual with
        | None -> ()
        | Some value -> failed message $"Expected None; actual: Some %A{value}"

    /// The value of an Ok.
    let wantOk (actual: Result<'value, 'error>) message =
        match actual with
        | Ok value -> value
        | Error error -> failed message $"Expected Ok; actual: Error %A{error}"

    let isOk (actual: Result<'value, 'error>) message = wantOk actual message |> ignore

    /// The value of an Error.
    let wantError (actual: Result<'value, 'error>) message =
        match actual with
        | Error error -> error
        | Ok value -> failed message $"Expected Error; actual: Ok %A{value}"

    let isError (actual: Result<'value, 'error>) message = wantError actual message |> ignore

    let isNull (actual: 'value when 'value: null) message =
        if not (Object.ReferenceEquals(actual, null)) then
            failed message $"Expected null; actual: %A{actual}"

    let isNotNull (actual: 'value when 'value: null) message =
        if Object.ReferenceEquals(actual, null) then
            failed message "Expected a value; actual: null"

    let contains (sequence: 'value seq) (element: 'value) message =
        if not (Seq.contains element sequence) then
            failed message $"Sequence does not contain %A{element}; actual: %A{List.ofSeq sequence}"

    let all (sequence: 'value seq) (predicate: 'value -> bool) message =
        let broken = sequence |> Seq.filter (predicate >> not) |> List.ofSeq
        if not broken.IsEmpty then
            failed message $"These do not satisfy it: %A{broken}"

    let exists (sequence: 'value seq) (predicate: 'value -> bool) message =
        if not (Seq.exists predicate sequence) then
            failed message $"None satisfies it: %A{List.ofSeq sequence}"

    let isEmpty (actual: 'value seq) message =
        if not (Seq.isEmpty actual) then
            failed message $"Expected nothing; actual: %A{List.ofSeq actual}"

    let isNonEmpty (actual: 'value seq) message =
        if Seq.isEmpty actual then
            failed message "Expected something; actual: empty"

    let hasLength (sequence: 'value seq) expected message =
        let actual = Seq.length sequence
        if actual <> expected then
            failed message $"Expected length {expected}; actual: {actual}: %A{List.ofSeq sequence}"

    let sequenceEqual (actual: 'value seq) (expected: 'value seq) message =
        let actual, expected = List.ofSeq actual, List.ofSeq expected
        if actual <> expected then
            let same = Seq.zip actual expected |> Seq.takeWhile (fun (a, e) -> a = e) |> Seq.length
            failed message $"First difference at {same}.\nexpected: %A{expected}\n  actual: %A{actual}"

    let stringContains (subject: string) (substring: string) message =
        if not (subject.Contains(substring, StringComparison.Ordinal)) then
            failed message $"Expected '{subject}' to contain '{substring}'"

    let private compared word holds a b message =
        if not holds then
            failed message $"Expected {a} to be {word} {b}"

    let isGreaterThan a b message =
        compared "greater than" (a > b) a b message

    let isGreaterThanOrEqual a b message =
        compared "at least" (a >= b) a b message

    let isLessThan a b message =
        compared "less than" (a < b) a b message

    let isLessThanOrEqual a b message = compared "at most" (a <= b) a b message

    let private thrown (body: unit -> unit) =
        try
            body ()
            None
        with error ->
            Some error

    let throws (body: unit -> unit) message =
        if (thrown body).IsNone then
            failed message "Expected an exception; nothing was thrown"

    let throwsT<'error when 'error :> exn> (body: unit -> unit) message =
        match thrown body with
        | Some(:? 'error) -> ()
        | Some other -> failed message $"Expected {typeof<'error>.Name}; actual: {other}"
        | None -> failed message $"Expected {typeof<'error>.Name}; nothing was thrown"
