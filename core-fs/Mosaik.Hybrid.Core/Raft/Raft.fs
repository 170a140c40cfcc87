namespace Mosaik.Hybrid.Core

open Mosaik.Hybrid

/// What one step makes: the next state, and what must be done, in this order.
[<Struct; NoEquality; NoComparison>]
type Transition =
    {
        State: State
        /// First the new beginning of the log and the write, then words, then what to apply and whom to notify.
        Outputs: Output list
        /// No word to others may leave before the write of this sequence is durable; 0 when all may leave at
        /// once (rule 2: term and vote before any message that depends on them).
        SendAfter: uint64
    }

/// Consensus as one function: `step`. Handlers return the new state and words to others; what must follow from a
/// change of state (persist, apply, deadline, notices) is derived here by comparing before with after, so that
/// no handler can forget it.
[<RequireQualifiedAccess>]
module Raft =

    /// A later term in a message ends whatever this member was in an earlier one (Raft §5.1). Vote requests are
    /// not here: a member that hears a live leader does not let them touch its term (rule 5). A granted pre-vote
    /// carries the term that was asked about, in which nobody is yet.
    let private applyTermRule config clock (message: Message) (state: State) =
        let term =
            match message with
            | Message.RequestVote _ -> state.CurrentTerm
            | Message.RequestVoteReply reply when reply.PreVote && reply.Vote = Vote.Granted ->
                state.CurrentTerm
            | Message.RequestVoteReply reply -> reply.Term
            | Message.AppendEntries(header, _) -> header.Term
            | Message.AppendEntriesReply reply -> reply.Term
            | Message.InstallSnapshot(header, _, _) -> header.Term
            | Message.ReadIndex request -> request.Term
            | Message.ReadIndexReply reply -> reply.Term
            | Message.Forward(header, _) -> header.Term
            | Message.ForwardReply reply -> reply.Term
            | Message.TimeoutNow order -> order.Term
            | Message.HandOver request -> request.Term
            | Message.Depart notice -> notice.Term
            | Message.Departed notice -> notice.Term
            | Message.Survey request -> request.Term
            | Message.SurveyReply reply -> reply.Term
            | Message.CatchUp(header, _) -> header.Term
            | Message.FetchEntries request -> request.Term
            | Message.FetchedEntries(header, _) -> header.Term
        if term > state.CurrentTerm then
            Roles.stepDownTo config clock term state
        else
            state

    let private handle config clock (sender: MemberId) (message: Message) (state: State) =
        match message with
        | Message.RequestVote request -> Election.onRequestVote config clock sender request state
        | Message.RequestVoteReply reply -> Election.onRequestVoteReply config clock sender reply state
        | Message.AppendEntries(header, entries) ->
            Follower.onAppendEntries config clock sender header entries state
        | Message.AppendEntriesReply reply -> Leader.onAppendEntriesReply clock sender reply state
        | Message.InstallSnapshot(header, snapshot, chunk) ->
            Follower.onInstallSnapshot config clock sender header snapshot chunk state
        | Message.ReadIndex request -> Reads.onReadIndex sender request state
        | Message.ReadIndexReply reply -> Reads.onReadIndexReply reply state
        | Message.Forward(header, commands) -> Forwarding.onForward config clock sender header commands state
        | Message.ForwardReply reply -> Forwarding.onForwardReply config clock sender reply state
        | Message.TimeoutNow order -> Election.onTimeoutNow config clock sender order state
        | Message.HandOver request -> Transfers.onRequest config clock request state
        | Message.Depart _ -> Departures.onDepart sender state
        | Message.Departed notice -> Departures.onDeparted notice state
        | Message.Survey request -> Surveys.onRequest config clock sender request state
        | Message.SurveyReply reply -> Surveys.onReply sender reply state
        | Message.CatchUp(header, plan) -> Follower.onCatchUp config clock sender header plan state
        | Message.FetchEntries request -> CatchUp.onFetch config sender request state
        | Message.FetchedEntries(header, entries) -> CatchUp.onFetched sender header entries state

    /// Messages of another lineage change nothing but what is known of their sender (rule 13).
    let private isForeign (message: Message) (state: State) =
        let lineage = Message.lineageOf message
        not lineage.IsNone && not state.Lineage.IsNone && lineage <> state.Lineage

    /// A member without a lineage learns from whatever is said that the sender has one: then it founds none.
    /// Founding ballots and votes carry a lineage that does not exist yet.
    let private noteAffiliation (clock: Clock) (sender: MemberId) (message: Message) (state: State) =
        let lineage = Message.lineageOf message
        match message with
        | _ when lineage.IsNone || not (State.isUnaffiliated state) -> state
        | Message.RequestVoteReply _
        | Message.RequestVote { Ballot = Ballot.Founding _ } -> state
        | Message.RequestVote _
        | Message.AppendEntries _
        | Message.AppendEntriesReply _
        | Message.InstallSnapshot _
        | Message.ReadIndex _
        | Message.ReadIndexReply _
        | Message.Forward _
        | Message.ForwardReply _
        | Message.TimeoutNow _
        | Message.HandOver _
        | Message.Depart _
        | Message.Departed _
        | Message.Survey _
        | Message.SurveyReply _
        | Message.CatchUp _
        | Message.FetchEntries _
        | Message.FetchedEntries _ -> Lineages.onAffiliated clock sender lineage false state

    let private onReceived config clock (sender: MemberId) (message: Message) (state: State) =
        let state = noteAffiliation clock sender message state
        match message, state.Role with
        | Message.RequestVote { Ballot = Ballot.Founding proposal } & Message.RequestVote request, _ ->
            Founding.onRequestVote config clock sender request proposal state
        | Message.RequestVoteReply reply, Role.Founder _ ->
            state
            |> applyTermRule config clock message
            |> Founding.onRequestVoteReply config clock sender reply
        | Message.RequestVote _, _
        | Message.RequestVoteReply _, _
        | Message.AppendEntries _, _
        | Message.AppendEntriesReply _, _
        | Message.InstallSnapshot _, _
        | Message.ReadIndex _, _
        | Message.ReadIndexReply _, _
        | Message.Forward _, _
        | Message.ForwardReply _, _
        | Message.TimeoutNow _, _
        | Message.HandOver _, _
        | Message.Depart _, _
        | Message.Departed _, _
        | Message.Survey _, _
        | Message.SurveyReply _, _
        | Message.CatchUp _, _
        | Message.FetchEntries _, _
        | Message.FetchedEntries _, _ ->
            if isForeign message state then
                match message with
                | Message.AppendEntries(header, _)
                | Message.CatchUp(header, _)
                | Message.InstallSnapshot(header, _, _) ->
                    Lineages.onAffiliated clock sender header.Lineage false state
                | Message.RequestVote _
                | Message.RequestVoteReply _
                | Message.AppendEntriesReply _
                | Message.ReadIndex _
                | Message.ReadIndexReply _
                | Message.Forward _
                | Message.ForwardReply _
                | Message.TimeoutNow _
                | Message.HandOver _
                | Message.Depart _
                | Message.Departed _
                | Message.Survey _
                | Message.SurveyReply _
                | Message.FetchEntries _
                | Message.FetchedEntries _ -> state
            else
                state
                |> applyTermRule config clock message
                |> handle config clock sender message

    let private onTick (config: NodeConfig) (clock: Clock) (state: State) =
        // The runtime's timer may have run out: it is told again, even of the same moment.
        let state = { state with Armed = State.longAgo }
        let state =
            state
            |> Lineages.onLeaderTick
            |> Leader.onTick config clock
            |> Forwarding.onTick clock
            |> Lineages.onTick config clock
        if State.isLeader state || clock.Now < state.ElectionAt then
            state
        elif State.isUnaffiliated state then
            Founding.onDeadline config clock state
        else
            Election.onDeadline config clock state

    let private onPeerUp config clock (peer: MemberId) (facts: PeerFacts) (state: State) =
        let state =
            { state with Bonded = state.Bonded.Add(peer, facts) }
            |> Lineages.onAffiliated clock peer facts.Lineage facts.HasCommands
            |> Departures.forget peer false
            |> Departures.onPeerUp peer
            |> Roles.restartReplication peer
            |> Changes.noteNews
            |> Reads.forgetReader peer
            |> Founding.onPeerUp config clock
        if state.Leader = ValueSome peer then
            // What was on its way on the former bond may be lost.
            state |> State.rewindProposer |> State.rewindReads |> State.rewindFollow
        else
            state

    /// A leader whose bond breaks has probably died: ask soon, instead of after the election timeout, whether the
    /// others think so too. A pre-vote makes a wrong guess harmless.
    let private onPeerDown config clock (peer: MemberId) (state: State) =
        let state = { state with Bonded = state.Bonded.Remove peer } |> Changes.noteNews
        if state.Leader = ValueSome peer && not (State.isLeader state) then
            { state with LeaderHeardAt = State.longAgo }
            |> State.withLeader ValueNone
            |> (if State.isUnaffiliated state then
                    id // Nothing to elect yet, and no reason to found anything sooner.
                else
                    State.hastenElection config clock 50 150)
        else
            state

    let private onApplied (index: LogIndex) (own: uint64) (gap: bool) (state: State) =
        let applied =
            if index > state.LastApplied then
                index
            else
                state.LastApplied
        { state with LastApplied = applied } |> Forwarding.onApplied own gap

    let private onInput (config: NodeConfig) (clock: Clock) (state: State) (input: Input) : State =
        match input with
        | Input.Tick -> onTick config clock state
        | Input.Received(sender, message) -> onReceived config clock sender message state
        | Input.PeerUp(peer, facts) -> onPeerUp config clock peer facts state
        | Input.PeerDown peer -> onPeerDown config clock peer state
        | Input.PeerAffiliated(peer, lineage, hasCommands) ->
            Lineages.onAffiliated clock peer lineage hasCommands state |> Changes.noteNews
        | Input.Propose commands -> Forwarding.onPropose config clock commands state
        | Input.Read id -> Reads.onRead id state
        | Input.ReadsExpired upTo -> Reads.onExpired upTo state
        | Input.Persisted sequence -> state |> LogWrites.onPersisted sequence |> Leader.tryCommit
        | Input.Applied(index, own, gap) -> onApplied index own gap state
        | Input.SnapshotSaved(snapshot, kept) -> Snapshots.onSaved snapshot kept state
        | Input.SnapshotGrew(position, offset) -> Follower.onSnapshotGrew position offset state
        | Input.SnapshotReceived(snapshot, timestamp, hasCommands) ->
            Snapshots.onReceived snapshot timestamp hasCommands state
        | Input.Survey id -> Surveys.onSurvey id state
        | Input.HandOver target -> Transfers.onHandOver config clock target state
        | Input.Leave -> Departures.onLeave config clock state |> Changes.noteNews
        | Input.Reset -> State.say Output.Reset state

    /// A leader whose disk makes no progress leads from memory: another one shall, and the fittest is told so at once.
    let private watchDisk (config: NodeConfig) (clock: Clock) (state: State) =
        let stalled = LogWrites.isStalled config clock state
        let state =
            if stalled = state.DiskStalled then
                state
            else
                { state with DiskStalled = stalled }
        if stalled && State.isLeader state then
            Transfers.yieldNow config clock state
        else
            state

    /// What has become possible, once for all inputs of the transition.
    let private settle (config: NodeConfig) (clock: Clock) (state: State) =
        state
        |> watchDisk config clock
        |> Transfers.endIfRemoved config clock
        |> Reads.advance
        |> Changes.review config clock
        |> Departures.answer
        |> Departures.advance config clock
        |> Transfers.advance clock
        |> Lineages.endIfDissolved
        |> Forwarding.send config clock
        |> Leader.replicate config clock
        |> CatchUp.advance config clock
        |> Reads.ask config clock
        |> Surveys.advance config clock
        |> Follower.answer config clock

    /// When the state wants its next tick, if nothing happens before.
    let private deadline (config: NodeConfig) (clock: Clock) (state: State) : Instant =
        let proposer = state.Proposer
        let first =
            match state.Role with
            | Role.Leader leading -> leading.HeartbeatAt
            | Role.Follower
            | Role.PreCandidate _
            | Role.Candidate _
            | Role.Founder _ -> state.ElectionAt
        let held =
            if proposer.Sent < proposer.Submitted && proposer.HoldUntil > clock.Now then
                proposer.HoldUntil
            else
                Instant.Never
        let stall =
            match state.Unsynced with
            | oldest :: _ when not state.DiskStalled -> oldest.Since.Plus config.Consensus.ElectionTimeout
            | _ -> Instant.Never
        let asked = min proposer.ResendAt state.Reads.AskAgainAt
        let membership = min (Departures.deadline state) (Surveys.deadline state)
        let others = min membership (CatchUp.deadline state)
        min (min first held) (min (min asked stall) others)

    let private isDone (state: State) =
        match state.Departure with
        | ValueSome departure -> departure.IsDone
        | ValueNone -> false

    let private notices (before: State) (after: State) =
        [ if before.Leader <> after.Leader then
              Output.Notify(Notice.LeaderChanged after.Leader)
          if
              State.roleKind before <> State.roleKind after
              || before.CurrentTerm <> after.CurrentTerm
          then
              Output.Notify(Notice.RoleChanged(State.roleKind after, after.CurrentTerm))
          if before.Online <> after.Online then
              Output.Notify(Notice.OnlineChanged after.Online)
          match State.configuration after with
          | ValueSome configuration when
              not (obj.ReferenceEquals(before.Configurations, after.Configurations))
              && (match before.Configurations, after.Configurations with
                  | struct (former, _) :: _, struct (current, _) :: _ -> former <> current
                  | _, _ -> true)
              ->
              Output.Notify(Notice.ConfigurationChanged configuration)
          | ValueSome _
          | ValueNone -> ()
          if after.CommitIndex > before.CommitIndex then
              Output.Notify(Notice.CommitAdvanced after.CommitIndex)
          if before.DiskStalled <> after.DiskStalled then
              Output.Notify(Notice.DiskStalled after.DiskStalled)
          if not (obj.ReferenceEquals(before.Strangers, after.Strangers)) then
              let known = Lineages.others after
              if known <> Lineages.others before then
                  Output.Notify(Notice.ConflictChanged known)
          if isDone after && not (isDone before) then
              Output.Notify Notice.MayLeave ]

    let private hardStateChanged (before: State) (after: State) =
        before.CurrentTerm <> after.CurrentTerm
        || before.VotedFor <> after.VotedFor
        || before.Lineage <> after.Lineage

    /// What becomes of the beginning of the log, if it changed: before the entries that follow on from it are written.
    let private newBase (before: State) (after: State) =
        if after.PendingInstall <> LogPosition.Zero then
            ValueSome(Output.Install after.PendingInstall)
        elif after.Outline.Base <> before.Outline.Base then
            ValueSome(Output.Compact after.Outline.Base)
        else
            ValueNone

    /// What the machine is to apply: not what a snapshot has brought.
    let private toApply (before: State) (after: State) : LogRange =
        let installed = after.PendingInstall.Index
        let from =
            if installed > before.CommitIndex then
                installed
            else
                before.CommitIndex
        LogRange(from.Next, after.CommitIndex)

    /// What must follow from a change of state, whichever handler made it.
    let private consequences config (clock: Clock) (before: State) (state: State) : Transition =
        let words = List.rev state.Words
        let apply = toApply before state
        let basis = newBase before state
        let struct (after, write) =
            LogWrites.seal clock (hardStateChanged before state) { state with Words = [] }
        let after =
            if after.Lineage <> before.Lineage then
                { after with LineageSequence = after.WriteSequence }
            else
                after
        let at = deadline config clock after
        let later =
            [ if not apply.IsEmpty then
                  Output.Apply apply
              yield! notices before after
              if at <> after.Armed then
                  Output.SetDeadline at ]
        let outputs = words @ later
        let outputs =
            match write with
            | ValueSome write -> write :: outputs
            | ValueNone -> outputs
        { State = { after with Armed = at; PendingInstall = LogPosition.Zero }
          Outputs =
            (match basis with
             | ValueSome basis -> basis :: outputs
             | ValueNone -> outputs)
          SendAfter =
            if after.HardStateSequence > after.PersistedSequence then
                after.HardStateSequence
            else
                0UL }

    let private halted (state: State) (violation: Violation) : Transition =
        { State = state; Outputs = [ Output.Halt violation ]; SendAfter = 0UL }

    let private finish config (clock: Clock) (before: State) (after: State) : Transition =
        match after.Halted with
        | ValueSome violation -> halted after violation
        | ValueNone ->
            match Invariants.check before { after with Words = [] } with
            | violation :: _ -> halted { after with Halted = ValueSome violation; Words = [] } violation
            | [] -> consequences config clock before after

    /// Advances consensus by several inputs at once: they share one write, one message to each member and one
    /// round of consequences. Same arguments, same result, always. A halted member stays as it is.
    let stepAll (config: NodeConfig) (clock: Clock) (inputs: Input seq) (state: State) : Transition =
        match state.Halted with
        | ValueSome _ -> { State = state; Outputs = []; SendAfter = 0UL }
        | ValueNone ->
            let mutable after = state
            for input in inputs do
                if after.Halted.IsNone then
                    after <- onInput config clock after input
            let after =
                if after.Halted.IsNone then
                    settle config clock after
                else
                    after
            finish config clock state after

    /// Advances consensus by one input.
    let step (config: NodeConfig) (clock: Clock) (input: Input) (state: State) : Transition =
        stepAll config clock [ input ] state
