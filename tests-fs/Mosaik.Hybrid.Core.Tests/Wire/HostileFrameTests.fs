/// The reader is total: whatever the bytes, it answers, allocates within bounds, and accepts only what a writer
/// would have sent.
module Mosaik.Hybrid.Core.Tests.Wire.HostileFrameTests

open System

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Wire

let private holdsForAll (bodies: byte[] seq) =
    match bodies |> Seq.tryPick Codec.broken with
    | Some what -> failtest what
    | None -> ()

let private truncations (body: byte[]) =
    seq {
        for length in 0 .. body.Length - 1 do
            body[.. length - 1]
    }

let private bitFlips (body: byte[]) =
    seq {
        for bit in 0 .. 8 * body.Length - 1 do
            let flipped = Array.copy body
            flipped[bit / 8] <- flipped[bit / 8] ^^^ (1uy <<< bit % 8)
            flipped
    }

let private goldens = lazy (GoldenFrames.samples |> List.map (fst >> GoldenFrames.read) |> Array.ofList)

/// Random numbers from a fixed seed, one after the other.
let private dice seed =
    let mutable rng = Rng.ofSeed seed
    fun bound ->
        let struct (number, after) = Rng.upTo bound rng
        rng <- after
        number

let private randomBody roll _ =
    let body = Array.init (1 + roll 200) (fun _ -> byte (roll 255))
    // Most begin like a message, or the tag alone would refuse them.
    if roll 9 > 0 then
        body[0] <- [| 1uy; 2uy; 6uy; 7uy; 9uy; 16uy; 17uy; 18uy; 19uy; 20uy; 21uy; 22uy; 23uy |][roll 12]
    body

let private mutatedBody roll _ =
    let body = Array.copy (goldens.Value[roll (goldens.Value.Length - 1)])
    for _ in 0 .. roll 5 do
        body[roll (body.Length - 1)] <- [| byte (roll 255); 0uy; 1uy; 0x7Fuy; 0x80uy; 0xFFuy |][roll 5]
    match roll 3 with
    | 0 -> body[.. roll (body.Length - 1)]
    | 1 -> Array.append body (Array.init (roll 20) (fun _ -> byte (roll 255)))
    | _ -> body

// Bodies by hand: fields joined.
let private lineage = Array.create 16 0xAAuy
let private start (tag: byte) (fields: byte list) =
    Array.concat [ [| tag |]; lineage; Array.ofList fields ]
let private proposer = Array.append (Array.create 48 0x11uy) [| 1uy |] |> List.ofArray
let private huge = List.replicate 9 0xFFuy @ [ 1uy ]
/// 2^62 + 1.
let private overNumber = [ 0x81uy ] @ List.replicate 7 0x80uy @ [ 0xC0uy; 0x00uy ]

/// An append with these bytes for its entries: term 1, session, round, previous 0/0, commit 0.
let private entries (count: byte) (bytes: byte list) =
    start 0x12uy ([ 1uy; 1uy; 1uy; 0uy; 0uy; 0uy; count ] @ bytes)

/// The first command of a frame, by a newcomer: number 1, no payload.
let private first = [ 0x35uy; 1uy; 0uy; 0uy ] @ proposer @ [ 1uy; 0uy ]

let private founding payload =
    Array.append (start 0x10uy [ 1uy; 0uy; 0uy; 2uy ]) payload

let private memberOf (number: byte) = Array.create 48 number

let private payload (ownLineage: byte[]) (lists: byte[] list list) =
    Array.concat
        [ [| 1uy |]
          ownLineage
          for members in lists do
              [| byte members.Length; 0uy |]
              yield! members ]

let private one, two = memberOf 1uy, memberOf 2uy

