namespace Mosaik.Hybrid.Core

open System

open Mosaik.Hybrid

/// A long committed gap read from several members at once. The leader names them, and the terms that wrote the entries
/// (`Follower.onCatchUp`); whoever is asked gives what it knows to be committed; and an entry of the leader's lineage,
/// index and term is the leader's entry (Raft §5.3, Log Matching), whoever gave it.
[<RequireQualifiedAccess>]
module CatchUp =

    /// The most requests on their way to one member.
    let private requestsPerSource = 2

    let private withFetching (fetching: Fetching voption) (state: State) =
        { state with Follow = { state.Follow with Fetching = fetching } }

    /// A member asks for entries: it gets those that are committed here, as many as one append may carry.
    let onFetch (config: NodeConfig) (sender: MemberId) (request: FetchEntries) (state: State) =
        let answer (previous: LogPosition) : FetchedHeader =
            { Lineage = state.Lineage
              Term = state.CurrentTerm
              Request = request.Request
              Previous = previous }
        match LogOutline.positionAt request.First.Previous state.Outline with
        | ValueSome previous when
            request.First > LogIndex.Zero
            && request.Last >= request.First
            && request.Last <= state.CommitIndex
            ->
            let wanted = LogRange(request.First, request.Last).Count
            let consensus = config.Consensus
            let last =
                LogOutline.lastOfBatch
                    request.First
                    (min wanted consensus.EntriesPerAppendMax)
                    consensus.BytesPerAppendMax
                    state.Outline
            State.say (Output.ServeEntries(sender, answer previous, LogRange(request.First, last))) state
        | ValueSome _
        | ValueNone ->
            State.send sender (Message.FetchedEntries(answer LogPosition.Zero, ReadOnlyMemory.Empty)) state

    /// The term of an entry of the plan, in the leader's log.
    let private termOf (plan: CatchUpPlan) (index: LogIndex) =
        let rec find (term: Term) (runs: TermRun list) =
            match runs with
            | run :: later when run.First <= index -> find run.Term later
            | _ -> term
        find Term.Zero plan.Runs

    /// True when the entries are those of the leader that were asked for, from the first on.
    let private areTrue (plan: CatchUpPlan) (asked: FetchAsked) (entries: ReadOnlyMemory<LogEntry>) =
        let span = entries.Span
        let mutable sound = span.Length <= LogRange(asked.First, asked.Last).Count
        let mutable index = asked.First
        for place in 0 .. span.Length - 1 do
            sound <- sound && span[place].Index = index && span[place].Term = termOf plan index
            index <- index.Next
        sound

    let private withoutSource (source: MemberId) (fetching: Fetching) =
        let lost, kept = fetching.Asked |> List.partition (fun asked -> asked.Source.Equals source)
        { fetching with
            Sources = fetching.Sources |> List.filter (fun id -> not (id.Equals source))
            Asked = kept
            Missing =
                (lost |> List.map (fun asked -> LogRange(asked.First, asked.Last)))
                @ fetching.Missing }

    let private onAnswer (asked: FetchAsked) (entries: ReadOnlyMemory<LogEntry>) (fetching: Fetching) =
        let last = asked.First.Plus(entries.Length - 1)
        { fetching with
            Asked = fetching.Asked |> List.filter (fun other -> other.Request <> asked.Request)
            Missing =
                if last < asked.Last then
                    LogRange(last.Next, asked.Last) :: fetching.Missing
                else
                    fetching.Missing
            Ready = fetching.Ready.Add(asked.First.Value, entries) }

    /// A member gives entries that it was asked for. Who has none, or others than the leader, is not asked again.
    let onFetched
        (sender: MemberId)
        (header: FetchedHeader)
        (entries: ReadOnlyMemory<LogEntry>)
        (state: State)
        =
        match state.Follow.Fetching with
        | ValueSome fetching ->
            let asked =
                fetching.Asked
                |> List.tryFind (fun asked -> asked.Request = header.Request && asked.Source.Equals sender)
            match asked with
            | Some asked when not entries.IsEmpty && areTrue fetching.Plan asked entries ->
                withFetching (ValueSome(onAnswer asked entries fetching)) state
            | Some _ -> withFetching (ValueSome(withoutSource sender fetching)) state
            | None -> state
        | ValueNone -> state

    /// Takes what follows on: compared, kept, appended and committed as if the leader had sent it.
    let rec private take (state: State) =
        match state.Follow.Fetching with
        | ValueSome fetching when state.Halted.IsNone ->
            let next = state.Follow.Verified.Next
            match
                fetching.Ready.TryFind next.Value, LogOutline.positionAt state.Follow.Verified state.Outline
            with
            | Some entries, ValueSome previous ->
                let header =
                    { Lineage = state.Lineage
                      Term = state.CurrentTerm
                      Session = state.Follow.Session
                      Round = state.Follow.Round
                      Previous = previous
                      Commit = fetching.Plan.UpTo }
                state
                |> withFetching (ValueSome { fetching with Ready = fetching.Ready.Remove next.Value })
                |> Follower.accept header entries
                |> take
            | _, _ -> state
        | ValueSome _
        | ValueNone -> state

    /// Gives up those that have not answered in time, or can't be reached any more.
    let private dropSilent (clock: Clock) (state: State) (fetching: Fetching) =
        let isLost (asked: FetchAsked) =
            clock.Now >= asked.DueAt || not (state.Bonded.ContainsKey asked.Source)
        fetching.Asked
        |> List.filter isLost
        |> List.fold (fun fetching asked -> withoutSource asked.Source fetching) fetching

    /// What is to be asked for next, if it is not too far ahead of what has come.
    let private nextRange config (state: State) (fetching: Fetching) : struct (LogRange * Fetching) voption =
        match fetching.Missing with
        | missing :: rest -> ValueSome(struct (missing, { fetching with Missing = rest }))
        | [] ->
            let ahead = fetching.Next.Value - state.Follow.Verified.Value
            if
                fetching.Next > fetching.Plan.UpTo
                || ahead > uint64 config.Consensus.EntriesInFlightMax
            then
                ValueNone
            else
                let last = fetching.Next.Plus(config.Consensus.EntriesPerAppendMax - 1)
                let last =
                    if last > fetching.Plan.UpTo then
                        fetching.Plan.UpTo
                    else
                        last
                ValueSome(struct (LogRange(fetching.Next, last), { fetching with Next = last.Next }))

    let private leastBusy (state: State) (fetching: Fetching) : MemberId option =
        let load (id: MemberId) =
            fetching.Asked
            |> List.filter (fun asked -> asked.Source.Equals id)
            |> List.length
        fetching.Sources
        |> List.filter (fun id -> state.Bonded.ContainsKey id && load id < requestsPerSource)
        |> List.sortBy load
        |> List.tryHead

    let rec private ask (config: NodeConfig) (clock: Clock) (fetching: Fetching) (state: State) =
        match leastBusy state fetching with
        | None -> withFetching (ValueSome fetching) state
        | Some source ->
            match nextRange config state fetching with
            | ValueNone -> withFetching (ValueSome fetching) state
            | ValueSome(struct (range, fetching)) ->
                let id = state.LastFetch + 1UL
                let request: FetchEntries =
                    { Lineage = state.Lineage
                      Term = state.CurrentTerm
                      Request = id
                      First = range.First
                      Last = range.Last }
                let asked =
                    { Request = id
                      Source = source
                      First = range.First
                      Last = range.Last
                      DueAt = clock.Now.Plus(max 1 (config.Consensus.ForwardTimeout / 4)) }
                { state with LastFetch = id }
                |> State.send source (Message.FetchEntries request)
                |> ask config clock { fetching with Asked = asked :: fetching.Asked }

    /// Moves the reading on: takes what follows on, and asks for more. Where nobody is left to ask, the leader sees that
    /// nothing comes any more, and sends the rest itself.
    let advance (config: NodeConfig) (clock: Clock) (state: State) =
        if state.Follow.Fetching.IsNone then
            state
        else
            let state = take state
            match state.Follow.Fetching, state.Role with
            | ValueSome fetching, Role.Follower when state.Follow.Verified < fetching.Plan.UpTo ->
                ask config clock (dropSilent clock state fetching) state
            | _, _ -> withFetching ValueNone state

    /// When the reading wants its next tick.
    let deadline (state: State) : Instant =
        match state.Follow.Fetching with
        | ValueSome fetching ->
            (Instant.Never, fetching.Asked)
            ||> List.fold (fun first asked -> min first asked.DueAt)
        | ValueNone -> Instant.Never
