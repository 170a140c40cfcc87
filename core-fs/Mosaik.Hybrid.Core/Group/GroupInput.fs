namespace Mosaik.Hybrid.Core

open System

open Mosaik.Hybrid

/// What the runtime may tell the group.
[<RequireQualifiedAccess; NoEquality; NoComparison>]
type GroupInput =
    /// Time has passed.
    | Tick
    /// A link to a peer is open. The nonce is 32 fresh random bytes.
    | LinkOpened of link: LinkId * peer: PeerId * isDialler: bool * nonce: Bytes32
    /// A frame came and was decoded.
    | Received of link: LinkId * message: BondMessage
    /// What was asked about the peer's proof or tickets.
    | Checked of link: LinkId * credentials: Credentials
    /// The link is gone, or sent something that is no message.
    | LinkLost of link: LinkId * reason: CloseReason
    /// This node's own commands, numbered on from the last ones, or again because `Resubmit` asked.
    | Propose of commands: ReadOnlyMemory<LogEntry>
    | Read of id: uint64
    | ReadsExpired of upTo: uint64
    | Persisted of sequence: uint64
    | Applied of index: LogIndex * own: uint64 * gap: bool
    | SnapshotSaved of snapshot: SnapshotFacts * kept: int
    | SnapshotGrew of position: LogPosition * offset: int64
    | SnapshotReceived of snapshot: SnapshotFacts * timestamp: int64 * hasCommands: bool
    /// How are the members? Ids rise; `Surveyed` answers each.
    | Survey of id: uint64
    /// Leadership shall go to this peer; null: to whoever is fit for it.
    | HandOver of target: Nullable<PeerId>
    /// The operator gives this node's part in its lineage up.
    | Reset
    /// This node is about to leave: leadership is handed over, and the leader asked to remove the member. `MayLeave`
    /// says when that is over, after two election timeouts at the latest.
    | Leave
    /// This node leaves now: every bond ends in good order, and no new one is made.
    | Close
