module Mosaik.Hybrid.Core.Tests.Properties.Figure3

open System

open Expecto
open Mosaik.Hybrid.Core.Tests.Support

/// How many schedules a run plays in all: a few hundred, or as many as MOSAIK_SCHEDULES says.
let private schedules =
    match Int32.TryParse(Environment.GetEnvironmentVariable "MOSAIK_SCHEDULES") with
    | true, wanted when wanted > 0 -> wanted
    | _ -> 280

let private holds (schedule: Schedule) =
    let outcome = Cluster.play schedule
    if outcome.Failure.IsSome then
        failtest (Cluster.report schedule outcome)

/// The oracle watches every rule in every run. A property is named for the rule that its schedules strain most.
let private property (rule: string) (strain: int) =
    let count = uint64 Schedule.strains.Length
    let settings =
        { FsCheckConfig.defaultConfig with maxTest = max 1 (schedules / Schedule.strains.Length) }
    testPropertyWithConfig settings rule (fun (seed: uint64) ->
        holds (Schedule.ofSeed (seed / count * count + uint64 strain)))

[<Tests>]
let tests =
    testList
        "Figure 3"
        [ property "Election Safety: at most one leader a term" 0
          property "Leader Append-Only: a leader never overwrites its log" 1
          property "Log Matching: equal index and term, equal logs up to there" 2
          property "Leader Completeness: what is committed is in the log of every later leader" 3
          property "State Machine Safety: nobody applies another entry at an index" 4
          property "All rules hold when disks are lost" 5
          property "All rules hold, and the group comes to rest" 6

          testCase "The same seed makes the same run"
          <| fun () ->
              for seed in 1UL .. 5UL do
                  let run () =
                      let outcome = Cluster(Schedule.ofSeed seed, true).Run()
                      outcome.Events, outcome.Committed, outcome.Trace
                  Expect.equal (run ()) (run ()) "runs of one seed are equal"

          testCase "The schedule of MOSAIK_SEED is played"
          <| fun () ->
              match UInt64.TryParse(Environment.GetEnvironmentVariable "MOSAIK_SEED") with
              | true, seed -> holds (Schedule.ofSeed seed)
              | false, _ -> holds (Schedule.ofSeed 1UL) ]
