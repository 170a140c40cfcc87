namespace Mosaik.Hybrid.Core

open System
open System.Text

open Mosaik.Hybrid

/// Which of two records of one peer is newer: a later start beats every update of an earlier one.
/// Both in milliseconds since 1970, by the peer's own wall clock.
[<Struct>]
type PeerVersion = { StartedAt: int64; UpdatedAt: int64 }

[<RequireQualifiedAccess>]
module PeerVersion =

    /// Older than every version in use.
    let zero = { StartedAt = 0L; UpdatedAt = 0L }

    /// The version that follows both `current` and `floor`, even if the wall clock stood still or went back.
    /// `floor` is the newest version that the network has seen of this peer: of a former life, it may be ahead.
    [<CompiledName "Next">]
    let next (wall: int64) (floor: PeerVersion) (current: PeerVersion) : PeerVersion =
        { StartedAt = max current.StartedAt floor.StartedAt
          UpdatedAt = max wall (1L + max current.UpdatedAt floor.UpdatedAt) }

/// Where a peer listens.
type PeerHost = { Host: string; Port: int }

/// A credential as it travels: its class and its data.
[<NoEquality; NoComparison>]
type PeerTicket = { Class: string; Data: ReadOnlyMemory<byte> }

/// What a peer says of itself. Tags, groups and tickets are in canonical order (`PeerRecord.canonical`).
[<NoEquality; NoComparison>]
type PeerRecord =
    {
        Peer: PeerId
        Network: NetworkId
        Version: PeerVersion
        /// The peer left in good order: a tombstone, kept so that old records do not bring it back.
        Departed: bool
        Addresses: PeerHost[]
        Tags: string[]
        Groups: GroupId[]
        Tickets: PeerTicket[]
    }

/// A record with the bytes that its peer signed. Only made after the signature was checked.
[<NoEquality; NoComparison>]
type SignedRecord = { Record: PeerRecord; Signed: ReadOnlyMemory<byte> }

/// Limits of one record: what a decoder takes, and what a node may say of itself.
[<RequireQualifiedAccess>]
module PeerLimits =
    [<Literal>]
    let AddressesMax = 16

    [<Literal>]
    let HostBytesMax = 253

    [<Literal>]
    let TagsMax = 32

    [<Literal>]
    let TagBytesMax = 64

    [<Literal>]
    let GroupsMax = 64

    [<Literal>]
    let TicketsMax = 16

    [<Literal>]
    let TicketClassBytesMax = 128

    [<Literal>]
    let TicketDataBytesMax = 8_192

    /// Of the signed form: key, signature and record.
    [<Literal>]
    let SignedBytesMax = 49_152

[<RequireQualifiedAccess>]
module PeerRecord =

    let private bytesOf (text: string) = Encoding.UTF8.GetBytes text

    let private compareBytes (left: byte[]) (right: byte[]) =
        ReadOnlySpan<byte>(left).SequenceCompareTo(ReadOnlySpan<byte> right)

    /// The order of tags: by their bytes in UTF-8.
    let compareTags (left: string) (right: string) =
        compareBytes (bytesOf left) (bytesOf right)

    /// The order of tickets: by class, then by data, bytewise.
    let compareTickets (left: PeerTicket) (right: PeerTicket) =
        match compareTags left.Class right.Class with
        | 0 -> left.Data.Span.SequenceCompareTo right.Data.Span
        | order -> order

    let private distinctBy compare items =
        let sorted = List.sortWith compare (List.ofArray items)
        let folder kept item =
            match kept with
            | last :: _ when compare last item = 0 -> kept
            | _ -> item :: kept
        sorted |> List.fold folder [] |> List.rev |> Array.ofList

    /// Sorts tags, groups and tickets and drops repetitions, so that equal facts give equal bytes.
    /// Addresses keep their order: best first.
    [<CompiledName "Canonical">]
    let canonical (record: PeerRecord) : PeerRecord =
        { record with
            Addresses = Array.distinct record.Addresses
            Tags = distinctBy compareTags record.Tags
            Groups = record.Groups |> Array.distinct |> Array.sort
            Tickets = distinctBy compareTickets record.Tickets }

    let private sameTickets (left: PeerTicket[]) (right: PeerTicket[]) =
        left.Length = right.Length
        && Array.forall2 (fun one other -> compareTickets one other = 0) left right

    /// True when both say the same, whatever their update times. A restart is a difference.
    [<CompiledName "SameContent">]
    let sameContent (left: PeerRecord) (right: PeerRecord) : bool =
        left.Departed = right.Departed
        && left.Version.StartedAt = right.Version.StartedAt
        && left.Addresses = right.Addresses
        && left.Tags = right.Tags
        && left.Groups = right.Groups
        && sameTickets left.Tickets right.Tickets

    /// Every limit that the record breaks, in words for people; empty when it may be published.
    [<CompiledName "Faults">]
    let faults (record: PeerRecord) : string list =
        let atMost what count limit =
            if count > limit then
                [ $"{what}: {count}; at most {limit}." ]
            else
                []
        let sized what least most (text: string) =
            let size = Encoding.UTF8.GetByteCount text
            if size < least || size > most then
                [ $"{what} '{text}' has {size} bytes; {least} to {most} are taken." ]
            else
                []
        let address (host: PeerHost) =
            sized "The host" 1 PeerLimits.HostBytesMax host.Host
            @ (if host.Port < 1 || host.Port > 65_535 then
                   [ $"Port {host.Port} is not between 1 and 65535." ]
               else
                   [])
        let ticket (ticket: PeerTicket) =
            sized "The ticket class" 1 PeerLimits.TicketClassBytesMax ticket.Class
            @ atMost "Bytes of a ticket's data" ticket.Data.Length PeerLimits.TicketDataBytesMax
        List.concat
            [ atMost "Addresses" record.Addresses.Length PeerLimits.AddressesMax
              atMost "Tags" record.Tags.Length PeerLimits.TagsMax
              atMost "Groups" record.Groups.Length PeerLimits.GroupsMax
              atMost "Tickets" record.Tickets.Length PeerLimits.TicketsMax
              record.Addresses |> List.ofArray |> List.collect address
              record.Tags
              |> List.ofArray
              |> List.collect (sized "The tag" 1 PeerLimits.TagBytesMax)
              record.Tickets |> List.ofArray |> List.collect ticket ]

    /// What a peer publishes when it leaves: nothing but that it left, newer than all it said before.
    [<CompiledName "Tombstone">]
    let tombstone (wall: int64) (record: PeerRecord) : PeerRecord =
        { record with
            Version = PeerVersion.next wall PeerVersion.zero record.Version
            Departed = true
            Addresses = [||]
            Tags = [||]
            Groups = [||]
            Tickets = [||] }
