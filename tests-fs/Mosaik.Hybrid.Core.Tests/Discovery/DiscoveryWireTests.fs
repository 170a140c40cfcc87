/// The bytes of discovery. A change of the golden ones is a change of the protocol.
module Mosaik.Hybrid.Core.Tests.Discovery.DiscoveryWireTests

open System
open System.Buffers
open System.IO

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Wire
open Mosaik.Hybrid.Core.Tests.Discovery.World

let private bytes32 (first: int) =
    Bytes32.FromBytes(ReadOnlySpan [| for place in 0..31 -> byte (first + place) |])

let private ticket name (data: byte list) : PeerTicket =
    { Class = name; Data = ReadOnlyMemory(Array.ofList data) }

let private sample: PeerRecord =
    { Peer = PeerId(bytes32 0x20)
      Network = NetworkId(bytes32 0x40)
      Version = { StartedAt = 0x0102030405060708L; UpdatedAt = 0x0102030405060709L }
      Departed = false
      Addresses = [| { Host = "node.example"; Port = 4433 }; { Host = "::1"; Port = 65_535 } |]
      Tags = [| "a"; "zürich" |]
      Groups = [| GroupId(bytes32 0x60) |]
      Tickets = [| ticket "jwt" [ 1uy; 2uy; 3uy ]; ticket "jwt" [ 1uy; 3uy ]; ticket "x" [] |] }

let private signed (record: PeerRecord) : SignedRecord =
    let key, signature = Array.create 91 0xAAuy, Array.create 64 0xBBuy
    let canonical = DiscoveryRecords.Encode record
    { Record = record; Signed = ReadOnlyMemory(DiscoveryRecords.Assemble(key, signature, canonical)) }

let private encode (message: GossipMessage<SignedRecord>) =
    let writer = ArrayBufferWriter<byte>()
    DiscoveryWire.Encode(message, writer)
    writer.WrittenSpan.ToArray()

let private tombstone = PeerRecord.tombstone 0L sample

let private goldens =
    [ "record", (signed sample).Signed.ToArray()
      "tombstone", (signed tombstone).Signed.ToArray()
      "records", encode (GossipMessage.Records [| signed tombstone |])
      "digest",
      encode (
          GossipMessage.Digest
              { After = GossipState.firstId
                UpTo = GossipState.lastId
                Items = [| struct (sample.Peer, sample.Version) |] }
      )
      "difference",
      encode (GossipMessage.Difference(GossipState.lastId, [| sample.Peer |], [| signed tombstone |]))
      "close", encode (GossipMessage.Close CloseReason.DifferentNetwork) ]

let private fileOf name =
    Path.Combine(__SOURCE_DIRECTORY__, "..", "testdata", "discovery", name + ".hex")

let private read name =
    File.ReadAllText(fileOf name).ReplaceLineEndings "" |> Convert.FromHexString

let private takeApart (bytes: byte[]) =
    match DiscoveryRecords.TryTakeApart(ReadOnlyMemory bytes) with
    | true, parts, _ -> Ok parts
    | false, _, fault -> Error fault

let private decode (bytes: byte[]) =
    match DiscoveryWire.TryDecode(ReadOnlyMemory bytes) with
    | true, message, _ -> Ok message
    | false, _, fault -> Error fault

/// Encodes a message again; raw records stand as they came.
let private again (message: GossipMessage<ReadOnlyMemory<byte>>) =
    let records =
        DiscoveryWire.RecordsIn message
        |> Array.map (fun raw -> { Record = sample; Signed = raw })
    encode (DiscoveryWire.WithRecords(message, records))

let private isSame (record: PeerRecord) (other: PeerRecord) =
    DiscoveryRecords.Encode record = DiscoveryRecords.Encode other

/// Whatever the bytes: no exception, and what is accepted has exactly these bytes.
let private isTotal (bytes: byte[]) =
    let recordHolds =
        match takeApart bytes with
        | Ok parts ->
            DiscoveryRecords.Encode parts.Record = parts.Canonical.ToArray()
            && List.isEmpty (PeerRecord.faults parts.Record)
        | Error _ -> true
    let messageHolds =
        match decode bytes with
        | Ok message -> again message = bytes
        | Error _ -> true
    recordHolds && messageHolds

let private dice (seed: uint64) =
    let mutable rng = Rng.ofSeed seed
    fun bound ->
        let struct (number, after) = Rng.upTo bound rng
        rng <- after
        number

