namespace Mosaik.Hybrid.Simulation

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// What a step of a member shows of who belongs to the group, who votes and who leads.
[<RequireQualifiedAccess>]
module MembershipSights =

    let private newest (state: State) : struct (LogIndex * Configuration) =
        match state.Configurations with
        | newest :: _ -> newest
        | [] -> struct (LogIndex.Zero, { Voters = []; Outgoing = []; Learners = []; Observers = [] })

    let private without (some: MemberId list) (members: MemberId list) =
        members |> List.filter (fun id -> not (List.contains id some))

    let private isReplaced (state: State) (id: MemberId) =
        state.Bonded
        |> Map.exists (fun bonded _ -> bonded.Peer = id.Peer && not (bonded.Equals id))

    let private onJointEntered (coverage: Coverage) (after: State) (former: Configuration) next =
        coverage.Meet Sight.JointEntered
        let promoted = without former.Voters next.Voters
        let removed = without next.Voters former.Voters
        if not promoted.IsEmpty then
            coverage.Meet Sight.VoterPromoted
        if not promoted.IsEmpty && not removed.IsEmpty then
            coverage.Meet Sight.VoterReplaced
        if promoted.Length + removed.Length > 2 then
            coverage.Meet Sight.SeveralVotersChanged
        for id in removed do
            if after.Leavers.ContainsKey id then
                coverage.Meet Sight.LeaverRemoved
            elif isReplaced after id then
                coverage.Meet Sight.OldLifeReplaced
            else
                coverage.Meet Sight.VoterRemovedAsSilent

    /// A leader has appended a configuration.
    let private onChange (coverage: Coverage) (before: State) (after: State) =
        let struct (formerIndex, former) = newest before
        let struct (index, current) = newest after
        if index > formerIndex && not former.Voters.IsEmpty then
            match Configuration.isJoint former, Configuration.isJoint current with
            | false, true -> onJointEntered coverage after former current
            | true, false ->
                coverage.Meet Sight.JointLeft
                if LogOutline.termAt formerIndex after.Outline <> ValueSome after.CurrentTerm then
                    coverage.Meet Sight.JointLeftByLaterLeader
            | true, true
            | false, false -> ()
            if current.Learners.Length > former.Learners.Length then
                coverage.Meet Sight.LearnerAdmitted
            if current.Observers.Length > former.Observers.Length then
                coverage.Meet Sight.ObserverAdmitted

    /// A leader leads no more.
    let private onStepDown (coverage: Coverage) (leading: LeaderState) (before: State) (after: State) =
        let struct (index, current) = newest before
        if Configuration.isJoint current && index > before.CommitIndex then
            coverage.Meet Sight.LeaderLostInJoint
        let struct (index, current) = newest after
        if
            index <= after.CommitIndex
            && not (Configuration.isJoint current)
            && not (Configuration.isVoter after.Self current)
        then
            coverage.Meet Sight.LeaderRemoved
        match leading.Transfer with
        | ValueSome transfer when transfer.IsOrdered && after.CurrentTerm > before.CurrentTerm ->
            coverage.Meet Sight.LeadershipHandedOver
        | ValueSome _
        | ValueNone -> ()

    /// Compares a member before and after one step.
    let ofStep (coverage: Coverage) (before: State) (after: State) =
        match before.Role, after.Role with
        | Role.Leader former, Role.Leader current when before.CurrentTerm = after.CurrentTerm ->
            if former.Transfer.IsSome && current.Transfer.IsNone then
                coverage.Meet Sight.HandOverFailed
            if not (obj.ReferenceEquals(before.Configurations, after.Configurations)) then
                onChange coverage before after
        | Role.Leader former, _ when not (State.isLeader after) -> onStepDown coverage former before after
        | (Role.Follower | Role.PreCandidate _ | Role.Candidate _ | Role.Founder _ | Role.Leader _), _ ->
            let struct (formerIndex, _) = newest before
            let struct (index, _) = newest after
            if index < formerIndex then
                coverage.Meet Sight.ConfigurationTruncated
        if before.Strangers.IsEmpty && not after.Strangers.IsEmpty then
            coverage.Meet Sight.StrangersMet

    let private isDeparted (input: GroupInput) =
        match input with
        | GroupInput.Received(_, BondMessage.Raft(Message.Departed _)) -> true
        | _ -> false

    /// True when this step has ended a departure because a leader said so; what it ended by is noted.
    let ofDeparture
        (coverage: Coverage)
        (clock: Clock)
        (inputs: GroupInput[])
        (before: State)
        (after: State)
        =
        match before.Departure, after.Departure with
        | ValueSome { IsDone = true }, _
        | _, ValueSome { IsDone = false }
        | _, ValueNone -> false
        | _, ValueSome departure ->
            if Array.exists isDeparted inputs then
                coverage.Meet Sight.DepartureAnswered
                true
            else
                coverage.Meet(
                    if clock.Now >= departure.Until then
                        Sight.DepartureTimedOut
                    else
                        Sight.DepartureUnneeded
                )
                false

    /// A member begins anew, and why.
    let ofReset (coverage: Coverage) (state: State) =
        coverage.Meet(
            if state.Dissolution <> LogIndex.Zero && state.Dissolution <= state.CommitIndex then
                Sight.LineageDissolved
            elif state.CommitIndex > LogIndex.Zero then
                Sight.BarrenLineageGivenUp
            else
                Sight.FoundingAbandoned
        )

    /// A process begins with what its disk holds.
    let ofStart (coverage: Coverage) (log: ChainedLog) =
        match log.Configuration with
        | ValueSome configuration when Configuration.isJoint configuration ->
            coverage.Meet Sight.RestartedInJoint
        | ValueSome _
        | ValueNone -> ()
