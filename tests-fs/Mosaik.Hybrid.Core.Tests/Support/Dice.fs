namespace Mosaik.Hybrid.Core.Tests.Support

open Mosaik.Hybrid.Core

/// Random choices decided by a seed. One for each purpose, so that a change of one does not shift the others.
[<Sealed>]
type Dice(seed: uint64) =

    let mutable rng = Rng.ofSeed seed

    /// From 0 to `bound` - 1.
    member _.Below(bound: int) =
        let struct (value, after) = Rng.upTo (bound - 1) rng
        rng <- after
        value

    /// From `low` to `high`, both included.
    member this.Between(low: int, high: int) = low + this.Below(high - low + 1)

    /// True in this many of a thousand throws.
    member this.Chance(perMille: int) = this.Below 1_000 < perMille

    member this.OneOf(values: 'value[]) = values[this.Below values.Length]

    member _.Bits() =
        let struct (bits, after) = Rng.next rng
        rng <- after
        bits
