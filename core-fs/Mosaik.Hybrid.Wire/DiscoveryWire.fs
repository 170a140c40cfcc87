namespace Mosaik.Hybrid.Wire

open System
open System.Buffers
open System.Buffers.Binary
open System.Runtime.InteropServices

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// Bodies of the frames on a discovery link. Integers are little-endian.
///
///     Records      1 | u16 count, each: u32 length (48 KiB), signed record
///     Digest       2 | 32 after | 32 up to | u16 count, each: 32 peer | i64 started at | i64 updated at
///     Difference   3 | 32 covered | u16 count, each: 32 peer | u16 count, each: u32 length, signed record
///     Close        4 | u32 reason
///
/// Ids in a digest and in a difference ascend; those of a digest lie after `after` and not beyond `up to`.
/// Nothing follows.
[<AbstractClass; Sealed>]
type DiscoveryWire private () =

    static let recordsTag = 1uy
    static let digestTag = 2uy
    static let differenceTag = 3uy
    static let closeTag = 4uy

    static let idsMax = 4_096

    static let writeByte (value: byte) (writer: IBufferWriter<byte>) =
        writer.GetSpan(1)[0] <- value
        writer.Advance 1

    static let writeUInt16 (value: int) (writer: IBufferWriter<byte>) =
        BinaryPrimitives.WriteUInt16LittleEndian(writer.GetSpan 2, uint16 value)
        writer.Advance 2

    static let writeUInt32 (value: uint32) (writer: IBufferWriter<byte>) =
        BinaryPrimitives.WriteUInt32LittleEndian(writer.GetSpan 4, value)
        writer.Advance 4

    static let writeInt64 (value: int64) (writer: IBufferWriter<byte>) =
        BinaryPrimitives.WriteInt64LittleEndian(writer.GetSpan 8, value)
        writer.Advance 8

    static let writePeer (peer: PeerId) (writer: IBufferWriter<byte>) =
        peer.CopyTo(writer.GetSpan 32)
        writer.Advance 32

    static let writeRecords (records: SignedRecord[]) (writer: IBufferWriter<byte>) =
        writeUInt16 records.Length writer
        for record in records do
            writeUInt32 (uint32 record.Signed.Length) writer
            writer.Write record.Signed.Span

    static let readRecords (reader: DiscoveryReader) =
        let count = reader.UInt16()
        let read () =
            let length = reader.UInt32()
            reader.Require(length <= uint32 PeerLimits.SignedBytesMax, "A signed record is too long.")
            if length <= uint32 PeerLimits.SignedBytesMax then
                reader.Bytes(int length)
            else
                ReadOnlyMemory.Empty
        reader.Many(count, idsMax, "records", read)

    static let readPeer (reader: DiscoveryReader) () = PeerId(reader.Bytes32())

    static let isAscending (peers: PeerId[]) =
        peers |> Seq.pairwise |> Seq.forall (fun (one, next) -> one < next)

    static let readDigest (reader: DiscoveryReader) =
        let after = readPeer reader ()
        let upTo = readPeer reader ()
        let readItem () =
            let peer = readPeer reader ()
            let started = reader.Int64()
            struct (peer, { StartedAt = started; UpdatedAt = reader.Int64() })
        let items = reader.Many(reader.UInt16(), idsMax, "peers", readItem)
        let peers = items |> Array.map (fun struct (peer, _) -> peer)
        reader.Require(isAscending peers && after < upTo, "The peers are out of order.")
        reader.Require(
            peers.Length = 0 || (peers[0] > after && Array.last peers <= upTo),
            "A peer is out of range."
        )
        GossipMessage.Digest { After = after; UpTo = upTo; Items = items }

    static let readDifference (reader: DiscoveryReader) =
        let covered = readPeer reader ()
        let wanted = reader.Many(reader.UInt16(), idsMax, "peers", readPeer reader)
        reader.Require(isAscending wanted, "The peers are out of order.")
        GossipMessage.Difference(covered, wanted, readRecords reader)

    static let readMessage (reader: DiscoveryReader) : GossipMessage<ReadOnlyMemory<byte>> =
        let tag = byte (reader.Byte())
        if tag = recordsTag then
            GossipMessage.Records(readRecords reader)
        elif tag = digestTag then
            readDigest reader
        elif tag = differenceTag then
            readDifference reader
        elif tag = closeTag then
            GossipMessage.Close(enum<CloseReason>(int (reader.UInt32())))
        else
            reader.Fail "The kind of message is not known."
            GossipMessage.Records [||]

    /// Writes a message, whose counts keep to the limits of the core.
    static member Encode(message: GossipMessage<SignedRecord>, writer: IBufferWriter<byte>) : unit =
        match message with
        | GossipMessage.Records records ->
            writeByte recordsTag writer
            writeRecords records writer
        | GossipMessage.Digest page ->
            writeByte digestTag writer
            writePeer page.After writer
            writePeer page.UpTo writer
            writeUInt16 page.Items.Length writer
            for struct (peer, version) in page.Items do
                writePeer peer writer
                writeInt64 version.StartedAt writer
                writeInt64 version.UpdatedAt writer
        | GossipMessage.Difference(covered, wanted, records) ->
            writeByte differenceTag writer
            writePeer covered writer
            writeUInt16 wanted.Length writer
            for peer in wanted do
                writePeer peer writer
            writeRecords records writer
        | GossipMessage.Close reason ->
            writeByte closeTag writer
            writeUInt32 (uint32 reason) writer

    /// Reads a message; total: false, and why, for anything that is not one. Records are views of the body.
    static member TryDecode
        (
            body: ReadOnlyMemory<byte>,
            [<Out>] message: byref<GossipMessage<ReadOnlyMemory<byte>> | null>,
            [<Out>] fault: byref<string | null>
        ) : bool =
        let reader = DiscoveryReader body
        let decoded = readMessage reader
        reader.End()
        match reader.Fault with
        | null ->
            message <- decoded
            true
        | reason ->
            fault <- reason
            false

    /// The records in a message, unchecked.
    static member RecordsIn(message: GossipMessage<'record>) : 'record[] =
        match message with
        | GossipMessage.Records records -> records
        | GossipMessage.Difference(_, _, records) -> records
        | GossipMessage.Digest _
        | GossipMessage.Close _ -> [||]

    /// The message with records that were checked in place of the raw ones.
    static member WithRecords
        (message: GossipMessage<'record>, records: SignedRecord[])
        : GossipMessage<SignedRecord> =
        match message with
        | GossipMessage.Records _ -> GossipMessage.Records records
        | GossipMessage.Difference(covered, wanted, _) -> GossipMessage.Difference(covered, wanted, records)
        | GossipMessage.Digest page -> GossipMessage.Digest page
        | GossipMessage.Close reason -> GossipMessage.Close reason
