namespace Mosaik.Hybrid.Simulation

open Mosaik.Hybrid.Core

/// What a pair of dice decides. Each purpose has a stream of its own, so that a change of one shifts no other.
type Purpose =
    | Plan = 1UL
    | Network = 2UL
    | Disk = 3UL
    | Members = 4UL
    | Clients = 5UL
    | Faults = 6UL

/// Random choices decided by a seed and nothing else.
[<Sealed>]
type Dice(seed: uint64) =

    let mutable rng = Rng.ofSeed seed

    /// The stream of one purpose in the run of a seed.
    static member For(seed: uint64, purpose: Purpose) =
        Dice(seed * 0x9E3779B97F4A7C15UL ^^^ (uint64 purpose * 0xD1B54A32D192ED03UL))

    /// 64 random bits.
    member _.Bits() =
        let struct (bits, after) = Rng.next rng
        rng <- after
        bits

    /// From 0 to `bound` - 1; 0 for a bound of 1 or less.
    member _.Below(bound: int) =
        let struct (value, after) = Rng.upTo (bound - 1) rng
        rng <- after
        value

    /// From `low` to `high`, both included.
    member this.Between(low: int, high: int) = low + this.Below(high - low + 1)

    /// True in this many of a thousand throws.
    member this.Chance(perMille: int) =
        perMille > 0 && this.Below 1_000 < perMille

    member this.OneOf(values: 'value[]) = values[this.Below values.Length]
