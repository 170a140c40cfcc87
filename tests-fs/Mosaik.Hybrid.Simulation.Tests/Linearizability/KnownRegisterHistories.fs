module Mosaik.Hybrid.Simulation.Tests.Linearizability.KnownRegisterHistories

open Expecto

open Mosaik.Hybrid.Simulation
open Mosaik.Hybrid.Simulation.Tests.Support
open Mosaik.Hybrid.Simulation.Tests.Support.History

let private known name =
    Verdict.known (RegisterModel.create<int>()) name

let private plain =
    testList
        "without loss"
        [ known "nothing happened" true []

          known "a read of a register that was never written" true [ readNothing 1 (1, 2) ]

          known "a read that sees a value nobody wrote" false [ write 1 (1, 2) 1; read 2 (3, 4) 7 ]

          known "a read after a write sees it" true [ write 1 (1, 2) 1; read 2 (3, 4) 1 ]

          known
              "a stale read: the value was overwritten before the call"
              false
              [ write 1 (1, 2) 1; write 1 (3, 4) 2; read 2 (5, 6) 1 ]

          known
              "a read beside the overwriting write may see either value: the old one"
              true
              [ write 1 (1, 2) 1; write 1 (3, 6) 2; read 2 (4, 5) 1 ]

          known
              "a read beside the overwriting write may see either value: the new one"
              true
              [ write 1 (1, 2) 1; write 1 (3, 6) 2; read 2 (4, 5) 2 ]

          known "a client does not read its own write" false [ write 1 (1, 2) 1; readNothing 1 (3, 4) ]

          known "a read from the future" false [ read 2 (1, 2) 1; write 1 (3, 4) 1 ]

          known
              "concurrent writes in the order of their calls"
              true
              [ write 1 (1, 10) 1; write 2 (2, 9) 2; read 3 (11, 12) 2 ]

          known
              "concurrent writes against the order of their calls"
              true
              [ write 1 (1, 10) 1; write 2 (2, 9) 2; read 3 (11, 12) 1 ]

          known
              "two readers agree on the order of concurrent writes"
              true
              [ write 1 (1, 10) 1; write 2 (1, 10) 2; read 3 (2, 3) 1; read 3 (4, 5) 2; read 4 (6, 7) 2 ]

          known
              "two readers disagree on the order of concurrent writes"
              false
              [ write 1 (1, 3) 1
                write 2 (1, 3) 2
                read 3 (4, 6) 1
                read 4 (4, 6) 2
                read 3 (7, 8) 2
                read 4 (7, 8) 1 ]

          known
              "reads go back while a write is under way: new, then old"
              false
              [ write 1 (1, 2) 1; write 2 (3, 20) 2; read 3 (4, 5) 2; read 4 (6, 7) 1 ]

          known
              "reads that overlap each other may swap while a write is under way"
              true
              [ write 1 (1, 2) 1; write 2 (3, 20) 2; read 3 (4, 8) 2; read 4 (5, 7) 1 ]

          known
              "a lost update: both swapped from the same value"
              false
              [ write 1 (1, 2) 1; swap 2 (3, 5) (1, 2) true; swap 3 (4, 6) (1, 3) true ]

          known
              "one of two swaps from the same value wins"
              true
              [ write 1 (1, 2) 1; swap 2 (3, 5) (1, 2) true; swap 3 (4, 6) (1, 3) false; read 1 (7, 8) 2 ]

          known
              "a swap that failed left the value alone"
              false
              [ write 1 (1, 2) 1; swap 2 (3, 4) (9, 2) false; read 1 (5, 6) 2 ]

          known
              "a swap failed although the value was there all the time"
              false
              [ write 1 (1, 2) 1; swap 2 (3, 4) (1, 2) false ]

          known
              "a swap took effect twice: a write between was undone"
              false
              [ write 1 (1, 2) 1; swap 2 (3, 4) (1, 2) true; write 1 (5, 6) 3; read 3 (7, 8) 2 ]

          known
              "swaps that overlap form a chain against the order of their calls"
              true
              [ write 1 (1, 2) 1
                swap 2 (3, 10) (3, 4) true
                swap 3 (4, 9) (2, 3) true
                swap 4 (5, 8) (1, 2) true
                read 1 (11, 12) 4 ]

          known
              "two clients create the same register"
              false
              [ create 1 (1, 3) 1 true; create 2 (2, 4) 2 true ]

          known
              "one of two clients creates a register"
              true
              [ create 1 (1, 3) 1 true; create 2 (2, 4) 2 false; read 2 (5, 6) 1 ]

          known
              "at equal times nobody knows which came first"
              true
              [ write 1 (1, 2) 1; write 2 (2, 3) 2; read 3 (4, 5) 1 ]

          known
              "a return one tick before the call is an order"
              false
              [ write 1 (1, 2) 1; write 2 (3, 4) 2; read 3 (5, 6) 1 ]

          known
              "each key stands for itself: fine alone, though no order of all operations would be one register"
              true
              [ write 1 (1, 2) 1; under "y" (write 2 (3, 4) 2); read 3 (5, 6) 1; under "y" (read 3 (7, 8) 2) ]

          known
              "one bad key among good ones"
              false
              [ write 1 (1, 2) 1
                read 1 (3, 4) 1
                under "y" (readNothing 2 (1, 2))
                under "y" (read 2 (3, 4) 5) ] ]

