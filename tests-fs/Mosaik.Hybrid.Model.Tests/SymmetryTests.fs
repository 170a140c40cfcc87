module Mosaik.Hybrid.Model.Tests.SymmetryTests

open Expecto

open Mosaik.Hybrid.Model

/// Kept apart and counted up to names, the states must be as many as they are with symmetry: then permuted states
/// have permuted successors, everywhere within the bounds.
let private losesNothing (bounds: Bounds) () =
    let reduced = exhausts bounds
    let apart = exhausts { bounds with Symmetry = Symmetry.Checked }
    let plain = exhausts { bounds with Symmetry = Symmetry.Off }
    Expect.equal apart.StatesUpToNames reduced.States "states up to names"
    Expect.equal plain.States apart.States "states"
    Expect.isGreaterThan plain.States (5 * reduced.States) "nearly every state of three members has six names"

[<Tests>]
let tests =
    testList
        "Symmetry loses no state"
        [ testCase
              "in the atomic tier"
              (losesNothing { Bounds.small Tier.Atomic with Proposals = 0; WritesInFlight = 0 })
          testCase
              "in the asynchronous tier, where ids decide between pre-candidates"
              (losesNothing
                  { Bounds.small Tier.Async with
                      Terms = 1
                      Messages = 2
                      Proposals = 0
                      Crashes = 0
                      WritesInFlight = 0 })
          testCase
              "in the founding tier"
              (losesNothing
                  { Bounds.small Tier.Founding with
                      Terms = 1
                      FoundingMembers = 1
                      Proposals = 0
                      Crashes = 0
                      WritesInFlight = 0 })
          testCase
              "in the configuration tier, whose newcomer has no equal"
              (losesNothing
                  { Bounds.small Tier.Configuration with Terms = 1; Proposals = 0; WritesInFlight = 0 })
          testCase "and finds the same shortest counterexample" (fun () ->
              let bounds =
                  { Bounds.small Tier.Atomic with WritesInFlight = 0; Sabotage = Sabotage.LoseDurableEntry }
              let reduced = breaks bounds
              let plain = breaks { bounds with Symmetry = Symmetry.Off }
              Expect.equal reduced.Rule plain.Rule "rule"
              Expect.equal reduced.Length plain.Length "length") ]