let private refused =
    [ "an empty body", [||], DecodeFault.Truncated
      "an unknown tag", [| 0x42uy |], DecodeFault.UnknownTag
      "bytes after the message", [| 0x04uy; 0uy |], DecodeFault.TrailingBytes
      "an unknown close reason", [| 9uy; 1uy; 0uy; 0uy; 0uy |], DecodeFault.UnknownValue
      "an unknown ballot", start 0x10uy [ 1uy; 0uy; 0uy; 4uy ], DecodeFault.UnknownValue
      "an unknown flag of a vote", start 0x11uy [ 1uy; 4uy ], DecodeFault.UnknownFlag
      "an unknown outcome of an append", start 0x13uy [ 1uy; 1uy; 1uy; 3uy; 0uy ], DecodeFault.UnknownValue
      "a snapshot without a configuration",
      start 0x18uy [ 1uy; 1uy; 1uy; 1uy; 1uy; 1uy; 1uy; 0uy; 0uy; 0uy; 0uy; 0uy; 0uy; 0uy ],
      DecodeFault.BadConfiguration
      "an unknown outcome of a forward", start 0x17uy [ 1uy; 3uy ], DecodeFault.UnknownValue
      "a term over 2^62", start 0x14uy (huge @ [ 0uy ]), DecodeFault.OutOfRange
      "an overlong number", start 0x14uy [ 0x81uy; 0x00uy; 0uy ], DecodeFault.NotCanonical
      "a number of more than 64 bits",
      start 0x14uy (1uy :: List.replicate 9 0xFFuy @ [ 2uy ]),
      DecodeFault.NotCanonical
      "an endless number", start 0x14uy (1uy :: List.replicate 40 0xFFuy), DecodeFault.NotCanonical
      "more entries than bytes", entries 3uy [ 0uy; 0uy ], DecodeFault.TooMany
      "a count of 2^64", start 0x12uy ([ 1uy; 1uy; 1uy; 0uy; 0uy; 0uy ] @ huge), DecodeFault.TooMany
      "more commands than bytes", start 0x16uy ([ 1uy; 0uy; 0x7Fuy ] @ proposer), DecodeFault.TooMany
      "an end of a lineage that names no other", entries 1uy [ 3uy; 0uy; 1uy; 9uy ], DecodeFault.OutOfRange
      "an unknown flag of an entry", entries 1uy [ 0x40uy; 0uy ], DecodeFault.UnknownFlag
      "a NoOp with a proposer", entries 1uy [ 0x10uy; 0uy; 0uy ], DecodeFault.UnknownFlag
      "a term that does not change, given", entries 1uy [ 4uy; 0uy; 0uy ], DecodeFault.NotCanonical
      "a batch of one, given",
      entries 1uy ([ 0x3Duy; 1uy; 0uy; 0uy; 0uy ] @ proposer @ [ 1uy; 0uy ]),
      DecodeFault.NotCanonical
      "a batch over its limit",
      entries 1uy ([ 0x3Duy; 1uy; 0uy; 0x80uy; 0x80uy; 4uy; 0uy ] @ proposer @ [ 1uy; 0uy ]),
      DecodeFault.OutOfRange
      "a first command of nobody", entries 1uy [ 1uy; 0uy; 0uy ], DecodeFault.NotCanonical
      "a first number that is not given",
      entries 1uy ([ 0x15uy; 1uy; 0uy; 0uy ] @ proposer @ [ 0uy ]),
      DecodeFault.OutOfRange
      "the number 0",
      entries 1uy ([ 0x35uy; 1uy; 0uy; 0uy ] @ proposer @ [ 0uy; 0uy ]),
      DecodeFault.NotCanonical
      "a turn to the same proposer", entries 2uy (first @ [ 0x11uy; 0uy; 0uy; 0uy ]), DecodeFault.NotCanonical
      "a turn to a slot that is not there",
      entries 2uy (first @ [ 0x11uy; 0uy; 2uy; 0uy ]),
      DecodeFault.OutOfRange
      "a newcomer who is known",
      entries 2uy (first @ [ 0x31uy; 0uy; 1uy ] @ proposer @ [ 2uy; 0uy ]),
      DecodeFault.NotCanonical
      "a successor, given", entries 2uy (first @ [ 0x21uy; 0uy; 2uy; 0uy ]), DecodeFault.NotCanonical
      "a payload longer than the frame",
      entries 2uy (first @ [ 0x01uy; 0uy; 5uy; 0uy ]),
      DecodeFault.Truncated
      "a configuration entry without voters",
      entries 1uy ([ 2uy; 0uy; 25uy ] @ List.ofArray (payload lineage [ []; []; []; [] ])),
      DecodeFault.BadConfiguration
      "a founding of another lineage",
      founding (payload (Array.create 16 0xBBuy) [ [ one ]; []; []; [] ]),
      DecodeFault.BadConfiguration
      "a founding without voters",
      founding (payload lineage [ []; []; [ one ]; [] ]),
      DecodeFault.BadConfiguration
      "an unsorted founding",
      founding (payload lineage [ [ two; one ]; []; []; [] ]),
      DecodeFault.BadConfiguration
      "a founding that names a member twice",
      founding (payload lineage [ [ one ]; []; [ one ]; [] ]),
      DecodeFault.BadConfiguration
      "a founding with bytes after it",
      founding (Array.append (payload lineage [ [ one ]; []; []; [] ]) [| 0uy |]),
      DecodeFault.BadConfiguration
      "a peer entry over 48 KiB",
      Array.concat [ [| 6uy; 0x81uy; 0x80uy; 3uy |]; Array.zeroCreate 49_153 ],
      DecodeFault.TooLarge ]

[<Tests>]
let tests =
    testList
        "Hostile frames"
        [ testList
              "are refused"
              [ for name, body, fault in refused ->
                    testCase name
                    <| fun () ->
                        Expect.equal (Codec.faultOf body) fault "its fault"
                        Expect.isNone (Codec.broken body) "within bounds" ]

          testCase "what the refused ones vary is accepted"
          <| fun () ->
              for body in
                  [ entries 1uy first
                    entries 2uy (first @ [ 0x01uy; 0uy; 0uy ])
                    entries 1uy [ 0uy; 0uy ]
                    founding (payload lineage [ [ one; two ]; []; []; [] ])
                    start 0x14uy [ 1uy; 0uy ] ] do
                  Expect.equal
                      (Codec.faultOf body)
                      DecodeFault.None
                      (Convert.ToHexStringLower(ReadOnlySpan body))

          testCase "every truncation of every golden frame is refused"
          <| fun () ->
              for golden in goldens.Value do
                  for body in truncations golden do
                      Expect.isError (Codec.decode body) (Convert.ToHexStringLower(ReadOnlySpan body))
                  holdsForAll (truncations golden)

          testCase "every single-bit flip of every golden frame is survived"
          <| fun () -> goldens.Value |> Array.iter (bitFlips >> holdsForAll)

          testCase "20,000 random bodies are survived"
          <| fun () -> Seq.init 20_000 (randomBody (dice 1UL)) |> holdsForAll

          testCase "30,000 mutations of golden frames are survived"
          <| fun () -> Seq.init 30_000 (mutatedBody (dice 2UL)) |> holdsForAll

          testCase "a refusal is described with its place"
          <| fun () ->
              let error = Expect.wantError (Codec.decode (start 0x14uy [ 0x81uy; 0uy; 0uy ])) "refused"
              Expect.equal
                  (error.Describe())
                  "Malformed frame: a value is not in its one canonical form (at byte 19)."
                  "the text" ]
