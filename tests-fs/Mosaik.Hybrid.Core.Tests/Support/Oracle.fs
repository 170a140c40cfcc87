namespace Mosaik.Hybrid.Core.Tests.Support

open System
open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// The names of the rules that a run is held to.
[<RequireQualifiedAccess>]
module Rule =
    let electionSafety = "Election Safety"
    let leaderAppendOnly = "Leader Append-Only"
    let logMatching = "Log Matching"
    let leaderCompleteness = "Leader Completeness"
    let stateMachineSafety = "State Machine Safety"
    let monotonic = "Monotonic"
    let oneVote = "One vote a term"
    let durableFirst = "Durable before the word leaves"
    let durableQuorum = "Committed is durable on a quorum"
    let exactlyOnce = "Exactly once, in order"
    let linearizable = "Linearizable reads"
    let bounds = "Bounds"
    let noAlarm = "No false alarm"
    let liveness = "Liveness"

/// A committed entry: what it is, and the term of the leader that committed it.
[<Struct; NoEquality; NoComparison>]
type Committed = { Entry: LogEntry; CommitTerm: Term }

/// What is known of one lineage from outside.
[<Sealed>]
type LineageFacts() =
    member val Committed = List<Committed>()
    /// Leader by term.
    member val Leaders = Dictionary<uint64, MemberId>()
    /// State of the machine by index, as a hash of everything applied.
    member val States = List<int64>()

