/// What a snapshot carries besides the machine: written and read back, and hostile bytes refused.
module Mosaik.Hybrid.Core.Tests.Foundation.SnapshotHeadTests

open System

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Core.Tests.Support
open Mosaik.Hybrid.Core.Tests.Support.Scenario

let private authors =
    [| for id in [ n3; n1; n2 ] do
           for session in [ 2UL; 1UL ] -> ProposerId(id, session) |]

/// A filter that has seen these commands: author by place, numbers rising.
let private filterOf (steps: uint8 list) =
    let filter = CommandFilter CommandFilter.SessionsMaxDefault
    steps
    |> List.iteri (fun place step ->
        let author = authors[int step % authors.Length]
        let number = filter.LastOf author + 1UL
        filter.Judge { Name.command author number 0 with Index = index (place + 1) }
        |> ignore)
    filter

let private headOf (filter: CommandFilter) : SnapshotHead =
    { Timestamp = 1_234_567_890_123L; Records = filter.Records }

let private decode (bytes: byte[]) =
    match SnapshotHead.decode (ReadOnlyMemory bytes) with
    | Ok head -> Ok(head.Timestamp, List.ofArray head.Records)
    | Error error -> Error error

let private sample = lazy (SnapshotHead.encode (headOf (filterOf [ 0uy; 1uy; 2uy; 0uy ])))

let private changed (place: int) (value: byte) =
    let bytes = Array.copy sample.Value
    bytes[place] <- value
    bytes

[<Tests>]
let tests =
    testList
        "Snapshot head"
        [ testProperty "is read back as it was written" (fun (steps: uint8 list) ->
              let head = headOf (filterOf steps)
              decode (SnapshotHead.encode head) = Ok(head.Timestamp, List.ofArray head.Records))

          testProperty "a restored filter judges as the one that was saved"
          <| fun (steps: uint8 list) (author: uint8) (number: uint8) ->
              let filter = filterOf steps
              let restored = CommandFilter CommandFilter.SessionsMaxDefault
              restored.Restore filter.Records
              let next = Name.command authors[int author % authors.Length] (uint64 number % 5UL + 1UL) 0
              restored.Judge next = filter.Judge next

          testCase "knows its size from its first bytes"
          <| fun () ->
              let start = ReadOnlyMemory(sample.Value, 0, SnapshotHead.fixedSize)
              Expect.equal (SnapshotHead.sizeOf start) (Ok sample.Value.Length) "the whole head"

          testCase "every truncation is refused"
          <| fun () ->
              for length in 0 .. sample.Value.Length - 1 do
                  Expect.equal
                      (decode (Array.take length sample.Value))
                      (Error SnapshotHeadError.Truncated)
                      $"{length} bytes"

          testCase "more bytes, another version, too many, disorder and bad numbers are told apart"
          <| fun () ->
              let bytes = sample.Value
              Expect.equal
                  (decode (Array.append bytes [| 0uy |]))
                  (Error SnapshotHeadError.TrailingBytes)
                  "trailing"
              Expect.equal (decode (changed 0 2uy)) (Error(SnapshotHeadError.UnknownVersion 2)) "version"
              Expect.equal
                  (decode (changed 11 2uy))
                  (Error(SnapshotHeadError.TooManyProposers 0x20003L))
                  "count"
              let first, second = SnapshotHead.fixedSize, SnapshotHead.fixedSize + 72
              let swapped = Array.copy bytes
              Array.blit bytes first swapped second 72
              Array.blit bytes second swapped first 72
              Expect.equal (decode swapped) (Error SnapshotHeadError.ProposersNotSorted) "order"
              let zero = Array.copy bytes
              Array.fill zero (first + 56) 8 0uy
              Expect.equal (decode zero) (Error SnapshotHeadError.NumberOutOfRange) "a number of 0"

          testCase "a filter in the middle of a batch has no table to save"
          <| fun () ->
              let filter = CommandFilter CommandFilter.SessionsMaxDefault
              let author = ProposerId(n1, 1UL)
              filter.Judge(Name.command author 1UL 1) |> ignore
              Expect.isFalse filter.IsBetweenBatches "one is held"
              filter.Judge(Name.command author 2UL 0) |> ignore
              Expect.isTrue filter.IsBetweenBatches "the batch is whole" ]
