module Mosaik.Hybrid.Simulation.Tests.Engine.HeapTests

open Expecto

open Mosaik.Hybrid.Simulation

[<Tests>]
let tests =
    testList
        "Heap"
        [ testCase "takes occurrences by moment, and those of one moment by their order"
          <| fun () ->
              let dice = Dice 7UL
              let heap = Heap()
              let added =
                  [ for number in 1UL .. 2_000UL ->
                        { At = int64 (dice.Below 50); Order = dice.Bits() ^^^ number; Action = ignore } ]
              for item in added do
                  heap.Add item
              let expected =
                  added
                  |> List.sortBy (fun item -> struct (item.At, item.Order))
                  |> List.map (fun item -> item.Order)
              let taken =
                  [ while heap.Count > 0 do
                        (heap.Take()).Order ]
              Expect.sequenceEqual taken expected "the order of all"

          testCase "keeps its order when it is filled and emptied by turns"
          <| fun () ->
              let dice = Dice 11UL
              let heap = Heap()
              let mutable now = 0L
              for turn in 1..5_000 do
                  heap.Add { At = now + int64 (dice.Below 30); Order = uint64 turn; Action = ignore }
                  if dice.Chance 700 then
                      let next = heap.Take()
                      Expect.isTrue (next.At >= now) "time never goes back"
                      now <- next.At ]
