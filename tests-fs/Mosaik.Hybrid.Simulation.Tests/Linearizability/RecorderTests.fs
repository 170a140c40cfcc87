module Mosaik.Hybrid.Simulation.Tests.Linearizability.RecorderTests

open System

open Expecto

open Mosaik.Hybrid.Simulation

let private recorder () =
    HistoryRecorder<string, RegisterInput<int>, RegisterOutput<int>>()

[<Tests>]
let tests =
    testList
        "The recorder of histories"
        [ testCase "what was noted is what the history says, in the order of the calls"
          <| fun () ->
              let recorder = recorder ()
              let first = recorder.Call(1, "x", RegisterInput.Write 1, 10L)
              let second = recorder.Call(2, "y", RegisterInput.Read, 11L)
              let refused = recorder.Call(3, "x", RegisterInput.Write 3, 12L)
              let _lost = recorder.Call(4, "x", RegisterInput.Write 4, 13L)
              Expect.equal recorder.OpenCount 4 "all open"
              recorder.Refuse refused
              recorder.Return(second, RegisterOutput.Value ValueNone, 14L)
              recorder.Acknowledge(first, 15L)
              Expect.equal recorder.OpenCount 1 "the lost one"
              Expect.sequenceEqual
                  (recorder.Operations |> Array.map string)
                  [ "client 1 [10, 15] Write 1 -> acknowledged"
                    "client 2 [11, 14] Read -> Value none"
                    "client 4 [13, ...] Write 4 -> unknown" ]
                  "the history"

          testCase "an operation ends once"
          <| fun () ->
              let recorder = recorder ()
              let returned = recorder.Call(1, "x", RegisterInput.Read, 1L)
              recorder.Return(returned, RegisterOutput.Value ValueNone, 2L)
              let refused = recorder.Call(1, "x", RegisterInput.Read, 3L)
              recorder.Refuse refused
              for ended in [ returned; refused ] do
                  for again in
                      [ fun () -> recorder.Return(ended, RegisterOutput.Written, 9L)
                        fun () -> recorder.Acknowledge(ended, 9L)
                        fun () -> recorder.Refuse ended ] do
                      Expect.throwsT<InvalidOperationException> again "a second end"

          testCase "nothing returns before its call"
          <| fun () ->
              let recorder = recorder ()
              let id = recorder.Call(1, "x", RegisterInput.Read, 5L)
              Expect.throwsT<ArgumentException>
                  (fun () -> recorder.Return(id, RegisterOutput.Written, 4L))
                  "too early"
              recorder.Return(id, RegisterOutput.Value ValueNone, 5L)
              Expect.equal recorder.OpenCount 0 "still usable" ]
