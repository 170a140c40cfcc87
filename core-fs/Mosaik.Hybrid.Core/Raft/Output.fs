namespace Mosaik.Hybrid.Core

open System

open Mosaik.Hybrid

/// What a store makes durable as a unit, in this order: hard state, truncation, entries.
[<NoEquality; NoComparison>]
type Write =
    {
        /// 1, 2, 3, ...; `Input.Persisted` gives it back.
        Sequence: uint64
        /// Null when it has not changed.
        HardState: HardState | null
        /// Remove entries from this index on; zero for none.
        TruncateFrom: LogIndex
        /// Runs of entries, each following on from the one before, oldest first.
        Entries: ReadOnlyMemory<LogEntry> list
    }

/// A member's part in the group at a moment.
type RoleKind =
    | Follower = 0
    | Candidate = 1
    | Leader = 2

/// Something that people and programs around the group want to know.
[<RequireQualifiedAccess; NoComparison>]
type Notice =
    | LeaderChanged of leader: MemberId voption
    | RoleChanged of role: RoleKind * term: Term
    /// Online: this member leads, or follows a leader without a gap.
    | OnlineChanged of online: bool
    | ConfigurationChanged of Configuration
    | CommitAdvanced of index: LogIndex
    /// The write that is on its way takes longer than an election timeout, or did and has come to rest.
    | DiskStalled of stalled: bool
    /// The other lineages of the group that are known to live; empty when the conflict is over.
    | ConflictChanged of lineages: Lineage list
    /// Nothing more can or need be done for this node to leave in good order.
    | MayLeave

/// A broken rule: which one, in words, and what showed it.
type Violation = { Rule: string; Evidence: string }

/// Everything that consensus can ask for.
[<RequireQualifiedAccess; NoEquality; NoComparison>]
type Output =
    // Consequences: derived in Raft.step, never written by a handler.
    /// A received snapshot takes the place of the whole log, durably, and of the machine's state; after the writes
    /// before it.
    | Install of through: LogPosition
    /// The store may forget the entries up to here, after the writes before it.
    | Compact of through: LogPosition
    /// Make durable, then give `Input.Persisted`.
    | Write of Write
    /// Give `Input.Tick` at this moment; replaces the former deadline.
    | SetDeadline of at: Instant
    /// Committed: apply in order, then give `Input.Applied`.
    | Apply of LogRange
    | Notify of Notice
    /// A rule is broken: this group stops on this node, and its dump names the rule.
    | Halt of Violation
    // Words to others.
    | Send of recipient: MemberId * message: Message
    /// An append with these entries of the log.
    | SendEntries of recipient: MemberId * header: AppendHeader * range: LogRange
    /// An answer to a fetch with these entries of the log, all of them committed.
    | ServeEntries of recipient: MemberId * header: FetchedHeader * range: LogRange
    /// Bytes of the own snapshot at this position, from `offset` on. It was offered first: from then on it is kept
    /// open, also when a newer one takes its place in the store.
    | SendSnapshot of
        recipient: MemberId *
        header: AppendHeader *
        snapshot: SnapshotFacts *
        offset: int64 *
        count: int
    /// A forward with this node's own commands of these numbers.
    | SendCommands of recipient: MemberId * header: ForwardHeader * first: uint64 * last: uint64
    // Words to the runtime.
    /// Keep bytes of a snapshot, or none of them when they do not follow on; then give `Input.SnapshotGrew`, or
    /// `Input.SnapshotReceived` when it is whole.
    | Keep of snapshot: SnapshotFacts * chunk: SnapshotChunk
    /// Give `Input.Propose` again with the own commands of these numbers, oldest first.
    | Resubmit of first: uint64 * last: uint64
    /// Own commands got indexes: `first` stands at `index`, the others follow on. Index zero: appended before.
    | Assigned of first: uint64 * last: uint64 * index: LogIndex
    /// State applied up to the index is fresh enough for the reads.
    | ReadReady of ids: uint64 list * index: LogIndex
    /// More reads wait than may.
    | ReadRefused of id: uint64
    /// The leader's answer to the questions of these ids; none when there is no leader, or none that answers.
    | Surveyed of ids: uint64 list * reply: SurveyReply voption
    /// The peer broke the protocol; its bond must be closed. The words are for diagnostics.
    | Blame of peer: MemberId * evidence: string
    /// This lineage is of no use to anybody, or the operator gave it up: forget the log and begin a new incarnation.
    | Reset