/// Watches a cluster from outside, knows what no member knows, and says which rule is broken. It is told of
/// everything and changes nothing.
[<Sealed>]
type Oracle() =

    let lineages = Dictionary<struct (uint64 * uint64), LineageFacts>()
    let votes = Dictionary<struct (MemberId * uint64), MemberId>()
    let disks = Dictionary<MemberId, Disk>()

    let broken rule evidence = raise (Broken(rule, evidence))

    let keyOf (lineage: Lineage) =
        struct (lineage.Value.High, lineage.Value.Low)

    let factsOf (lineage: Lineage) =
        match lineages.TryGetValue(keyOf lineage) with
        | true, facts -> facts
        | false, _ ->
            let facts = LineageFacts()
            lineages.Add(keyOf lineage, facts)
            facts

    let same (left: LogEntry) (right: LogEntry) =
        left.Term = right.Term
        && left.Kind = right.Kind
        && left.Number = right.Number
        && left.BatchRemaining = right.BatchRemaining
        && left.Timestamp = right.Timestamp
        && Object.Equals(left.Proposer, right.Proposer)
        && left.Payload.Span.SequenceEqual(right.Payload.Span)

    let holdsAt (disk: Disk) (lineage: Lineage) (index: LogIndex) (term: Term) =
        disk.Lineage = lineage && disk.Log.TermAt index = term

    /// The configuration in force at an index of a log.
    let configurationAt (log: EntryLog) (index: LogIndex) =
        let mutable found = ValueNone
        for place in 0 .. int index.Value - 1 do
            let entry = log.All[place]
            if entry.Kind = EntryKind.Configuration then
                match Configuration.decode entry.Payload with
                | Ok(struct (_, configuration)) -> found <- ValueSome configuration
                | Error _ -> ()
        found

    let onElected (id: MemberId) (state: State) (log: EntryLog) =
        let facts = factsOf state.Lineage
        match facts.Leaders.TryGetValue state.CurrentTerm.Value with
        | true, other when not (other.Equals id) ->
            broken
                Rule.electionSafety
                $"{Name.show other} and {Name.show id} lead in term {state.CurrentTerm}"
        | true, _ -> ()
        | false, _ -> facts.Leaders.Add(state.CurrentTerm.Value, id)
        for place in 0 .. facts.Committed.Count - 1 do
            let committed = facts.Committed[place]
            let index = LogIndex(uint64 place + 1UL)
            if
                committed.CommitTerm < state.CurrentTerm
                && log.TermAt index <> committed.Entry.Term
            then
                broken
                    Rule.leaderCompleteness
                    $"{Name.show id} leads in term {state.CurrentTerm} without {committed.Entry.Position}, committed in term {committed.CommitTerm}"

    let onCommit (id: MemberId) (before: State) (after: State) (log: EntryLog) =
        let facts = factsOf after.Lineage
        for value in before.CommitIndex.Value + 1UL .. after.CommitIndex.Value do
            let index = LogIndex value
            let entry = log[index]
            if int value <= facts.Committed.Count then
                let committed = facts.Committed[int value - 1]
                if not (same committed.Entry entry) then
                    broken
                        Rule.stateMachineSafety
                        $"{Name.show id} commits {entry.Position}, committed before was {committed.Entry.Position}"
            elif not (State.isLeader before || State.isLeader after) then
                broken
                    Rule.stateMachineSafety
                    $"{Name.show id} commits {entry.Position}, which no leader has committed"
            else
                // A leader may commit and step down in one transition.
                let commitTerm =
                    if State.isLeader after then
                        after.CurrentTerm
                    else
                        before.CurrentTerm
                facts.Committed.Add { Entry = entry; CommitTerm = commitTerm }
        if State.isLeader after then
            let last = after.CommitIndex
            match configurationAt log after.Outline.Last.Index with
            | ValueSome configuration ->
                let isDurable (voter: MemberId) =
                    match disks.TryGetValue voter with
                    | true, disk -> holdsAt disk after.Lineage last (log.TermAt last)
                    | false, _ -> false
                if not (Quorum.isReached configuration isDurable) then
                    broken Rule.durableQuorum $"{Name.show id} commits {last}"
            | ValueNone -> broken Rule.durableQuorum $"{Name.show id} commits {last} without a configuration"

    /// An incarnation has a disk. Old ones stay known: what they acknowledged, they did hold.
    member _.Knows(disk: Disk) = disks[disk.Owner] <- disk

    /// How many lineages have committed anything.
    member _.LineageCount =
        lineages.Values
        |> Seq.filter (fun facts -> facts.Committed.Count > 0)
        |> Seq.length

    member _.CommittedOf(lineage: Lineage) = (factsOf lineage).Committed

    /// After every transition of a member: before and after, its log in memory, and the write it asked for.
    member _.OnStep(id: MemberId, before: State, after: State, log: EntryLog, write: Write voption) =
        if after.CurrentTerm < before.CurrentTerm || after.CommitIndex < before.CommitIndex then
            broken Rule.monotonic $"{Name.show id}: term or commit index went back"
        let isNewLeader =
            State.isLeader after
            && not (State.isLeader before && before.CurrentTerm = after.CurrentTerm)
        if isNewLeader then
            onElected id after log
        elif State.isLeader after then
            match write with
            | ValueSome write when write.TruncateFrom <> LogIndex.Zero ->
                broken Rule.leaderAppendOnly $"{Name.show id} leads and truncates from {write.TruncateFrom}"
            | ValueSome _
            | ValueNone -> ()
        if after.CommitIndex > before.CommitIndex then
            onCommit id before after log
        if
            after.Outline.Last.Index <> log.Last
            || after.Outline.Last.Term <> log.TermAt log.Last
        then
            broken Rule.logMatching $"{Name.show id}: outline ends at {after.Outline.Last}, log at {log.Last}"

    /// A word leaves a member's process: what it promises must be on the disk.
    member _.OnLeave(id: MemberId, disk: Disk, recipient: MemberId, message: Message) =
        let vote (term: Term) (candidate: MemberId) =
            let key = struct (id, term.Value)
            match votes.TryGetValue key with
            | true, other when not (other.Equals candidate) ->
                broken
                    Rule.oneVote
                    $"{Name.show id} votes for {Name.show other} and {Name.show candidate} in term {term}"
            | _ -> votes[key] <- candidate
            let isDurable =
                match disk.Hard with
                | null -> false
                | hard ->
                    hard.CurrentTerm > term
                    || hard.CurrentTerm = term && candidate.Equals hard.VotedFor
            if not isDurable then
                broken
                    Rule.durableFirst
                    $"the vote of {Name.show id} in term {term} left before it was durable"
        match message with
        | Message.RequestVote { Ballot = Ballot.PreVote } -> ()
        | Message.RequestVote request -> vote request.Term id
        | Message.RequestVoteReply reply when not reply.PreVote && reply.Vote = Vote.Granted ->
            vote reply.Term recipient
        | _ -> ()

    /// An acknowledgement was made: what it promises must be on the disk already.
    member _.OnAccepted(id: MemberId, disk: Disk, state: State, log: EntryLog, upTo: LogIndex) =
        if
            upTo.Value > 0UL
            && not (holdsAt disk state.Lineage upTo (log.TermAt upTo) && upTo <= log.Last)
        then
            broken
                Rule.durableFirst
                $"{Name.show id} acknowledges {upTo}; durable is {disk.Log.Last}, in memory {log.Last}"

    /// The entry at the end of what a member has applied, and the hash of all of it.
    member _.OnApplied(id: MemberId, lineage: Lineage, index: LogIndex, hash: int64) =
        let states = (factsOf lineage).States
        if int index.Value <= states.Count then
            if states[int index.Value - 1] <> hash then
                broken Rule.stateMachineSafety $"{Name.show id} has another state at {index} than others had"
        elif int index.Value = states.Count + 1 then
            states.Add hash
        else
            broken Rule.stateMachineSafety $"{Name.show id} applied {index}, others only {states.Count}"

    /// Two members of one lineage: where their logs last agree, everything before is equal.
    member _.Match(left: MemberId, a: EntryLog, right: MemberId, b: EntryLog) =
        let mutable index = min a.Count b.Count
        while index > 0 && a.All[index - 1].Term <> b.All[index - 1].Term do
            index <- index - 1
        for place in 0 .. index - 1 do
            if not (same a.All[place] b.All[place]) then
                broken
                    Rule.logMatching
                    $"{Name.show left} and {Name.show right} agree at {index} and differ at {place + 1}"
