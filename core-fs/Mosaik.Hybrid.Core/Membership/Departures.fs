namespace Mosaik.Hybrid.Core

open Mosaik.Hybrid

/// Leaving in good order. The member that leaves hands leadership over, tells everybody, and waits until a committed
/// configuration is without it: what remains decides by majorities of those that remain. It waits for no longer than
/// two election timeouts, and not at all when nobody is there to decide.
[<RequireQualifiedAccess>]
module Departures =

    let private tell (recipient: MemberId) (state: State) =
        let notice: Depart = { Lineage = state.Lineage; Term = state.CurrentTerm }
        State.send recipient (Message.Depart notice) state

    let private withDeparture (departure: Departure) (state: State) =
        { state with Departure = ValueSome departure }

    /// This node begins to leave: everybody hears of it, for anybody may lead next.
    let onLeave (config: NodeConfig) (clock: Clock) (state: State) =
        match state.Departure with
        | ValueSome _ -> state
        | ValueNone ->
            let departure =
                { Until = clock.Now.Plus(2 * config.Consensus.ElectionTimeout)
                  Asked = state.Leader
                  AskAgainAt = clock.Now.Plus config.Consensus.ForwardTimeout
                  IsDone = false }
            state.Bonded
            |> Map.fold (fun state id _ -> tell id state) (withDeparture departure state)

    /// A member says that it leaves. It may say so again, when the answer was lost.
    let onDepart (sender: MemberId) (state: State) =
        let state = { state with Leavers = state.Leavers.Add(sender, false) }
        match state.Role with
        | Role.Leader leading -> { state with Role = Role.Leader { leading with ReviewDue = true } }
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> state

    /// The leader says that this member is in no committed configuration any more.
    let onDeparted (notice: Departed) (state: State) =
        match state.Departure with
        | ValueSome departure when notice.Term = state.CurrentTerm ->
            withDeparture { departure with IsDone = true } state
        | ValueSome _
        | ValueNone -> state

    /// A bond has ended, or begun anew: on a new one a member that still leaves says so again.
    let forget (id: MemberId) (keep: bool) (state: State) =
        if keep || not (state.Leavers.ContainsKey id) then
            state
        else
            { state with Leavers = state.Leavers.Remove id }

    /// A new bond hears of this node's departure too.
    let onPeerUp (id: MemberId) (state: State) =
        match state.Departure with
        | ValueSome departure when not departure.IsDone -> tell id state
        | ValueSome _
        | ValueNone -> state

    /// Tells those that leave that nothing holds them any more, once each; forgets those that are neither bonded nor
    /// members.
    let answer (state: State) =
        match state.Role, state.Configurations with
        | _ when state.Leavers.IsEmpty -> state
        | Role.Leader _, struct (index, configuration) :: _ when
            index <= state.CommitIndex && not (Configuration.isJoint configuration)
            ->
            let tellIfFree (state: State) (id: MemberId) (isAnswered: bool) =
                if Configuration.isMember id configuration then
                    state
                elif not (state.Bonded.ContainsKey id) then
                    { state with Leavers = state.Leavers.Remove id }
                elif isAnswered then
                    state
                else
                    let notice: Departed = { Lineage = state.Lineage; Term = state.CurrentTerm }
                    { state with Leavers = state.Leavers.Add(id, true) }
                    |> State.send id (Message.Departed notice)
            state.Leavers |> Map.fold tellIfFree state
        | (Role.Leader _ | Role.Follower | Role.PreCandidate _ | Role.Candidate _ | Role.Founder _), _ ->
            state

    /// Somebody who could go on with this lineage when this node is gone.
    let private isHeir (state: State) (id: MemberId) =
        not (id.Equals state.Self)
        && not (state.Leavers.ContainsKey id)
        && (match state.Bonded.TryFind id with
            | Some facts -> facts.Preference <> LeadershipPreference.Observer
            | None -> false)

    /// True when waiting would change nothing: it is no member, nobody is there to decide, or nobody to decide for.
    let private isFree (state: State) =
        match State.configuration state with
        | ValueNone -> true
        | ValueSome configuration ->
            let isAlone =
                configuration.Voters = [ state.Self ]
                && not (Configuration.isJoint configuration)
            not (Configuration.isMember state.Self configuration)
            || not (
                Quorum.isReached configuration (fun id -> id.Equals state.Self || state.Bonded.ContainsKey id)
            )
            || isAlone && not (List.exists (isHeir state) configuration.Learners)

    /// Moves the own departure on: asks a new leader, asks again when no answer comes, and ends when it may.
    let advance (config: NodeConfig) (clock: Clock) (state: State) =
        match state.Departure with
        | ValueSome departure when not departure.IsDone ->
            if clock.Now >= departure.Until || isFree state then
                withDeparture { departure with IsDone = true } state
            elif departure.Asked <> state.Leader || clock.Now >= departure.AskAgainAt then
                let state =
                    withDeparture
                        { departure with
                            Asked = state.Leader
                            AskAgainAt = clock.Now.Plus config.Consensus.ForwardTimeout }
                        state
                match state.Leader with
                | ValueSome leader when not (leader.Equals state.Self) -> tell leader state
                | ValueSome _
                | ValueNone -> state
            else
                state
        | ValueSome _
        | ValueNone -> state

    /// When the own departure wants its next tick.
    let deadline (state: State) : Instant =
        match state.Departure with
        | ValueSome departure when not departure.IsDone -> min departure.Until departure.AskAgainAt
        | ValueSome _
        | ValueNone -> Instant.Never
