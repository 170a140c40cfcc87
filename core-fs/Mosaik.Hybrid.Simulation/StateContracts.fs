namespace Mosaik.Hybrid.Simulation

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// What every step must keep, whatever its inputs were, seen from one member: conditions that no message alone decides,
/// and that whole clusters need a rare accident to suffer from.
[<RequireQualifiedAccess>]
module StateContracts =

    let private fails (state: State) (what: string) =
        Rules.break' Rules.stepContract $"{Naming.show state.Self}: {what}"

    /// Raft §6: from the moment it is appended, and no longer than it is in the log.
    let private checkConfiguration (before: State) (after: State) (log: ChainedLog) (writes: Write list) =
        let hasChanged =
            not (
                writes.IsEmpty
                && obj.ReferenceEquals(before.Configurations, after.Configurations)
            )
        if hasChanged && State.configuration after <> log.Configuration then
            fails after "the configuration in force is the newest one of the log"

    /// Who has no vote leads nobody (SAFETY §2m). Who is being removed may have to lead until that is committed.
    let private checkCandidate (config: NodeConfig) (after: State) (log: ChainedLog) =
        let isStanding =
            match after.Role with
            | Role.PreCandidate _
            | Role.Candidate _ -> true
            | Role.Follower
            | Role.Founder _
            | Role.Leader _ -> false
        if isStanding then
            let isVoter (configuration: Configuration) =
                List.contains after.Self (Configuration.voters configuration)
            let isEligible =
                match log.Configurations with
                | struct (_, current) :: _ when isVoter current -> true
                | struct (index, _) :: struct (_, former) :: _ -> index > after.CommitIndex && isVoter former
                | _ -> false
            if not isEligible || config.Preference.Preference = LeadershipPreference.Observer then
                fails after "only a voter stands for election, or one whose removal is not committed"

    /// Words of consensus come over bonds only.
    let private checkLeader (before: GroupState) (after: GroupState) =
        match after.Raft.Leader with
        | ValueSome leader when
            before.Raft.Leader <> after.Raft.Leader
            && not (leader.Equals after.Raft.Self)
            && not (before.Links.ContainsKey leader || after.Links.ContainsKey leader)
            ->
            Rules.break'
                Rules.bonds
                $"{Naming.show after.Raft.Self} follows {Naming.show leader}, with whom it has no bond"
        | ValueSome _
        | ValueNone -> ()

    /// Rule 13: no bond joins members of two lineages.
    let private checkFormed (before: GroupState) (after: GroupState) (link: LinkId) =
        match after.Bonds.TryFind link with
        | Some { Theirs = ValueSome theirs } when Handshake.isForeign before.Raft.Lineage theirs.Lineage ->
            Rules.break'
                Rules.bonds
                $"{Naming.show after.Raft.Self} bonds with {Naming.show theirs.Member} of another lineage"
        | Some _
        | None -> ()

    let private readersOf (peer: MemberId) (state: State) =
        match state.Role with
        | Role.Leader leading ->
            leading.ReadsInRound @ leading.ReadsWaiting
            |> List.filter (fun reader ->
                match reader with
                | Reader.Remote(asker, _) -> asker.Equals peer
                | Reader.Local _ -> false)
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> []

    /// A new run of a process would take the answer for one to its own request of the same number.
    let private checkReaders (before: GroupState) (after: GroupState) (peer: MemberId) =
        let former = readersOf peer before.Raft
        if not former.IsEmpty then
            let kept = readersOf peer after.Raft
            if former |> List.exists (fun reader -> List.contains reader kept) then
                fails after.Raft $"what {Naming.show peer} asked on a former bond is forgotten"

    /// When two members have dialled each other, both keep the link that the lower peer dialled: if each kept its own,
    /// or each the newer one, both would be closed.
    let private checkDuplicate (before: GroupState) (after: GroupState) (link: LinkId) =
        let self = after.Raft.Self.Peer
        let dialler (bond: Bond) =
            if bond.IsDialler then self else bond.Peer
        match before.Bonds.TryFind link with
        | Some({ Theirs = ValueSome theirs } & closed) ->
            match after.Links.TryFind theirs.Member |> Option.bind after.Bonds.TryFind with
            | Some kept when
                kept.Link <> link
                && kept.IsDialler <> closed.IsDialler
                && dialler kept <> min self kept.Peer
                ->
                Rules.break'
                    Rules.bonds
                    $"{Naming.show after.Raft.Self} closes link {link} to {Naming.show theirs.Member}, which the other keeps"
            | Some _
            | None -> ()
        | Some _
        | None -> ()

    let private checkBonds (before: GroupState) (after: GroupState) (outputs: GroupOutput list) =
        for output in outputs do
            match output with
            | GroupOutput.BondFormed(link, peer) ->
                checkFormed before after link
                checkReaders before after peer
            | GroupOutput.CloseLink(link, CloseReason.AlreadyBonded, _) -> checkDuplicate before after link
            | _ -> ()

    let private answersReads (outputs: GroupOutput list) =
        outputs
        |> List.exists (fun output ->
            match output with
            | GroupOutput.ReadReady _
            | GroupOutput.SendRaft(_, Message.ReadIndexReply _) -> true
            | _ -> false)

    /// A read is answered when a majority has echoed a round that began after it came (thesis §6.4).
    let private checkReads (before: State) (after: State) (log: ChainedLog) (outputs: GroupOutput list) =
        // A leader changes the configuration when it has counted: by the one that was in force before.
        match before.Role, after.Role, log.ConfigurationAt before.Outline.Last.Index with
        | Role.Leader former, Role.Leader leading, ValueSome configuration when
            before.CurrentTerm = after.CurrentTerm && answersReads outputs
            ->
            // The step may have begun the next round after it answered the last one.
            let round =
                if leading.ReadsInRound.IsEmpty then
                    leading.Round
                else
                    leading.Round - 1UL
            let echoed (id: MemberId) =
                id.Equals after.Self
                || (match leading.Progress.TryFind id with
                    | Some progress -> progress.RoundEchoed >= round
                    // The step has let it go after it had counted; what it echoed is forgotten.
                    | None -> former.Progress.ContainsKey id)
            if not (Committees.decides configuration echoed) then
                fails after $"reads are answered in round {round}, which no majority has echoed"
        | _, _, _ -> ()

    /// Beyond the limit a leader takes no commands, but for one atomic batch when everything else is committed.
    let private checkRoom (config: NodeConfig) (before: State) (after: State) (writes: Write list) =
        if
            State.isLeader before
            && State.isLeader after
            && before.CurrentTerm = after.CurrentTerm
        then
            let entries =
                [ for write in writes do
                      for run in write.Entries do
                          yield! run.ToArray() ]
            let commands, others = entries |> List.partition (fun entry -> entry.Kind = EntryKind.Command)
            let uncommitted = after.Outline.Last.Index.Value - after.CommitIndex.Value
            let limit = uint64 (config.Consensus.EntriesUncommittedMax + others.Length)
            if
                not commands.IsEmpty
                && uncommitted > limit
                && uncommitted > uint64 entries.Length
            then
                Rules.break'
                    Rules.bounds
                    $"{Naming.show after.Self} takes commands while {uncommitted} entries are uncommitted"

    let private leadsOn (before: State) (after: State) =
        State.isLeader before
        && State.isLeader after
        && before.CurrentTerm = after.CurrentTerm

    /// Raft §5.4.2, Figure 8: entries of earlier terms are committed with one of the own term, never by counting.
    let private checkCommit (before: State) (after: State) (log: ChainedLog) =
        if
            leadsOn before after
            && after.CommitIndex > before.CommitIndex
            && log.TermAt after.CommitIndex <> after.CurrentTerm
        then
            fails after $"a leader commits {after.CommitIndex} of an earlier term by counting"

    /// One change of the configuration at a time: majorities of the first and of the last need not meet.
    let private checkChange (before: State) (after: State) (log: ChainedLog) =
        if leadsOn before after then
            match log.Configurations with
            | struct (newest, _) :: struct (former, _) :: _ when
                newest > before.Outline.Last.Index && former > after.CommitIndex
                ->
                fails after $"a leader changes the configuration at {newest} while {former} is not committed"
            | _ -> ()

    /// Rule 16: else a restart would take the shorter log for a loss.
    let private checkWatermark (after: State) (writes: Write list) =
        for write in writes do
            if write.TruncateFrom <> LogIndex.Zero then
                match write.HardState with
                | NonNull hard when hard.Acknowledged.Index < write.TruncateFrom -> ()
                | _ -> fails after "a write that truncates lowers the watermark of what was acknowledged"

    /// Else a member that has just received a snapshot would need the next one at once, and so on for ever.
    let private checkCompaction (config: NodeConfig) (clock: Clock) (before: GroupState) (after: GroupState) =
        let basis = after.Raft.Outline.Base.Index
        match before.Raft.Role, after.Raft.Role with
        | Role.Leader former, Role.Leader current when basis > before.Raft.Outline.Base.Index ->
            for pair in former.Progress do
                match pair.Value.Mode, current.Progress.TryFind pair.Key with
                | ReplicationMode.Snapshot transfer, Some({ Mode = ReplicationMode.Snapshot _ } & progress) when
                    basis > transfer.Snapshot.Position.Index
                    // Inputs come together: the same step may have heard that it arrived, or that the member is gone.
                    && progress.MatchIndex < transfer.Snapshot.Position.Index
                    && progress.Session = pair.Value.Session
                    && before.Raft.Bonded.ContainsKey pair.Key
                    && after.Raft.Bonded.ContainsKey pair.Key
                    // One that stands still is given up for a newer one.
                    && clock.Now.Since transfer.MovedAt < int64 config.Consensus.ElectionTimeout
                    ->
                    fails
                        after.Raft
                        $"entries after {transfer.Snapshot.Position} are on their way to {Naming.show pair.Key} and stay"
                | _, _ -> ()
        | (Role.Follower | Role.PreCandidate _ | Role.Candidate _ | Role.Founder _ | Role.Leader _), _ -> ()

    /// Rule 12: whoever reads from a member gets what is committed, and nothing else.
    let onServed (range: LogRange) (state: State) =
        if range.Last > state.CommitIndex then
            fails state $"{range} is given to a member, committed is {state.CommitIndex}"

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
            checkConfiguration before.Raft after.Raft log writes
            checkCandidate config after.Raft log
            checkLeader before after
            checkCompaction config clock before after
            checkBonds before after outputs
            checkReads before.Raft after.Raft log outputs
            checkCommit before.Raft after.Raft log
            if not writes.IsEmpty then
                checkChange before.Raft after.Raft log
                checkRoom config before.Raft after.Raft writes
                checkWatermark after.Raft writes

    /// A pre-candidate has promised nothing (thesis §9.6).
    let private checkPreCandidacy (before: State) (after: State) =
        match after.Role with
        | Role.PreCandidate _ when
            before.CurrentTerm <> after.CurrentTerm || before.VotedFor <> after.VotedFor
            ->
            fails after "a pre-candidate changes neither term nor vote"
        | Role.PreCandidate _
        | Role.Follower
        | Role.Candidate _
        | Role.Founder _
        | Role.Leader _ -> ()

    /// Rule 7: a leader that no majority answers steps down.
    let private checkSilence (config: NodeConfig) (clock: Clock) (before: State) (after: State) log =
        match before.Role with
        | Role.Leader leading when clock.Now >= leading.HeartbeatAt && State.isLeader after ->
            let isHeard (id: MemberId) =
                id.Equals before.Self
                || (match leading.Progress.TryFind id with
                    | Some progress ->
                        clock.Now.Since progress.HeardAt < int64 config.Consensus.ElectionTimeout
                    | None -> false)
            match (log: ChainedLog).Configuration with
            | ValueSome configuration when not (Committees.decides configuration isHeard) ->
                fails after "a leader that has heard no majority for an election timeout steps down"
            | ValueSome _
            | ValueNone -> ()
        | Role.Leader _
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> ()

    /// A member whose oldest write has taken an election timeout neither leads on nor begins to stand.
    let onDisk (config: NodeConfig) (clock: Clock) (before: State) (after: State) =
        let isStalled =
            after.Unsynced
            |> List.exists (fun write ->
                clock.Now.Since write.Since >= int64 config.Consensus.ElectionTimeout)
        if isStalled && after.Halted.IsNone then
            match before.Role, after.Role with
            | _, Role.Leader _ -> fails after "a leader whose disk makes no progress steps down"
            | Role.Follower, (Role.PreCandidate _ | Role.Founder _) ->
                fails after "a member whose disk makes no progress does not stand for election"
            | (Role.Follower | Role.PreCandidate _ | Role.Candidate _ | Role.Founder _ | Role.Leader _), _ ->
                ()

    /// After a step whose only input was the passing of time.
    let onTick config clock (before: State) (after: State) (log: ChainedLog) =
        if after.Halted.IsNone then
            checkPreCandidacy before after
            checkSilence config clock before after log

    /// After a step whose only input was a snapshot that has come whole (Raft §7, steps 6 and 7).
    let onInstalled (snapshot: SnapshotFacts) (timestamp: int64) (before: State) (after: State) =
        let position = snapshot.Position
        let holdsIt =
            position.Index <= before.CommitIndex
            || LogOutline.termAt position.Index before.Outline = ValueSome position.Term
        let isUntouched =
            after.Outline.Last = before.Outline.Last
            && after.Outline.Base = before.Outline.Base
        if after.Halted.IsNone then
            if holdsIt && not isUntouched then
                fails after $"a log that holds {position} is not replaced by a snapshot of it"
            if not holdsIt && not isUntouched && after.Outline.Last <> position then
                fails after $"nothing of a log that does not hold {position} stays after it"
            if not holdsIt && not isUntouched && after.LastTimestamp < timestamp then
                fails after $"whoever installs {position} knows that it was {timestamp} there"

    /// After a step whose only input was this message: who has given a founding ballot gives its founder the time to
    /// found (D13).
    let onBallot
        (clock: Clock)
        (sender: MemberId)
        (message: Message)
        (before: State)
        (outputs: GroupOutput list)
        =
        match message with
        | Message.RequestVote { Ballot = Ballot.Founding _ } ->
            let awaitsAnother =
                before.Role.IsFollower
                && clock.Now < before.ElectionAt
                && (match before.VotedFor with
                    | ValueSome founder -> not (founder.Equals sender)
                    | ValueNone -> false)
            let isGranted =
                outputs
                |> List.exists (fun output ->
                    match output with
                    | GroupOutput.SendRaft(_, Message.RequestVoteReply reply) -> reply.Vote = Vote.Granted
                    | _ -> false)
            if awaitsAnother && isGranted then
                fails
                    before
                    $"gives {Naming.show sender} a founding ballot while another founder has its time"
        | _ -> ()
