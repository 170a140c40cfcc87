namespace Mosaik.Hybrid.Core

open System

open Mosaik.Hybrid

/// What kind of ballot a vote request asks for.
[<RequireQualifiedAccess; NoComparison>]
type Ballot =
    /// Would you vote for me? Changes nothing at either end (thesis §9.6).
    | PreVote
    /// The vote of Raft §5.2.
    | Vote
    /// The vote of a member that the leader has ordered to take over (thesis §3.10): who hears the leader votes
    /// all the same.
    | Transfer
    /// A vote for founding the request's lineage with this configuration as its first entry.
    | Founding of Configuration

/// The answer to a vote request.
[<RequireQualifiedAccess>]
type Vote =
    | Granted
    | Denied

/// A candidate asks for a vote (Raft §5.2). `Term` is the term it stands for: in a pre-vote, not yet its own.
[<NoComparison>]
type RequestVote = { Lineage: Lineage; Term: Term; Last: LogPosition; Ballot: Ballot }

/// The answer. `Term` is the voter's term, but for a granted pre-vote the term that was asked for.
[<NoComparison>]
type RequestVoteReply = { Lineage: Lineage; Term: Term; Vote: Vote; PreVote: bool }

/// The head of an append (Raft §5.3); the entries that follow start right after `Previous`.
[<NoComparison>]
type AppendHeader =
    {
        Lineage: Lineage
        Term: Term
        /// The leader's replication session with this member: answers that carry another are late and void.
        Session: uint64
        /// The leader's latest round of reads: an answer that echoes it confirms that it still led then.
        Round: uint64
        Previous: LogPosition
        /// The leader's commit index.
        Commit: LogIndex
    }

/// A snapshot of the state machine: what it was at one position of the log.
[<NoComparison>]
type SnapshotFacts =
    {
        Lineage: Lineage
        /// The last entry whose effect is in it. Committed.
        Position: LogPosition
        /// The configuration in force at that position.
        Configuration: Configuration
        /// How many bytes it has.
        Length: int64
        /// CRC32C of its bytes.
        Checksum: uint32
    }

/// Some bytes of a snapshot; none in an offer.
[<Struct; NoEquality; NoComparison>]
type SnapshotChunk = { Offset: int64; Data: ReadOnlyMemory<byte> }

/// What became of an append, or of a part of a snapshot.
[<RequireQualifiedAccess; Struct>]
type AppendOutcome =
    /// The member's log is durable, and equal to the leader's, up to here.
    | Accepted of upTo: LogIndex
    /// The log does not hold the position before the entries. `hint` is the member's last entry that could
    /// match: not after the refused index, not of a later term.
    | Rejected of previous: LogIndex * hint: LogPosition
    /// The member takes the snapshot that stands at this position, and holds its first `offset` bytes.
    | Receiving of position: LogPosition * offset: int64

/// The answer to an append.
[<NoComparison>]
type AppendEntriesReply =
    { Lineage: Lineage; Term: Term; Session: uint64; Round: uint64; Outcome: AppendOutcome }

/// A member asks the leader from which index on its state is fresh (thesis §6.4).
/// `Request` is unique to the attempt, so that a late answer to an earlier one confirms nothing.
[<NoComparison>]
type ReadIndex = { Lineage: Lineage; Term: Term; Request: uint64 }

/// The leader confirmed that it led after the request came: state applied up to `Index` is fresh enough.
[<NoComparison>]
type ReadIndexReply = { Lineage: Lineage; Term: Term; Request: uint64; Index: LogIndex }

/// The head of a forward: commands of the sender, in the order of their numbers and without a gap.
[<NoComparison>]
type ForwardHeader =
    {
        Lineage: Lineage
        Term: Term
        /// The number of the sender's last command that it has applied itself.
        Applied: uint64
    }

/// What the leader did with forwarded commands.
[<RequireQualifiedAccess; Struct>]
type ForwardOutcome =
    /// All numbers from `first` to `last` are in the leader's log, in order, the first of them at `index`.
    | Appended of first: uint64 * last: uint64 * index: LogIndex
    /// The leader wants the commands again from `next` on: some in between are missing.
    | Missing of next: uint64
    /// The leader holds as much uncommitted as it may; try again later.
    | Overloaded

/// The answer to a forward.
[<NoComparison>]
type ForwardReply = { Lineage: Lineage; Term: Term; Outcome: ForwardOutcome }

/// The leader orders a member whose log equals its own to stand for election at once (thesis §3.10).
[<NoComparison>]
type TimeoutNow = { Lineage: Lineage; Term: Term }

/// A member asks the leader to hand leadership over to another one.
[<NoComparison>]
type HandOver = { Lineage: Lineage; Term: Term; Target: MemberId }

/// The sender is about to leave the group for good: it asks to be removed from the configuration.
[<NoComparison>]
type Depart = { Lineage: Lineage; Term: Term }

/// The leader's answer: a committed configuration is without the member, which may go.
[<NoComparison>]
type Departed = { Lineage: Lineage; Term: Term }

/// A member asks the leader how the members are.
[<NoComparison>]
type Survey = { Lineage: Lineage; Term: Term; Request: uint64 }

