namespace Mosaik.Hybrid.Core

open Mosaik.Hybrid

/// How far a snapshot is on its way to one member.
[<NoComparison>]
type SnapshotTransfer =
    {
        Snapshot: SnapshotFacts
        /// The member has said that it takes it; nothing is sent before.
        IsOpen: bool
        /// The member holds the bytes before this one.
        Held: int64
        /// The next byte to send. Held <= Sent.
        Sent: int64
        /// When more bytes were last held, or all that is held was last sent on from: after an election timeout what
        /// was sent counts as lost.
        MovedAt: Instant
    }

/// How a leader sends to one member.
[<RequireQualifiedAccess; NoComparison>]
type ReplicationMode =
    /// Where the logs agree is not known yet: one append at a time. `isWaiting` while one is on its way.
    | Probe of isWaiting: bool
    /// The logs agree up to NextIndex - 1, if nothing was lost: appends are pipelined.
    | Replicate
    /// The member lacks entries that the leader no longer has: a snapshot goes in their place (Raft §7).
    | Snapshot of SnapshotTransfer
    /// The member lacks many committed entries, and reads them up to here from others. `movedAt` is when it last had more.
    | CatchUp of upTo: LogIndex * movedAt: Instant

/// What a leader knows of one other member. MatchIndex < NextIndex <= last index + 1.
[<NoComparison>]
type Progress =
    {
        /// The member's log is durable and equal up to here.
        MatchIndex: LogIndex
        /// The next entry to send.
        NextIndex: LogIndex
        Mode: ReplicationMode
        /// Tells this attempt at replication from former ones (rule 15).
        Session: uint64
        /// When an answer of this session last came.
        HeardAt: Instant
        /// The latest read round that the member has echoed, and that was sent to it.
        RoundEchoed: uint64
        RoundSent: uint64
        CommitSent: LogIndex
        HeartbeatDue: bool
        /// Reading from others has led to nothing: it is not tried again before.
        CatchUpAfter: Instant
    }

/// Who waits for a read.
[<RequireQualifiedAccess; NoComparison>]
type Reader =
    | Local of id: uint64
    | Remote of peer: MemberId * request: uint64

/// Leadership on its way to another member (thesis §3.10). Meanwhile the leader takes no commands.
[<Struct; NoComparison>]
type LeadershipTransfer =
    {
        Target: MemberId
        /// The target has been ordered to stand, since the last heartbeat.
        IsOrdered: bool
        /// Then it has failed, and this member goes on leading.
        Until: Instant
    }

/// What only a leader has.
[<NoComparison>]
type LeaderState =
    {
        Progress: Map<MemberId, Progress>
        /// The first entry of this term: nothing before it counts, or is read, until it is committed (Raft §5.4.2, §8).
        TermStart: LogIndex
        NextSession: uint64
        HeartbeatAt: Instant
        /// The last command number appended in this term, by proposer.
        Appended: Map<ProposerId, uint64>
        /// The latest round of reads; 0 before the first.
        Round: uint64
        /// Reads that wait for the next round, newest first.
        ReadsWaiting: Reader list
        /// Reads that the current round will confirm, at this index.
        ReadsInRound: Reader list
        ReadIndex: LogIndex
        /// The end of the log at the latest heartbeat: who has it all is caught up.
        TailAtBeat: LogIndex
        /// Something has happened since the autopilot last looked.
        ReviewDue: bool
        Transfer: LeadershipTransfer voption
        /// No leadership is offered by the leader's own wish before.
        OfferAt: Instant
    }
