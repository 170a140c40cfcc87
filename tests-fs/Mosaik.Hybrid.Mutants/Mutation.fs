namespace Mosaik.Hybrid.Mutants

open System

/// Which mutants are on, on this thread. Null: none.
[<Sealed; AbstractClass>]
type private Switches() =
    [<ThreadStatic; DefaultValue>]
    static val mutable private isOn: bool[] | null

    static member IsOn
        with get () = Switches.isOn
        and set (value: bool[] | null) = Switches.isOn <- value

/// The switch of the mutants that are woven into the core's sources. Every thread has its own, so that several can
/// be looked at side by side; nothing leaves the thread on which `run` was called.
[<RequireQualifiedAccess>]
module Mutation =

    /// Numbers are below this.
    let numbersMax = 1_000

    /// True while mutant `number` is on: woven code asks this at every place where the mutant differs.
    let isOn (number: int) : bool =
        match Switches.IsOn with
        | null -> false
        | isOn -> isOn[number]

    /// Runs an action with these mutants on, and no others.
    let run (numbers: int list) (action: unit -> 'result) : 'result =
        let before = Switches.IsOn
        let isOn: bool[] = Array.zeroCreate numbersMax
        for number in numbers do
            isOn[number] <- true
        Switches.IsOn <- isOn
        try
            action ()
        finally
            Switches.IsOn <- before
