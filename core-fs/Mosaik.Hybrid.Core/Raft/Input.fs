namespace Mosaik.Hybrid.Core

open System

open Mosaik.Hybrid

/// What time it is, as the caller says.
[<Struct>]
type Clock =
    {
        /// On a clock that never jumps; all deadlines are on it.
        Now: Instant
        /// Milliseconds since 1970 on the wall; stamped into entries, decides nothing.
        Wall: int64
    }

/// What a bond's handshake said of a member.
[<Struct>]
type PeerFacts =
    {
        /// The lineage of its log; none while it is empty.
        Lineage: Lineage
        /// How willing it is to lead. Observers never vote and never lead.
        Preference: LeadershipPreference
        /// A command of its lineage is committed, as far as it knows: such a lineage is never given up.
        HasCommands: bool
    }

/// Everything that can happen to consensus.
[<RequireQualifiedAccess; NoEquality; NoComparison>]
type Input =
    /// Time has passed; perhaps a deadline too. Harmless at any time.
    | Tick
    /// A bonded member said something.
    | Received of sender: MemberId * message: Message
    /// A member can be reached: a new bond, on which nothing has been said yet.
    | PeerUp of peer: MemberId * facts: PeerFacts
    /// A member can't be reached any more.
    | PeerDown of peer: MemberId
    /// A member, bonded or refused, is affiliated to this lineage; `hasCommands` as in `PeerFacts`.
    | PeerAffiliated of peer: MemberId * lineage: Lineage * hasCommands: bool
    /// This node's own commands, numbered on from the last ones; or again, because `Resubmit` asked for them.
    | Propose of commands: ReadOnlyMemory<LogEntry>
    /// From which index on is the state fresh? Ids rise.
    | Read of id: uint64
    /// Nobody waits any more for reads up to this id.
    | ReadsExpired of upTo: uint64
    /// The write with this sequence number, and all before it, are durable.
    | Persisted of sequence: uint64
    /// Entries up to `index` are applied; this run's own commands up to number `own` took effect; `gap` says
    /// that an own command was dropped because an earlier one is missing.
    | Applied of index: LogIndex * own: uint64 * gap: bool
    /// A snapshot of the own machine is durable; of the entries before its position only the last `kept` are wanted
    /// still, for members that are a little behind.
    | SnapshotSaved of snapshot: SnapshotFacts * kept: int
    /// Of the snapshot that is being received, at this position, the first `offset` bytes are here.
    | SnapshotGrew of position: LogPosition * offset: int64
    /// A snapshot that another member sent is whole and durable. `timestamp` is that of the entry it stands at;
    /// `hasCommands` says that a command took effect in it.
    | SnapshotReceived of snapshot: SnapshotFacts * timestamp: int64 * hasCommands: bool
    /// How are the members? Ids rise; `Output.Surveyed` answers each.
    | Survey of id: uint64
    /// Leadership shall go to this peer, or to whoever is fit for it.
    | HandOver of target: PeerId voption
    /// This node is about to leave: it hands leadership over and has itself removed. `Notice.MayLeave` ends it.
    | Leave
    /// The operator gives this node's part in its lineage up: `Output.Reset` follows.
    | Reset