let private letters = [| "a"; "z"; "-"; "ä"; "€"; "𝄞"; "0" |]

let private randomRecord roll : PeerRecord =
    let text least most =
        String.init (least + roll (most - least)) (fun _ -> letters[roll (letters.Length - 1)])
    let many most make =
        [| for _ in 1 .. roll most -> make () |]
    PeerRecord.canonical
        { Peer = PeerId(bytes32 (roll 255))
          Network = NetworkId(bytes32 (roll 255))
          Version = { StartedAt = int64 (roll 9_999); UpdatedAt = 10_000L + int64 (roll 9_999) }
          Departed = (roll 1 = 1)
          Addresses = many 16 (fun () -> { Host = text 1 40; Port = 1 + roll 65_534 })
          Tags = many 32 (fun () -> text 1 20)
          Groups = many 64 (fun () -> GroupId(bytes32 (roll 255)))
          Tickets = many 16 (fun () -> ticket (text 1 9) [ for _ in 1 .. roll 50 -> byte (roll 255) ]) }

[<Tests>]
let tests =
    testList
        "The bytes of discovery"
        [ testList
              "are those of the golden file"
              [ for name, bytes in goldens ->
                    testCase name
                    <| fun () ->
                        if Environment.GetEnvironmentVariable "UPDATE_GOLDEN" = "1" then
                            Directory.CreateDirectory(Path.GetDirectoryName(fileOf name)) |> ignore
                            File.WriteAllText(fileOf name, Convert.ToHexStringLower bytes + "\n")
                        Expect.equal
                            (Convert.ToHexStringLower bytes)
                            (Convert.ToHexStringLower(read name))
                            name ]

          testProperty "give the record back" (fun (seed: uint64) ->
              let record = randomRecord (dice seed)
              match takeApart ((signed record).Signed.ToArray()) with
              | Ok parts -> isSame parts.Record record && parts.PublicKey.Length = 91
              | Error fault -> failtest fault)

          testCase "give every message back"
          <| fun () ->
              for name, bytes in goldens |> List.skip 2 do
                  let message = Expect.wantOk (decode bytes) name
                  Expect.equal (again message) bytes name

          testCase "are read totally when cut short or when a bit flips"
          <| fun () ->
              for name, bytes in goldens do
                  for length in 0 .. bytes.Length - 1 do
                      Expect.isTrue (isTotal bytes[.. length - 1]) $"{name} cut to {length}"
                  for bit in 0 .. 8 * bytes.Length - 1 do
                      let flipped = Array.copy bytes
                      flipped[bit / 8] <- flipped[bit / 8] ^^^ (1uy <<< bit % 8)
                      Expect.isTrue (isTotal flipped) $"{name} with bit {bit} flipped"

          testProperty "are read totally when random" (fun (seed: uint64) (kind: byte) ->
              let roll = dice seed
              isTotal (
                  Array.init (1 + roll 300) (fun place -> if place = 0 then kind % 6uy else byte (roll 255))
              ))

          testCase "refuse what is not canonical or too much"
          <| fun () ->
              let refused what record =
                  Expect.isError (takeApart ((signed record).Signed.ToArray())) what
              refused "unsorted tags" { sample with Tags = [| "b"; "a" |] }
              refused "a tag twice" { sample with Tags = [| "a"; "a" |] }
              refused "unsorted tickets" { sample with Tickets = Array.rev sample.Tickets }
              refused "an empty tag" { sample with Tags = [| "" |] }
              refused "port 0" { sample with Addresses = [| { Host = "h"; Port = 0 } |] }
              refused "a blank host" { sample with Addresses = [| { Host = "a b"; Port = 1 } |] }
              refused "17 addresses" { sample with Addresses = Array.create 17 { Host = "h"; Port = 1 } }
              refused
                  "an update before the start"
                  { sample with Version = { StartedAt = 2L; UpdatedAt = 1L } }
              let large = [| for index in 0uy .. 6uy -> ticket $"c{index}" (List.replicate 8_192 0uy) |]
              refused "more than 48 KiB" { sample with Tickets = large }

          testCase "are signed under a name of their own"
          <| fun () ->
              let signable = DiscoveryRecords.Signable(ReadOnlySpan [| 1uy; 2uy |])
              Expect.equal
                  signable
                  (Array.append "mosaik peer entry v1\000"B [| 1uy; 2uy |])
                  "domain, then bytes" ]
