namespace Mosaik.Hybrid.Simulation

open System

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// What one message must do to one member, and what not: conditions on the state before and after a step whose only
/// input it was. Written from the paper, not from the core, and so a second opinion of every handler.
[<RequireQualifiedAccess>]
module StepContracts =

    let private fails (state: State) (message: Message) (what: string) =
        Rules.break' Rules.stepContract $"{Naming.show state.Self} on {Show.message message}: {what}"

    let private isForeign (message: Message) (before: State) =
        let lineage = Message.lineageOf message
        not lineage.IsNone && not before.Lineage.IsNone && lineage <> before.Lineage

    /// Raft §5.4.1: the later last term wins, then the longer log.
    let private isUpToDate (last: LogPosition) (before: State) =
        let own = before.Outline.Last
        last.Term.Value > own.Term.Value
        || (last.Term.Value = own.Term.Value && last.Index.Value >= own.Index.Value)

    let private hearsLeader (config: NodeConfig) (clock: Clock) (before: State) =
        State.isLeader before
        || (before.Leader.IsSome
            && clock.Now.Since before.LeaderHeardAt < int64 config.Consensus.ElectionTimeout)

    let private isObserver (config: NodeConfig) =
        config.Preference.Preference = LeadershipPreference.Observer

    /// What this step answers to a vote request; none when it answers nothing.
    let private answerOf (outputs: GroupOutput list) =
        outputs
        |> List.tryPick (fun output ->
            match output with
            | GroupOutput.SendRaft(_, Message.RequestVoteReply reply) -> Some reply
            | _ -> None)

    let private onPreVote config clock message (request: RequestVote) before (after: State) outputs =
        if after.CurrentTerm <> before.CurrentTerm || after.VotedFor <> before.VotedFor then
            fails before message "a pre-vote changes neither term nor vote (thesis §9.6)"
        let expected =
            request.Term > before.CurrentTerm
            && isUpToDate request.Last before
            && not (hearsLeader config clock before)
            && not (isObserver config)
        match answerOf outputs with
        | Some reply when (reply.Vote = Vote.Granted) = expected -> ()
        | Some _ ->
            fails before message $"a pre-vote is granted exactly when it could be won; expected {expected}"
        | None -> fails before message "a pre-vote is answered"

    let private onVote
        config
        (clock: Clock)
        message
        (sender: MemberId)
        (request: RequestVote)
        before
        after
        outputs
        =
        let isFree =
            request.Term > before.CurrentTerm
            || (match before.VotedFor with
                | ValueNone -> true
                | ValueSome id -> id.Equals sender)
        // Who hears a live leader votes only when that leader has ordered it (thesis §3.10).
        let isOrdered =
            match request.Ballot with
            | Ballot.Transfer -> true
            | Ballot.PreVote
            | Ballot.Vote
            | Ballot.Founding _ -> false
        let expected =
            request.Term >= before.CurrentTerm
            && isFree
            && isUpToDate request.Last before
            && (isOrdered || not (hearsLeader config clock before))
            && not (isObserver config)
        match answerOf outputs with
        | Some reply when (reply.Vote = Vote.Granted) <> expected ->
            fails before message $"a vote is granted exactly by Raft §5.2 and §5.4.1; expected {expected}"
        | Some _ when expected ->
            if
                after.VotedFor <> ValueSome sender
                || after.CurrentTerm <> request.Term
                || after.ElectionAt.Since clock.Now < int64 config.Consensus.ElectionTimeout
            then
                fails before message "a granted vote is kept, in its term, and starts the election timer anew"
        | Some _ -> ()
        | None -> fails before message "a vote request is answered"

    /// The position before the entries is in the log, and the entries are, afterwards.
    let private onAccepted
        message
        (header: AppendHeader)
        (entries: ReadOnlyMemory<LogEntry>)
        before
        (after: State)
        =
        let span = entries.Span
        let basis = after.Outline.Base.Index
        if
            header.Previous.Index >= basis
            && LogOutline.termAt header.Previous.Index after.Outline
               <> ValueSome header.Previous.Term
        then
            fails before message "an accepted append fits the log (Raft §5.3)"
        let mutable conflict = false
        for place in 0 .. span.Length - 1 do
            let entry = &span[place]
            if entry.Index > basis then
                if LogOutline.termAt entry.Index after.Outline <> ValueSome entry.Term then
                    fails before message "an accepted append's entries are in the log"
                match LogOutline.termAt entry.Index before.Outline with
                | ValueSome term when term <> entry.Term -> conflict <- true
                | ValueSome _
                | ValueNone -> ()
        if not conflict && after.Outline.Last.Index < before.Outline.Last.Index then
            fails before message "an append without a conflict shortens no log"
        let verified = header.Previous.Index.Plus entries.Length
        let most = max before.CommitIndex (min header.Commit verified)
        if after.CommitIndex > most then
            fails
                before
                message
                $"a follower commits what its leader has, up to {most}, not {after.CommitIndex}"

    /// The leader has begun a new session since it sent this.
    let private isLate (sender: MemberId) (header: AppendHeader) (before: State) =
        header.Term = before.CurrentTerm
        && before.Leader = ValueSome sender
        && header.Session < before.Follow.Session

    let private onAppend config (clock: Clock) message sender (header: AppendHeader) entries before after =
        if header.Term >= before.CurrentTerm then
            if not after.Role.IsFollower then
                fails before message "who hears the leader of its term follows it (Raft §5.2)"
            if header.Term = before.CurrentTerm && after.VotedFor <> before.VotedFor then
                fails before message "an append changes no vote of its term"
            if after.ElectionAt.Since clock.Now < int64 config.Consensus.ElectionTimeout then
                fails before message "an append of the current leader starts the election timer anew"
            let isRefused =
                not (State.isUnaffiliated after)
                && LogOutline.termAt header.Previous.Index before.Outline
                   <> ValueSome header.Previous.Term
                && header.Previous.Index >= before.Outline.Base.Index
            if isLate sender header before then
                if
                    after.Outline.Last <> before.Outline.Last
                    || after.CommitIndex <> before.CommitIndex
                then
                    fails before message "an append of a former session changes nothing (rule 15)"
            elif not isRefused && after.Lineage = header.Lineage then
                onAccepted message header entries before after
            elif isRefused && after.Outline.Last <> before.Outline.Last then
                fails before message "an append that does not fit leaves the log as it is"

    /// Bytes change no log; an offer of what the member has by itself commits that, and nothing else (Raft §7).
    let private onSnapshot
        config
        (clock: Clock)
        message
        (header: AppendHeader)
        (snapshot: SnapshotFacts)
        before
        after
        =
        if header.Term >= before.CurrentTerm then
            if not after.Role.IsFollower then
                fails before message "who hears the leader of its term follows it (Raft §5.2)"
            if after.ElectionAt.Since clock.Now < int64 config.Consensus.ElectionTimeout then
                fails before message "a snapshot of the current leader starts the election timer anew"
        if
            after.Outline.Last <> before.Outline.Last
            || after.Outline.Base <> before.Outline.Base
        then
            fails before message "a part of a snapshot leaves the log as it is"
        let holdsIt =
            LogOutline.termAt snapshot.Position.Index before.Outline = ValueSome snapshot.Position.Term
        let most =
            if holdsIt then
                max before.CommitIndex snapshot.Position.Index
            else
                before.CommitIndex
        if after.CommitIndex > most then
            fails before message "a part of a snapshot commits nothing that the log does not hold"

    /// A leader counts what an answer of the current session says, and nothing else (rule 15).
    let private onAppendReply message sender (reply: AppendEntriesReply) (before: State) (after: State) =
        match before.Role, after.Role with
        | Role.Leader former, Role.Leader current when before.CurrentTerm = after.CurrentTerm ->
            match former.Progress.TryFind sender, current.Progress.TryFind sender with
            | Some earlier, Some later ->
                if later.MatchIndex < earlier.MatchIndex then
                    fails before message "what a member acknowledged is never taken back"
                let isCurrent = earlier.Session = reply.Session && reply.Term = before.CurrentTerm
                let acknowledged =
                    match reply.Outcome with
                    | AppendOutcome.Accepted upTo -> upTo
                    | AppendOutcome.Rejected _
                    | AppendOutcome.Receiving _ -> LogIndex.Zero
                let most =
                    if isCurrent && acknowledged > earlier.MatchIndex then
                        acknowledged
                    else
                        earlier.MatchIndex
                if later.MatchIndex <> most then
                    fails before message $"the member is taken to hold {later.MatchIndex}, it said {most}"
            | _, _ -> ()
        | _, _ -> ()

    /// Only a voter stands, and only by order of the leader of its term (thesis §3.10).
    let private onOrder (config: NodeConfig) message sender (order: TimeoutNow) before (after: State) =
        let isStanding = after.CurrentTerm > order.Term && after.CurrentTerm > before.CurrentTerm
        let mayStand =
            order.Term = before.CurrentTerm
            && before.Leader = ValueSome sender
            && not (isObserver config)
            && (match before.Configurations with
                | struct (_, current) :: _ when Configuration.isVoter before.Self current -> true
                | struct (index, _) :: struct (_, former) :: _ ->
                    index > before.CommitIndex && Configuration.isVoter before.Self former
                | _ -> false)
        if isStanding && not mayStand then
            fails before message "an order to stand is obeyed by voters of its leader, in its term"

    let private onLaterTerm message (before: State) (after: State) =
        let isBinding =
            match message with
            | Message.RequestVote _ -> false
            | Message.RequestVoteReply reply -> not (reply.PreVote && reply.Vote = Vote.Granted)
            | Message.AppendEntries _
            | Message.AppendEntriesReply _
            | Message.InstallSnapshot _
            | Message.ReadIndex _
            | Message.ReadIndexReply _
            | Message.Forward _
            | Message.ForwardReply _
            | Message.CatchUp _
            | Message.FetchEntries _
            | Message.FetchedEntries _
            | Message.Survey _
            | Message.SurveyReply _
            | Message.TimeoutNow _
            | Message.HandOver _
            | Message.Depart _
            | Message.Departed _ -> true
        let term = Message.termOf message
        if isBinding && term > before.CurrentTerm && after.CurrentTerm < term then
            fails before message "a later term is adopted (Raft §5.1)"

    let private onEarlierTerm message (before: State) (after: State) =
        let isOpinion =
            match message with
            | Message.RequestVoteReply reply -> reply.PreVote
            | Message.RequestVote _
            | Message.AppendEntries _
            | Message.AppendEntriesReply _
            | Message.InstallSnapshot _
            | Message.ReadIndex _
            | Message.ReadIndexReply _
            | Message.Forward _
            | Message.ForwardReply _
            | Message.CatchUp _
            | Message.FetchEntries _
            | Message.FetchedEntries _
            | Message.Survey _
            | Message.SurveyReply _
            | Message.TimeoutNow _
            | Message.HandOver _
            | Message.Departed _ -> false
            // That somebody leaves is so in every term.
            | Message.Depart _ -> true
        if
            not isOpinion
            && Message.termOf message < before.CurrentTerm
            && (after.Outline.Last <> before.Outline.Last
                || after.CommitIndex <> before.CommitIndex
                || State.roleKind after <> State.roleKind before)
        then
            fails before message "a message of an earlier term changes neither log nor commit index nor role"

    /// Looks at a step whose only input was this message.
    let onReceived config clock (sender: MemberId) message before (after: State) (outputs: GroupOutput list) =
        if not (isForeign message before) && before.Halted.IsNone then
            onLaterTerm message before after
            onEarlierTerm message before after
            match message with
            | Message.RequestVote request ->
                match request.Ballot with
                | Ballot.PreVote -> onPreVote config clock message request before after outputs
                | Ballot.Vote
                | Ballot.Transfer -> onVote config clock message sender request before after outputs
                | Ballot.Founding _ ->
                    if
                        not (State.isUnaffiliated before)
                        && answerOf outputs |> Option.exists (fun reply -> reply.Vote = Vote.Granted)
                    then
                        fails before message "a member with a log grants no founding ballot"
            | Message.AppendEntries(header, entries) ->
                onAppend config clock message sender header entries before after
            | Message.AppendEntriesReply reply -> onAppendReply message sender reply before after
            | Message.InstallSnapshot(header, snapshot, _) ->
                onSnapshot config clock message header snapshot before after
            | Message.RequestVoteReply _
            | Message.ReadIndex _
            | Message.ReadIndexReply _
            | Message.Forward _
            | Message.ForwardReply _
            | Message.CatchUp _
            | Message.FetchEntries _
            | Message.FetchedEntries _
            | Message.Survey _
            | Message.SurveyReply _
            | Message.HandOver _
            | Message.Depart _
            | Message.Departed _ -> ()
            | Message.TimeoutNow order -> onOrder config message sender order before after
