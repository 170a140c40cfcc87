namespace Mosaik.Hybrid.Model

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// Time, as far as the model has any. Every step is taken at one of these moments, and afterwards every instant in
/// the state is set back to where it was, so that states do not differ by when they were reached. A deadline may
/// so pass before or after anything else: more behaviours than any real clock allows, never fewer.
[<RequireQualifiedAccess>]
module Moment =

    let private at (milliseconds: int64) : Clock =
        { Now = Instant milliseconds; Wall = 0L }

    /// Nothing has passed.
    let now = at 1_000_000L

    /// A heartbeat is due; no election deadline has passed.
    let heartbeat = at (now.Now.Milliseconds + int64 ConsensusConfig.defaults.HeartbeatInterval)

    /// Every deadline has passed, and nobody was heard for long.
    let late = at (now.Now.Milliseconds + 1_000_000L)

    let nextHeartbeat = heartbeat.Now
    let nextElection = now.Now.Plus ConsensusConfig.defaults.ElectionTimeout

/// The canonical form of a member's state.
[<RequireQualifiedAccess>]
module Normal =

    let configOf (bounds: Bounds) : NodeConfig =
        { Consensus =
            { ConsensusConfig.defaults with
                ElectionTimeoutJitter = 0
                HeartbeatJitter = 0
                EntriesPerAppendMax = bounds.EntriesPerAppend
                MaxVoters = bounds.Members + (if bounds.Promotion then 1 else 0)
                // Nobody is silent for so long.
                RemovalDelay = 86_400_000
                // A newcomer that is never told of the group must not found another one by itself.
                FoundingMembers =
                    match bounds.Tier with
                    | Tier.Founding -> bounds.FoundingMembers
                    | Tier.Atomic
                    | Tier.Async
                    | Tier.Configuration -> bounds.Members }
          Preference = NodePreference.normal }

    let private idleProposer =
        { Submitted = 0UL
          Sent = 0UL
          Asked = 0UL
          Wanted = 0
          Acknowledged = 0UL
          Applied = 0UL
          ResendAt = Instant.Never
          HoldUntil = Instant.Zero }

    /// In the atomic tiers every message arrives within the action that sent it or never: no late answer can carry
    /// an older session, so all sessions are 1; and whether a heartbeat is due, and what was sent of the commit
    /// index, is decided anew by each action, so it need not be remembered. Whom an earlier action could not reach
    /// is told by the next.
    let private atomicProgress (progress: Progress) =
        { progress with
            Session = 1UL
            HeardAt = Moment.now.Now
            CommitSent = LogIndex.Zero
            HeartbeatDue = true }

    let private asyncProgress (progress: Progress) =
        { progress with HeardAt = Moment.now.Now }

    let private leading (bounds: Bounds) (leading: LeaderState) =
        let leading =
            { leading with
                HeartbeatAt = Moment.nextHeartbeat
                ReviewDue = true
                OfferAt = Instant.Never
                TailAtBeat = leading.TermStart
                // Every command has a proposer of its own and is proposed once: nothing is to be filtered.
                Appended = Map.empty }
        match bounds.Tier with
        | Tier.Async ->
            { leading with Progress = leading.Progress |> Map.map (fun _ progress -> asyncProgress progress) }
        | Tier.Atomic
        | Tier.Founding
        | Tier.Configuration ->
            { leading with
                NextSession = 1UL
                Progress = leading.Progress |> Map.map (fun _ progress -> atomicProgress progress) }

    let private role (bounds: Bounds) (role: Role) =
        match role with
        | Role.Leader state -> Role.Leader(leading bounds state)
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> role

    let private rebased (basis: uint64) (sequence: uint64) =
        if sequence > basis then sequence - basis else 0UL

    /// Whether it has heard its leader lately: forgotten, unless the bounds say that members are sticky. Who has
    /// forgotten grants votes that another would refuse, and a refusal does no more than the loss of the request.
    let heard (state: State) =
        state.Leader.IsSome && state.LeaderHeardAt >= Moment.now.Now

    /// The session of the leader is 1 again after every action of the atomic tiers; the follower's with it, or it would
    /// take all that comes for late.
    let private followed (bounds: Bounds) (follow: FollowState) =
        match bounds.Tier with
        | Tier.Async -> follow
        | Tier.Atomic
        | Tier.Founding
        | Tier.Configuration -> { follow with Session = min follow.Session 1UL }

    let ofState (bounds: Bounds) (bonds: Map<MemberId, PeerFacts>) (state: State) : State =
        let basis = state.PersistedSequence
        let follow = followed bounds state.Follow
        { state with
            Role = role bounds state.Role
            LeaderHeardAt =
                if bounds.Sticky && heard state then
                    Moment.now.Now
                else
                    State.longAgo
            Follow = { follow with DueSince = if follow.AnswerDue then Moment.now.Now else State.longAgo }
            ElectionAt = Moment.nextElection
            // Committed is applied at once: the core looks at neither of the two but to check itself.
            LastApplied = state.CommitIndex
            Online = false
            Bonded = bonds
            Proposer = idleProposer
            LastTimestamp = 0L
            // A founder draws its lineage from here: another one in every term.
            Rng = Rng.ofSeed state.CurrentTerm.Value
            WriteSequence = rebased basis state.WriteSequence
            HardStateSequence = rebased basis state.HardStateSequence
            // What a handshake says of the lineage, which nobody shakes here.
            LineageSequence = 0UL
            PersistedSequence = 0UL
            // No disk is so slow that it keeps a member from standing: how long a write takes is not looked at.
            Unsynced =
                state.Unsynced
                |> List.map (fun write ->
                    { write with Sequence = rebased basis write.Sequence; Since = Moment.nextElection })
            DiskStalled = false
            // Every lineage counts as one with commands: which of two without any ends is decided by their ids, and states
            // would not be the same for all names. Who was met is known by `Foreign` as far as it decides anything.
            FirstCommand = LogIndex 1UL
            Strangers = Map.empty
            Armed = State.longAgo }

    /// At the end of an action of an atomic tier a candidacy that has not won is over: its answers can't come any
    /// more, and the next one begins with empty ballots. What is left of it is a follower without a leader, which
    /// behaves the same in everything. So pre-candidates never meet, and D22 (the lower id goes on) never decides:
    /// the only place but the order of foundings in which ids matter to the core.
    let withoutCandidacy (state: State) : State =
        match state.Role with
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> { state with Role = Role.Follower }
        | Role.Follower
        | Role.Leader _ -> state
