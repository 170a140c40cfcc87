module Mosaik.Hybrid.Simulation.Tests.Linearizability.KnownListHistories

open Expecto

open Mosaik.Hybrid.Simulation
open Mosaik.Hybrid.Simulation.Tests.Support
open Mosaik.Hybrid.Simulation.Tests.Support.History

let private known name =
    Verdict.known (AppendListModel.create<int>()) name

[<Tests>]
let tests =
    testList
        "Known histories of append lists"
        [ known
              "appends and a read of all"
              true
              [ append 1 (1, 2) 1 1; append 2 (3, 4) 2 2; readAll 3 (5, 6) [ 1; 2 ] ]

          known "an append that was lost" false [ append 1 (1, 2) 1 1; readAll 3 (5, 6) [] ]

          known
              "concurrent appends in the order that their places name"
              true
              [ append 1 (1, 4) 1 2; append 2 (2, 3) 2 1; readAll 3 (5, 6) [ 2; 1 ] ]

          known
              "concurrent appends read in another order than their places name"
              false
              [ append 1 (1, 4) 1 2; append 2 (2, 3) 2 1; readAll 3 (5, 6) [ 1; 2 ] ]

          known "two appends got one place" false [ append 1 (1, 4) 1 1; append 2 (2, 3) 2 1 ]

          known
              "an append of unknown outcome took effect between two others"
              true
              [ append 1 (1, 2) 1 1; lost (append 2 (1, 0) 9 0); append 1 (3, 4) 2 3 ]

          known
              "an element was appended twice"
              false
              [ lost (append 2 (1, 0) 9 0); append 1 (3, 4) 2 2; readAll 1 (5, 6) [ 9; 2; 9 ] ]

          known
              "a read shows an append that its client gave up"
              true
              [ lost (append 2 (1, 0) 9 0); readAll 1 (3, 4) []; readAll 1 (5, 6) [ 9 ] ]

          known
              "an element vanished"
              false
              [ lost (append 2 (1, 0) 9 0); readAll 1 (3, 4) [ 9 ]; readAll 1 (5, 6) [] ]

          known
              "two reads saw different beginnings"
              false
              [ lost (append 1 (1, 0) 1 0)
                lost (append 2 (1, 0) 2 0)
                readAll 3 (3, 5) [ 1; 2 ]
                readAll 4 (4, 6) [ 2; 1 ] ]

          known
              "six appends of unknown outcome, taken in the one order that a read shows"
              true
              [ for element in 1..6 do
                    lost (append element (1, 0) element 0)
                readAll 9 (3, 4) [ 4; 1; 6; 2; 5; 3 ] ]

          testCase "lists are equal when their elements are, however they came about"
          <| fun () ->
              let build elements =
                  (AppendList<int>.Empty, elements)
                  ||> List.fold (fun list element -> list.Append element)
              let left, right = build [ 1..50 ], build [ 1..50 ]
              Expect.isTrue (left.Equals right) "same elements"
              Expect.equal (left.GetHashCode()) (right.GetHashCode()) "same hash"
              Expect.isFalse (left.Equals(build [ 2..51 ])) "other elements"
              Expect.isFalse (left.Equals(build [ 1..49 ])) "fewer elements"
              Expect.sequenceEqual (left.ToArray()) [ 1..50 ] "first one first"
              Expect.equal (string (build [ 1; 2 ])) "[1; 2]" "printed" ]
