namespace Mosaik.Hybrid.Core

open System

open Mosaik.Hybrid

[<NoComparison>]
type BallotState = { Granted: Set<MemberId>; Denied: Set<MemberId> }

/// A member's part. Pre-candidates have changed nothing yet; founders stand for a configuration of their own.
///
///     Follower --deadline--> PreCandidate --quorum--> Candidate --quorum--> Leader
///         ^  \--deadline, no lineage--> Founder ------majority of proposal----^
///         '--------- a leader, a higher term, no quorum heard ----------------'
[<RequireQualifiedAccess; NoComparison>]
type Role =
    | Follower
    | PreCandidate of BallotState
    | Candidate of BallotState
    | Founder of proposal: Configuration * lineage: Lineage * ballot: BallotState
    | Leader of LeaderState

/// The way of this run's own commands: submitted >= sent >= acknowledged >= applied.
[<NoComparison>]
type Proposer =
    {
        /// The last number that the runtime has submitted.
        Submitted: uint64
        /// The last number handed to the current leader (appended, when that is this node).
        Sent: uint64
        /// The last number that the runtime was asked for by `Resubmit`; leader only.
        Asked: uint64
        /// How many commands the next batch has that found no room; leader only.
        Wanted: int
        /// The last number that the current leader has in its log.
        Acknowledged: uint64
        /// The last number that took effect here.
        Applied: uint64
        /// When what was sent and not acknowledged goes out again.
        ResendAt: Instant
        /// The leader was overloaded: nothing is sent before.
        HoldUntil: Instant
    }

/// A non-leader's strong reads.
[<NoComparison>]
type ReadState =
    {
        /// Newest first.
        Waiting: uint64 list
        /// Asked of the leader, under this request id; 0 when none is.
        Request: uint64
        Asked: uint64 list
        LastRequest: uint64
        AskAgainAt: Instant
    }

/// This node's questions for how the members are.
[<NoComparison>]
type SurveyState =
    {
        /// Newest first; at most `surveysMax`.
        Waiting: uint64 list
        /// Asked of this leader under this request id; 0 when none is.
        Asked: uint64 list
        AskedOf: MemberId voption
        Request: uint64
        LastRequest: uint64
        /// No answer is waited for any longer then.
        Until: Instant
    }

/// The snapshot that a follower takes.
[<NoComparison>]
type SnapshotIntake =
    {
        Position: LogPosition
        /// The bytes before this one are here.
        Held: int64
        /// The leader has not been told yet.
        IsNews: bool
    }

/// Entries that a member has been asked for.
[<Struct; NoComparison>]
type FetchAsked =
    {
        Request: uint64
        Source: MemberId
        First: LogIndex
        Last: LogIndex
        /// Then the source is given up.
        DueAt: Instant
    }

/// Committed entries that a follower reads from other members than its leader.
[<NoComparison>]
type Fetching =
    {
        Plan: CatchUpPlan
        /// Members that have not failed yet.
        Sources: MemberId list
        Asked: FetchAsked list
        /// What must be asked for again, before what was never asked for.
        Missing: LogRange list
        /// The first entry that was never asked for.
        Next: LogIndex
        /// What came before its predecessors, by first index.
        Ready: Map<uint64, ReadOnlyMemory<LogEntry>>
    }

/// Where a follower stands with its leader.
[<NoComparison>]
type FollowState =
    {
        Session: uint64
        Round: uint64
        /// The log equals the leader's up to here, durable or not.
        Verified: LogIndex
        /// What the leader was last told.
        Acknowledged: LogIndex
        /// The leader waits for an answer now, whatever is durable.
        AnswerDue: bool
        /// Since when it waits.
        DueSince: Instant
        /// The leader's append did not fit: answer so instead.
        Refusal: AppendOutcome voption
        /// What the leader sends in the place of entries that it no longer has.
        Intake: SnapshotIntake voption
        /// What it reads from others meanwhile.
        Fetching: Fetching voption
    }

/// A member of another lineage of the same group.
[<Struct; NoComparison>]
type Stranger =
    {
        Lineage: Lineage
        /// A command of its lineage is committed.
        HasCommands: bool
        /// When it was last heard of.
        SeenAt: Instant
    }

