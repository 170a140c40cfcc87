namespace Mosaik.Hybrid.Core

open Mosaik.Hybrid

/// How a group without a log gets its first configuration: an election among nodes that have none, whose vote
/// requests carry the proposed configuration and a new lineage. A majority of the proposal founds the lineage;
/// the configuration is its entry 1.
[<RequireQualifiedAccess>]
module Founding =

    let private isObserver (config: NodeConfig) =
        config.Preference.Preference = LeadershipPreference.Observer

    /// Itself and the bonded nodes that could found a lineage with it, lowest first, at most `MaxVoters`.
    let private candidates (config: NodeConfig) (state: State) =
        state.Bonded
        |> Map.toList
        |> List.choose (fun (id, facts) ->
            if facts.Lineage.IsNone && facts.Preference <> LeadershipPreference.Observer then
                Some id
            else
                None)
        |> List.append [ state.Self ]
        |> List.sort
        |> List.truncate config.Consensus.MaxVoters

    let private someoneIsAffiliated (state: State) =
        state.Bonded |> Map.exists (fun _ facts -> not facts.Lineage.IsNone)

    /// A lineage id that no other node makes: the incarnation is random, and so is what is mixed in.
    let private newLineage (state: State) : struct (Lineage * State) =
        let struct (high, rng) = Rng.next state.Rng
        let struct (low, rng) = Rng.next rng
        let own = state.Self.Incarnation.Value
        let value = Bytes16(own.High ^^^ high, own.Low ^^^ low ||| 1UL)
        struct (Lineage value, { state with Rng = rng })

    let private propose (config: NodeConfig) (clock: Clock) (members: MemberId list) (state: State) =
        let struct (lineage, state) = newLineage state
        let proposal = Configuration.ofVoters members
        let ballot = { Granted = Set.singleton state.Self; Denied = Set.empty }
        let state = Roles.enterTerm state.CurrentTerm.Next state
        let state =
            { state with VotedFor = ValueSome state.Self; Role = Role.Founder(proposal, lineage, ballot) }
            |> State.resetElection config clock
            |> State.delayElection config
        if Quorum.isReached proposal ballot.Granted.Contains then
            Roles.becomeFounder config clock lineage proposal state
        else
            let request =
                Message.RequestVote
                    { Lineage = lineage
                      Term = state.CurrentTerm
                      Last = LogPosition.Zero
                      Ballot = Ballot.Founding proposal }
            members
            |> List.filter (fun id -> not (id.Equals state.Self))
            |> List.fold (fun state id -> State.send id request state) state

    /// The bootstrap delay, or a founding ballot, ended without a lineage.
    let onDeadline (config: NodeConfig) (clock: Clock) (state: State) =
        // A leader that was heard before, if there was one, has fallen silent.
        let state = State.withLeader ValueNone state
        let members = candidates config state
        let mayPropose =
            not (isObserver config)
            && not (LogWrites.isStalled config clock state)
            && not (someoneIsAffiliated state)
            && members.Length >= config.Consensus.FoundingMembers
            && List.contains state.Self members
        if mayPropose then
            propose config clock members state
        else
            { state with Role = Role.Follower } |> State.resetElection config clock

    /// With `FoundingMembers` above one, founding need not wait for the delay once so many are bonded. The lowest
    /// stands at once and the others later, so that ballots seldom split.
    let onPeerUp (config: NodeConfig) (clock: Clock) (state: State) =
        let members = candidates config state
        let isComplete =
            config.Consensus.FoundingMembers > 1
            && State.isUnaffiliated state
            && state.Role.IsFollower
            && state.VotedFor.IsNone
            && not (isObserver config)
            && not (someoneIsAffiliated state)
            && members.Length >= config.Consensus.FoundingMembers
        if not isComplete then
            state
        elif members.Head.Equals state.Self then
            State.hastenElection config clock 10 40 state
        else
            State.hastenElection config clock 250 600 state

    let private isSound (config: NodeConfig) (founder: MemberId) (proposal: Configuration) =
        Configuration.isVoter founder proposal
        && not (Configuration.isJoint proposal)
        && proposal.Learners.IsEmpty
        && proposal.Observers.IsEmpty
        && proposal.Voters.Length <= config.Consensus.MaxVoters
        && proposal.Voters.Length >= config.Consensus.FoundingMembers

    /// This member has just given its ballot to somebody else, who may be about to lead: until its own deadline it
    /// gives no other one, or two might found with its help, one after the other.
    let private awaitsFounder (clock: Clock) (founder: MemberId) (state: State) =
        match state.Role, state.VotedFor with
        | Role.Follower, ValueSome id -> not (id.Equals founder) && clock.Now < state.ElectionAt
        | (Role.Follower | Role.PreCandidate _ | Role.Candidate _ | Role.Founder _ | Role.Leader _), _ ->
            false

    /// A founding ballot: at most one a term, only to a proposal that names this member, and only while it has
    /// no lineage. Durable before the answer leaves.
    let onRequestVote
        config
        clock
        (founder: MemberId)
        (request: RequestVote)
        (proposal: Configuration)
        state
        =
        let answer (vote: Vote) (state: State) =
            let reply: RequestVoteReply =
                { Lineage = request.Lineage; Term = state.CurrentTerm; Vote = vote; PreVote = false }
            State.send founder (Message.RequestVoteReply reply) state
        if not (isSound config founder proposal) then
            State.say
                (Output.Blame(founder, "a founding proposal that breaks the rules of its own configuration"))
                state
        elif
            not (State.isUnaffiliated state)
            || request.Term < state.CurrentTerm
            || Election.hearsLeader config clock state
            || awaitsFounder clock founder state
        then
            answer Vote.Denied state
        else
            let struct (isFree, state) = Roles.enterBallot config clock request.Term founder state
            if isFree && not (isObserver config) && Configuration.isVoter state.Self proposal then
                { state with VotedFor = ValueSome founder; Role = Role.Follower }
                |> State.resetElection config clock
                |> answer Vote.Granted
            else
                answer Vote.Denied state

    /// A vote for the own proposal: a majority founds it.
    let onRequestVoteReply config clock (voter: MemberId) (reply: RequestVoteReply) (state: State) =
        match state.Role with
        | Role.Founder(proposal, lineage, ballot) when
            reply.Lineage = lineage
            && reply.Term = state.CurrentTerm
            && not reply.PreVote
            && Configuration.isVoter voter proposal
            ->
            match reply.Vote with
            | Vote.Granted ->
                let ballot = { ballot with Granted = ballot.Granted.Add voter }
                if Quorum.isReached proposal ballot.Granted.Contains then
                    Roles.becomeFounder config clock lineage proposal state
                else
                    { state with Role = Role.Founder(proposal, lineage, ballot) }
            | Vote.Denied -> state
        | Role.Founder _
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Leader _ -> state
