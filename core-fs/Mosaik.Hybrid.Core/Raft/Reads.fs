namespace Mosaik.Hybrid.Core

open Mosaik.Hybrid

/// Linearizable reads by ReadIndex (thesis §6.4), batched: one round to a quorum confirms all reads that came
/// before it began. Any member may ask; the answer is an index, and the reading happens where it was asked.
[<RequireQualifiedAccess>]
module Reads =

    let private refuse (state: State) (reader: Reader) =
        match reader with
        | Reader.Local id -> State.say (Output.ReadRefused id) state
        | Reader.Remote _ -> state

    /// A leader forgets the readers that do not fit; nobody else has any.
    let private keepAtLeader (fits: Reader -> bool) (state: State) =
        match state.Role with
        | Role.Leader leading ->
            { state with
                Role =
                    Role.Leader
                        { leading with
                            ReadsWaiting = List.filter fits leading.ReadsWaiting
                            ReadsInRound = List.filter fits leading.ReadsInRound } }
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> state

    /// Drops what a member asked on a former bond: it asks again, and a new run of its process would take the
    /// answer for one to its own first request.
    let forgetReader (peer: MemberId) (state: State) =
        keepAtLeader
            (function
            | Reader.Local _ -> true
            | Reader.Remote(asker, _) -> not (asker.Equals peer))
            state

    /// Queues a reader at the leader.
    let private enqueue (reader: Reader) (leading: LeaderState) (state: State) =
        if leading.ReadsWaiting.Length >= State.readsMax then
            refuse state reader
        else
            { state with Role = Role.Leader { leading with ReadsWaiting = reader :: leading.ReadsWaiting } }

    /// This node asks.
    let onRead (id: uint64) (state: State) =
        match state.Role with
        | Role.Leader leading -> enqueue (Reader.Local id) leading state
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ ->
            let reads = state.Reads
            if reads.Waiting.Length >= State.readsMax then
                State.say (Output.ReadRefused id) state
            else
                { state with Reads = { reads with Waiting = id :: reads.Waiting } }

    /// Another member asks. Who does not lead says nothing: the asker asks the next leader.
    let onReadIndex (sender: MemberId) (request: ReadIndex) (state: State) =
        match state.Role with
        | Role.Leader leading when request.Term = state.CurrentTerm ->
            enqueue (Reader.Remote(sender, request.Request)) leading state
        | Role.Leader _
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> state

    /// The leader's answer to this node's latest attempt; answers to earlier ones confirm nothing.
    let onReadIndexReply (reply: ReadIndexReply) (state: State) =
        let reads = state.Reads
        if
            reads.Request = 0UL
            || reply.Request <> reads.Request
            || reply.Term <> state.CurrentTerm
        then
            state
        else
            { state with Reads = { reads with Request = 0UL; Asked = []; AskAgainAt = Instant.Never } }
            |> State.say (Output.ReadReady(reads.Asked, reply.Index))

    /// Nobody waits any more for reads up to this id.
    let onExpired (upTo: uint64) (state: State) =
        let isWaited id = id > upTo
        let reads = state.Reads
        let asked = List.filter isWaited reads.Asked
        let reads = { reads with Waiting = List.filter isWaited reads.Waiting; Asked = asked }
        let reads =
            if asked.IsEmpty then
                // Nothing hangs on the answer, and nobody must be reminded of it.
                { reads with Request = 0UL; AskAgainAt = Instant.Never }
            else
                reads
        let state = { state with Reads = reads }
        keepAtLeader
            (function
            | Reader.Local id -> isWaited id
            | Reader.Remote _ -> true)
            state

    let private answer (index: LogIndex) (readers: Reader list) (state: State) =
        let local =
            readers
            |> List.choose (function
                | Reader.Local id -> Some id
                | Reader.Remote _ -> None)
        let reply (state: State) (reader: Reader) =
            match reader with
            | Reader.Local _ -> state
            | Reader.Remote(peer, request) ->
                let reply: ReadIndexReply =
                    { Lineage = state.Lineage; Term = state.CurrentTerm; Request = request; Index = index }
                State.send peer (Message.ReadIndexReply reply) state
        let state = List.fold reply state readers
        if local.IsEmpty then
            state
        else
            State.say (Output.ReadReady(local, index)) state

    /// Answers the current round's reads once a quorum has echoed it: this member still led after they came.
    let private confirm (leading: LeaderState) (configuration: Configuration) (state: State) =
        let echoed (id: MemberId) =
            id.Equals state.Self
            || (match leading.Progress.TryFind id with
                | Some progress -> progress.RoundEchoed >= leading.Round
                | None -> false)
        if leading.ReadsInRound.IsEmpty || not (Quorum.isReached configuration echoed) then
            state
        else
            { state with Role = Role.Leader { leading with ReadsInRound = [] } }
            |> answer leading.ReadIndex leading.ReadsInRound

    /// Begins a round for the reads that wait, one round at a time. Before the first entry of the own term is
    /// committed the commit index may be behind what a former leader acknowledged, so no read index is taken.
    let private beginRound (leading: LeaderState) (state: State) =
        if
            leading.ReadsWaiting.IsEmpty
            || not leading.ReadsInRound.IsEmpty
            || state.CommitIndex < leading.TermStart
        then
            state
        else
            { state with
                Role =
                    Role.Leader
                        { leading with
                            Round = leading.Round + 1UL
                            ReadIndex = state.CommitIndex
                            ReadsInRound = leading.ReadsWaiting
                            ReadsWaiting = [] } }

    /// Moves the leader's reads on as far as they can go now.
    let advance (state: State) =
        let onLeader action (state: State) =
            match state.Role, State.configuration state with
            | Role.Leader leading, ValueSome configuration -> action leading configuration state
            | (Role.Leader _ | Role.Follower | Role.PreCandidate _ | Role.Candidate _ | Role.Founder _), _ ->
                state
        state
        |> onLeader confirm
        |> onLeader (fun leading _ state -> beginRound leading state)
        // A leader that is its own quorum confirms at once.
        |> onLeader confirm

    /// Asks the leader for the reads that wait here, one request at a time; again after the forward timeout.
    let ask (config: NodeConfig) (clock: Clock) (state: State) =
        let reads = state.Reads
        match state.Role, state.Leader with
        | Role.Follower, ValueSome leader when
            // An index of a lineage that this member does not join says nothing of the one that it does.
            not (State.isUnaffiliated state)
            && not (leader.Equals state.Self)
            && state.Bonded.ContainsKey leader
            && not (reads.Waiting.IsEmpty && reads.Asked.IsEmpty)
            && (reads.Request = 0UL || clock.Now >= reads.AskAgainAt)
            ->
            let request = reads.LastRequest + 1UL
            let message =
                Message.ReadIndex { Lineage = state.Lineage; Term = state.CurrentTerm; Request = request }
            { state with
                Reads =
                    { Waiting = []
                      Request = request
                      Asked = reads.Waiting @ reads.Asked
                      LastRequest = request
                      AskAgainAt = clock.Now.Plus config.Consensus.ForwardTimeout } }
            |> State.send leader message
        | (Role.Follower | Role.PreCandidate _ | Role.Candidate _ | Role.Founder _ | Role.Leader _), _ ->
            state
