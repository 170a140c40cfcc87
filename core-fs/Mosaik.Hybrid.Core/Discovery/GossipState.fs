namespace Mosaik.Hybrid.Core

open System

open Mosaik.Hybrid

/// The peers in a range of ids, with the versions that the sender has: after `After`, up to and with `UpTo`.
/// Whoever is in the range and not in the page is unknown to the sender.
[<NoEquality; NoComparison>]
type DigestPage = { After: PeerId; UpTo: PeerId; Items: struct (PeerId * PeerVersion)[] }

/// What nodes say to each other on a discovery link. The first message of each side is `Records` with exactly
/// its own record. `'record` is the raw bytes while on the wire, and a checked record in the core.
///
///     dialler                          acceptor
///        | ---- Records [own] ------->  |
///        | <------- Records [own] ----  |
///        | ---- Digest (page 1) ----->  |   what differs in the range?
///        | <---------- Difference ----  |   records that the dialler lacks, ids that it shall send
///        | ---- Records [wanted] ---->  |
///        | ---- Digest (page 2) ----->  |   until the last id is covered
///        | <==== Records on change ==>  |
[<RequireQualifiedAccess; NoEquality; NoComparison>]
type GossipMessage<'record> =
    /// Records that changed, or were wanted.
    | Records of 'record[]
    | Digest of DigestPage
    /// The answer to a digest, as far as `covered`: more did not fit. `wanted` is sorted.
    | Difference of covered: PeerId * wanted: PeerId[] * records: 'record[]
    /// The last message on a link, and why it ends.
    | Close of CloseReason

/// Whom to dial.
[<RequireQualifiedAccess>]
type DialTarget =
    /// An address that was given: whoever answers.
    | Address of PeerHost
    /// A peer that was discovered, at the addresses of its record.
    | Peer of PeerId

/// How often a target was dialled in vain, and when it may be dialled again.
[<Struct>]
type Redial = { Attempts: int; NextAt: Instant; InFlight: bool }

/// How far an exchange that this node began has come.
[<RequireQualifiedAccess; Struct>]
type Exchange =
    | Idle
    /// The page after `after`, up to `upTo`, waits for its answer; `again`: begin once more when done.
    | Waiting of after: PeerId * upTo: PeerId * again: bool

/// One link to a peer.
[<NoComparison>]
type GossipLink =
    {
        Peer: PeerId
        /// What this node dialled to get the link; none when the peer dialled.
        Target: DialTarget voption
        /// A valid message came.
        Heard: bool
        /// When the link is given up, unless a message comes before.
        Deadline: Instant
        Exchange: Exchange
    }

/// Everything that discovery knows.
[<NoEquality; NoComparison>]
type GossipState =
    {
        Self: SignedRecord
        Catalog: Catalog
        /// Links by the number that the runtime gave them.
        Links: Map<int64, GossipLink>
        /// The addresses that were given, and who was found to answer there.
        Addresses: Map<PeerHost, PeerId voption>
        Redials: Map<DialTarget, Redial>
        AnnounceAt: Instant
        /// When the own record is to be signed again because the network holds a newer one of a former life.
        ReviseAt: Instant
        /// The newest version of this peer that was seen elsewhere.
        Floor: PeerVersion
        PurgeAt: Instant
        DialAt: Instant
        /// This node has said goodbye: it dials and announces no more.
        Leaving: bool
        Rng: Rng
    }

/// Everything that can happen to discovery. Signatures were checked before.
[<RequireQualifiedAccess; NoEquality; NoComparison>]
type GossipInput =
    /// The deadline has come, or may have.
    | Tick
    /// The own record was signed anew, or replaced by its tombstone (then the node leaves).
    | OwnChanged of SignedRecord
    /// Addresses to find peers at.
    | AddAddresses of PeerHost[]
    /// A link is up: dialled for a target, or accepted.
    | LinkUp of link: int64 * peer: PeerId * target: DialTarget voption
    | LinkDown of link: int64
    | DialFailed of DialTarget
    /// The target turned out to be this node itself.
    | FoundSelf of DialTarget
    | Received of link: int64 * message: GossipMessage<SignedRecord>
    /// A record that came another way, such as over a bond.
    | Learned of SignedRecord

