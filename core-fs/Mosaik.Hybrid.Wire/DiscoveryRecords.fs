namespace Mosaik.Hybrid.Wire

open System
open System.Buffers
open System.Buffers.Binary
open System.Runtime.InteropServices
open System.Text

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// A signed record taken apart; nothing is checked but its form.
[<NoEquality; NoComparison>]
type SignedParts =
    {
        /// The SubjectPublicKeyInfo of the signer, in DER. Its SHA-256 must be the record's peer.
        PublicKey: ReadOnlyMemory<byte>
        /// ECDSA P-256 with SHA-256, IEEE P1363, over `DiscoveryRecords.signable`.
        Signature: ReadOnlyMemory<byte>
        Record: PeerRecord
        /// The canonical bytes of the record.
        Canonical: ReadOnlyMemory<byte>
    }

/// Bytes of peer records. Integers are little-endian; text is UTF-8 behind its length as u8.
///
///     signed record   u8 version = 1 | u16 length, public key | 64 signature | canonical
///     signed bytes    "mosaik peer entry v1\0" | canonical
///     canonical       u8 version = 1 | 32 network | 32 peer | i64 started at | i64 updated at
///                     u8 flags: 1 departed, others zero
///                     u8 count (16), addresses: text host (1 to 253) | u16 port (not 0)
///                     u8 count (32), tags: text (1 to 64), ascending bytewise
///                     u8 count (64), groups: 32, ascending
///                     u8 count (16), tickets: text class (1 to 128) | u16 length (8192), data; ascending
///
/// Nothing follows. There is one encoding of each record, and a signed record has at most 48 KiB.
[<AbstractClass; Sealed>]
type DiscoveryRecords private () =

    static let version = 1uy
    static let signatureSize = 64
    static let publicKeyBytesMax = 512
    static let domain = Encoding.ASCII.GetBytes "mosaik peer entry v1\000"

    static let writeText (text: string) (writer: IBufferWriter<byte>) =
        let bytes = Encoding.UTF8.GetBytes text
        writer.Write(ReadOnlySpan [| byte bytes.Length |])
        writer.Write(ReadOnlySpan bytes)

    static let writeUInt16 (value: int) (writer: IBufferWriter<byte>) =
        BinaryPrimitives.WriteUInt16LittleEndian(writer.GetSpan 2, uint16 value)
        writer.Advance 2

    static let writeInt64 (value: int64) (writer: IBufferWriter<byte>) =
        BinaryPrimitives.WriteInt64LittleEndian(writer.GetSpan 8, value)
        writer.Advance 8

    static let writeMany (items: 'item[]) (write: 'item -> unit) (writer: IBufferWriter<byte>) =
        writer.Write(ReadOnlySpan [| byte items.Length |])
        Array.iter write items

    static let ascending (compare: 'item -> 'item -> int) (items: 'item[]) =
        items |> Seq.pairwise |> Seq.forall (fun (one, next) -> compare one next < 0)

    static let readAddress (reader: DiscoveryReader) () : PeerHost =
        let host = reader.Text(1, PeerLimits.HostBytesMax, "A host")
        let isPlain character =
            not (Char.IsWhiteSpace character || Char.IsControl character)
        reader.Require(String.forall isPlain host, "A host has blanks or control characters.")
        let port = reader.UInt16()
        reader.Require(port <> 0, "A port is zero.")
        { Host = host; Port = port }

    static let readTicket (reader: DiscoveryReader) () : PeerTicket =
        let name = reader.Text(1, PeerLimits.TicketClassBytesMax, "A ticket class")
        let length = reader.UInt16()
        reader.Require(length <= PeerLimits.TicketDataBytesMax, "A ticket is too long.")
        { Class = name; Data = reader.Bytes length }

    static let readRecord (reader: DiscoveryReader) : PeerRecord =
        reader.Require((reader.Byte() = int version), "The version of the record is not known.")
        let network = NetworkId(reader.Bytes32())
        let peer = PeerId(reader.Bytes32())
        let started = reader.Int64()
        let updated = reader.Int64()
        reader.Require(started >= 0L && updated >= started, "The times are out of order.")
        let flags = reader.Byte()
        reader.Require(flags <= 1, "There are unknown flags.")
        let addresses = reader.Many(reader.Byte(), PeerLimits.AddressesMax, "addresses", readAddress reader)
        let readTag () =
            reader.Text(1, PeerLimits.TagBytesMax, "A tag")
        let tags = reader.Many(reader.Byte(), PeerLimits.TagsMax, "tags", readTag)
        reader.Require(ascending PeerRecord.compareTags tags, "Tags are out of order.")
        let groups =
            reader.Many(reader.Byte(), PeerLimits.GroupsMax, "groups", (fun () -> GroupId(reader.Bytes32())))
        reader.Require(ascending compare groups, "Groups are out of order.")
        let tickets = reader.Many(reader.Byte(), PeerLimits.TicketsMax, "tickets", readTicket reader)
        reader.Require(ascending PeerRecord.compareTickets tickets, "Tickets are out of order.")
        reader.End()
        { Peer = peer
          Network = network
          Version = { StartedAt = started; UpdatedAt = updated }
          Departed = (flags = 1)
          Addresses = addresses
          Tags = tags
          Groups = groups
          Tickets = tickets }

    /// The canonical bytes. The record must be canonical and without faults (`PeerRecord`).
    static member Encode(record: PeerRecord) : byte[] =
        let writer = ArrayBufferWriter<byte>()
        let writeId (id: Bytes32) =
            writer.Write(ReadOnlySpan(id.ToArray()))
        writer.Write(ReadOnlySpan [| version |])
        writeId record.Network.Value
        writeId record.Peer.Value
        writeInt64 record.Version.StartedAt writer
        writeInt64 record.Version.UpdatedAt writer
        writer.Write(ReadOnlySpan [| (if record.Departed then 1uy else 0uy) |])
        writer
        |> writeMany record.Addresses (fun address ->
            writeText address.Host writer
            writeUInt16 address.Port writer)
        writer |> writeMany record.Tags (fun tag -> writeText tag writer)
        writer |> writeMany record.Groups (fun group -> writeId group.Value)
        writer
        |> writeMany record.Tickets (fun ticket ->
            writeText ticket.Class writer
            writeUInt16 ticket.Data.Length writer
            writer.Write ticket.Data.Span)
        writer.WrittenSpan.ToArray()

    /// Reads canonical bytes; total. The record's tickets are views of the bytes.
    static member TryDecode(canonical: ReadOnlyMemory<byte>) : Result<PeerRecord, string> =
        let reader = DiscoveryReader canonical
        let record = readRecord reader
        match reader.Fault with
        | null -> Ok record
        | fault -> Error fault

    /// What the peer signs: the domain, so that the signature means nothing elsewhere, and the canonical bytes.
    static member Signable(canonical: ReadOnlySpan<byte>) : byte[] =
        let bytes: byte[] = Array.zeroCreate (domain.Length + canonical.Length)
        domain.CopyTo(bytes, 0)
        canonical.CopyTo(Span<byte>(bytes, domain.Length, canonical.Length))
        bytes

    /// The signed record from its parts. The signature has 64 bytes, the key at most 512.
    static member Assemble
        (publicKey: ReadOnlySpan<byte>, signature: ReadOnlySpan<byte>, canonical: ReadOnlySpan<byte>)
        : byte[] =
        let writer = ArrayBufferWriter<byte>()
        writer.Write(ReadOnlySpan [| version |])
        writeUInt16 publicKey.Length writer
        writer.Write publicKey
        writer.Write signature
        writer.Write canonical
        writer.WrittenSpan.ToArray()

    /// Takes a signed record apart; total: false, and why, for anything that is not in form. Checks no
    /// signature. The parts are views of the bytes.
    static member TryTakeApart
        (
            signed: ReadOnlyMemory<byte>,
            [<Out>] parts: byref<SignedParts | null>,
            [<Out>] fault: byref<string | null>
        ) : bool =
        let reader = DiscoveryReader signed
        reader.Require(signed.Length <= PeerLimits.SignedBytesMax, "The signed record is too long.")
        reader.Require((reader.Byte() = int version), "The version of the signed record is not known.")
        let keyLength = reader.UInt16()
        reader.Require(keyLength >= 1 && keyLength <= publicKeyBytesMax, "The key has a bad length.")
        let publicKey = reader.Bytes keyLength
        let signature = reader.Bytes signatureSize
        let canonical = reader.Rest()
        let result =
            match reader.Fault with
            | null -> DiscoveryRecords.TryDecode canonical
            | fault -> Error fault
        match result with
        | Ok record ->
            parts <- { PublicKey = publicKey; Signature = signature; Record = record; Canonical = canonical }
            true
        | Error reason ->
            fault <- reason
            false