let private unknown =
    testList
        "with unknown outcomes"
        [ known "a lost write never took effect" true [ lost (write 1 (1, 0) 1); readNothing 2 (50, 51) ]

          known
              "a lost write took effect late"
              true
              [ lost (write 1 (1, 0) 1); readNothing 2 (50, 51); read 2 (60, 61) 1 ]

          known
              "a lost write took effect, and then it had not"
              false
              [ lost (write 1 (1, 0) 1); read 2 (50, 51) 1; readNothing 2 (60, 61) ]

          known
              "a lost write took effect before it was called"
              false
              [ read 2 (1, 2) 1; lost (write 1 (3, 0) 1) ]

          known
              "a lost write took effect once, not again after it was overwritten"
              false
              [ lost (write 1 (1, 0) 1); read 2 (2, 3) 1; write 2 (4, 5) 2; read 2 (6, 7) 1 ]

          known
              "a lost write overwrites a later one that it never saw"
              true
              [ lost (write 1 (1, 0) 1); write 2 (4, 5) 2; read 2 (6, 7) 1 ]

          known
              "many lost writes, of which the last is seen first"
              true
              [ for value in 1..20 do
                    lost (write value (1, 0) value)
                for value in 20..-1..1 do
                    read 30 (100 - value, 100 - value) value ]

          known
              "many lost writes, of which one is seen twice"
              false
              [ for value in 1..20 do
                    lost (write value (1, 0) value)
                for value in 20..-1..1 do
                    read 30 (2 * (100 - value), 2 * (100 - value)) value
                read 30 (300, 301) 7 ]

          known
              "a lost swap must take effect for two others to fit"
              true
              [ write 1 (1, 2) 1
                lost (swap 2 (3, 0) (1, 2) true)
                swap 3 (4, 5) (2, 3) true
                read 3 (6, 7) 3 ]

          known
              "a lost swap cannot help twice"
              false
              [ write 1 (1, 2) 1
                lost (swap 2 (3, 0) (1, 2) true)
                swap 3 (4, 5) (2, 1) true
                swap 3 (6, 7) (2, 1) true ]

          known
              "two lost swaps take effect one after the other, unseen between"
              true
              [ write 1 (1, 2) 1
                lost (swap 2 (3, 0) (2, 3) true)
                lost (swap 3 (3, 0) (1, 2) true)
                read 4 (4, 5) 3 ]

          known "a lost read says nothing" true [ write 1 (1, 2) 1; lost (read 2 (3, 4) 9); read 1 (5, 6) 1 ]

          known
              "an acknowledged write was lost"
              false
              [ write 1 (1, 2) 1; acknowledged (write 2 (3, 4) 2); read 3 (5, 6) 1 ]

          known
              "an acknowledged swap may have failed"
              true
              [ write 1 (1, 2) 1; acknowledged (swap 2 (3, 4) (9, 2) false); read 3 (5, 6) 1 ]

          known
              "an acknowledged swap that had to succeed did not"
              false
              [ write 1 (1, 2) 1; acknowledged (swap 2 (3, 4) (1, 2) true); read 3 (5, 6) 1 ] ]

[<Tests>]
let tests = testList "Known histories of registers" [ plain; unknown ]
