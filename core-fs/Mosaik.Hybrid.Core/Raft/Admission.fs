namespace Mosaik.Hybrid.Core

open System

open Mosaik.Hybrid

/// The leader admits every bonded newcomer of the group, by one configuration entry at a time: as a learner, or
/// as an observer if it is one. Quorums do not change by it.
[<RequireQualifiedAccess>]
module Admission =

    let private newcomers (configuration: Configuration) (state: State) =
        let room = Configuration.membersMax - (Configuration.members configuration).Length
        state.Bonded
        |> Map.toList
        |> List.choose (fun (id, facts) ->
            let isOurs = facts.Lineage.IsNone || facts.Lineage = state.Lineage
            if isOurs && not (Configuration.isMember id configuration) then
                Some(struct (id, facts.Observer))
            else
                None)
        |> List.truncate (max 0 room)

    /// A change may be proposed when the last one is committed, and an entry of the own term (Ongaro 2015: else
    /// two leaders' changes may not know of each other).
    let private mayPropose (leading: LeaderState) (state: State) =
        state.CommitIndex >= leading.TermStart
        && (match state.Configurations with
            | struct (index, configuration) :: _ ->
                index <= state.CommitIndex && not (Configuration.isJoint configuration)
            | [] -> false)

    let private propose (clock: Clock) (configuration: Configuration) (state: State) =
        let entry: LogEntry =
            { Index = LogIndex.Zero
              Term = Term.Zero
              Kind = EntryKind.Configuration
              BatchRemaining = 0
              Timestamp = 0L
              Proposer = null
              Number = 0UL
              Payload = ReadOnlyMemory(Configuration.encode state.Lineage configuration) }
        let state = Leader.append clock (ReadOnlyMemory [| entry |]) state
        match state.Role with
        | Role.Leader leading ->
            let leading = Roles.followMembers clock configuration state.Self leading state.Outline.Last.Index
            { state with Role = Role.Leader leading }
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> state

    /// Admits whoever waits, if a change may be made now.
    let admit (clock: Clock) (state: State) =
        match state.Role, State.configuration state with
        | Role.Leader leading, ValueSome configuration when mayPropose leading state ->
            match newcomers configuration state with
            | [] -> state
            | waiting -> propose clock (Configuration.admit waiting configuration) state
        | (Role.Leader _ | Role.Follower | Role.PreCandidate _ | Role.Candidate _ | Role.Founder _), _ ->
            state
