namespace Mosaik.Hybrid.Core

open Mosaik.Hybrid

/// Elections (Raft §5.2, §5.4.1) with pre-vote (thesis §9.6) and leader stickiness (thesis §4.2.3, rule 5).
/// Founding ballots are in Founding.fs.
[<RequireQualifiedAccess>]
module Election =

    let private request (ballot: Ballot) (term: Term) (state: State) =
        Message.RequestVote
            { Lineage = state.Lineage; Term = term; Last = state.Outline.Last; Ballot = ballot }

    let private sendToVoters (message: Message) (configuration: Configuration) (state: State) =
        Configuration.voters configuration
        |> List.filter (fun id -> not (id.Equals state.Self))
        |> List.fold (fun state id -> State.send id message state) state

    let private ownVote (state: State) =
        { Granted = Set.singleton state.Self; Denied = Set.empty }

    /// Stands for election in the next term, with the own vote (Raft §5.2).
    let private campaign config clock (ballot: Ballot) (configuration: Configuration) (state: State) =
        let state = Roles.enterTerm state.CurrentTerm.Next state
        let state =
            { state with VotedFor = ValueSome state.Self; Role = Role.Candidate(ownVote state) }
            |> State.resetElection config clock
        match Quorum.outcome configuration (Set.singleton state.Self) Set.empty with
        | VoteOutcome.Won -> Roles.becomeLeader config clock state
        | VoteOutcome.Pending
        | VoteOutcome.Lost -> sendToVoters (request ballot state.CurrentTerm state) configuration state

    /// Asks first whether it could win: a member that can't never disturbs a term (rule 5).
    let private preCampaign
        (config: NodeConfig)
        (clock: Clock)
        (configuration: Configuration)
        (state: State)
        =
        let state =
            { state with Role = Role.PreCandidate(ownVote state) }
            |> State.withLeader ValueNone
            |> State.resetElection config clock
        match Quorum.outcome configuration (Set.singleton state.Self) Set.empty with
        | VoteOutcome.Won -> campaign config clock Ballot.Vote configuration state
        | VoteOutcome.Pending
        | VoteOutcome.Lost ->
            sendToVoters (request Ballot.PreVote state.CurrentTerm.Next state) configuration state

    /// A voter of the configuration in force; or, while that is not known to be committed, of the one before it: when only
    /// the member that is being removed has the end of its removal, nobody else can be elected, and nobody but it can
    /// bring that end about (thesis §4.2.2).
    let private isEligible (state: State) =
        match state.Configurations with
        | struct (_, current) :: _ when Configuration.isVoter state.Self current -> true
        | struct (index, _) :: struct (_, former) :: _ when index > state.CommitIndex ->
            Configuration.isVoter state.Self former
        | _ -> false

    /// The configuration in force, if this member may stand for election in it: eligible, willing to lead, not about to
    /// leave, and with a disk that works.
    let private standsIn (config: NodeConfig) (clock: Clock) (state: State) : Configuration voption =
        match State.configuration state with
        | ValueSome configuration when
            config.Preference.Preference <> LeadershipPreference.Observer
            && state.Departure.IsNone
            && not (LogWrites.isStalled config clock state)
            && isEligible state
            ->
            ValueSome configuration
        | ValueSome _
        | ValueNone -> ValueNone

    /// The election deadline passed without a leader.
    let onDeadline (config: NodeConfig) (clock: Clock) (state: State) =
        match standsIn config clock state with
        | ValueSome configuration -> preCampaign config clock configuration state
        | ValueNone ->
            // A learner waits for the leader, and so does a voter whose disk makes no progress; it only forgets one that
            // has fallen silent.
            State.withLeader ValueNone state |> State.resetElection config clock

    /// The leader orders this member to take over: it stands at once, and without asking first.
    let onTimeoutNow config clock (sender: MemberId) (order: TimeoutNow) (state: State) =
        let isOrdered =
            order.Term = state.CurrentTerm
            && state.Role.IsFollower
            && state.Leader = ValueSome sender
        match standsIn config clock state with
        | ValueSome configuration when isOrdered ->
            state
            |> State.withLeader ValueNone
            |> campaign config clock Ballot.Transfer configuration
        | ValueSome _
        | ValueNone -> state

    /// True while a live leader is heard: then nobody else is voted for.
    let hearsLeader (config: NodeConfig) (clock: Clock) (state: State) =
        State.isLeader state
        || (state.Leader.IsSome
            && clock.Now.Since state.LeaderHeardAt < int64 config.Consensus.ElectionTimeout)

    /// At least as up to date as this member's log (Raft §5.4.1): by term, then by index.
    let isUpToDate (last: LogPosition) (state: State) =
        let own = state.Outline.Last
        last.Term > own.Term || (last.Term = own.Term && last.Index >= own.Index)

    let private reply (preVote: bool) (term: Term) (lineage: Lineage) (vote: Vote) =
        Message.RequestVoteReply { Lineage = lineage; Term = term; Vote = vote; PreVote = preVote }

    /// Whoever is told "you could win" is given the time to do so: else the votes of a small committee would
    /// split again and again, all the more on a slow machine. Of two that ask at once the lower id goes first.
    let private yieldTo (config: NodeConfig) clock (candidate: MemberId) (state: State) =
        match state.Role with
        | Role.PreCandidate _ when compare candidate state.Self < 0 ->
            { state with Role = Role.Follower } |> State.resetElection config clock
        | Role.Follower -> State.resetElection config clock state
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _
        | Role.Leader _ -> state

    /// A pre-vote: an opinion, which binds nobody. Nothing durable changes here.
    let private onPreVote
        (config: NodeConfig)
        clock
        (candidate: MemberId)
        (request: RequestVote)
        (state: State)
        =
        let grants =
            request.Term > state.CurrentTerm
            && isUpToDate request.Last state
            && not (hearsLeader config clock state)
            && config.Preference.Preference <> LeadershipPreference.Observer
        if grants then
            state
            |> yieldTo config clock candidate
            |> State.send candidate (reply true request.Term request.Lineage Vote.Granted)
        else
            // The voter's own term, so that a candidate left behind learns of it.
            State.send candidate (reply true state.CurrentTerm request.Lineage Vote.Denied) state

    /// A vote, once a term and durable before the answer leaves (rules 2 and 5).
    let private onVote
        (config: NodeConfig)
        clock
        (candidate: MemberId)
        (request: RequestVote)
        (state: State)
        =
        let deny (state: State) =
            State.send candidate (reply false state.CurrentTerm request.Lineage Vote.Denied) state
        let isOrdered =
            match request.Ballot with
            | Ballot.Transfer -> true
            | Ballot.PreVote
            | Ballot.Vote
            | Ballot.Founding _ -> false
        if
            request.Term < state.CurrentTerm
            || not isOrdered && hearsLeader config clock state
        then
            deny state
        else
            let struct (isFree, state) = Roles.enterBallot config clock request.Term candidate state
            let grants =
                isFree
                && isUpToDate request.Last state
                && config.Preference.Preference <> LeadershipPreference.Observer
            if grants then
                { state with VotedFor = ValueSome candidate }
                |> State.resetElection config clock
                |> State.send candidate (reply false state.CurrentTerm request.Lineage Vote.Granted)
            else
                deny state

    /// Somebody asks for a vote. A voter votes whatever its own configuration says of the candidate (SAFETY §2a:
    /// the candidate's configuration may be newer); the candidate counts only members of its own.
    let onRequestVote
        (config: NodeConfig)
        (clock: Clock)
        (candidate: MemberId)
        (request: RequestVote)
        (state: State)
        =
        match request.Ballot with
        | Ballot.PreVote -> onPreVote config clock candidate request state
        | Ballot.Vote
        | Ballot.Transfer -> onVote config clock candidate request state
        | Ballot.Founding _ -> state

    let private count (voter: MemberId) (vote: Vote) (ballot: BallotState) =
        match vote with
        | Vote.Granted -> { ballot with Granted = ballot.Granted.Add voter }
        | Vote.Denied -> { ballot with Denied = ballot.Denied.Add voter }

    /// Votes of members of the configuration in force count, in the term and for the ballot they were asked for.
    let onRequestVoteReply config (clock: Clock) (voter: MemberId) (reply: RequestVoteReply) (state: State) =
        match state.Role, State.configuration state with
        | Role.PreCandidate ballot, ValueSome configuration when reply.PreVote ->
            // A granted pre-vote carries the term that was asked for, a denied one the voter's.
            let isCurrent =
                match reply.Vote with
                | Vote.Granted -> reply.Term = state.CurrentTerm.Next
                | Vote.Denied -> reply.Term <= state.CurrentTerm
            if not isCurrent || not (Configuration.isVoter voter configuration) then
                state
            else
                let ballot = count voter reply.Vote ballot
                let state = { state with Role = Role.PreCandidate ballot }
                match Quorum.outcome configuration ballot.Granted ballot.Denied with
                | VoteOutcome.Won -> campaign config clock Ballot.Vote configuration state
                | VoteOutcome.Pending -> state
                | VoteOutcome.Lost -> { state with Role = Role.Follower }
        | Role.Candidate ballot, ValueSome configuration when not reply.PreVote ->
            if
                reply.Term <> state.CurrentTerm
                || not (Configuration.isVoter voter configuration)
            then
                state
            else
                let ballot = count voter reply.Vote ballot
                let state = { state with Role = Role.Candidate ballot }
                match Quorum.outcome configuration ballot.Granted ballot.Denied with
                | VoteOutcome.Won -> Roles.becomeLeader config clock state
                | VoteOutcome.Pending -> state
                | VoteOutcome.Lost ->
                    // The votes were split, or somebody else has won and will say so soon. The next try begins
                    // with a pre-vote, so asking again early disturbs nobody.
                    { state with Role = Role.Follower }
                    |> State.hastenElection config clock 100 (max 400 config.Consensus.ElectionTimeout)
        | (Role.Follower | Role.PreCandidate _ | Role.Candidate _ | Role.Founder _ | Role.Leader _), _ ->
            state
