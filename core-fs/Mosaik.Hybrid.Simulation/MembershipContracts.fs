namespace Mosaik.Hybrid.Simulation

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// What every step must keep of who belongs to the group, who votes and who leads: conditions on one member, written
/// from the rules for admission, removal and hand-over, and not from the autopilot.
[<RequireQualifiedAccess>]
module MembershipContracts =

    let private fails (state: State) (what: string) =
        Rules.break' Rules.stepContract $"{Naming.show state.Self}: {what}"

    let private progressOf (id: MemberId) (state: State) =
        match state.Role with
        | Role.Leader leading -> leading.Progress.TryFind id
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> None

    /// The configurations that this very step of a leader has appended, oldest first.
    let private appended (before: State) (log: ChainedLog) : struct (LogIndex * Configuration) list =
        log.Configurations
        |> List.takeWhile (fun (struct (index, _)) -> index > before.Outline.Last.Index)
        |> List.rev

    /// One that begins to lead, founders included, appends nothing but its first entry; this is about all the others.
    let private leadsOn (before: State) (after: State) =
        State.isLeader before
        && State.isLeader after
        && before.CurrentTerm = after.CurrentTerm

    /// Ongaro 2015: else two leaders' changes, each made without knowing of the other's, could both be decided.
    let private checkOwnTerm (after: State) (log: ChainedLog) (index: LogIndex) =
        if log.TermAt after.CommitIndex <> after.CurrentTerm then
            fails
                after
                $"a leader changes the configuration at {index} before an entry of its term is committed"

    let private silence (clock: Clock) (id: MemberId) (state: State) =
        match progressOf id state with
        | Some progress -> clock.Now.Since progress.HeardAt
        | None -> 0L

    /// No group stops by its own doing: a committee is chosen only where a majority of it can be reached.
    let private checkReach (config: NodeConfig) clock (after: State) (next: Configuration) =
        let isReached (id: MemberId) =
            id.Equals after.Self
            || (after.Bonded.ContainsKey id
                && silence clock id after < int64 config.Consensus.ElectionTimeout)
        let reached = next.Voters |> List.filter isReached
        if 2 * reached.Length <= next.Voters.Length then
            fails after $"the committee {Show.configuration next} has no majority within reach"

    let private isReplaced (id: MemberId) (state: State) =
        state.Bonded
        |> Map.exists (fun bonded _ -> bonded.Peer = id.Peer && not (bonded.Equals id))

    /// It said that it leaves, or its peer has begun anew: it never votes again.
    let private isGone (id: MemberId) (state: State) =
        state.Leavers.ContainsKey id || isReplaced id state

    let private isSeenAsObserver (id: MemberId) (state: State) =
        match state.Bonded.TryFind id with
        | Some facts -> facts.Preference = LeadershipPreference.Observer
        | None -> false

    /// A voter goes when it is gone for good, has been silent for the removal delay, or leads and is about to leave.
    let private checkRemoved config clock (after: State) (next: Configuration) (voter: MemberId) =
        let isLeaving = voter.Equals after.Self && after.Departure.IsSome
        if voter.Equals after.Self && not isLeaving then
            fails after $"a leader that does not leave removes itself: {Show.configuration next}"
        let isSilent = silence clock voter after >= int64 (config: NodeConfig).Consensus.RemovalDelay
        if
            not isLeaving
            && not (isGone voter after)
            && not (isSeenAsObserver voter after)
            && not isSilent
        then
            fails after $"{Naming.show voter} is removed, though it answered lately"
        let isSpared = isSilent && not (isGone voter after) && not (isSeenAsObserver voter after)
        if isSpared && next.Voters.Length < config.Consensus.FoundingMembers then
            fails after $"{Naming.show voter} is removed, and fewer than may found a group are left"

    /// A learner gets a vote when it has everything that its leader had a heartbeat ago, and wants one.
    let private checkPromoted config (before: State) (after: State) (next: Configuration) (voter: MemberId) =
        let hasAll =
            match progressOf voter after, before.Role with
            | Some progress, Role.Leader leading ->
                let tail =
                    match after.Role with
                    | Role.Leader current -> min current.TailAtBeat leading.TailAtBeat
                    | _ -> leading.TailAtBeat
                progress.MatchIndex >= tail
            | _, _ -> false
        if not hasAll then
            fails after $"{Naming.show voter} gets a vote before it has caught up"
        if isGone voter after || isSeenAsObserver voter after then
            fails after $"{Naming.show voter} gets a vote, and leaves or never votes"
        if next.Voters.Length > (config: NodeConfig).Consensus.MaxVoters then
            fails after $"{Naming.show voter} gets a vote beside {next.Voters.Length - 1} others"

    let private without (some: MemberId list) (members: MemberId list) =
        members |> List.filter (fun id -> not (List.contains id some))

    let private checkCommittee config clock before (after: State) former (next: Configuration) =
        if former.Outgoing.IsEmpty && not next.Outgoing.IsEmpty then
            checkReach config clock after next
            for voter in next.Voters do
                if isGone voter after && not (voter.Equals after.Self) then
                    fails after $"{Naming.show voter} is gone for good, and stays in the committee"
            for voter in without next.Voters former.Voters do
                checkRemoved config clock after next voter
            for voter in without former.Voters next.Voters do
                checkPromoted config before after next voter

    /// Whoever has said that it leaves, or has begun a later life, is admitted no more.
    let private checkAdmitted (after: State) (former: Configuration) (next: Configuration) =
        for id in without (Configuration.members former) (Configuration.members next) do
            if isGone id after then
                fails after $"{Naming.show id} is admitted, though it leaves or is past"

    let private checkChanges config clock (before: State) (after: State) (log: ChainedLog) =
        for struct (index, next) in appended before log do
            checkOwnTerm after log index
            match log.ConfigurationAt index.Previous with
            | ValueSome former ->
                checkCommittee config clock before after former next
                checkAdmitted after former next
            | ValueNone -> ()

    /// Raft §6: a leader that its own, committed configuration does not name has done its duty.
    let private checkRemovedLeader (after: State) (log: ChainedLog) =
        match after.Role, log.Configurations with
        | Role.Leader _, struct (index, current) :: _ when
            index <= after.CommitIndex
            && not (List.contains after.Self current.Voters)
            && not (List.contains after.Self current.Outgoing)
            ->
            fails after $"a leader that is no voter of {Show.configuration current} leads on"
        | (Role.Leader _ | Role.Follower | Role.PreCandidate _ | Role.Candidate _ | Role.Founder _), _ -> ()

    let private transferOf (state: State) =
        match state.Role with
        | Role.Leader leading -> leading.Transfer
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> ValueNone

    let private takesCommands (writes: Write list) =
        writes
        |> List.exists (fun write ->
            write.Entries
            |> List.exists (fun run ->
                run.ToArray() |> Array.exists (fun entry -> entry.Kind = EntryKind.Command)))

    /// Thesis §3.10: no commands while leadership is handed over, and none at the end of a lineage; but a hand-over
    /// that leads to nothing ends.
    let private checkTransfer (clock: Clock) (before: State) (after: State) (writes: Write list) =
        if leadsOn before after then
            let isUnderWay = (transferOf before).IsSome && (transferOf after).IsSome
            if isUnderWay && takesCommands writes then
                fails after "a leader takes commands while it hands over"
            if before.Dissolution <> LogIndex.Zero && takesCommands writes then
                fails after "a leader takes commands at the end of its lineage"
        match transferOf after with
        | ValueSome transfer when clock.Now >= transfer.Until ->
            fails after $"a hand-over to {Naming.show transfer.Target} outlasts its time"
        | ValueSome _
        | ValueNone -> ()

    /// Thesis §3.10: the target has everything when it is ordered to stand, else its election would only disturb. A
    /// leader that steps down for good orders the best it knows.
    let private checkOrders (after: GroupState) (log: ChainedLog) (outputs: GroupOutput list) =
        for output in outputs do
            match output with
            | GroupOutput.SendRaft(link, Message.TimeoutNow _) when State.isLeader after.Raft ->
                match after.Bonds.TryFind link with
                | Some { Theirs = ValueSome theirs } ->
                    match progressOf theirs.Member after.Raft with
                    | Some progress when progress.MatchIndex = log.Last -> ()
                    | Some _
                    | None ->
                        fails after.Raft $"{Naming.show theirs.Member} is ordered to stand before it has all"
                | Some _
                | None -> ()
            | _ -> ()

    /// After every step.
    let onStep
        config
        clock
        (before: GroupState)
        (after: GroupState)
        outputs
        (log: ChainedLog)
        (writes: Write list)
        =
        if after.Raft.Halted.IsNone then
            if not writes.IsEmpty && leadsOn before.Raft after.Raft then
                checkChanges config clock before.Raft after.Raft log
            checkRemovedLeader after.Raft log
            checkTransfer clock before.Raft after.Raft writes
            checkOrders after log outputs
