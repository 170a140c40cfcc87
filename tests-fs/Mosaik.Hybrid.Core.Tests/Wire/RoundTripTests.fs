module Mosaik.Hybrid.Core.Tests.Wire.RoundTripTests

open System
open System.Buffers
open System.Runtime.InteropServices

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Core.Tests.Support
open Mosaik.Hybrid.Wire

let private config =
    { FsCheckConfig.defaultConfig with maxTest = 1_000; arbitrary = [ typeof<Arbitraries.Generators> ] }

let private author number =
    let peer = Array.create 32 (byte number)
    ProposerId(MemberId(PeerId.FromBytes(ReadOnlySpan peer), Incarnation(Bytes16(1UL, uint64 number))), 1UL)

let private command (authors: ProposerId[]) (size: int) (place: int) : LogEntry =
    { Index = LogIndex(uint64 place + 1UL)
      Term = Term 1UL
      Kind = EntryKind.Command
      BatchRemaining = 0
      Timestamp = 1_700_000_000_000L + int64 (place / 10)
      Proposer = authors[place % authors.Length]
      Number = uint64 (place / authors.Length) + 1UL
      Payload = ReadOnlyMemory(Array.zeroCreate size) }

let private header =
    { Lineage = Lineage(Bytes16(1UL, 2UL))
      Term = Term 1UL
      Session = 1UL
      Round = 1UL
      Previous = LogPosition.Zero
      Commit = LogIndex.Zero }

let private append entries =
    BondMessage.Raft(Message.AppendEntries(header, ReadOnlyMemory(entries: LogEntry[])))

let private overhead authors =
    let count = 1_000
    let entries = Array.init count (command authors 64)
    let size = (Codec.encode (append entries)).Length
    float (size - 64 * count) / float count

[<Tests>]
let tests =
    testList
        "Wire round trip"
        [ testPropertyWithConfig config "every message comes back as it was" (fun (message: BondMessage) ->
              let decoded =
                  Expect.wantOk (Codec.decode (Codec.encode message)) "its own encoding is well-formed"
              Shape.ofMessage decoded = Shape.ofMessage message)

          testPropertyWithConfig config "an encoded entry is within its bound" (fun (message: BondMessage) ->
              match message with
              | BondMessage.Raft(Message.AppendEntries(_, entries))
              | BondMessage.Raft(Message.Forward(_, entries)) ->
                  let bounds = [ for entry in entries.ToArray() -> WireWriter.EncodedSizeMax &entry ]
                  (Codec.encode message).Length <= List.sum bounds + WireWriter.HeaderSizeMax
              | _ -> true)

          testCase "a row of commands costs 3 bytes a command"
          <| fun () -> Expect.isLessThan (overhead [| author 1 |]) 3.2 "besides 64 bytes of payload"

          testCase "commands of many proposers in turn cost 4 bytes a command"
          <| fun () -> Expect.isLessThan (overhead (Array.init 5 author)) 4.5 "besides 64 bytes of payload"

          testCase "more proposers than slots come back"
          <| fun () ->
              let entries = Array.init 400 (command (Array.init 100 author) 3)
              let decoded = Expect.wantOk (Codec.decode (Codec.encode (append entries))) "well-formed"
              Expect.equal (Shape.ofMessage decoded) (Shape.ofMessage (append entries)) "all entries"

          testCase "equal proposers are one object within a frame"
          <| fun () ->
              let entries = Array.init 9 (command (Array.init 3 author) 3)
              match Codec.decode (Codec.encode (append entries)) with
              | Ok(BondMessage.Raft(Message.AppendEntries(_, decoded))) ->
                  let distinct =
                      decoded.ToArray()
                      |> Array.map (fun entry -> entry.Proposer)
                      |> Array.distinctBy (fun author ->
                          Runtime.CompilerServices.RuntimeHelpers.GetHashCode author)
                  Expect.equal distinct.Length 3 "one a proposer"
              | other -> failtestf "%A" other

          testCase "payloads are views of the frame"
          <| fun () ->
              let body = Codec.encode (append [| command [| author 1 |] 64 0 |])
              match Codec.decode body with
              | Ok(BondMessage.Raft(Message.AppendEntries(_, decoded))) ->
                  let mutable segment = ArraySegment<byte>()
                  Expect.isTrue (MemoryMarshal.TryGetArray(decoded.Span[0].Payload, &segment)) "an array"
                  Expect.isTrue (Object.ReferenceEquals(segment.Array, body)) "the frame's own"
              | other -> failtestf "%A" other

          testCase "the specialised encoders give the same bytes"
          <| fun () ->
              let entries = ReadOnlyMemory(Array.init 5 (command [| author 1 |] 8))
              let forward = { Lineage = header.Lineage; Term = header.Term; Applied = 4UL }
              let output = ArrayBufferWriter<byte>()
              WireWriter.EncodeAppend(header, entries, output)
              WireWriter.EncodeForward(forward, entries, output)
              let expected =
                  Array.append
                      (Codec.encode (BondMessage.Raft(Message.AppendEntries(header, entries))))
                      (Codec.encode (BondMessage.Raft(Message.Forward(forward, entries))))
              Expect.equal (output.WrittenSpan.ToArray()) expected "byte for byte" ]
