namespace Mosaik.Hybrid.Simulation

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// Messages, outputs and members in one line each, for people.
[<RequireQualifiedAccess>]
module Show =

    let private ballot (ballot: Ballot) =
        match ballot with
        | Ballot.PreVote -> "pre-vote"
        | Ballot.Vote -> "vote"
        | Ballot.Transfer -> "ordered vote"
        | Ballot.Founding proposal ->
            let names = proposal.Voters |> List.map Naming.show |> String.concat " "
            $"founding [{names}]"

    let private outcome (outcome: AppendOutcome) =
        match outcome with
        | AppendOutcome.Accepted upTo -> $"accepted {upTo}"
        | AppendOutcome.Rejected(previous, hint) -> $"rejected {previous} hint {hint}"
        | AppendOutcome.Receiving(position, offset) -> $"receiving {position} up to {offset}"

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
        | Message.InstallSnapshot(header, snapshot, chunk) ->
            let round = if header.Round > 0UL then $" round {header.Round}" else ""
            $"InstallSnapshot t{header.Term} s{header.Session} at {snapshot.Position} "
            + $"bytes {chunk.Offset} +{chunk.Data.Length} of {snapshot.Length} commit {header.Commit}{round}"
        | Message.ReadIndex request -> $"ReadIndex t{request.Term} request {request.Request}"
        | Message.ReadIndexReply reply ->
            $"ReadIndexReply t{reply.Term} request {reply.Request} index {reply.Index}"
        | Message.Forward(header, commands) ->
            let first, last = commands.Span[0].Number, commands.Span[commands.Length - 1].Number
            $"Forward t{header.Term} #{first}..{last} applied {header.Applied}"
        | Message.ForwardReply reply -> $"ForwardReply t{reply.Term} {forward reply.Outcome}"
        | Message.Survey request -> $"Survey t{request.Term} request {request.Request}"
        | Message.SurveyReply reply ->
            let members =
                reply.Members
                |> List.map (fun report -> $"{Naming.show report.Member} {report.Match}")
                |> String.concat ", "
            $"SurveyReply t{reply.Term} request {reply.Request} last {reply.Last} commit {reply.Commit}: {members}"
        | Message.CatchUp(header, plan) ->
            let sources = plan.Sources |> List.map Naming.show |> String.concat " "
            $"CatchUp t{header.Term} s{header.Session} after {header.Previous} up to {plan.UpTo} from {sources}"
        | Message.FetchEntries request ->
            $"FetchEntries t{request.Term} request {request.Request} {request.First}..{request.Last}"
        | Message.FetchedEntries(header, entries) ->
            $"FetchedEntries t{header.Term} request {header.Request} after {header.Previous} +{entries.Length}"
        | Message.TimeoutNow order -> $"TimeoutNow t{order.Term}"
        | Message.HandOver request -> $"HandOver t{request.Term} to {Naming.show request.Target}"
        | Message.Depart notice -> $"Depart t{notice.Term}"
        | Message.Departed notice -> $"Departed t{notice.Term}"

    /// `[n1 n2 n3]`, `[n1 n2 n4 | n1 n2 n3]` while it is joint, then learners and observers.
    let configuration (configuration: Configuration) =
        let names (members: MemberId list) =
            members |> List.map Naming.show |> String.concat " "
        let outgoing =
            if configuration.Outgoing.IsEmpty then
                ""
            else
                " | " + names configuration.Outgoing
        let others (word: string) (members: MemberId list) =
            if members.IsEmpty then "" else $" {word} {names members}"
        $"[{names configuration.Voters}{outgoing}]"
        + others "learners" configuration.Learners
        + others "observers" configuration.Observers

    let role (state: State) =
        match state.Role with
        | Role.Follower -> "follower"
        | Role.PreCandidate _ -> "pre-candidate"
        | Role.Candidate _ -> "candidate"
        | Role.Founder _ -> "founder"
        | Role.Leader _ -> "leader"

    /// What a store is asked to make durable.
    let write (write: Write) =
        let hard =
            match write.HardState with
            | null -> ""
            | hard ->
                let voted =
                    match hard.VotedFor with
                    | null -> "none"
                    | id -> Naming.show id
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
                          | EntryKind.Configuration ->
                              (match Configuration.decode entry.Payload with
                               | Ok(struct (_, known)) -> configuration known
                               | Error error -> $"configuration, {error}")
                          | EntryKind.Dissolution -> "dissolution"
                          | _ -> $"#{entry.Number}"
                      $" {entry.Position} {what}" ]
        $"write {write.Sequence}{hard}{cut}" + String.concat "" entries

    /// What is said on a bond.
    let bond (said: BondMessage) =
        match said with
        | BondMessage.Hello hello -> $"Hello {Naming.show hello.Member} of {Naming.showLineage hello.Lineage}"
        | BondMessage.Proof _ -> "Proof"
        | BondMessage.Welcome -> "Welcome"
        | BondMessage.Ping -> "Ping"
        | BondMessage.Pong -> "Pong"
        | BondMessage.PeerChanged _ -> "PeerChanged"
        | BondMessage.Affiliated lineage -> $"Affiliated {Naming.showLineage lineage}"
        | BondMessage.Departing -> "Departing"
        | BondMessage.Close reason -> $"Close {reason}"
        | BondMessage.Raft said -> message said

    /// Who is what, and how far its log has come.
    let state (state: State) =
        $"{Naming.show state.Self} {role state} t{state.CurrentTerm} last {state.Outline.Last} "
        + $"durable {state.DurableIndex} commit {state.CommitIndex} applied {state.LastApplied}"
