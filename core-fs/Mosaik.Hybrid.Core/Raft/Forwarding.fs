namespace Mosaik.Hybrid.Core

open System

open Mosaik.Hybrid

/// The way of commands from the node where they were submitted to the leader's log.
///
/// A node numbers its own commands 1, 2, 3, ... and sends them on in order. With every new leader, or new bond to
/// it, everything that has not taken effect is sent again; the leader takes no gaps, and the machine drops
/// repeats (rules 9 and 10). So a command is in the log at least once and takes effect exactly once, in order.
[<RequireQualifiedAccess>]
module Forwarding =

    let private withProposer (proposer: Proposer) (state: State) = { state with Proposer = proposer }

    let private numbersOf (commands: ReadOnlyMemory<LogEntry>) =
        let span = commands.Span
        struct (span[0].Number, span[span.Length - 1].Number)

    let private noteAppended (proposer: ProposerId) (last: uint64) (state: State) =
        match state.Role with
        | Role.Leader leading ->
            { state with Role = Role.Leader { leading with Appended = leading.Appended.Add(proposer, last) } }
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> state

    let private appendAndNote clock (commands: ReadOnlyMemory<LogEntry>) (state: State) =
        let struct (_, last) = numbersOf commands
        match commands.Span[0].Proposer with
        | null -> state
        | proposer -> state |> Leader.append clock commands |> noteAppended proposer last

    /// A leader takes its own commands from `first` on, as many as find room; the rest is asked for again.
    let private takeOwn config clock (commands: ReadOnlyMemory<LogEntry>) (state: State) =
        let struct (first, last) = numbersOf commands
        let fitting = Leader.fitting config commands state
        let taken = first + uint64 fitting - 1UL
        let proposer = state.Proposer
        let proposer =
            { proposer with
                Sent = taken
                Asked = if taken = last then max proposer.Asked last else taken
                Wanted =
                    if taken = last then
                        0
                    else
                        commands.Span[fitting].BatchRemaining + 1
                Acknowledged = taken }
        let state = withProposer proposer state
        if fitting = 0 then
            state
        else
            let index = state.Outline.Last.Index.Next
            state
            |> appendAndNote clock (commands.Slice(0, fitting))
            |> State.say (Output.Assigned(first, taken, index))

    /// The runtime submits this node's own commands. A leader appends what follows on; everything else waits for
    /// `send`, which asks for it in order.
    let onPropose (config: NodeConfig) (clock: Clock) (commands: ReadOnlyMemory<LogEntry>) (state: State) =
        if commands.IsEmpty then
            state
        else
            let struct (first, last) = numbersOf commands
            let proposer = state.Proposer
            let next = proposer.Sent + 1UL
            let state = withProposer { proposer with Submitted = max proposer.Submitted last } state
            match state.Role with
            | Role.Leader leading when State.takesCommands leading state && first <= next && next <= last ->
                // Some may have taken effect since they were asked for: whole batches, so the rest is whole too.
                takeOwn config clock (commands.Slice(int (next - first))) state
            | Role.Leader leading when not (State.takesCommands leading state) ->
                // They are asked for again when it has been seen who leads.
                let asked = min state.Proposer.Asked (max state.Proposer.Sent (first - 1UL))
                withProposer { state.Proposer with Asked = asked } state
            | Role.Leader _
            | Role.Follower
            | Role.PreCandidate _
            | Role.Candidate _
            | Role.Founder _ -> state

    /// Half of what may be uncommitted: what is asked for again then surely finds room.
    let private resubmittedMax (config: NodeConfig) =
        max 1 (config.Consensus.EntriesUncommittedMax / 2)

    /// Hands over what has not been handed over: to the leader's log on the leader, else to the leader.
    let send (config: NodeConfig) (clock: Clock) (state: State) =
        let proposer = state.Proposer
        match state.Role, state.Leader with
        | Role.Leader leading, _ when
            proposer.Asked < proposer.Submitted
            && State.takesCommands leading state
            && Leader.hasRoom config (max proposer.Wanted (resubmittedMax config)) state
            ->
            let count = min (proposer.Submitted - proposer.Asked) (uint64 (resubmittedMax config))
            let last = proposer.Asked + count
            state
            |> withProposer { proposer with Asked = last }
            |> State.say (Output.Resubmit(proposer.Asked + 1UL, last))
        | Role.Follower, ValueSome leader when
            // Who has no lineage yet may still end up in another than this leader's: a command is offered to one only.
            not (State.isUnaffiliated state)
            && not (leader.Equals state.Self)
            && proposer.Sent < proposer.Submitted
            && clock.Now >= proposer.HoldUntil
            && state.Bonded.ContainsKey leader
            ->
            let header = { Lineage = state.Lineage; Term = state.CurrentTerm; Applied = proposer.Applied }
            state
            |> withProposer
                { proposer with
                    Sent = proposer.Submitted
                    ResendAt = clock.Now.Plus config.Consensus.ForwardTimeout }
            |> State.say (Output.SendCommands(leader, header, proposer.Sent + 1UL, proposer.Submitted))
        | (Role.Leader _ | Role.Follower | Role.PreCandidate _ | Role.Candidate _ | Role.Founder _), _ ->
            state

    /// Commands of other nodes: consecutive numbers of one proposer, whose process the sender is.
    let private isSound (sender: MemberId) (commands: ReadOnlyMemory<LogEntry>) =
        let span = commands.Span
        match span[0].Proposer with
        | null -> false
        | proposer ->
            let mutable sound = proposer.Member.Equals sender && span[0].Number > 0UL
            for place in 0 .. span.Length - 1 do
                let entry = &span[place]
                sound <-
                    sound
                    && entry.Kind = EntryKind.Command
                    && proposer.Equals entry.Proposer
                    && entry.Number = span[0].Number + uint64 place
            sound

    let private reply (sender: MemberId) (outcome: ForwardOutcome) (state: State) =
        let reply: ForwardReply = { Lineage = state.Lineage; Term = state.CurrentTerm; Outcome = outcome }
        State.send sender (Message.ForwardReply reply) state

    let private take
        config
        clock
        sender
        (header: ForwardHeader)
        (commands: ReadOnlyMemory<LogEntry>)
        leading
        state
        =
        let struct (first, last) = numbersOf commands
        let known =
            match commands.Span[0].Proposer with
            | null -> 0UL
            | proposer -> leading.Appended.TryFind proposer |> Option.defaultValue 0UL
        // What the sender has seen take effect is in the log too, perhaps by way of former leaders.
        let expected = max known header.Applied + 1UL
        if first > expected then
            reply sender (ForwardOutcome.Missing expected) state
        elif last < expected then
            reply sender (ForwardOutcome.Appended(first, last, LogIndex.Zero)) state
        else
            // Messages begin and end with whole batches, and so does what was appended: nothing is cut apart.
            let skipped = if expected > first then int (expected - first) else 0
            let commands = commands.Slice skipped
            let fitting = Leader.fitting config commands state
            let state =
                if fitting = 0 then
                    state
                else
                    let first = first + uint64 skipped
                    let index = state.Outline.Last.Index.Next
                    state
                    |> appendAndNote clock (commands.Slice(0, fitting))
                    |> reply sender (ForwardOutcome.Appended(first, first + uint64 fitting - 1UL, index))
            if fitting < commands.Length then
                reply sender ForwardOutcome.Overloaded state
            else
                state

    /// Another member's commands. Who does not lead, or no longer in that term, says nothing: the sender sends
    /// again to the next leader.
    let onForward
        config
        clock
        (sender: MemberId)
        (header: ForwardHeader)
        (commands: ReadOnlyMemory<LogEntry>)
        state
        =
        match state.Role with
        | Role.Leader leading when header.Term = state.CurrentTerm && not commands.IsEmpty ->
            if isSound sender commands && not (State.takesCommands leading state) then
                reply sender ForwardOutcome.Overloaded state
            elif isSound sender commands then
                take config clock sender header commands leading state
            else
                State.say
                    (Output.Blame(sender, "forwarded commands that are not its own, or not in order"))
                    state
        | Role.Leader _
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> state

    let private goBack (next: uint64) (hold: Instant) (state: State) =
        let proposer = state.Proposer
        let upTo = max proposer.Applied (next - 1UL)
        withProposer
            { proposer with
                Sent = min proposer.Sent upTo
                Acknowledged = min proposer.Acknowledged upTo
                HoldUntil = hold
                ResendAt = Instant.Never }
            state

    /// The leader's answer to a forward.
    let onForwardReply
        (config: NodeConfig)
        (clock: Clock)
        (sender: MemberId)
        (reply: ForwardReply)
        (state: State)
        =
        let proposer = state.Proposer
        // One gap or overload is answered once for every message behind it: all of them make one resend.
        let pause = clock.Now.Plus(max 1 (config.Consensus.ForwardTimeout / 20))
        let isCurrent =
            reply.Term = state.CurrentTerm
            && state.Leader = ValueSome sender
            && state.Role.IsFollower
        if not isCurrent then
            state
        else
            match reply.Outcome with
            | ForwardOutcome.Appended(first, last, index) when last <= proposer.Submitted && first <= last ->
                let acknowledged = max proposer.Acknowledged last
                let isComplete = acknowledged >= proposer.Sent
                state
                |> withProposer
                    { proposer with
                        Sent = max proposer.Sent acknowledged
                        Acknowledged = acknowledged
                        ResendAt =
                            if isComplete then
                                Instant.Never
                            else
                                clock.Now.Plus config.Consensus.ForwardTimeout }
                |> State.say (Output.Assigned(first, last, index))
            | ForwardOutcome.Missing next when next > 0UL && next <= proposer.Submitted + 1UL ->
                goBack next pause state
            | ForwardOutcome.Overloaded -> goBack (proposer.Acknowledged + 1UL) pause state
            | ForwardOutcome.Appended _
            | ForwardOutcome.Missing _ ->
                State.say (Output.Blame(sender, "answered for commands that were never sent")) state

    /// What was sent has not been answered for too long.
    let onTick (clock: Clock) (state: State) =
        let proposer = state.Proposer
        if clock.Now >= proposer.ResendAt then
            goBack (proposer.Acknowledged + 1UL) Instant.Zero state
        else
            state

    /// Own commands took effect here; a gap means that some were lost on the way, and all of them go again.
    let onApplied (own: uint64) (gap: bool) (state: State) =
        let proposer = state.Proposer
        let applied = max proposer.Applied own
        let raised (value: uint64) = max value applied
        let state =
            withProposer
                { proposer with
                    Applied = applied
                    Submitted = raised proposer.Submitted
                    Sent = raised proposer.Sent
                    // What was asked for may have come before this was known, and not have fitted: it is asked again.
                    Asked = if applied > proposer.Sent then applied else proposer.Asked
                    Acknowledged = raised proposer.Acknowledged }
                state
        if gap && not (State.isLeader state) then
            State.rewindProposer state
        else
            state
