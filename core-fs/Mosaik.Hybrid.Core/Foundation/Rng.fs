namespace Mosaik.Hybrid.Core

/// A small random generator as a value (SplitMix64): the same seed gives the same numbers, always.
/// For jitter only; never for secrets.
[<Struct>]
type Rng = { State: uint64 }

[<RequireQualifiedAccess>]
module Rng =

    /// A generator whose numbers are decided by the seed.
    let ofSeed (seed: uint64) = { State = seed }

    /// The next 64 random bits, and the generator after them.
    let next (rng: Rng) : struct (uint64 * Rng) =
        let state = rng.State + 0x9E3779B97F4A7C15UL
        let mixed = (state ^^^ (state >>> 30)) * 0xBF58476D1CE4E5B9UL
        let mixed = (mixed ^^^ (mixed >>> 27)) * 0x94D049BB133111EBUL
        struct (mixed ^^^ (mixed >>> 31), { State = state })

    /// A number from 0 to `bound`, both included; 0 for a bound of 0 or less.
    let upTo (bound: int) (rng: Rng) : struct (int * Rng) =
        let struct (bits, rng) = next rng
        if bound <= 0 then
            struct (0, rng)
        else
            struct (int (bits % (uint64 bound + 1UL)), rng)
