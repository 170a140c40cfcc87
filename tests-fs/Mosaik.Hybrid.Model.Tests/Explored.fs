namespace Mosaik.Hybrid.Model.Tests

open Expecto

open Mosaik.Hybrid.Model

/// Words for explorations.
[<AutoOpen>]
module Explored =

    let explore (bounds: Bounds) : Report = Explorer.run bounds (fun _ _ _ _ -> ())

    /// The whole space was visited, and no rule is broken; the trace of the failure otherwise.
    let exhausts (bounds: Bounds) : Report =
        let report = explore bounds
        match report.Ending with
        | Ending.Exhausted -> report
        | Ending.Cut limit -> failtest $"Cut at {limit}, after {report.States} states."
        | Ending.Broken _ -> failtest (String.concat "\n" (Cli.table [ report ]))

    /// A rule is broken: the way there.
    let breaks (bounds: Bounds) : Counterexample =
        let report = explore bounds
        match report.Ending with
        | Ending.Broken found -> found
        | Ending.Exhausted -> failtest $"Nothing was found in all {report.States} states."
        | Ending.Cut limit -> failtest $"Nothing was found in {limit}."
