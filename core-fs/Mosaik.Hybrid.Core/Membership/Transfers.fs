namespace Mosaik.Hybrid.Core

open Mosaik.Hybrid

/// Handing leadership over (thesis §3.10): the leader takes no more commands, waits until the target has its whole log,
/// and orders it to stand at once. When that has led to nothing within an election timeout, the leader goes on.
[<RequireQualifiedAccess>]
module Transfers =

    let private withLeading (leading: LeaderState) (state: State) =
        { state with Role = Role.Leader leading }

    let private factsOf (id: MemberId) (state: State) = state.Bonded.TryFind id

    /// A voter that can take over: reachable, willing to lead, in step, and not about to leave.
    let private isFit (leading: LeaderState) (state: State) (id: MemberId) =
        not (id.Equals state.Self)
        && not (state.Leavers.ContainsKey id)
        && (match factsOf id state with
            | Some facts -> facts.Preference <> LeadershipPreference.Observer
            | None -> false)
        && (match leading.Progress.TryFind id with
            | Some progress -> progress.Mode = ReplicationMode.Replicate
            | None -> false)

    let private matchOf (leading: LeaderState) (id: MemberId) =
        match leading.Progress.TryFind id with
        | Some progress -> progress.MatchIndex.Value
        | None -> 0UL

    /// The fittest voter: one that is normally willing before a reluctant one, then the one with the most.
    let private fittest (accepts: MemberId -> bool) (leading: LeaderState) (state: State) : MemberId voption =
        match State.configuration state with
        | ValueNone -> ValueNone
        | ValueSome configuration ->
            let isReluctant id =
                match factsOf id state with
                | Some facts -> facts.Preference = LeadershipPreference.Reluctant
                | None -> true
            let candidates =
                configuration.Voters
                |> List.filter (fun id -> isFit leading state id && accepts id)
                |> List.sortBy (fun id ->
                    struct (isReluctant id, System.UInt64.MaxValue - matchOf leading id, id))
            match candidates with
            | best :: _ -> ValueSome best
            | [] -> ValueNone

    let private start (config: NodeConfig) (clock: Clock) (target: MemberId) (leading: LeaderState) state =
        let until = clock.Now.Plus config.Consensus.ElectionTimeout
        let transfer = { Target = target; IsOrdered = false; Until = until }
        withLeading { leading with Transfer = ValueSome transfer } state

    /// Begins to hand over to a member, if it is fit and nothing else is under way.
    let private toMember config clock (target: MemberId) (state: State) =
        match state.Role, State.configuration state with
        | Role.Leader leading, ValueSome configuration when
            leading.Transfer.IsNone
            && List.exists (fun (id: MemberId) -> id.Equals target) configuration.Voters
            && isFit leading state target
            ->
            start config clock target leading state
        | (Role.Leader _ | Role.Follower | Role.PreCandidate _ | Role.Candidate _ | Role.Founder _), _ ->
            state

    /// Begins to hand over to the fittest of those that fit, if there is one and nothing else is under way.
    let private toFittest config clock (accepts: MemberId -> bool) (state: State) =
        match state.Role with
        | Role.Leader leading when leading.Transfer.IsNone ->
            match fittest accepts leading state with
            | ValueSome target -> start config clock target leading state
            | ValueNone -> state
        | Role.Leader _
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> state

    /// This node is asked to see to it that a peer, or the fittest member, leads.
    let onHandOver config clock (peer: PeerId voption) (state: State) =
        let target =
            match peer, State.configuration state with
            | ValueSome peer, ValueSome configuration ->
                configuration.Voters
                |> List.tryFind (fun id -> id.Peer = peer)
                |> ValueOption.ofOption
            | ValueSome _, ValueNone
            | ValueNone, _ -> ValueNone
        match state.Role, target, state.Leader with
        | Role.Leader _, ValueSome target, _ -> toMember config clock target state
        | Role.Leader _, ValueNone, _ when peer.IsNone -> toFittest config clock (fun _ -> true) state
        | Role.Follower, ValueSome target, ValueSome leader ->
            let request: HandOver = { Lineage = state.Lineage; Term = state.CurrentTerm; Target = target }
            State.send leader (Message.HandOver request) state
        | (Role.Leader _ | Role.Follower | Role.PreCandidate _ | Role.Candidate _ | Role.Founder _), _, _ ->
            state

    /// A member asks this one to hand over.
    let onRequest config clock (request: HandOver) (state: State) =
        if request.Term = state.CurrentTerm then
            toMember config clock request.Target state
        else
            state

    /// A leader that leaves hands over first; one that leads reluctantly, to a voter that is in step and willing. No
    /// more often than ten times in a hundred election timeouts, since meanwhile no commands are taken.
    let offer (config: NodeConfig) (clock: Clock) (state: State) =
        match state.Role with
        | Role.Leader leading when leading.Transfer.IsNone && state.CommitIndex >= leading.TermStart ->
            let isWilling (id: MemberId) =
                match factsOf id state with
                | Some facts ->
                    facts.Preference = LeadershipPreference.Normal
                    && matchOf leading id >= leading.TailAtBeat.Value
                | None -> false
            if state.Departure.IsSome then
                toFittest config clock (fun _ -> true) state
            elif
                config.Preference.Preference = LeadershipPreference.Reluctant
                && clock.Now >= leading.OfferAt
            then
                let pause = clock.Now.Plus(10 * config.Consensus.ElectionTimeout)
                withLeading { leading with OfferAt = pause } state
                |> toFittest config clock isWilling
            else
                state
        | Role.Leader _
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> state

    let private order (target: MemberId) (state: State) =
        let order: TimeoutNow = { Lineage = state.Lineage; Term = state.CurrentTerm }
        State.send target (Message.TimeoutNow order) state

    /// Moves a transfer on: orders the target to stand once it has everything, or gives up.
    let advance (clock: Clock) (state: State) =
        match state.Role with
        | Role.Leader({ Transfer = ValueSome transfer } & leading) ->
            if clock.Now >= transfer.Until || not (isFit leading state transfer.Target) then
                withLeading { leading with Transfer = ValueNone } state
            elif
                not transfer.IsOrdered
                && matchOf leading transfer.Target = state.Outline.Last.Index.Value
            then
                withLeading { leading with Transfer = ValueSome { transfer with IsOrdered = true } } state
                |> order transfer.Target
            else
                state
        | Role.Leader _
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> state

    /// Steps down for good, and has the fittest voter stand at once, whatever it has: its election decides.
    let yieldNow config clock (state: State) =
        match state.Role with
        | Role.Leader leading ->
            let heir = fittest (fun _ -> true) leading state
            let state =
                match heir with
                | ValueSome heir -> order heir state
                | ValueNone -> state
            Roles.becomeFollower config clock ValueNone state
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> state

    /// A leader that is no member of its own, committed configuration has done its duty (Raft §6).
    let endIfRemoved config clock (state: State) =
        match state.Role, state.Configurations with
        | Role.Leader _, struct (index, configuration) :: _ when
            index <= state.CommitIndex
            && not (Configuration.isVoter state.Self configuration)
            ->
            yieldNow config clock state
        | (Role.Leader _ | Role.Follower | Role.PreCandidate _ | Role.Candidate _ | Role.Founder _), _ ->
            state
