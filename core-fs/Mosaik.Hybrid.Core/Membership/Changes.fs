namespace Mosaik.Hybrid.Core

open System

open Mosaik.Hybrid

/// How a leader changes who belongs to the group: one configuration entry at a time, through a joint one when the
/// committee changes (Raft §6). What it should become is the autopilot's to say.
[<RequireQualifiedAccess>]
module Changes =

    let private withLeading (leading: LeaderState) (state: State) =
        { state with Role = Role.Leader leading }

    let private standingOf (clock: Clock) (leading: LeaderState) (state: State) (id: MemberId) : Standing =
        let facts = state.Bonded.TryFind id
        let isReplaced =
            state.Bonded
            |> Map.exists (fun bonded _ -> bonded.Peer = id.Peer && not (bonded.Equals id))
        let known: Standing =
            { Match = LogIndex.Zero
              Silence = 0L
              IsBonded = facts.IsSome
              IsCaughtUp = false
              IsObserver =
                match facts with
                | Some facts -> facts.Preference = LeadershipPreference.Observer
                | None -> false
              IsGone = isReplaced || state.Leavers.ContainsKey id }
        match leading.Progress.TryFind id with
        | None -> known
        | Some progress ->
            { known with
                Match = progress.MatchIndex
                Silence = clock.Now.Since progress.HeardAt
                IsCaughtUp =
                    progress.Mode = ReplicationMode.Replicate
                    && progress.MatchIndex >= leading.TailAtBeat }

    /// Bonded peers of the group that are no members yet and want to be.
    let private newcomers (configuration: Configuration) (state: State) =
        state.Bonded
        |> Map.toList
        |> List.choose (fun (id, facts) ->
            let isOurs = facts.Lineage.IsNone || facts.Lineage = state.Lineage
            if
                isOurs
                && not (Configuration.isMember id configuration)
                && not (state.Leavers.ContainsKey id)
            then
                Some id
            else
                None)

    let private entryOf (configuration: Configuration) (state: State) : LogEntry =
        { Index = LogIndex.Zero
          Term = Term.Zero
          Kind = EntryKind.Configuration
          BatchRemaining = 0
          Timestamp = 0L
          Proposer = null
          Number = 0UL
          Payload = ReadOnlyMemory(Configuration.encode state.Lineage configuration) }

    /// Appends a configuration; from here on it is in force, also for whom to send to.
    let private propose (clock: Clock) (configuration: Configuration) (state: State) =
        let state = Leader.append clock (ReadOnlyMemory [| entryOf configuration state |]) state
        match state.Role with
        | Role.Leader leading ->
            let leading = Roles.followMembers clock configuration state.Self leading state.Outline.Last.Index
            withLeading { leading with ReviewDue = true } state
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> state

    /// The configuration in force when the next may follow on it: the last one is committed, and so is an entry of the
    /// own term (Ongaro 2015: else two leaders' changes may not know of each other).
    let private settled (leading: LeaderState) (state: State) : Configuration voption =
        match state.Configurations with
        | struct (index, configuration) :: _ when
            index <= state.CommitIndex && state.CommitIndex >= leading.TermStart
            ->
            ValueSome configuration
        | _ -> ValueNone

    let private change (config: NodeConfig) clock leading (current: Configuration) (state: State) =
        let wanted =
            Autopilot.wanted
                config.Consensus
                state.Self
                state.Departure.IsSome
                (standingOf clock leading state)
                (newcomers current state)
                current
        if wanted <> current then
            propose clock (Configuration.towards wanted current) state
        else
            match Lineages.heir state with
            | ValueSome heir -> Leader.append clock (ReadOnlyMemory [| Lineages.dissolution heir |]) state
            | ValueNone ->
                withLeading { leading with ReviewDue = false } state
                |> Transfers.offer config clock

    /// Has the autopilot look at the group when something has happened, and makes the next change that it wants. A
    /// joint configuration that is committed is left first, by whoever leads.
    let review (config: NodeConfig) (clock: Clock) (state: State) =
        match state.Role with
        | Role.Leader leading when leading.ReviewDue ->
            match settled leading state with
            | ValueSome joint when Configuration.isJoint joint ->
                propose clock (Configuration.withoutOutgoing joint) state
            | ValueSome current when State.takesCommands leading state ->
                change config clock leading current state
            | ValueSome _
            | ValueNone -> state
        | Role.Leader _
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> state

    /// Something has happened that the autopilot should know of.
    let noteNews (state: State) =
        match state.Role with
        | Role.Leader leading when not leading.ReviewDue ->
            withLeading { leading with ReviewDue = true } state
        | Role.Leader _
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> state
