namespace Mosaik.Hybrid.Core

open System

open Mosaik.Hybrid

/// A leader's log and its followers (Raft §5.3, §5.4.2), with pipelined appends and check-quorum (rule 7).
/// Handlers note what has become possible; `replicate` says it once, at the end of the transition.
[<RequireQualifiedAccess>]
module Leader =

    /// How far the log of a member is durable and equal to the leader's; the leader's own copy included (rule 3).
    let private durableAt (leading: LeaderState) (state: State) (id: MemberId) =
        if id.Equals state.Self then
            state.DurableIndex
        else
            match leading.Progress.TryFind id with
            | Some progress -> progress.MatchIndex
            | None -> LogIndex.Zero

    /// Commits what a majority holds durably, if it is of the own term: an older entry could still be
    /// overwritten (Raft §5.4.2, Figure 8), and is committed with the first of the own term.
    let tryCommit (state: State) =
        match state.Role, State.configuration state with
        | Role.Leader leading, ValueSome configuration ->
            let index = Quorum.committed configuration (durableAt leading state)
            if
                index > state.CommitIndex
                && LogOutline.termAt index state.Outline = ValueSome state.CurrentTerm
            then
                let state = LogWrites.advanceCommit index state
                { state with Online = state.Online || index >= leading.TermStart }
            else
                state
        | (Role.Leader _ | Role.Follower | Role.PreCandidate _ | Role.Candidate _ | Role.Founder _), _ ->
            state

    let private withProgress (id: MemberId) (progress: Progress) (leading: LeaderState) (state: State) =
        { state with Role = Role.Leader { leading with Progress = leading.Progress.Add(id, progress) } }

    /// The newest snapshot goes in the place of the entries that the member lacks; first it is only offered.
    let private withSnapshot (clock: Clock) (progress: Progress) (state: State) =
        match state.Snapshot with
        | ValueSome snapshot ->
            { progress with
                NextIndex = snapshot.Position.Index.Next
                Mode =
                    ReplicationMode.Snapshot
                        { Snapshot = snapshot; IsOpen = false; Held = 0L; Sent = 0L; MovedAt = clock.Now }
                HeartbeatDue = true }
        | ValueNone -> progress

    /// The member holds the first bytes of a snapshot. When there are fewer than before it had to begin anew.
    let private onReceiving (clock: Clock) (position: LogPosition) (offset: int64) (progress: Progress) =
        match progress.Mode with
        | ReplicationMode.Snapshot transfer when transfer.Snapshot.Position = position ->
            let goesOn = transfer.IsOpen && offset >= transfer.Held && offset <= transfer.Sent
            let hasMoved = offset <> transfer.Held || not goesOn
            { progress with
                Mode =
                    ReplicationMode.Snapshot
                        { transfer with
                            IsOpen = true
                            Held = offset
                            Sent = (if goesOn then transfer.Sent else offset)
                            MovedAt = (if hasMoved then clock.Now else transfer.MovedAt) } }
        | ReplicationMode.Snapshot _
        | ReplicationMode.CatchUp _
        | ReplicationMode.Probe _
        | ReplicationMode.Replicate -> progress

    /// The member's log is durable and equal up to here. While a snapshot is on its way, only what reaches the log
    /// that is left here makes an end of it.
    let private onAccepted (clock: Clock) (upTo: LogIndex) (state: State) (progress: Progress) =
        let progress = { progress with MatchIndex = max progress.MatchIndex upTo }
        match progress.Mode with
        | ReplicationMode.Snapshot _ when upTo < state.Outline.Base.Index -> progress
        | ReplicationMode.Snapshot _ ->
            { progress with NextIndex = progress.MatchIndex.Next; Mode = ReplicationMode.Replicate }
        | ReplicationMode.CatchUp(target, _) when progress.MatchIndex < target ->
            let hasMoved = progress.NextIndex < progress.MatchIndex.Next
            { progress with
                NextIndex = progress.MatchIndex.Next
                Mode =
                    if hasMoved then
                        ReplicationMode.CatchUp(target, clock.Now)
                    else
                        progress.Mode }
        | ReplicationMode.CatchUp _ ->
            { progress with NextIndex = progress.MatchIndex.Next; Mode = ReplicationMode.Replicate }
        | ReplicationMode.Probe _
        | ReplicationMode.Replicate ->
            { progress with NextIndex = max progress.NextIndex upTo.Next; Mode = ReplicationMode.Replicate }

    /// The member refused: go back to the last position that both could have (a whole term at a time), and ask
    /// again one append at a time. A pipeline ends with its session: whatever of it is still on its way would be
    /// refused too, and each refusal would send everything once more. Who asks one at a time stays in its session,
    /// or heartbeats that overtake the append would make it late again and again.
    let private backtrack
        (clock: Clock)
        (refused: LogIndex)
        (hint: LogPosition)
        (sender: MemberId)
        (progress: Progress)
        (leading: LeaderState)
        (state: State)
        =
        let isStale =
            refused <= progress.MatchIndex && progress.MatchIndex <> LogIndex.Zero
            || refused >= progress.NextIndex
            || progress.Mode.IsSnapshot
        let basis = state.Outline.Base.Index
        if isStale then
            withProgress sender progress leading state
        elif progress.MatchIndex < basis && (hint.Index < basis || refused = basis) then
            // It lacks entries that are no longer here. Who has acknowledged them said so before it got them.
            withProgress sender (withSnapshot clock progress state) leading state
        else
            let common = LogOutline.lastAtMost hint.Index hint.Term state.Outline
            let next = common.Index.Next
            let formerMode = progress.Mode
            let progress =
                { progress with
                    NextIndex =
                        (if next > progress.MatchIndex.Next then
                             next
                         else
                             progress.MatchIndex.Next)
                    Mode = ReplicationMode.Probe false }
            match formerMode with
            | ReplicationMode.Probe _
            | ReplicationMode.CatchUp _
            | ReplicationMode.Snapshot _ -> withProgress sender progress leading state
            | ReplicationMode.Replicate ->
                withProgress
                    sender
                    { progress with Session = leading.NextSession }
                    { leading with NextSession = leading.NextSession + 1UL }
                    state

    /// A member answered. Answers of a former session or term change nothing (rule 15).
    let onAppendEntriesReply (clock: Clock) (sender: MemberId) (reply: AppendEntriesReply) (state: State) =
        match state.Role with
        | Role.Leader leading when reply.Term = state.CurrentTerm ->
            match leading.Progress.TryFind sender with
            | Some progress when progress.Session = reply.Session ->
                let progress =
                    { progress with HeardAt = clock.Now; RoundEchoed = max progress.RoundEchoed reply.Round }
                match reply.Outcome with
                | AppendOutcome.Accepted upTo when upTo > state.Outline.Last.Index ->
                    State.say (Output.Blame(sender, $"acknowledged {upTo}, which was never sent")) state
                | AppendOutcome.Accepted upTo ->
                    state
                    |> withProgress sender (onAccepted clock upTo state progress) leading
                    |> tryCommit
                | AppendOutcome.Receiving(position, offset) ->
                    withProgress sender (onReceiving clock position offset progress) leading state
                | AppendOutcome.Rejected(refused, hint) ->
                    backtrack clock refused hint sender progress leading state
            | Some _
            | None -> state
        | Role.Leader _
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> state

    /// Appends entries of the own term, stamped with their places and the time.
    let append (clock: Clock) (entries: ReadOnlyMemory<LogEntry>) (state: State) =
        let timestamp = max state.LastTimestamp clock.Wall
        let source = entries.Span
        let stamped: LogEntry[] = Array.zeroCreate source.Length
        let mutable index = state.Outline.Last.Index
        for place in 0 .. source.Length - 1 do
            index <- index.Next
            let entry = &source[place]
            stamped[place] <-
                { Index = index
                  Term = state.CurrentTerm
                  Kind = entry.Kind
                  BatchRemaining = entry.BatchRemaining
                  Timestamp = timestamp
                  Proposer = entry.Proposer
                  Number = entry.Number
                  Payload = entry.Payload }
        LogWrites.append (ReadOnlyMemory stamped) state

    /// How many more entries the leader may take.
    let private roomFor (config: NodeConfig) (state: State) =
        let uncommitted = state.Outline.Last.Index.Value - state.CommitIndex.Value
        let allowed = uint64 config.Consensus.EntriesUncommittedMax
        if uncommitted >= allowed then
            0
        else
            int (allowed - uncommitted)

    let private allIsCommitted (state: State) =
        state.Outline.Last.Index = state.CommitIndex

    /// True while the leader may take that many more entries; any number when it holds nothing uncommitted, so
    /// that an atomic batch above the limit gets its turn too.
    let hasRoom (config: NodeConfig) (count: int) (state: State) =
        count <= roomFor config state || allIsCommitted state

    /// How many of the commands, from the first, the leader may take now: whole atomic batches only.
    let fitting (config: NodeConfig) (commands: ReadOnlyMemory<LogEntry>) (state: State) =
        let span = commands.Span
        let room = roomFor config state
        if span.Length <= room then
            span.Length
        else
            let mutable taken = room
            while taken > 0 && span[taken - 1].BatchRemaining > 0 do
                taken <- taken - 1
            if taken = 0 && allIsCommitted state then
                min span.Length (max 0 span[0].BatchRemaining + 1)
            else
                taken

    /// A link loses nothing while it stands, but the member may have dropped bytes that did not follow on, or the store
    /// may have lost the snapshot to a newer one: when a transfer has not moved for an election timeout, what was sent
    /// is sent again, or the newest is offered.
    let private afterPause (config: NodeConfig) (clock: Clock) (state: State) (progress: Progress) =
        match progress.Mode with
        | ReplicationMode.Snapshot transfer when
            clock.Now.Since transfer.MovedAt >= int64 config.Consensus.ElectionTimeout
            ->
            if state.Snapshot <> ValueSome transfer.Snapshot then
                withSnapshot clock progress state
            else
                let transfer = { transfer with Sent = transfer.Held; MovedAt = clock.Now }
                { progress with Mode = ReplicationMode.Snapshot transfer }
        | ReplicationMode.CatchUp(_, movedAt) when
            clock.Now.Since movedAt >= int64 config.Consensus.ElectionTimeout
            ->
            // Nobody gave it what it lacks: the leader does so itself.
            { progress with
                Mode = ReplicationMode.Probe false
                CatchUpAfter = clock.Now.Plus(10 * config.Consensus.ElectionTimeout) }
        | ReplicationMode.CatchUp _
        | ReplicationMode.Snapshot _
        | ReplicationMode.Probe _
        | ReplicationMode.Replicate -> progress

    /// Heartbeats are due, and perhaps no quorum has been heard for an election timeout: then somebody else may
    /// lead already, and this member steps down (rule 7).
    let onTick (config: NodeConfig) (clock: Clock) (state: State) =
        match state.Role, State.configuration state with
        | Role.Leader leading, ValueSome configuration when clock.Now >= leading.HeartbeatAt ->
            let heardAt (id: MemberId) =
                if id.Equals state.Self then
                    clock.Now
                else
                    match leading.Progress.TryFind id with
                    | Some progress -> progress.HeardAt
                    | None -> State.longAgo
            let silence = clock.Now.Since(Quorum.heardSince configuration heardAt)
            if silence >= int64 config.Consensus.ElectionTimeout then
                Roles.becomeFollower config clock ValueNone state
            else
                let due =
                    leading.Progress
                    |> Map.map (fun _ progress ->
                        { afterPause config clock state progress with HeartbeatDue = true })
                { state with
                    Role =
                        Role.Leader
                            { leading with
                                Progress = due
                                HeartbeatAt = clock.Now.Plus config.Consensus.HeartbeatInterval
                                TailAtBeat = state.Outline.Last.Index
                                ReviewDue = true
                                // An order to stand may have been lost with its bond.
                                Transfer =
                                    ValueOption.map
                                        (fun transfer -> { transfer with IsOrdered = false })
                                        leading.Transfer } }
        | (Role.Leader _ | Role.Follower | Role.PreCandidate _ | Role.Candidate _ | Role.Founder _), _ ->
            state

    let private headerAfter
        (previous: LogPosition)
        (progress: Progress)
        (leading: LeaderState)
        (state: State)
        =
        { Lineage = state.Lineage
          Term = state.CurrentTerm
          Session = progress.Session
          Round = leading.Round
          Previous = previous
          Commit = state.CommitIndex }

    let private said (leading: LeaderState) (state: State) (progress: Progress) =
        { progress with HeartbeatDue = false; CommitSent = state.CommitIndex; RoundSent = leading.Round }

    /// True when the window to a member has room for more (bounded by entries and by bytes).
    let private windowIsOpen (config: NodeConfig) (progress: Progress) (state: State) =
        progress.NextIndex <= state.Outline.Last.Index
        && (match progress.Mode with
            | ReplicationMode.Probe isWaiting -> not isWaiting
            | ReplicationMode.CatchUp _
            | ReplicationMode.Snapshot _ -> false
            | ReplicationMode.Replicate ->
                let sent = progress.NextIndex.Previous
                sent.Value - progress.MatchIndex.Value < uint64 config.Consensus.EntriesInFlightMax
                && LogOutline.bytesBetween progress.MatchIndex sent state.Outline <
                    int64 config.Consensus.BytesInFlightMax)

    /// How many entries the next append may carry. While it is not known where the logs agree, nothing counts as
    /// on its way but that one append.
    let private entriesAllowed (config: NodeConfig) (progress: Progress) =
        let window = uint64 config.Consensus.EntriesInFlightMax
        let onTheirWay =
            match progress.Mode with
            | ReplicationMode.Probe _
            | ReplicationMode.CatchUp _
            | ReplicationMode.Snapshot _ -> 0UL
            | ReplicationMode.Replicate -> progress.NextIndex.Previous.Value - progress.MatchIndex.Value
        min config.Consensus.EntriesPerAppendMax (int (window - min window onTheirWay))

    /// Sends what the window allows, each append bounded by entries and bytes.
    let rec private sendEntries
        config
        id
        (progress: Progress)
        (leading: LeaderState)
        (state: State)
        : struct (Progress * State) =
        if not (windowIsOpen config progress state) then
            struct (progress, state)
        else
            match LogOutline.positionAt progress.NextIndex.Previous state.Outline with
            | ValueNone -> struct (progress, state)
            | ValueSome previous ->
                let header = headerAfter previous progress leading state
                let consensus = config.Consensus
                let last =
                    LogOutline.lastOfBatch
                        progress.NextIndex
                        (entriesAllowed config progress)
                        consensus.BytesPerAppendMax
                        state.Outline
                let range = LogRange(progress.NextIndex, last)
                let state = State.say (Output.SendEntries(id, header, range)) state
                match progress.Mode with
                | ReplicationMode.Probe _
                | ReplicationMode.CatchUp _
                | ReplicationMode.Snapshot _ ->
                    struct (said leading state { progress with Mode = ReplicationMode.Probe true }, state)
                | ReplicationMode.Replicate ->
                    let progress = said leading state { progress with NextIndex = last.Next }
                    sendEntries config id progress leading state

    /// The most chunks of a snapshot on their way to one member.
    let private chunksInFlightMax = 4L

    /// Sends bytes of a snapshot, as many as the window allows.
    let rec private sendSnapshot
        (config: NodeConfig)
        id
        (progress: Progress)
        (leading: LeaderState)
        (state: State)
        : struct (Progress * State) =
        match progress.Mode with
        | ReplicationMode.Snapshot transfer when transfer.IsOpen && transfer.Sent < transfer.Snapshot.Length ->
            let chunk = int64 config.Consensus.BytesPerAppendMax
            let count = min chunk (transfer.Snapshot.Length - transfer.Sent)
            if transfer.Sent - transfer.Held >= chunksInFlightMax * chunk then
                struct (progress, state)
            else
                let header = headerAfter transfer.Snapshot.Position progress leading state
                let word = Output.SendSnapshot(id, header, transfer.Snapshot, transfer.Sent, int count)
                let transfer = { transfer with Sent = transfer.Sent + count }
                let progress = said leading state { progress with Mode = ReplicationMode.Snapshot transfer }
                sendSnapshot config id progress leading (State.say word state)
        | ReplicationMode.Snapshot _
        | ReplicationMode.CatchUp _
        | ReplicationMode.Probe _
        | ReplicationMode.Replicate -> struct (progress, state)

    /// What carries news and nothing else: an append without entries, or a snapshot's offer without bytes.
    let private newsTo (progress: Progress) (leading: LeaderState) (state: State) : Message voption =
        match progress.Mode with
        | ReplicationMode.Snapshot { Snapshot = snapshot } ->
            let header = headerAfter snapshot.Position progress leading state
            let nothing: SnapshotChunk = { Offset = 0L; Data = ReadOnlyMemory.Empty }
            ValueSome(Message.InstallSnapshot(header, snapshot, nothing))
        | ReplicationMode.Probe _
        | ReplicationMode.CatchUp _
        | ReplicationMode.Replicate ->
            match LogOutline.positionAt progress.NextIndex.Previous state.Outline with
            | ValueSome previous ->
                let header = headerAfter previous progress leading state
                ValueSome(Message.AppendEntries(header, ReadOnlyMemory.Empty))
            | ValueNone -> ValueNone

    /// An append without entries, when nothing else carried the news: a heartbeat, a commit index, a read round.
    let private sendNews
        id
        (progress: Progress)
        (leading: LeaderState)
        (state: State)
        : struct (Progress * State) =
        let isNews =
            progress.HeartbeatDue
            || progress.CommitSent < state.CommitIndex
            || progress.RoundSent < leading.Round
        if not isNews then
            struct (progress, state)
        else
            match newsTo progress leading state with
            | ValueNone -> struct (progress, state)
            | ValueSome message -> struct (said leading state progress, State.send id message state)

    /// The entries that a member needs next may have been compacted away since.
    let private withEntriesAtHand (clock: Clock) (progress: Progress) (state: State) =
        if progress.NextIndex.Previous < state.Outline.Base.Index then
            withSnapshot clock progress state
        else
            progress

    /// So many committed entries that others are asked to help; none is on its way when it begins.
    let private isFarBehind (config: NodeConfig) (clock: Clock) (progress: Progress) (state: State) =
        progress.Mode = ReplicationMode.Replicate
        && progress.NextIndex = progress.MatchIndex.Next
        && clock.Now >= progress.CatchUpAfter
        && state.CommitIndex.Value
           >= progress.MatchIndex.Value + 4UL * uint64 config.Consensus.EntriesPerAppendMax

    /// A member that is far behind reads from those that have everything it lacks, in parallel; the leader, which has
    /// the most to do, is spared.
    let private sendToOthers config clock id (progress: Progress) (leading: LeaderState) (state: State) =
        if not (isFarBehind config clock progress state) then
            struct (progress, state)
        else
            let struct (runs, upTo) =
                LogOutline.runsBetween progress.NextIndex state.CommitIndex state.Outline
            let sources =
                leading.Progress
                |> Map.toList
                |> List.choose (fun (other, known) ->
                    if
                        not (other.Equals id)
                        && known.MatchIndex >= upTo
                        && state.Bonded.ContainsKey other
                    then
                        Some other
                    else
                        None)
            match LogOutline.positionAt progress.MatchIndex state.Outline with
            | ValueSome previous when not sources.IsEmpty && upTo > progress.MatchIndex ->
                let header = headerAfter previous progress leading state
                let plan = { UpTo = upTo; Runs = runs; Sources = sources }
                let progress =
                    said leading state { progress with Mode = ReplicationMode.CatchUp(upTo, clock.Now) }
                struct (progress, State.send id (Message.CatchUp(header, plan)) state)
            | ValueSome _
            | ValueNone -> struct (progress, state)

    /// Says to every reachable member what it lacks. Called once a transition, so that a burst of proposals,
    /// answers and ticks makes one message a member.
    let replicate (config: NodeConfig) (clock: Clock) (state: State) =
        match state.Role with
        | Role.Leader leading ->
            let tell (state: State) (id: MemberId) (progress: Progress) =
                if not (state.Bonded.ContainsKey id) then
                    state
                else
                    let current = withEntriesAtHand clock progress state
                    let struct (after, state) = sendToOthers config clock id current leading state
                    let struct (after, state) = sendEntries config id after leading state
                    let struct (after, state) = sendSnapshot config id after leading state
                    let struct (after, state) = sendNews id after leading state
                    if Object.ReferenceEquals(after, progress) then
                        state
                    else
                        match state.Role with
                        | Role.Leader current -> withProgress id after current state
                        | Role.Follower
                        | Role.PreCandidate _
                        | Role.Candidate _
                        | Role.Founder _ -> state
            leading.Progress |> Map.fold tell state
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> state
