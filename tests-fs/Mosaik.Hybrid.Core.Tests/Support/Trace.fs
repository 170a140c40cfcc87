namespace Mosaik.Hybrid.Core.Tests.Support

open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// A rule did not hold: which one, and what showed it.
exception Broken of rule: string * evidence: string

/// The last lines of what happened. Costs nothing when it is off.
[<Sealed>]
type Trace(isOn: bool, kept: int) =

    let lines = Queue<string>()

    member _.IsOn = isOn

    member _.Say(at: int64, line: unit -> string) =
        if isOn then
            lines.Enqueue($"%6d{at} {line ()}")
            if lines.Count > kept then
                lines.Dequeue() |> ignore

    member _.Lines = List.ofSeq lines

/// Messages and outputs in one line each.
[<RequireQualifiedAccess>]
module Show =

    let private ballot (ballot: Ballot) =
        match ballot with
        | Ballot.PreVote -> "pre-vote"
        | Ballot.Vote -> "vote"
        | Ballot.Founding proposal ->
            let names = proposal.Voters |> List.map Name.show |> String.concat " "
            $"founding [{names}]"

    let private outcome (outcome: AppendOutcome) =
        match outcome with
        | AppendOutcome.Accepted upTo -> $"accepted {upTo}"
        | AppendOutcome.Rejected(previous, hint) -> $"rejected {previous} hint {hint}"

    let private forward (outcome: ForwardOutcome) =
        match outcome with
        | ForwardOutcome.Appended(first, last, index) -> $"appended #{first}..{last} at {index}"
        | ForwardOutcome.Missing next -> $"missing #{next}"
        | ForwardOutcome.Overloaded -> "overloaded"

    let private vote (vote: Vote) =
        match vote with
        | Vote.Granted -> "granted"
        | Vote.Denied -> "denied"

    let message (message: Message) =
        match message with
        | Message.RequestVote request ->
            $"RequestVote {ballot request.Ballot} t{request.Term} last {request.Last}"
        | Message.RequestVoteReply reply ->
            let pre = if reply.PreVote then "pre-vote " else ""
            $"RequestVoteReply {pre}t{reply.Term} {vote reply.Vote}"
        | Message.AppendEntries(header, entries) ->
            let round = if header.Round > 0UL then $" round {header.Round}" else ""
            $"AppendEntries t{header.Term} s{header.Session} after {header.Previous} +{entries.Length} commit {header.Commit}{round}"
        | Message.AppendEntriesReply reply ->
            let round = if reply.Round > 0UL then $" round {reply.Round}" else ""
            $"AppendEntriesReply t{reply.Term} s{reply.Session} {outcome reply.Outcome}{round}"
        | Message.ReadIndex request -> $"ReadIndex t{request.Term} request {request.Request}"
        | Message.ReadIndexReply reply ->
            $"ReadIndexReply t{reply.Term} request {reply.Request} index {reply.Index}"
        | Message.Forward(header, commands) ->
            let first, last = commands.Span[0].Number, commands.Span[commands.Length - 1].Number
            $"Forward t{header.Term} #{first}..{last} applied {header.Applied}"
        | Message.ForwardReply reply -> $"ForwardReply t{reply.Term} {forward reply.Outcome}"

    let role (state: State) =
        match state.Role with
        | Role.Follower -> "follower"
        | Role.PreCandidate _ -> "pre-candidate"
        | Role.Candidate _ -> "candidate"
        | Role.Founder _ -> "founder"
        | Role.Leader _ -> "leader"

    let private write (write: Write) =
        let hard =
            match write.HardState with
            | null -> ""
            | hard ->
                let voted =
                    match hard.VotedFor with
                    | null -> "none"
                    | id -> Name.show id
                $" term {hard.CurrentTerm} vote {voted}"
        let cut =
            if write.TruncateFrom = LogIndex.Zero then
                ""
            else
                $" truncate {write.TruncateFrom}"
        let entries =
            [ for run in write.Entries do
                  for entry in run.ToArray() do
                      let what =
                          match entry.Kind with
                          | EntryKind.NoOp -> "no-op"
                          | EntryKind.Configuration -> "configuration"
                          | _ -> $"#{entry.Number}"
                      $" {entry.Position} {what}" ]
        $"write {write.Sequence}{hard}{cut}" + String.concat "" entries

    let private notice (notice: Notice) =
        match notice with
        | Notice.LeaderChanged ValueNone -> "no leader"
        | Notice.LeaderChanged(ValueSome id) -> $"leader {Name.show id}"
        | Notice.RoleChanged(role, term) -> $"{string(role).ToLowerInvariant()} in term {term}"
        | Notice.OnlineChanged online -> if online then "online" else "offline"
        | Notice.ConfigurationChanged configuration ->
            let names members =
                members |> List.map Name.show |> String.concat " "
            let learners =
                if configuration.Learners.IsEmpty then
                    ""
                else
                    $" learners {names configuration.Learners}"
            $"configuration voters {names configuration.Voters}{learners}"
        | Notice.CommitAdvanced index -> $"commit {index}"

    /// One line of what consensus asked for.
    let output (output: Output) =
        match output with
        | Output.Write asked -> write asked
        | Output.SetDeadline at -> $"deadline {at}"
        | Output.Apply range -> $"apply {range}"
        | Output.Notify news -> notice news
        | Output.Halt violation -> $"HALT {violation.Rule} {violation.Evidence}"
        | Output.Send(recipient, sent) -> $"-> {Name.show recipient} {message sent}"
        | Output.SendEntries(recipient, header, range) ->
            let empty = message (Message.AppendEntries(header, System.ReadOnlyMemory.Empty))
            $"-> {Name.show recipient} {empty} entries {range}"
        | Output.SendCommands(recipient, header, first, last) ->
            $"-> {Name.show recipient} Forward t{header.Term} #{first}..{last} applied {header.Applied}"
        | Output.Resubmit(first, last) -> $"resubmit #{first}..{last}"
        | Output.Assigned(first, last, index) -> $"assigned #{first}..{last} at {index}"
        | Output.ReadReady(ids, index) ->
            let ids = ids |> List.map string |> String.concat " "
            $"read {ids} ready at {index}"
        | Output.ReadRefused id -> $"read {id} refused"
        | Output.Blame(peer, evidence) -> $"blame {Name.show peer}: {evidence}"
        | Output.Reset -> "reset"
