module Mosaik.Hybrid.Core.Tests.Foundation.RngTests

open Expecto

open Mosaik.Hybrid.Core

let private take count seed =
    let mutable rng = Rng.ofSeed seed
    [ for _ in 1..count do
          let struct (bits, after) = Rng.next rng
          rng <- after
          bits ]

[<Tests>]
let tests =
    testList
        "Rng"
        [ testCase "follows the published numbers of SplitMix64 for seed 1234567"
          <| fun () ->
              let expected =
                  [ 6457827717110365317UL
                    3203168211198807973UL
                    9817491932198370423UL
                    4593380528125082431UL
                    16408922859458223821UL ]
              Expect.equal (take 5 1234567UL) expected "the reference implementation gives these"

          testProperty "repeats itself from the same seed" (fun (seed: uint64) -> take 10 seed = take 10 seed)

          testProperty "stays within its bound" (fun (seed: uint64) (bound: int) ->
              let struct (number, _) = Rng.upTo bound (Rng.ofSeed seed)
              number >= 0 && number <= max 0 bound) ]