/// How far this node's own departure has come.
[<Struct; NoComparison>]
type Departure =
    {
        /// Nothing is waited for any longer then.
        Until: Instant
        /// The leader that has been asked for the removal, and when it is asked again.
        Asked: MemberId voption
        AskAgainAt: Instant
        /// The leader has answered, or there is nothing to wait for.
        IsDone: bool
    }

/// What a store holds when a member starts.
[<NoComparison>]
type StoredState =
    {
        Hard: HardState
        Outline: LogOutline
        /// Newest first; not those before the snapshot.
        Configurations: struct (LogIndex * Configuration) list
        /// The newest snapshot; not before the base of the log.
        Snapshot: SnapshotFacts voption
        /// The first command of the log, or the place of the snapshot when a command took effect in it; zero for none.
        FirstCommand: LogIndex
        /// Where the log says that its lineage ends; zero when it does not.
        Dissolution: LogIndex
        /// The timestamp of the last entry, or of the one that the snapshot stands at; 0 without either.
        LastTimestamp: int64
    }

/// A write on its way to the disk.
[<Struct; NoComparison>]
type UnsyncedWrite =
    {
        Sequence: uint64
        /// The last entry that is durable after it.
        Reached: LogIndex
        /// When it was handed out.
        Since: Instant
    }

/// All that one member knows. A value: the same inputs make the same states.
[<NoComparison>]
type State =
    {
        // What survives a crash: HardState, and the log that Outline describes.
        Self: MemberId
        SessionNumber: uint64
        Lineage: Lineage
        CurrentTerm: Term
        VotedFor: MemberId voption
        Outline: LogOutline
        /// Newest first; the head is in force, the last one is committed or the only one.
        Configurations: struct (LogIndex * Configuration) list
        /// The newest snapshot in the store; at the base of the log or after it.
        Snapshot: SnapshotFacts voption
        /// The first command of the log, or the place of a snapshot in which one took effect; zero for none.
        FirstCommand: LogIndex
        /// Where the log says that its lineage ends; zero when it does not.
        Dissolution: LogIndex
        // What is learned again.
        CommitIndex: LogIndex
        LastApplied: LogIndex
        Role: Role
        Leader: MemberId voption
        LeaderHeardAt: Instant
        Follow: FollowState
        Online: bool
        /// When a non-leader acts if nothing happens before.
        ElectionAt: Instant
        /// Who can be reached. Decides whom to speak to, never how many votes are needed (rule 1).
        Bonded: Map<MemberId, PeerFacts>
        /// Members known to belong to another lineage.
        Foreign: Map<MemberId, Lineage>
        /// Peers that are known to belong to another lineage, in whichever life; at most `strangersMax`.
        Strangers: Map<PeerId, Stranger>
        /// Members that have said they leave, and whether they have been answered.
        Leavers: Map<MemberId, bool>
        /// This node leaves.
        Departure: Departure voption
        Proposer: Proposer
        Reads: ReadState
        Surveys: SurveyState
        /// The id of the last request for entries that was sent to anybody.
        LastFetch: uint64
        LastTimestamp: int64
        Rng: Rng
        // What is on its way to the disk.
        /// The last write handed out, the last one that changed the hard state, and the last known durable.
        WriteSequence: uint64
        HardStateSequence: uint64
        /// The write that makes the lineage durable; 0 when it was so from the start.
        LineageSequence: uint64
        PersistedSequence: uint64
        /// Entries up to here are durable, and no write on its way removes them.
        DurableIndex: LogIndex
        /// Writes on their way, oldest first.
        Unsynced: UnsyncedWrite list
        /// The oldest write takes longer than an election timeout: a member with such a disk neither leads nor stands.
        DiskStalled: bool
        // What this transition has gathered; empty between transitions.
        PendingInstall: LogPosition
        PendingTruncate: LogIndex
        PendingEntries: ReadOnlyMemory<LogEntry> list
        Words: Output list
        /// The deadline that the runtime was last given. A tick uses it up.
        Armed: Instant
        Halted: Violation voption
    }

