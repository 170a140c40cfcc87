namespace Mosaik.Hybrid.Core

open System

open Mosaik.Hybrid

/// How the members are, as the leader sees it: only a leader knows how far the others have come. Any member may ask, one
/// question at a time; every question is answered, with nothing when there is no leader or none that answers within a
/// forward timeout. For people: nothing is decided by it, and it may be out of date when it comes.
[<RequireQualifiedAccess>]
module Surveys =

    let private silenceMax = int64 Int32.MaxValue

    let private reportOf
        (config: NodeConfig)
        (clock: Clock)
        (leading: LeaderState)
        (state: State)
        (id: MemberId)
        =
        let facts = state.Bonded.TryFind id
        let isLeaving = state.Leavers.ContainsKey id
        let preference =
            match facts with
            | Some facts -> facts.Preference
            | None -> LeadershipPreference.Normal
        if id.Equals state.Self then
            { Member = id
              Match = state.DurableIndex
              Silence = 0L
              IsBonded = true
              IsCaughtUp = true
              IsLeaving = state.Departure.IsSome
              Preference = config.Preference.Preference }
        else
            match leading.Progress.TryFind id with
            | Some progress ->
                { Member = id
                  Match = progress.MatchIndex
                  Silence = clock.Now.Since progress.HeardAt |> max 0L |> min silenceMax
                  IsBonded = facts.IsSome
                  IsCaughtUp =
                    progress.Mode = ReplicationMode.Replicate
                    && progress.MatchIndex >= leading.TailAtBeat
                  IsLeaving = isLeaving
                  Preference = preference }
            | None ->
                { Member = id
                  Match = LogIndex.Zero
                  Silence = silenceMax
                  IsBonded = facts.IsSome
                  IsCaughtUp = false
                  IsLeaving = isLeaving
                  Preference = preference }

    let private replyTo (request: uint64) config clock (leading: LeaderState) (state: State) : SurveyReply =
        let members =
            match State.configuration state with
            | ValueSome configuration -> Configuration.members configuration |> List.sort
            | ValueNone -> []
        { Lineage = state.Lineage
          Term = state.CurrentTerm
          Request = request
          Last = state.Outline.Last.Index
          Commit = state.CommitIndex
          Members = List.map (reportOf config clock leading state) members }

    /// What this member can say itself: nothing unless it leads.
    [<CompiledName "OfLeader">]
    let ofLeader (config: NodeConfig) (clock: Clock) (state: State) : SurveyReply voption =
        match state.Role with
        | Role.Leader leading -> ValueSome(replyTo 0UL config clock leading state)
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> ValueNone

    /// This node asks. When too many wait, there is no answer.
    let onSurvey (id: uint64) (state: State) =
        let surveys = state.Surveys
        if surveys.Waiting.Length >= State.surveysMax then
            State.say (Output.Surveyed([ id ], ValueNone)) state
        else
            { state with Surveys = { surveys with Waiting = id :: surveys.Waiting } }

    /// Another member asks. Who does not lead says nothing: the asker looks for another leader.
    let onRequest config clock (sender: MemberId) (request: Survey) (state: State) =
        match state.Role with
        | Role.Leader leading when request.Term = state.CurrentTerm ->
            let reply = replyTo request.Request config clock leading state
            State.send sender (Message.SurveyReply reply) state
        | Role.Leader _
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> state

    /// What was asked is over.
    let private settle (reply: SurveyReply voption) (state: State) =
        let surveys = state.Surveys
        { state with
            Surveys = { surveys with Asked = []; AskedOf = ValueNone; Request = 0UL; Until = Instant.Never } }
        |> State.say (Output.Surveyed(surveys.Asked, reply))

    /// The leader's answer to the latest question; answers to earlier ones are dropped.
    let onReply (sender: MemberId) (reply: SurveyReply) (state: State) =
        let surveys = state.Surveys
        if
            surveys.Request <> 0UL
            && reply.Request = surveys.Request
            && surveys.AskedOf = ValueSome sender
        then
            settle (ValueSome reply) state
        else
            state

    let private giveUp (clock: Clock) (state: State) =
        let surveys = state.Surveys
        let isVain =
            surveys.Request <> 0UL
            && (clock.Now >= surveys.Until
                || surveys.AskedOf <> state.Leader
                || (match surveys.AskedOf with
                    | ValueSome leader -> not (state.Bonded.ContainsKey leader)
                    | ValueNone -> true))
        if isVain then settle ValueNone state else state

    let private answerWaiting (reply: SurveyReply voption) (state: State) =
        let surveys = state.Surveys
        { state with Surveys = { surveys with Waiting = [] } }
        |> State.say (Output.Surveyed(surveys.Waiting, reply))

    let private ask (config: NodeConfig) (clock: Clock) (leader: MemberId) (state: State) =
        let surveys = state.Surveys
        let request = surveys.LastRequest + 1UL
        let question: Survey = { Lineage = state.Lineage; Term = state.CurrentTerm; Request = request }
        { state with
            Surveys =
                { Waiting = []
                  Asked = surveys.Waiting
                  AskedOf = ValueSome leader
                  Request = request
                  LastRequest = request
                  Until = clock.Now.Plus config.Consensus.ForwardTimeout } }
        |> State.send leader (Message.Survey question)

    /// Answers what can be answered, and asks the leader for the rest.
    let advance (config: NodeConfig) (clock: Clock) (state: State) =
        let state = giveUp clock state
        if state.Surveys.Waiting.IsEmpty then
            state
        else
            match state.Role, state.Leader with
            | Role.Leader _, _ -> answerWaiting (ofLeader config clock state) state
            | Role.Follower, ValueSome leader when
                state.Bonded.ContainsKey leader && not (State.isUnaffiliated state)
                ->
                if state.Surveys.Request = 0UL then
                    ask config clock leader state
                else
                    state
            | (Role.Follower | Role.PreCandidate _ | Role.Candidate _ | Role.Founder _), _ ->
                answerWaiting ValueNone state

    /// When an answer is no longer waited for.
    let deadline (state: State) : Instant = state.Surveys.Until
