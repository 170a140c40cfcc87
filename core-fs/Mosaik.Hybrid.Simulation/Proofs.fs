namespace Mosaik.Hybrid.Simulation

open System

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// The proof that an end of a link knows the group's key, as the simulator has it: a function of both nonces and of
/// the role that nobody outside evaluates.
[<RequireQualifiedAccess>]
module Proofs =

    let make (mine: Hello) (theirs: Hello) (isDialler: bool) =
        let bytes = mine.Nonce.ToArray()
        let other = theirs.Nonce.ToArray()
        for place in 0..31 do
            bytes[place] <- bytes[place] * 31uy + other[place] + (if isDialler then 7uy else 3uy)
        Bytes32.FromBytes(ReadOnlySpan bytes)