[<RequireQualifiedAccess>]
module State =

    /// The most reads that wait on a member.
    let readsMax = 4_096

    /// The most questions for the members that wait on a member.
    let surveysMax = 256

    /// The most peers of other lineages that are remembered.
    let strangersMax = 256

    /// Before any moment that a clock shows, and far from the ends of its range.
    let longAgo = Instant(Int64.MinValue / 4L)

    let private idleFollow =
        { Session = 0UL
          Round = 0UL
          Verified = LogIndex.Zero
          Acknowledged = LogIndex.Zero
          AnswerDue = false
          DueSince = longAgo
          Refusal = ValueNone
          Intake = ValueNone
          Fetching = ValueNone }

    /// Adds a word to others or to the runtime.
    let say (output: Output) (state: State) =
        { state with Words = output :: state.Words }

    let send (recipient: MemberId) (message: Message) (state: State) =
        say (Output.Send(recipient, message)) state

    /// Stops for good: a rule is broken, and a halted node is better than a wrong answer (rule 17).
    let halt (rule: string) (evidence: string) (state: State) =
        match state.Halted with
        | ValueSome _ -> state
        | ValueNone -> { state with Halted = ValueSome { Rule = rule; Evidence = evidence } }

    let isUnaffiliated (state: State) = state.Lineage.IsNone

    /// The configuration in force: the newest in the log, committed or not.
    let configuration (state: State) : Configuration voption =
        match state.Configurations with
        | struct (_, configuration) :: _ -> ValueSome configuration
        | [] -> ValueNone

    let isLeader (state: State) =
        match state.Role with
        | Role.Leader _ -> true
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> false

    /// True when the member may be given commands now, if it leads: not while it hands over, nor at the end of a lineage.
    let takesCommands (leading: LeaderState) (state: State) =
        leading.Transfer.IsNone && state.Dissolution = LogIndex.Zero

    let roleKind (state: State) =
        match state.Role with
        | Role.Leader _ -> RoleKind.Leader
        | Role.Candidate _
        | Role.PreCandidate _
        | Role.Founder _ -> RoleKind.Candidate
        | Role.Follower -> RoleKind.Follower

    /// A random number of milliseconds from `low` to `high`.
    let between (low: int) (high: int) (state: State) : struct (int * State) =
        let struct (extra, rng) = Rng.upTo (high - low) state.Rng
        struct (low + extra, { state with Rng = rng })

    let private factor (config: NodeConfig) = max 1 config.Preference.Factor

    /// Draws a new election deadline (Raft §5.2); a reluctant member's is later.
    let resetElection (config: NodeConfig) (clock: Clock) (state: State) =
        let timeout = config.Consensus.ElectionTimeout * factor config
        let struct (wait, state) = between timeout (timeout + config.Consensus.ElectionTimeoutJitter) state
        { state with ElectionAt = clock.Now.Plus wait }

    /// Brings the election deadline forward to between `low` and `high` milliseconds from now.
    let hastenElection (config: NodeConfig) (clock: Clock) (low: int) (high: int) (state: State) =
        let struct (wait, state) = between (low * factor config) (high * factor config) state
        let at = clock.Now.Plus wait
        if at < state.ElectionAt then
            { state with ElectionAt = at }
        else
            state

    /// Puts the election deadline off by up to another election timeout, whatever the jitter: members that stood
    /// at the same moment would else stand at the same moment for ever.
    let delayElection (config: NodeConfig) (state: State) =
        let struct (extra, state) = between 0 (config.Consensus.ElectionTimeout * factor config) state
        { state with ElectionAt = state.ElectionAt.Plus extra }

    /// Own commands start over with the new leader: what has not taken effect is sent again, in order.
    let rewindProposer (state: State) =
        let proposer = state.Proposer
        { state with
            Proposer =
                { proposer with
                    Sent = proposer.Applied
                    Asked = proposer.Applied
                    Wanted = 0
                    Acknowledged = proposer.Applied
                    ResendAt = Instant.Never
                    HoldUntil = Instant.Zero } }

    /// Reads asked of a leader that is gone wait for the next one.
    let rewindReads (state: State) =
        let reads = state.Reads
        { state with
            Reads =
                { reads with
                    Waiting = reads.Waiting @ reads.Asked
                    Asked = []
                    Request = 0UL
                    AskAgainAt = Instant.Never } }

    /// Forgets what was agreed with a former leader or on a former bond to it.
    let rewindFollow (state: State) = { state with Follow = idleFollow }

    /// Takes note of who leads. Whatever was under way with another leader starts over.
    let withLeader (leader: MemberId voption) (state: State) =
        if leader = state.Leader then
            state
        else
            { state with Leader = leader; Online = false }
            |> rewindProposer
            |> rewindReads
            |> rewindFollow

    /// What must be durable besides the log.
    let hardState (state: State) : HardState =
        { Member = state.Self
          Session = state.SessionNumber
          Lineage = state.Lineage
          CurrentTerm = state.CurrentTerm
          VotedFor =
            match state.VotedFor with
            | ValueSome id -> id
            | ValueNone -> null
          Acknowledged =
            match LogOutline.positionAt state.DurableIndex state.Outline with
            | ValueSome position -> position
            | ValueNone -> LogPosition.Zero }

    /// A store without a log, written by this member.
    let fresh (hard: HardState) : StoredState =
        { Hard = hard
          Outline = LogOutline.empty
          Configurations = []
          Snapshot = ValueNone
          FirstCommand = LogIndex.Zero
          Dissolution = LogIndex.Zero
          LastTimestamp = 0L }

    /// A member as its store describes it: a fresh one when the log is empty and the lineage none. The same code
    /// starts and restarts (Raft Figure 2).
    let restore (config: NodeConfig) (clock: Clock) (seed: uint64) (stored: StoredState) : State =
        let hard = stored.Hard
        let outline = stored.Outline
        // What a snapshot holds was committed and is in the machine.
        let settled =
            match stored.Snapshot with
            | ValueSome snapshot -> snapshot.Position.Index
            | ValueNone -> outline.Base.Index
        let state =
            { Self = hard.Member
              SessionNumber = hard.Session
              Lineage = hard.Lineage
              CurrentTerm = hard.CurrentTerm
              VotedFor =
                match hard.VotedFor with
                | null -> ValueNone
                | id -> ValueSome id
              Outline = outline
              Configurations = stored.Configurations
              Snapshot = stored.Snapshot
              FirstCommand = stored.FirstCommand
              Dissolution = stored.Dissolution
              CommitIndex = settled
              LastApplied = settled
              Role = Role.Follower
              Leader = ValueNone
              LeaderHeardAt = longAgo
              Follow = idleFollow
              Online = false
              ElectionAt = Instant.Never
              Bonded = Map.empty
              Foreign = Map.empty
              Strangers = Map.empty
              Leavers = Map.empty
              Departure = ValueNone
              Proposer =
                { Submitted = 0UL
                  Sent = 0UL
                  Asked = 0UL
                  Wanted = 0
                  Acknowledged = 0UL
                  Applied = 0UL
                  ResendAt = Instant.Never
                  HoldUntil = Instant.Zero }
              Reads =
                { Waiting = []; Request = 0UL; Asked = []; LastRequest = 0UL; AskAgainAt = Instant.Never }
              Surveys =
                { Waiting = []
                  Asked = []
                  AskedOf = ValueNone
                  Request = 0UL
                  LastRequest = 0UL
                  Until = Instant.Never }
              LastFetch = 0UL
              LastTimestamp = stored.LastTimestamp
              Rng = Rng.ofSeed seed
              WriteSequence = 0UL
              HardStateSequence = 0UL
              LineageSequence = 0UL
              PersistedSequence = 0UL
              DurableIndex = outline.Last.Index
              Unsynced = []
              DiskStalled = false
              PendingInstall = LogPosition.Zero
              PendingTruncate = LogIndex.Zero
              PendingEntries = []
              Words = []
              Armed = longAgo
              Halted = ValueNone }
        let state = resetElection config clock state
        if isUnaffiliated state then
            { state with ElectionAt = state.ElectionAt.Plus(config.Consensus.BootstrapDelay * factor config) }
        else
            state
