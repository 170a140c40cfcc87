namespace Mosaik.Hybrid.Simulation

open System

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// The proof that an end of a link knows the group's key, as the simulator has it: a function of both nonces and of
/// the role that nobody outside evaluates.
[<RequireQualifiedAccess>]
module Proofs =

    /// What an end says once.
    let nonce (dice: Dice) =
        let bytes: byte[] = Array.zeroCreate 32
        for part in 0..3 do
            BitConverter.TryWriteBytes(Span(bytes, 8 * part, 8), dice.Bits()) |> ignore
        Bytes32.FromBytes(ReadOnlySpan bytes)

    let make (mine: Hello) (theirs: Hello) (isDialler: bool) =
        let bytes = mine.Nonce.ToArray()
        let other = theirs.Nonce.ToArray()
        for place in 0..31 do
            bytes[place] <- bytes[place] * 31uy + other[place] + (if isDialler then 7uy else 3uy)
        Bytes32.FromBytes(ReadOnlySpan bytes)
