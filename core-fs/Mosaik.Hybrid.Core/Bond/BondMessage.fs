namespace Mosaik.Hybrid.Core

open System

open Mosaik.Hybrid

/// Why a link was closed. The numbers travel in the closing frame and are the same at both ends.
type CloseReason =
    /// The other end speaks of another network.
    | DifferentNetwork = 101
    /// The stream ended without a closing frame.
    | UnexpectedClose = 103
    /// The peer leaves in good order.
    | GracefulShutdown = 204
    /// A frame was malformed, oversized, or out of place.
    | ProtocolViolation = 400
    /// The handshake was malformed or out of order.
    | InvalidHandshake = 30400
    /// No valid ticket.
    | NotAllowed = 30403
    /// This node is not in that group.
    | GroupNotFound = 30404
    /// The proof of the group key is wrong.
    | InvalidProof = 30405
    /// Nothing was heard for too long.
    | Timeout = 30408
    /// Both are affiliated, to different lineages of the group.
    | DifferentLineage = 30409
    /// Another link between the same two members is kept.
    | AlreadyBonded = 30429
    /// No protocol version is spoken by both.
    | UnsupportedVersion = 30426

/// Each side's first words on a link: facts to compare, nothing secret.
[<NoComparison>]
type Hello =
    {
        /// The least and the greatest protocol version that the sender speaks.
        VersionMin: uint16
        VersionMax: uint16
        Network: NetworkId
        Group: GroupId
        /// 32 random bytes, fresh for each link: makes proofs unrepeatable.
        Nonce: Bytes32
        Member: MemberId
        /// The sender's lineage; none while its log is empty.
        Lineage: Lineage
        /// How willing the sender is to lead.
        Preference: LeadershipPreference
        /// A command of the sender's lineage is committed, as far as it knows.
        HasCommands: bool
    }

/// Each side's proof that it knows the group key, with its signed peer entry (and so its tickets).
[<NoEquality; NoComparison>]
type Proof =
    {
        /// HMAC-SHA256 over the role, both hellos and both public keys.
        Mac: Bytes32
        /// The sender's signed peer entry, as discovery spreads it; at most 48 KiB.
        Entry: ReadOnlyMemory<byte>
    }

/// What peers say to each other on one link of a group. A link's life:
///
///     dialler                      acceptor
///        | ---- Hello -----------> |   known network? known group? version?
///        | <----------- Hello ---- |
///        | ---- Proof -----------> |   proof? tickets? lineage? duplicate?
///        | <----------- Proof ---- |
///        | ---- Welcome ---------> |   bonded: from here on Ping, Pong, PeerChanged, Affiliated,
///        | <====== consensus ====> |   Raft, and at last Departing
[<RequireQualifiedAccess; NoEquality; NoComparison>]
type BondMessage =
    | Hello of Hello
    | Proof of Proof
    /// The dialler has checked the acceptor: the bond is formed.
    | Welcome
    | Ping
    | Pong
    /// The sender's peer entry changed: the signed entry.
    | PeerChanged of entry: ReadOnlyMemory<byte>
    /// The sender's log now belongs to this lineage.
    | Affiliated of Lineage
    /// The sender leaves the group in good order.
    | Departing
    /// The link ends, with this reason. The last frame on it.
    | Close of CloseReason
    | Raft of Message