/// What a leader knows of a member; of itself too.
[<NoComparison>]
type MemberReport =
    {
        Member: MemberId
        /// Its log is durable, and equal to the leader's, up to here.
        Match: LogIndex
        /// For how many milliseconds the leader has not heard from it; 0 for the leader itself.
        Silence: int64
        /// The leader has a bond to it.
        IsBonded: bool
        /// It has all that the leader had one heartbeat ago.
        IsCaughtUp: bool
        /// It has said that it leaves.
        IsLeaving: bool
        /// How willing it is to lead, as its bond says; normal without one.
        Preference: LeadershipPreference
    }

/// The leader's answer: everybody in its configuration, once, in the order of their ids.
[<NoComparison>]
type SurveyReply =
    {
        Lineage: Lineage
        Term: Term
        Request: uint64
        /// The end of the leader's log.
        Last: LogIndex
        /// The leader's commit index.
        Commit: LogIndex
        Members: MemberReport list
    }

/// Who has the committed entries that a member lacks, and of which terms they are in the leader's log.
[<NoComparison>]
type CatchUpPlan =
    {
        /// The last of them; not after the leader's commit index.
        UpTo: LogIndex
        /// Which term wrote which, oldest first; from the entry after the head's previous position on, without a gap.
        Runs: TermRun list
        /// Members that have all of them, other than the leader. Never empty.
        Sources: MemberId list
    }

/// A member asks another for committed entries.
[<NoComparison>]
type FetchEntries =
    {
        Lineage: Lineage
        Term: Term
        /// Unique to the attempt.
        Request: uint64
        First: LogIndex
        Last: LogIndex
    }

/// The head of the answer; the entries that follow start right after `Previous`, as many as fit. None are given by who
/// does not have them, or does not know that they are committed.
[<NoComparison>]
type FetchedHeader = { Lineage: Lineage; Term: Term; Request: uint64; Previous: LogPosition }

/// What members of one group say to each other about consensus.
[<RequireQualifiedAccess; NoEquality; NoComparison>]
type Message =
    | RequestVote of RequestVote
    | RequestVoteReply of RequestVoteReply
    | AppendEntries of header: AppendHeader * entries: ReadOnlyMemory<LogEntry>
    | AppendEntriesReply of AppendEntriesReply
    /// The leader no longer has the entries that the member lacks, and sends a snapshot in their place (Raft §7).
    /// `Previous` of the head is the snapshot's position.
    | InstallSnapshot of header: AppendHeader * snapshot: SnapshotFacts * chunk: SnapshotChunk
    | ReadIndex of ReadIndex
    | ReadIndexReply of ReadIndexReply
    | Forward of header: ForwardHeader * commands: ReadOnlyMemory<LogEntry>
    | ForwardReply of ForwardReply
    | TimeoutNow of TimeoutNow
    | HandOver of HandOver
    | Depart of Depart
    | Departed of Departed
    | Survey of Survey
    | SurveyReply of SurveyReply
    /// In the place of entries: the member reads them from others, in parallel. `Previous` of the head is the last
    /// position that the member is known to have.
    | CatchUp of header: AppendHeader * plan: CatchUpPlan
    | FetchEntries of FetchEntries
    | FetchedEntries of header: FetchedHeader * entries: ReadOnlyMemory<LogEntry>

[<RequireQualifiedAccess>]
module Message =

    /// The term that the message was sent in, or, for a pre-vote, asks about.
    let termOf (message: Message) =
        match message with
        | Message.RequestVote request -> request.Term
        | Message.RequestVoteReply reply -> reply.Term
        | Message.AppendEntries(header, _) -> header.Term
        | Message.AppendEntriesReply reply -> reply.Term
        | Message.InstallSnapshot(header, _, _) -> header.Term
        | Message.ReadIndex request -> request.Term
        | Message.ReadIndexReply reply -> reply.Term
        | Message.Forward(header, _) -> header.Term
        | Message.ForwardReply reply -> reply.Term
        | Message.TimeoutNow order -> order.Term
        | Message.HandOver request -> request.Term
        | Message.Depart notice -> notice.Term
        | Message.Departed notice -> notice.Term
        | Message.Survey request -> request.Term
        | Message.SurveyReply reply -> reply.Term
        | Message.CatchUp(header, _) -> header.Term
        | Message.FetchEntries request -> request.Term
        | Message.FetchedEntries(header, _) -> header.Term

    /// The lineage that the message speaks of; none from a member whose log is empty.
    let lineageOf (message: Message) =
        match message with
        | Message.RequestVote request -> request.Lineage
        | Message.RequestVoteReply reply -> reply.Lineage
        | Message.AppendEntries(header, _) -> header.Lineage
        | Message.AppendEntriesReply reply -> reply.Lineage
        | Message.InstallSnapshot(header, _, _) -> header.Lineage
        | Message.ReadIndex request -> request.Lineage
        | Message.ReadIndexReply reply -> reply.Lineage
        | Message.Forward(header, _) -> header.Lineage
        | Message.ForwardReply reply -> reply.Lineage
        | Message.TimeoutNow order -> order.Lineage
        | Message.HandOver request -> request.Lineage
        | Message.Depart notice -> notice.Lineage
        | Message.Departed notice -> notice.Lineage
        | Message.Survey request -> request.Lineage
        | Message.SurveyReply reply -> reply.Lineage
        | Message.CatchUp(header, _) -> header.Lineage
        | Message.FetchEntries request -> request.Lineage
        | Message.FetchedEntries(header, _) -> header.Lineage
