module Mosaik.Hybrid.Simulation.Tests.Linearizability.LongHistories

open System

open Expecto

open Mosaik.Hybrid.Simulation
open Mosaik.Hybrid.Simulation.Tests.Support
open Mosaik.Hybrid.Simulation.Tests.Support.History

let private model = RegisterModel.create<int>()

/// Writes and reads, one after the other.
let private sequential count : RegisterOperation[] =
    [| for number in 0 .. count - 1 do
           let window = 2 * number, 2 * number + 1
           if number % 2 = 0 then
               write 1 window number
           else
               read 2 window (number - 1) |]

/// Each operation overlaps the `width` before it and after it.
let private overlapping width count : RegisterOperation[] =
    sequential count
    |> Array.map (fun operation ->
        match operation.Outcome with
        | Outcome.Returned(at, output) ->
            { operation with Outcome = Outcome.Returned(at + int64 (2 * width), output) }
        | Outcome.Acknowledged _
        | Outcome.Unknown -> operation)

/// Fifty operations for each write of unknown outcome; every tenth of those takes effect, and is seen,
/// 250 operations later.
let private withLost count : RegisterOperation[] =
    let lostOnes =
        [| for number in 1..count do
               lost (write (10 + number) (100 * number - 1, 0) -number) |]
    let seen =
        [| for number in 10..10..count do
               // With the return of a read, and before the call of the next write.
               let at = 100 * number + 3
               read 3 (at, at) -(number - 5) |]
    Array.concat [ sequential (50 * count); lostOnes; seen ]

let private isLinearizable limit history =
    Verdict.decided (Linearizability.checkWithin limit model history)

[<Tests>]
let tests =
    testList
        "Long histories"
        [ testCase "100,000 operations one after the other take a configuration each"
          <| fun () ->
              Expect.isTrue (isLinearizable 110_000 (sequential 100_000)) "linearizable within the limit"

          testCase "100,000 operations one after the other take a bounded number of bytes each"
          <| fun () ->
              let history = sequential 100_000
              Linearizability.check model history |> ignore
              let before = GC.GetAllocatedBytesForCurrentThread()
              Linearizability.check model history |> ignore
              let each = (GC.GetAllocatedBytesForCurrentThread() - before) / int64 history.Length
              Expect.isLessThan each 1_000L "bytes an operation"

          testCase
              "a wrong read at the end of 100,000 operations is found without a new search of their orders"
          <| fun () ->
              let history = Array.append (sequential 100_000) [| read 3 (300_000, 300_001) 7 |]
              let verdict = Linearizability.checkWithin 110_000 model history
              let evidence = Verdict.evidence verdict
              Expect.equal evidence.Placed.Length 100_000 "all others are placed"
              Expect.equal evidence.Until 300_001L "the last return"

          testCase "10,000 operations of which each overlaps eight others do not overflow anything"
          <| fun () -> Expect.isTrue (isLinearizable 200_000 (overlapping 4 10_000)) "linearizable"

          testCase "one write under way during 10,000 operations"
          <| fun () ->
              let long = write 9 (0, 100_000) -1
              let history = Array.append [| long |] (sequential 10_000)
              Expect.isTrue (isLinearizable 200_000 history) "it takes effect at the end"
              let seen = read 3 (90_000, 90_001) -1
              let wrong = read 3 (95_000, 95_001) 9_998
              Expect.isTrue (isLinearizable 200_000 (Array.append history [| seen |])) "and is seen"
              Expect.isFalse (isLinearizable 400_000 (Array.append history [| seen; wrong |])) "only once"

          testCase "200 writes of unknown outcome among 10,000 operations, of which every tenth was seen"
          <| fun () ->
              Expect.isTrue (isLinearizable 40_000 (withLost 200)) "linearizable, a few configurations each"

          testCase "40 writes of unknown outcome among 2,000 operations, of which one took effect twice"
          <| fun () ->
              let again = read 3 (900_000, 900_001) -5
              let history = Array.append (withLost 40) [| again |]
              let evidence = Linearizability.checkWithin 400_000 model history |> Verdict.evidence
              Expect.equal evidence.Until 900_001L "the last read"

          testCase "a search at its limit says so, and a wrong key is still found"
          <| fun () ->
              // Twelve writes at once and a read of what nobody wrote: every set of them is a configuration.
              let wide: RegisterOperation list =
                  [ for value in 1..12 do
                        write value (1, 100) value
                    read 20 (101, 102) 99 ]
              match Linearizability.checkWithin 500 model wide with
              | Verdict.Unknown(key, configurations) ->
                  Expect.equal key "x" "the key"
                  Expect.isGreaterThan configurations 500 "past the limit"
              | Verdict.Linearizable
              | Verdict.NotLinearizable _ -> failtest "expected to give up"
              Expect.isFalse (Verdict.decided (Linearizability.check model wide)) "decided with more"
              let wrong =
                  [ for number in 1..20 do
                        under "y" (write 1 (2 * number, 2 * number) 1)
                    under "y" (read 1 (90, 91) 2) ]
              let evidence = Linearizability.checkWithin 500 model (wide @ wrong) |> Verdict.evidence
              Expect.equal evidence.Key "y" "found after the key that is unknown"

          testCase "appends of unknown outcome that no read sorts out end at the limit, not never"
          <| fun () ->
              let history: ListOperation list =
                  [ for element in 1..30 do
                        lost (append element (1, 0) element 0)
                    readAll 50 (3, 4) [ 99 ] ]
              match Linearizability.check (AppendListModel.create<int>()) history with
              | Verdict.Unknown _ -> ()
              | Verdict.Linearizable
              | Verdict.NotLinearizable _ -> failtest "expected to give up" ]
