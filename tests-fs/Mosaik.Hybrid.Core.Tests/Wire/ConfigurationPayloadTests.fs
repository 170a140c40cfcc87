/// The payload of a configuration entry: kept in logs and stores, and sent in founding ballots.
module Mosaik.Hybrid.Core.Tests.Wire.ConfigurationPayloadTests

open System

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Core.Tests.Support

let private config =
    { FsCheckConfig.defaultConfig with maxTest = 500; arbitrary = [ typeof<Arbitraries.Generators> ] }

let private decode (payload: byte[]) =
    Configuration.decode (ReadOnlyMemory payload)

let private lineage = Array.create 16 0xAAuy

let private memberOf (number: int) = Array.create 48 (byte number)

let private list (members: byte[] list) =
    Array.concat [ [| byte members.Length; byte (members.Length >>> 8) |]; Array.concat members ]

let private payload (lists: byte[] list list) =
    Array.concat [ [| 1uy |]; lineage; lists |> List.map list |> Array.concat ]

let private refusedAs name bytes error =
    testCase name
    <| fun () ->
        match decode bytes with
        | Error actual -> Expect.equal actual error "the reason"
        | Ok _ -> failtest "accepted"

let private one, two = memberOf 1, memberOf 2
let private good = payload [ [ one; two ]; []; []; [] ]

[<Tests>]
let tests =
    testList
        "Configuration payload"
        [ testPropertyWithConfig
              config
              "comes back as it was"
              (fun (id: Lineage) (configuration: Configuration) ->
                  match decode (Configuration.encode id configuration) with
                  | Ok(struct (decodedId, decoded)) -> decodedId = id && decoded = configuration
                  | Error error -> failtestf "%A" error)

          testPropertyWithConfig config "is never accepted cut short" (fun (configuration: Configuration) ->
              let whole = Configuration.encode Lineage.None configuration
              seq { 0 .. whole.Length - 1 }
              |> Seq.forall (fun length -> (decode whole[.. length - 1]).IsError))

          testCase "flipped in one bit is survived"
          <| fun () ->
              for bit in 0 .. 8 * good.Length - 1 do
                  let flipped = Array.copy good
                  flipped[bit / 8] <- flipped[bit / 8] ^^^ (1uy <<< bit % 8)
                  match decode flipped with
                  | Ok(struct (id, configuration)) ->
                      Expect.equal (Configuration.encode id configuration) flipped "the one encoding"
                  | Error _ -> ()

          refusedAs "nothing" [||] ConfigurationError.Truncated
          refusedAs "another version" (Array.append [| 2uy |] good[1..]) (ConfigurationError.UnknownVersion 2)
          refusedAs "no voters" (payload [ []; []; [ one ]; [] ]) ConfigurationError.NoVoters
          refusedAs "unsorted voters" (payload [ [ two; one ]; []; []; [] ]) ConfigurationError.NotSorted
          refusedAs "a voter listed twice" (payload [ [ one; one ]; []; []; [] ]) ConfigurationError.NotSorted
          refusedAs "a voter who learns" (payload [ [ one ]; []; [ one ]; [] ]) ConfigurationError.MemberTwice
          refusedAs
              "an observer who learns"
              (payload [ [ one ]; []; [ two ]; [ two ] ])
              ConfigurationError.MemberTwice
          refusedAs "bytes after it" (Array.append good [| 0uy |]) ConfigurationError.TrailingBytes
          refusedAs
              "a count without members"
              (Array.concat [ [| 1uy |]; lineage; [| 0xFFuy; 0xFFuy |] ])
              (ConfigurationError.TooManyMembers 65_535)
          refusedAs
              "a count beyond the end"
              (Array.concat [ [| 1uy |]; lineage; [| 3uy; 0uy |]; one; two ])
              ConfigurationError.Truncated ]
