namespace Mosaik.Hybrid.Core

open System

open Mosaik.Hybrid

/// What a member does with a leader's appends (Raft §5.3), and what it answers.
[<RequireQualifiedAccess>]
module Follower =

    /// Entries that no honest leader sends: not consecutive after `Previous`, terms that fall or lie after the
    /// leader's.
    let private malformed (header: AppendHeader) (entries: ReadOnlyMemory<LogEntry>) =
        let span = entries.Span
        let mutable last = header.Previous
        // Before the first entry there is no term.
        let mutable sound =
            header.Previous.Term.Value <= header.Term.Value
            && (header.Previous.Index = LogIndex.Zero) = (header.Previous.Term = Term.Zero)
        for place in 0 .. span.Length - 1 do
            let entry = &span[place]
            sound <-
                sound
                && entry.Index = last.Index.Next
                && entry.Term.Value >= last.Term.Value
                && entry.Term.Value <= header.Term.Value
            last <- LogPosition(entry.Term, entry.Index)
        not sound

    /// The first entry of a log is a configuration; a log can't be joined anywhere else. The lineage that it founded need
    /// not be the leader's: an operator may have begun another one on a log that survived a disaster.
    let private founds (header: AppendHeader) (entries: ReadOnlyMemory<LogEntry>) =
        header.Previous.Index = LogIndex.Zero
        && not entries.IsEmpty
        && entries.Span[0].Kind = EntryKind.Configuration
        && (match Configuration.decode entries.Span[0].Payload with
            | Ok _ -> true
            | Error _ -> false)

    /// How many of the entries the log already holds, with the same terms.
    let private alreadyHeld (entries: ReadOnlyMemory<LogEntry>) (outline: LogOutline) =
        let span = entries.Span
        let mutable held = 0
        // The usual case first: everything is new.
        if not span.IsEmpty && span[0].Index <= outline.Last.Index then
            while held < span.Length
                  && LogOutline.termAt span[held].Index outline = ValueSome span[held].Term do
                held <- held + 1
        held

    /// Takes entries that fit: keeps what is held already, removes what conflicts, appends the rest. Every entry
    /// is compared, and matching ones are never removed (S19; a late append must not shorten the log).
    let accept (header: AppendHeader) (entries: ReadOnlyMemory<LogEntry>) (state: State) =
        let held = alreadyHeld entries state.Outline
        let fresh = entries.Slice held
        let state =
            if not fresh.IsEmpty && fresh.Span[0].Index <= state.Outline.Last.Index then
                LogWrites.truncateFrom fresh.Span[0].Index state
            else
                state
        match state.Halted with
        | ValueSome _ -> state
        | ValueNone ->
            let verified = header.Previous.Index.Plus entries.Length
            let state =
                if fresh.IsEmpty then
                    state
                else
                    LogWrites.append fresh state
            // Only what this leader is known to have too: the rest of the log may be another's (Raft §5.3).
            let committed = if header.Commit < verified then header.Commit else verified
            let follow = state.Follow
            let state =
                { state with
                    Follow =
                        { follow with
                            Verified = max follow.Verified verified
                            Refusal = ValueNone
                            Intake = ValueNone }
                    Online = state.Online || header.Commit <= verified }
            LogWrites.advanceCommit committed state

    let private refuse (header: AppendHeader) (state: State) =
        let hint = LogOutline.lastAtMost header.Previous.Index header.Previous.Term state.Outline
        { state with
            Online = false
            Follow =
                { state.Follow with Refusal = ValueSome(AppendOutcome.Rejected(header.Previous.Index, hint)) } }

    /// Drops what the base already covers: it is committed, and so equal to the leader's.
    let private afterBase (header: AppendHeader) (entries: ReadOnlyMemory<LogEntry>) (state: State) =
        let basis = state.Outline.Base
        if header.Previous.Index >= basis.Index then
            struct (header, entries)
        else
            let covered = basis.Index.Value - header.Previous.Index.Value
            if covered >= uint64 entries.Length then
                struct ({ header with Previous = basis }, ReadOnlyMemory.Empty)
            else
                struct ({ header with Previous = basis }, entries.Slice(int covered))

    let private adopt (clock: Clock) (header: AppendHeader) (state: State) =
        let follow = state.Follow
        let follow =
            if follow.Session = header.Session then
                follow
            else
                // A new replication session: what the former one verified is verified again (rule 15).
                { Session = header.Session
                  Round = 0UL
                  Verified = LogIndex.Zero
                  Acknowledged = LogIndex.Zero
                  AnswerDue = false
                  DueSince = State.longAgo
                  Refusal = ValueNone
                  Intake = ValueNone
                  Fetching = ValueNone }
        let dueSince = if follow.AnswerDue then follow.DueSince else clock.Now
        { state with
            Follow =
                { follow with Round = max follow.Round header.Round; AnswerDue = true; DueSince = dueSince } }

    let private compareLogs (header: AppendHeader) (entries: ReadOnlyMemory<LogEntry>) (state: State) =
        let struct (header, entries) = afterBase header entries state
        match LogOutline.termAt header.Previous.Index state.Outline with
        | ValueSome term when term = header.Previous.Term -> accept header entries state
        | ValueSome _ when header.Previous.Index <= state.CommitIndex ->
            State.halt
                "Committed entries are equal everywhere (rule 4)."
                $"the leader has {header.Previous}, committed here is {state.CommitIndex}, last {state.Outline.Last}"
                state
        | ValueSome _
        | ValueNone -> refuse header state

    /// Somebody else leads this member in this very term and lineage.
    let private leadsBeside (sender: MemberId) (header: AppendHeader) (state: State) =
        header.Term = state.CurrentTerm
        && not (State.isUnaffiliated state)
        && (match state.Leader with
            | ValueSome leader -> not (leader.Equals sender)
            | ValueNone -> false)

    let private follow clock (header: AppendHeader) (entries: ReadOnlyMemory<LogEntry>) (state: State) =
        let state = adopt clock header state
        let state =
            if entries.IsEmpty || state.Follow.Fetching.IsNone then
                state
            else
                // The leader sends them itself again.
                { state with Follow = { state.Follow with Fetching = ValueNone } }
        if not (State.isUnaffiliated state) then
            compareLogs header entries state
        elif founds header entries then
            compareLogs header entries { state with Lineage = header.Lineage }
        else
            refuse header state

    /// A part of a snapshot comes in the place of entries that the leader no longer has. Whoever has them all the
    /// same needs no snapshot: its own entries are the same (Log Matching), and the ones after them stay.
    let private takeSnapshot clock (header: AppendHeader) (snapshot: SnapshotFacts) chunk (state: State) =
        let state = adopt clock header state
        let position = snapshot.Position
        if position.Index <= state.CommitIndex then
            let follow = state.Follow
            { state with Follow = { follow with Verified = max follow.Verified position.Index } }
        elif LogOutline.termAt position.Index state.Outline = ValueSome position.Term then
            accept header ReadOnlyMemory.Empty state
        else
            let intake =
                match state.Follow.Intake with
                | ValueSome intake when intake.Position = position -> intake
                | ValueSome _
                | ValueNone -> { Position = position; Held = 0L; IsNews = false }
            { state with Online = false; Follow = { state.Follow with Intake = ValueSome intake } }
            |> State.say (Output.Keep(snapshot, chunk))

    /// No honest leader describes a snapshot so.
    let private malformedSnapshot (header: AppendHeader) (snapshot: SnapshotFacts) (chunk: SnapshotChunk) =
        let size = int64 chunk.Data.Length
        header.Previous <> snapshot.Position
        || header.Lineage <> snapshot.Lineage
        || header.Lineage.IsNone
        || snapshot.Position.Index = LogIndex.Zero
        || snapshot.Position.Term = Term.Zero
        || snapshot.Position.Term > header.Term
        || header.Commit < snapshot.Position.Index
        || snapshot.Length < 0L
        || chunk.Offset < 0L
        || chunk.Offset > snapshot.Length - size

    /// The leader says who has the entries that this member lacks. They count as its own: it has compared the logs up to
    /// the head's position, and names the terms of those that follow.
    let private takePlan clock (header: AppendHeader) (plan: CatchUpPlan) (state: State) =
        let state = adopt clock header state
        let isHeld =
            not (State.isUnaffiliated state)
            && LogOutline.termAt header.Previous.Index state.Outline = ValueSome header.Previous.Term
        if not isHeld || plan.UpTo <= state.Follow.Verified then
            state
        else
            let fetching =
                { Plan = plan
                  Sources = plan.Sources
                  Asked = []
                  Missing = []
                  Next = header.Previous.Index.Next
                  Ready = Map.empty }
            let follow = state.Follow
            { state with
                Online = false
                Follow =
                    { follow with
                        Verified = max follow.Verified header.Previous.Index
                        Fetching = ValueSome fetching } }

    /// No honest leader makes such a plan: its runs must follow on, with terms that rise, and end within it.
    let private malformedPlan (header: AppendHeader) (plan: CatchUpPlan) =
        let rises (former: TermRun, next: TermRun) =
            former.First < next.First && former.Term < next.Term
        plan.Sources.IsEmpty
        || plan.UpTo > header.Commit
        || (match plan.Runs with
            | first :: _ ->
                first.First <> header.Previous.Index.Next
                || first.Term < header.Previous.Term
                || not (plan.Runs |> List.pairwise |> List.forall rises)
                || (List.last plan.Runs).First > plan.UpTo
                || (List.last plan.Runs).Term > header.Term
            | [] -> true)

    /// Bytes of the snapshot that is being taken have come to rest.
    let onSnapshotGrew (position: LogPosition) (offset: int64) (state: State) =
        match state.Follow.Intake with
        | ValueSome intake when intake.Position = position ->
            let intake = { intake with Held = offset; IsNews = true }
            { state with Follow = { state.Follow with Intake = ValueSome intake } }
        | ValueSome _
        | ValueNone -> state

    /// Words of a leader: of this term, or a later one. `fault` says what no honest leader would send.
    let private onLeader
        config
        (clock: Clock)
        (sender: MemberId)
        (header: AppendHeader)
        (fault: string voption)
        (take: State -> State)
        (state: State)
        =
        if header.Term < state.CurrentTerm then
            // A deposed leader learns of the later term from the answer.
            let reply: AppendEntriesReply =
                { Lineage = header.Lineage
                  Term = state.CurrentTerm
                  Session = header.Session
                  Round = 0UL
                  Outcome = AppendOutcome.Rejected(header.Previous.Index, state.Outline.Last) }
            State.send sender (Message.AppendEntriesReply reply) state
        elif State.isLeader state then
            State.halt
                "At most one member leads in a term (Election Safety)."
                $"{sender} and {state.Self} both lead in term {header.Term}"
                state
        elif leadsBeside sender header state then
            State.halt
                "At most one member leads in a term (Election Safety)."
                $"{sender} and {state.Leader} both lead in term {header.Term}"
                state
        elif fault.IsSome then
            State.say (Output.Blame(sender, fault.Value)) state
        else
            let state =
                state
                |> Roles.becomeFollower config clock (ValueSome sender)
                |> State.resetElection config clock
            let state = { state with LeaderHeardAt = clock.Now }
            if header.Session < state.Follow.Session then
                // The leader has begun anew since it sent this: a sign of life, and nothing else (rule 15).
                state
            else
                take state

    /// The leader says what its log holds.
    let onAppendEntries config clock (sender: MemberId) (header: AppendHeader) entries (state: State) =
        let fault =
            if malformed header entries then
                ValueSome $"an append after {header.Previous} whose entries do not follow on"
            else
                ValueNone
        onLeader config clock sender header fault (follow clock header entries) state

    /// The leader sends the member to others.
    let onCatchUp config clock (sender: MemberId) (header: AppendHeader) (plan: CatchUpPlan) (state: State) =
        let fault =
            if malformedPlan header plan then
                ValueSome $"a plan up to {plan.UpTo} after {header.Previous} that can't be"
            else
                ValueNone
        onLeader config clock sender header fault (takePlan clock header plan) state

    /// The leader sends a part of a snapshot, or offers one.
    let onInstallSnapshot
        config
        clock
        (sender: MemberId)
        (header: AppendHeader)
        snapshot
        chunk
        (state: State)
        =
        let fault =
            if malformedSnapshot header snapshot chunk then
                ValueSome $"a snapshot at {snapshot.Position} that can't be"
            else
                ValueNone
        onLeader config clock sender header fault (takeSnapshot clock header snapshot chunk) state

    /// What the leader is to be told now, and what it knows then; nothing when it can wait.
    let private due
        (config: NodeConfig)
        (clock: Clock)
        (state: State)
        : struct (AppendOutcome * FollowState) voption =
        let follow = state.Follow
        let answered = { follow with AnswerDue = false }
        match follow.Refusal, follow.Intake with
        | ValueSome refusal, _ -> ValueSome(struct (refusal, { answered with Refusal = ValueNone }))
        | ValueNone, ValueSome intake when intake.IsNews ->
            let known = { answered with Intake = ValueSome { intake with IsNews = false } }
            ValueSome(struct (AppendOutcome.Receiving(intake.Position, intake.Held), known))
        | ValueNone, intake ->
            let durable = min follow.Verified state.DurableIndex
            // While a write is on its way its end will bring the answer, unless there was nothing to write; and so it
            // is with bytes of a snapshot. But a slow disk under a steady flow must not pass for a dead member.
            let nothingToWrite = intake.IsNone && (durable = follow.Verified || state.PendingEntries.IsEmpty)
            let isLate = clock.Now.Since follow.DueSince >= int64 config.Consensus.HeartbeatInterval
            if durable > follow.Acknowledged || follow.AnswerDue && (nothingToWrite || isLate) then
                let known = { answered with Acknowledged = max follow.Acknowledged durable }
                ValueSome(struct (AppendOutcome.Accepted durable, known))
            else
                ValueNone

    /// Tells the leader once a transition how far the log is durable and equal to its own: at once when the
    /// leader waits for a sign of life, else when there is something new to acknowledge.
    let answer (config: NodeConfig) (clock: Clock) (state: State) =
        match state.Role, state.Leader with
        | Role.Follower, ValueSome leader when not (leader.Equals state.Self) ->
            match due config clock state with
            | ValueSome(struct (outcome, known)) ->
                let reply =
                    Message.AppendEntriesReply
                        { Lineage = state.Lineage
                          Term = state.CurrentTerm
                          Session = known.Session
                          Round = known.Round
                          Outcome = outcome }
                { state with Follow = known } |> State.send leader reply
            | ValueNone -> state
        | (Role.Follower | Role.PreCandidate _ | Role.Candidate _ | Role.Founder _ | Role.Leader _), _ ->
            state
