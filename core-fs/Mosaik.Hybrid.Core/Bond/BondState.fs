namespace Mosaik.Hybrid.Core

open System

open Mosaik.Hybrid

/// Names one link of this process; never used again.
type LinkId = int64

/// How far the handshake has come. What each end waits for:
///
///     dialler:  Greeting (Hello) -> Proving (Proof) -> Checking (the runtime) -----------------> Bonded
///     acceptor: Greeting (Hello) -> Proving (Proof) -> Checking (the runtime) -> Welcoming ----> Bonded
///
/// From every phase a link may end; then its bond is forgotten.
[<RequireQualifiedAccess>]
type BondPhase =
    | Greeting
    | Proving
    | Checking
    | Welcoming
    | Bonded

/// One link to one peer, and what has been said on it.
[<NoComparison>]
type Bond =
    {
        Link: LinkId
        /// Who is at the other end: proved by the transport.
        Peer: PeerId
        IsDialler: bool
        Phase: BondPhase
        /// What this end said first.
        Mine: Hello
        /// What the other end said first.
        Theirs: Hello voption
        /// When the handshake must be over, or the next heartbeat is due.
        DueAt: Instant
        /// Something came since the last heartbeat was due.
        Heard: bool
        /// Heartbeat intervals without a sign of life.
        Missed: int
        /// When the peer's tickets must be looked at again.
        TicketsDueAt: Instant
        /// The runtime is looking at them: the next time they are due, the bond ends.
        Rechecking: bool
    }

/// What the runtime found out about a peer's proof and tickets.
[<RequireQualifiedAccess; NoComparison>]
type Credentials =
    /// All good, until the moment when the first ticket expires.
    | Good of ticketsDueAt: Instant
    /// The peer does not know the group key.
    | WrongProof
    /// A ticket is missing or not good.
    | NotAllowed
    /// The peer entry is malformed, wrongly signed or another peer's.
    | Malformed

/// What a link asks for.
[<RequireQualifiedAccess; NoEquality; NoComparison>]
type BondOutput =
    | Say of LinkId * BondMessage
    /// Send the proof that this end knows the group key.
    | Prove of LinkId * mine: Hello * theirs: Hello * isDialler: bool
    /// Check the peer's proof and tickets, then give `Checked`.
    | Check of LinkId * mine: Hello * theirs: Hello * isDialler: bool * proof: Proof
    /// Look at the peer's tickets again, then give `Checked`. An entry, if one came, is its new one.
    | Recheck of LinkId * entry: ReadOnlyMemory<byte>
    /// Close the link with this reason.
    | Close of LinkId * CloseReason

/// Who this end is, for handshakes.
[<NoComparison>]
type BondIdentity = { Network: NetworkId; Group: GroupId; Member: MemberId; Preference: LeadershipPreference }

[<RequireQualifiedAccess>]
module BondLimits =

    /// The protocol versions that this end speaks.
    let versionMin = 1us
    let versionMax = 1us

    /// How long a handshake may take, in milliseconds.
    let handshakeTimeout = 5_000

    /// How long the runtime may take to look at tickets again, in milliseconds.
    let recheckTimeout = 1_000

    /// Links in the middle of their handshake, at most.
    let handshakesMax = 256
