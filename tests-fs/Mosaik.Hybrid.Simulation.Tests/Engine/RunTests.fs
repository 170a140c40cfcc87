module Mosaik.Hybrid.Simulation.Tests.Engine.RunTests

open System

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Simulation

let private planOf (profile: string) (seed: uint64) =
    match Profile.plan profile seed with
    | ValueSome plan -> plan
    | ValueNone -> failtest $"there is no profile {profile}"

let private describe (result: RunResult) =
    match result.Failure with
    | ValueSome failure -> $"seed {result.Plan.Seed}: {failure.Rule.Name}: {failure.Evidence}"
    | ValueNone -> ""

/// A machine that forgets one command on one peer.
type private Forgetful(inner: IMachineUnderTest, isForgetful: bool) =
    let mutable applied = 0
    interface IMachineUnderTest with
        member _.Apply entry =
            applied <- applied + 1
            if not (isForgetful && applied = 20) then
                inner.Apply entry
        member _.Query query = inner.Query query
        member _.Digest() = inner.Digest()

type private ForgetfulWorkload() =
    let inner = RegisterWorkload() :> IWorkload
    interface IWorkload with
        member _.Name = "forgetful"
        member _.NewMachine peer =
            Forgetful(inner.NewMachine peer, (peer = 2))
        member _.NextCommand dice = inner.NextCommand dice
        member _.NextQuery dice = inner.NextQuery dice
        member _.Judge calls = inner.Judge calls
        member _.DigestEvery = 1
        member _.IsUnique = true

let private forgetful: RunSettings =
    { Simulation.registers with Workload = (fun () -> ForgetfulWorkload()) }

let private firstFailure (settings: RunSettings) (profile: string) (seeds: uint64 seq) =
    seeds
    |> Seq.tryPick (fun seed ->
        let plan = planOf profile seed
        match (Simulation.run settings plan).Failure with
        | ValueSome failure -> Some(plan, failure)
        | ValueNone -> None)

[<Tests>]
let tests =
    testList
        "Runs"
        [ for profile in Profile.names do
              testCase $"Every rule holds in profile {profile}"
              <| fun () ->
                  for seed in 1UL .. 12UL do
                      let result = Simulation.run Simulation.registers (planOf profile seed)
                      Expect.equal (describe result) "" "no rule is broken"
                      Expect.isTrue (result.Committed > 0) "something was committed"

          testCase "The schedule of MOSAIK_SEED is played"
          <| fun () ->
              let seed =
                  match UInt64.TryParse(Environment.GetEnvironmentVariable "MOSAIK_SEED") with
                  | true, seed -> seed
                  | false, _ -> 1UL
              Expect.equal
                  (describe (Simulation.run Simulation.registers (planOf "swarm" seed)))
                  ""
                  "every rule holds"

          testCase "The same seed makes the same run, with a trace and without"
          <| fun () ->
              for seed in 1UL .. 6UL do
                  let plan = planOf "swarm" seed
                  let run lines =
                      let result = Simulation.run { Simulation.registers with TraceLines = lines } plan
                      result.Digest, result.Events, result.Committed
                  Expect.equal (run 0) (run 0) "runs of one seed are equal"
                  Expect.equal (run 0) (run 50) "a trace changes nothing"

          testCase "Another seed makes another run"
          <| fun () ->
              let digests =
                  [ for seed in 1UL .. 10UL ->
                        (Simulation.run Simulation.registers (planOf "swarm" seed)).Digest ]
              Expect.equal (List.distinct digests).Length 10 "all of them"

          testCase "A machine that differs on one peer is found, and the run says where"
          <| fun () ->
              // Of two that differ the one that tells later is named: that is n2 in some of the runs.
              let named (seed: uint64) =
                  match firstFailure forgetful "quiet" (Seq.singleton seed) with
                  | Some(_, failure) ->
                      Expect.equal failure.Rule.Name Rules.stateDigest.Name "by its digest"
                      failure.Evidence.StartsWith("n2 ", StringComparison.Ordinal)
                  | None -> false
              Expect.isTrue (seq { 1UL .. 30UL } |> Seq.exists named) "and by its name"

          testCase
              "A shrunk plan breaks the same rule with fewer faults and calls, and its arguments say the same"
          <| fun () ->
              match firstFailure forgetful "swarm" (seq { 1UL .. 60UL }) with
              | None -> failtest "nobody noticed"
              | Some(plan, failure) ->
                  let edits = Shrinker.shrink forgetful plan failure 150
                  let smaller = Edits.apply edits plan
                  Expect.isTrue (smaller.Faults.Length <= plan.Faults.Length) "no more faults"
                  Expect.isTrue (smaller.Calls.Length < plan.Calls.Length) "fewer calls"
                  match (Simulation.run forgetful smaller).Failure with
                  | ValueSome again -> Expect.equal again.Rule.Name failure.Rule.Name "the same rule"
                  | ValueNone -> failtest "what was shrunk fails no more"
                  Expect.isTrue
                      ((Edits.arguments edits).StartsWith("--", StringComparison.Ordinal))
                      "arguments"

          testCase "Numbers of edits are read as they are written"
          <| fun () ->
              for text in [ "none"; "0"; "0-4,7"; "3,5-6" ] do
                  match Edits.parseNumbers text with
                  | ValueSome numbers ->
                      let edits = { Edits.none with Faults = ValueSome numbers }
                      Expect.equal (Edits.arguments edits) $"--faults {text}" "the same text"
                  | ValueNone -> failtest $"{text} is not read"
              for text in [ ""; "-"; "4-2"; "x"; "1,,2"; "1-"; "100000000"; "-3" ] do
                  Expect.isTrue (Edits.parseNumbers text).IsNone $"'{text}' makes no sense"

          testCase "Coverage that is too low is told of"
          <| fun () ->
              let coverage = Coverage()
              let missing = coverage.Missing 1_000L |> List.map (fun (struct (sight, _, _)) -> sight)
              Expect.isTrue (List.contains Sight.SuffixTruncated missing) "nothing was truncated"
              for _ in 1..1_000 do
                  for sight in Coverage.Sights do
                      coverage.Meet sight
              Expect.isTrue (coverage.Missing 1_000L).IsEmpty "all was met"

          testCase "Every rule has a name of its own, and a sentence"
          <| fun () ->
              let names = Rules.all |> List.map (fun rule -> rule.Name)
              Expect.equal (List.distinct names).Length names.Length "names"
              Expect.isTrue (Rules.all |> List.forall (fun rule -> rule.Sentence.EndsWith '.')) "sentences" ]
