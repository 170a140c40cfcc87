namespace Mosaik.Hybrid.Model

open System.Text

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// States and messages for people. Members are called m1, m2, ...
[<Sealed>]
type Show(cast: Cast) =

    let name (number: int) =
        if number < 0 then "nobody" else $"m{number + 1}"

    let names (ids: MemberId seq) =
        ids
        |> Seq.map (fun id -> name (cast.NumberOf id))
        |> String.concat " "
        |> sprintf "{%s}"

    let lineage (code: int) =
        if code = 0 then "none"
        elif code = 1 then "given"
        else $"{name (code / 16 - 1)}/{code % 16}"

    let entry (entry: Entry) =
        let value = entry.Value
        let content =
            match value.Proposer with
            | null when value.Kind = EntryKind.Configuration ->
                match Configuration.decode value.Payload with
                | Ok(struct (_, configuration)) when configuration.Learners.IsEmpty ->
                    $"voters {names configuration.Voters}"
                | Ok(struct (_, configuration)) ->
                    $"voters {names configuration.Voters} learners {names configuration.Learners}"
                | Error error -> string error
            | null -> "no-op"
            | proposer -> $"command {proposer.Session}"
        $"{value.Position} {content}"

    let log (entries: Entry[]) =
        entries |> Seq.map entry |> String.concat ", " |> sprintf "[%s]"

    let role (role: Role) =
        match role with
        | Role.Follower -> "follows"
        | Role.PreCandidate ballot -> $"pre-candidate {names ballot.Granted}"
        | Role.Candidate ballot -> $"candidate {names ballot.Granted}"
        | Role.Founder(_, founded, ballot) ->
            $"founder of {lineage (cast.LineageCode founded)} {names ballot.Granted}"
        | Role.Leader _ -> "LEADS"

    let progress (role: Role) =
        match role with
        | Role.Leader leading ->
            leading.Progress
            |> Map.toList
            |> List.map (fun (id, progress) ->
                $" {name (cast.NumberOf id)}:{progress.MatchIndex}/{progress.NextIndex}")
            |> String.concat ""
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> ""

    member _.Name(number: int) = name number
    member _.Lineage(code: int) = lineage code
    member _.Entry(subject: Entry) = entry subject
    member _.Log(entries: Entry[]) = log entries

    member _.Message(message: Message, entries: Entry[]) =
        match message with
        | Message.RequestVote request ->
            let ballot =
                match request.Ballot with
                | Ballot.PreVote -> "pre-vote"
                | Ballot.Vote -> "vote"
                | Ballot.Transfer -> "ordered vote"
                | Ballot.Founding proposal -> $"founding ballot for {names proposal.Voters}"
            $"asks for a {ballot} in term {request.Term}, last {request.Last}"
        | Message.RequestVoteReply reply ->
            let ballot = if reply.PreVote then "pre-vote" else "vote"
            $"answers {ballot} {reply.Vote} in term {reply.Term}"
        | Message.AppendEntries(header, _) ->
            $"appends {log entries} after {header.Previous} in term {header.Term}, committed {header.Commit}"
        | Message.AppendEntriesReply reply -> $"answers {reply.Outcome} in term {reply.Term}"
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
        | Message.FetchedEntries _ -> "speaks of what nobody does in the model"

    /// One line on a member.
    member _.Node(number: int, node: Node) =
        let state = node.State
        let text = StringBuilder()
        let vote = name (cast.NumberOf state.VotedFor)
        text.Append(
            $"{name number} {role state.Role} term {state.CurrentTerm} vote {vote} committed {state.CommitIndex} log {log node.Log}"
        )
        |> ignore
        if node.State.Lineage <> cast.Given && not node.State.Lineage.IsNone then
            text.Append($" of {lineage (cast.LineageCode node.State.Lineage)}") |> ignore
        text.Append(progress state.Role) |> ignore
        if not node.Pending.IsEmpty then
            text.Append(
                $"; on disk: term {node.Hard.Term} vote {name node.Hard.Vote} log {log node.Durable}, {node.Pending.Length} writes on their way"
            )
            |> ignore
        if node.HasLeft then
            text.Append "; has begun anew" |> ignore
        text.ToString()
