namespace Mosaik.Hybrid.Core

open Mosaik.Hybrid

/// What is true of every member after every transition, as executable sentences. Cheap enough to stay on in
/// release (rule 17): a broken one halts the group on this node.
[<RequireQualifiedAccess>]
module Invariants =

    /// Inlined, so that a rule that holds costs a comparison and no closure.
    let inline private rule (text: string) (holds: bool) ([<InlineIfLambda>] evidence: unit -> string) =
        if holds then
            []
        else
            [ { Rule = text; Evidence = evidence () } ]

    let private votes (before: State) (after: State) =
        let sameTerm = before.CurrentTerm = after.CurrentTerm
        let voteKept =
            match before.VotedFor with
            | ValueSome id -> after.VotedFor = ValueSome id
            | ValueNone -> true
        rule "The term never goes back." (after.CurrentTerm.Value >= before.CurrentTerm.Value) (fun () ->
            $"from {before.CurrentTerm} to {after.CurrentTerm}")
        @ rule
            "A vote once given in a term is never taken back or given again."
            (not sameTerm || voteKept)
            (fun () -> $"term {after.CurrentTerm}: {before.VotedFor} became {after.VotedFor}")

    let private indexes (before: State) (after: State) =
        rule
            "The commit index never goes back (rule 12)."
            (after.CommitIndex.Value >= before.CommitIndex.Value)
            (fun () -> $"from {before.CommitIndex} to {after.CommitIndex}")
        @ rule
            "Base <= applied <= committed <= last."
            (after.Outline.Base.Index.Value <= after.LastApplied.Value
             && after.LastApplied.Value <= after.CommitIndex.Value
             && after.CommitIndex.Value <= after.Outline.Last.Index.Value)
            (fun () ->
                $"base {after.Outline.Base}, applied {after.LastApplied}, committed {after.CommitIndex}, last {after.Outline.Last}")
        @ rule
            "Only entries of the log are durable."
            (after.DurableIndex.Value <= after.Outline.Last.Index.Value)
            (fun () -> $"durable {after.DurableIndex}, last {after.Outline.Last}")

    let private snapshots (after: State) =
        let reached =
            match after.Snapshot with
            | ValueSome snapshot -> snapshot.Position.Index
            | ValueNone -> LogIndex.Zero
        rule
            "A snapshot stands for what was compacted, and for nothing uncommitted."
            (after.Outline.Base.Index.Value <= reached.Value
             && reached.Value <= after.CommitIndex.Value)
            (fun () -> $"base {after.Outline.Base}, snapshot {reached}, committed {after.CommitIndex}")

    let private lineage (before: State) (after: State) =
        rule
            "A log never changes its lineage (rule 13)."
            (before.Lineage.IsNone || after.Lineage = before.Lineage)
            (fun () -> $"from {before.Lineage} to {after.Lineage}")
        @ rule
            "A log has entries exactly when it has a lineage."
            (after.Lineage.IsNone = (after.Outline.Last.Index = LogIndex.Zero))
            (fun () -> $"lineage {after.Lineage}, last {after.Outline.Last}")

    let private leadership (before: State) (after: State) =
        match before.Role, after.Role with
        | Role.Leader _, Role.Leader leading when before.CurrentTerm = after.CurrentTerm ->
            let progressIsSound (progress: Progress) =
                progress.MatchIndex.Value < progress.NextIndex.Value
                && progress.NextIndex.Value <= after.Outline.Last.Index.Next.Value
                && progress.MatchIndex.Value <= after.Outline.Last.Index.Value
            rule
                "A leader only appends to its log (Leader Append-Only)."
                (after.Outline.Last.Index.Value >= before.Outline.Last.Index.Value
                 && LogOutline.termAt before.Outline.Last.Index after.Outline =
                     ValueSome before.Outline.Last.Term)
                (fun () -> $"last was {before.Outline.Last}, is {after.Outline.Last}")
            @ rule
                "A leader commits by counting only entries of its own term (Raft §5.4.2)."
                (after.CommitIndex = before.CommitIndex
                 || LogOutline.termAt after.CommitIndex after.Outline = ValueSome after.CurrentTerm)
                (fun () -> $"committed {after.CommitIndex} in term {after.CurrentTerm}")
            @ rule
                "Match < next <= last + 1 for every member."
                (leading.Progress |> Map.forall (fun _ progress -> progressIsSound progress))
                (fun () -> $"last {after.Outline.Last}, {leading.Progress}")
        | (Role.Leader _ | Role.Follower | Role.PreCandidate _ | Role.Candidate _ | Role.Founder _), _ -> []

    /// Every two configurations that a leader puts one after the other share their majorities (rule 1).
    let private succession (before: State) (after: State) =
        match before.Role, before.Configurations, after.Configurations with
        | Role.Leader _, struct (former, current) :: _, struct (latest, next) :: _ when
            latest > former && before.CurrentTerm = after.CurrentTerm
            ->
            rule
                "A committee is left through a joint configuration (Raft §6)."
                (Configuration.mayFollow current next)
                (fun () -> $"{current} was followed by {next}")
        | _, _, _ -> []

    let private dissolution (before: State) (after: State) =
        let isEnded =
            State.isLeader before
            && before.Dissolution = LogIndex.Zero
            && State.isLeader after
            && after.Dissolution <> LogIndex.Zero
        rule
            "A lineage with commands never ends."
            (not isEnded || after.FirstCommand = LogIndex.Zero)
            (fun () -> $"it ends at {after.Dissolution}, its first command is at {after.FirstCommand}")

    let private configurations (after: State) =
        let uncommitted =
            after.Configurations
            |> List.filter (fun struct (index, _) -> index > after.CommitIndex)
            |> List.length
        match after.Role with
        | Role.Leader leading when after.CommitIndex >= leading.TermStart ->
            // Before that a leader may have inherited changes of which it does not know yet that they are committed.
            rule "At most one configuration change is on its way." (uncommitted <= 1) (fun () ->
                $"{uncommitted} after {after.CommitIndex}")
        | Role.Leader _
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> []

    let private commands (after: State) =
        let proposer = after.Proposer
        rule
            "Applied <= acknowledged, sent <= submitted for own commands."
            (proposer.Applied <= proposer.Acknowledged
             && proposer.Applied <= proposer.Sent
             && proposer.Acknowledged <= proposer.Submitted
             && proposer.Sent <= proposer.Submitted)
            (fun () -> $"{proposer}")

    /// Every rule that the step from `before` to `after` breaks; empty when all hold.
    let check (before: State) (after: State) : Violation list =
        votes before after
        @ indexes before after
        @ snapshots after
        @ lineage before after
        @ leadership before after
        @ succession before after
        @ dissolution before after
        @ configurations after
        @ commands after
