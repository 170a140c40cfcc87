module Mosaik.Hybrid.Core.Tests.Foundation.LogOutlineTests

open System

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Core.Tests.Support.Scenario

/// The naive model: the terms of the entries, from index 1. A number appends so many entries of a term that is
/// the last one or later; a negative one truncates.
let private play (steps: int list) =
    let mutable terms: int list = []
    let mutable outline = LogOutline.empty
    for step in steps do
        if step < 0 then
            let kept = max 0 (terms.Length - abs (step % 7))
            outline <- LogOutline.truncateFrom (index (kept + 1)) outline
            terms <- List.truncate kept terms
        else
            let number = (List.tryLast terms |> Option.defaultValue 1) + step % 3
            let added = List.replicate (1 + step % 4) number
            let first = terms.Length + 1
            outline <-
                LogOutline.append
                    (ReadOnlyMemory [| for offset in 0 .. added.Length - 1 -> entry (first + offset) number |])
                    outline
            terms <- terms @ added
    terms, outline

let private termAt (terms: int list) (place: int) =
    if place = 0 then Some 0
    elif place <= terms.Length then Some terms[place - 1]
    else None

[<Tests>]
let tests =
    testList
        "LogOutline"
        [ testProperty "knows the term of every index, and of none outside" (fun (steps: int list) ->
              let terms, outline = play steps
              [ 0 .. terms.Length + 2 ]
              |> List.forall (fun place ->
                  let known =
                      match LogOutline.termAt (index place) outline with
                      | ValueSome found -> Some(int found.Value)
                      | ValueNone -> None
                  known = termAt terms place))

          testProperty "finds the last position not after an index nor of a later term"
          <| fun (steps: int list) (place: uint16) (number: uint16) ->
              let terms, outline = play steps
              let place, number = int place % 40, int number % 12
              let expected =
                  [ 1 .. terms.Length ]
                  |> List.filter (fun at -> at <= place && terms[at - 1] <= number)
                  |> List.tryLast
                  |> Option.defaultValue 0
              int (LogOutline.lastAtMost (index place) (term number) outline).Index.Value = expected

          testProperty
              "a batch is not empty, and stays within its limits"
              (fun (steps: int list) (count: uint8) ->
                  let terms, outline = play steps
                  let count = 1 + int count % 5
                  terms.IsEmpty
                  || (let last = int (LogOutline.lastOfBatch (index 1) count 100 outline).Value
                      last >= 1 && last <= min count terms.Length))

          testProperty "forgets what it is compacted by, and nothing else"
          <| fun (steps: int list) (place: uint8) ->
              let terms, outline = play steps
              let through = int place % (terms.Length + 1)
              match LogOutline.positionAt (index through) outline with
              | ValueNone -> false
              | ValueSome position ->
                  let compacted = LogOutline.compactTo position outline
                  compacted.Base = position
                  && compacted.Last = outline.Last
                  && ([ 0 .. through - 1 ]
                      |> List.forall (fun at -> (LogOutline.termAt (index at) compacted).IsNone))
                  && ([ through .. terms.Length + 1 ]
                      |> List.forall (fun at ->
                          LogOutline.termAt (index at) compacted = LogOutline.termAt (index at) outline))
                  && LogOutline.bytesBetween (index through) outline.Last.Index compacted =
                      LogOutline.bytesBetween (index through) outline.Last.Index outline

          testProperty "is restored from its runs" (fun (steps: int list) ->
              let terms, outline = play steps
              let restored = LogOutline.restore outline.Base outline.Last (List.rev outline.Runs)
              [ 0 .. terms.Length ]
              |> List.forall (fun place ->
                  LogOutline.termAt (index place) restored = LogOutline.termAt (index place) outline)) ]
