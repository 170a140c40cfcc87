module Mosaik.Hybrid.Mutants.Main

open Expecto

/// Lets xunit's runners see every `[<Tests>]` value of this assembly.
type Bridge() =
    inherit ExpectoBridge()