/// Everything that discovery can ask for.
[<RequireQualifiedAccess; NoEquality; NoComparison>]
type GossipOutput =
    | Send of link: int64 * message: GossipMessage<SignedRecord>
    /// Dial the addresses in turn; `expected` must answer, if given.
    | Dial of target: DialTarget * addresses: PeerHost[] * expected: PeerId voption
    /// Close the link, after what was sent on it; it is forgotten already.
    | Close of link: int64 * reason: CloseReason
    /// The catalogue holds this record now (or no more, if departed).
    | Changed of change: CatalogChange * entry: SignedRecord
    /// Sign the own record anew, newer than `floor`, and give it back as `OwnChanged`.
    | Revise of floor: PeerVersion
    | SetDeadline of Instant

/// What a step takes and gives, named for the runtime.
[<NoEquality; NoComparison>]
type GossipTransition = { State: GossipState; Outputs: GossipOutput list }

/// One method for each output, for the runtime to implement once.
type IGossipOutputHandler =
    abstract Send: link: int64 * message: GossipMessage<SignedRecord> -> unit
    abstract Dial: target: DialTarget * addresses: PeerHost[] * expected: Nullable<PeerId> -> unit
    abstract Close: link: int64 * reason: CloseReason -> unit
    abstract Changed: change: CatalogChange * entry: SignedRecord -> unit
    abstract Revise: floor: PeerVersion -> unit
    abstract SetDeadline: at: Instant -> unit

[<RequireQualifiedAccess>]
module GossipOutputs =

    /// Hands each output to its method, in order.
    [<CompiledName "Dispatch">]
    let rec dispatch (handler: IGossipOutputHandler) (outputs: GossipOutput list) : unit =
        match outputs with
        | [] -> ()
        | head :: tail ->
            match head with
            | GossipOutput.Send(link, message) -> handler.Send(link, message)
            | GossipOutput.Dial(target, addresses, expected) ->
                handler.Dial(target, addresses, ValueOption.toNullable expected)
            | GossipOutput.Close(link, reason) -> handler.Close(link, reason)
            | GossipOutput.Changed(change, entry) -> handler.Changed(change, entry)
            | GossipOutput.Revise floor -> handler.Revise floor
            | GossipOutput.SetDeadline at -> handler.SetDeadline at
            dispatch handler tail

/// Inputs, as the runtime makes them.
[<RequireQualifiedAccess>]
module GossipInputs =

    [<CompiledName "Dialled">]
    let dialled (link: int64) (peer: PeerId) (target: DialTarget) : GossipInput =
        GossipInput.LinkUp(link, peer, ValueSome target)

    [<CompiledName "Accepted">]
    let accepted (link: int64) (peer: PeerId) : GossipInput =
        GossipInput.LinkUp(link, peer, ValueNone)

[<RequireQualifiedAccess>]
module GossipState =

    /// Before and after every id in use.
    let firstId = PeerId Bytes32.Zero
    let lastId = PeerId.FromBytes(ReadOnlySpan(Array.create 32 0xFFuy))

    /// A node that knows nobody. The first announcement comes after one interval.
    [<CompiledName "Init">]
    let init (config: DiscoveryConfig) (now: Instant) (seed: uint64) (self: SignedRecord) : GossipState =
        { Self = self
          Catalog = Catalog.empty
          Links = Map.empty
          Addresses = Map.empty
          Redials = Map.empty
          AnnounceAt = now.Plus config.AnnounceInterval
          ReviseAt = Instant.Never
          Floor = PeerVersion.zero
          PurgeAt = now.Plus config.PurgeAfter
          DialAt = Instant.Never
          Leaving = false
          Rng = Rng.ofSeed seed }

    /// Who was found at an address that was given, once the record of that peer is known; null before.
    [<CompiledName "FoundAt">]
    let foundAt (host: PeerHost) (state: GossipState) : Nullable<PeerId> =
        match state.Addresses.TryGetValue host with
        | true, ValueSome peer when Catalog.isLive peer state.Catalog -> Nullable peer
        | true, _
        | false, _ -> Nullable()

    /// Every record that this node can tell, its own included, by id.
    let records (state: GossipState) : Map<PeerId, SignedRecord> =
        state.Catalog.Entries.Add(state.Self.Record.Peer, state.Self)

    /// True when a link to the peer is up.
    let isLinked (peer: PeerId) (state: GossipState) : bool =
        state.Links |> Map.exists (fun _ link -> link.Peer = peer)

    /// When the next tick is due.
    let deadline (state: GossipState) : Instant =
        let earlier (left: Instant) (right: Instant) = if left < right then left else right
        let timers =
            if state.Leaving then
                state.PurgeAt
            else
                state.AnnounceAt
                |> earlier state.ReviseAt
                |> earlier state.PurgeAt
                |> earlier state.DialAt
        Map.fold (fun soonest _ link -> earlier soonest link.Deadline) timers state.Links
