namespace Mosaik.Hybrid.Simulation

open System
open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// Watches a cluster from outside, knows what no member knows, and says which rule is broken. It is told of
/// everything, changes nothing, and counts majorities by itself.
[<Sealed>]
type Oracle(coverage: Coverage) =

    let lineages = Dictionary<struct (uint64 * uint64), LineageFacts>()
    let votes = Dictionary<struct (MemberId * uint64), MemberId>()
    let disks = Dictionary<MemberId, Disk>()
    /// Who leads at the moment, and in which lineage.
    let leading = Dictionary<MemberId, Lineage>()
    let departed = DepartedMembers()

    let broken rule evidence = Rules.break' rule evidence

    let factsOf (lineage: Lineage) =
        let key = struct (lineage.Value.High, lineage.Value.Low)
        match lineages.TryGetValue key with
        | true, facts -> facts
        | false, _ ->
            let facts = LineageFacts lineage
            lineages.Add(key, facts)
            facts

    /// Terms and indexes of a run are far below 2^24 and 2^40.
    let keyOf (position: LogPosition) =
        (position.Term.Value <<< 40) ||| position.Index.Value

    /// A disk holds a log up to an index by its entries, or by a snapshot of them.
    let isOnDisk (disk: Disk) (lineage: Lineage) (index: LogIndex) (chain: uint64) =
        disk.Log.ChainAt index = chain
        || (match disk.Snapshot with
            | ValueSome { Facts = facts } when
                facts.Lineage = lineage
                && index <= facts.Position.Index
                && index > LogIndex.Zero
                ->
                (factsOf lineage).Committed[int index.Value - 1].Chain = chain
            | ValueSome _
            | ValueNone -> false)

    let holds (id: MemberId) (lineage: Lineage) (index: LogIndex) (chain: uint64) =
        match disks.TryGetValue id with
        | true, disk -> disk.Lineage = lineage && isOnDisk disk lineage index chain
        | false, _ -> false

    let checkLineage (step: ObservedStep) (entry: inref<LogEntry>) =
        match Configuration.decode entry.Payload with
        | Ok(struct (lineage, _)) when lineage = step.After.Lineage -> ()
        | Ok(struct (lineage, _)) ->
            broken
                Rules.lineageSeparation
                $"{Naming.show step.Id} of lineage {step.After.Lineage} appends a configuration of {lineage}"
        | Error error -> broken Rules.logMatching $"{Naming.show step.Id} appends {entry.Position}: {error}"

    /// Whoever sees an entry of a term and index sees the same log up to there.
    let matchChain
        (facts: LineageFacts)
        (id: MemberId)
        (position: LogPosition)
        (chain: uint64)
        (isSeen: bool)
        =
        match facts.Chains.TryGetValue(keyOf position) with
        | true, known when known <> chain ->
            broken Rules.logMatching $"{Naming.show id} has another log up to {position} than was seen before"
        | true, _ -> ()
        | false, _ ->
            if isSeen then
                facts.Chains.Add(keyOf position, chain)

    /// Raft §6: whoever appends a configuration has the one before it in the log.
    let checkSuccession (step: ObservedStep) (index: LogIndex) =
        match step.Log.ConfigurationAt index.Previous, step.Log.ConfigurationAt index with
        | ValueSome former, ValueSome next ->
            match Committees.cannotFollow former next with
            | Some reason ->
                broken
                    Rules.quorumIntersection
                    ($"{Naming.show step.Id} appends the configuration {Show.configuration next} at {index} "
                     + $"after {Show.configuration former}: it {reason}")
            | None -> ()
        | _, _ -> ()

    let onAppended (step: ObservedStep) (write: Write) =
        let facts = factsOf step.After.Lineage
        // What a leader has only in memory, nobody else has seen: if it crashes now, it never was.
        let isOwn = State.isLeader step.After
        for run in write.Entries do
            let span = run.Span
            for place in 0 .. span.Length - 1 do
                let entry = &span[place]
                let chain = step.Log.ChainAt entry.Index
                // An entry that the same step has cut off again leaves no trace in the log.
                if chain <> 0UL && step.Log.TermAt entry.Index = entry.Term then
                    matchChain facts step.Id entry.Position chain (not isOwn)
                if entry.Kind = EntryKind.Configuration then
                    checkLineage step &entry
                    // One that the same step has cut off again stands no more.
                    if chain <> 0UL && step.Log.TermAt entry.Index = entry.Term then
                        checkSuccession step entry.Index

    /// The voters that gave this member their vote in its term, all of which left their processes.
    let checkElection (step: ObservedStep) =
        let state = step.After
        // What was in force when the votes were counted: before the leader's own first entry, but for a founder.
        let before =
            match state.Role with
            | Role.Leader leading -> step.Log.ConfigurationAt leading.TermStart.Previous
            | Role.Follower
            | Role.PreCandidate _
            | Role.Candidate _
            | Role.Founder _ -> ValueNone
        match before, step.Log.ConfigurationAt(LogIndex 1UL) with
        | ValueSome configuration, _
        | ValueNone, ValueSome configuration ->
            let voted (voter: MemberId) =
                voter.Equals step.Id
                || (match votes.TryGetValue(struct (voter, state.CurrentTerm.Value)) with
                    | true, candidate -> candidate.Equals step.Id
                    | false, _ -> false)
            if not (Committees.decides configuration voted) then
                broken
                    Rules.committeeTruth
                    $"{Naming.show step.Id} leads in term {state.CurrentTerm} without the votes of a majority"
        | ValueNone, ValueNone ->
            broken Rules.committeeTruth $"{Naming.show step.Id} leads without a configuration"

    /// Judged by the term in which an entry was committed, not by its own: an older entry is committed by a later
    /// term, and leaders between the two need not have it.
    let checkCompleteness (step: ObservedStep) (facts: LineageFacts) =
        let term = step.After.CurrentTerm
        let mutable place = facts.Committed.Count - 1
        while place >= 0 && facts.Committed[place].CommitTerm >= term do
            place <- place - 1
        if place >= 0 then
            let committed = facts.Committed[place]
            if step.Log.ChainAt committed.Entry.Index <> committed.Chain then
                broken
                    Rules.leaderCompleteness
                    $"{Naming.show step.Id} leads in term {term} without {committed.Entry.Position}, committed in term {committed.CommitTerm}"

    let onElected (step: ObservedStep) =
        let state = step.After
        let facts = factsOf state.Lineage
        match facts.Leaders.TryGetValue state.CurrentTerm.Value with
        | true, other when not (other.Equals step.Id) ->
            broken
                Rules.electionSafety
                $"{Naming.show other} and {Naming.show step.Id} lead in term {state.CurrentTerm}"
        | true, _ -> ()
        | false, _ -> facts.Leaders.Add(state.CurrentTerm.Value, step.Id)
        for pair in leading do
            if pair.Value = state.Lineage && not (pair.Key.Equals step.Id) then
                coverage.Meet Sight.TwoLeadersAtOnce
        checkElection step
        checkCompleteness step facts
        coverage.Meet Sight.LeaderElected
        if state.CurrentTerm.Value >= 3UL then
            coverage.Meet Sight.LeaderOfLaterTerm
        if State.isUnaffiliated step.Before then
            coverage.Meet Sight.LineageFounded

    let checkQuorum (step: ObservedStep) =
        let state = step.After
        let last = state.CommitIndex
        let chain = step.Log.ChainAt last
        // A leader changes the configuration when it has counted: by the one that was in force before.
        let inForce =
            match step.Log.ConfigurationAt step.Before.Outline.Last.Index with
            | ValueSome configuration -> ValueSome configuration
            | ValueNone -> step.Log.Configuration
        match inForce with
        | ValueSome configuration ->
            if not (Committees.decides configuration (fun voter -> holds voter state.Lineage last chain)) then
                broken
                    Rules.committedOnQuorum
                    $"{Naming.show step.Id} commits {last}, which no majority has on its disks"
            match configuration.Voters.Length with
            | 1 -> coverage.Meet Sight.CommittedAlone
            | 2 -> coverage.Meet Sight.CommittedByTwo
            | 4 -> coverage.Meet Sight.CommittedByFour
            | _ -> ()
        | ValueNone ->
            broken Rules.committedOnQuorum $"{Naming.show step.Id} commits {last} without a configuration"

    /// A lineage ends only while no command of it is committed, and for good.
    let checkDissolution (step: ObservedStep) (facts: LineageFacts) (entry: LogEntry) =
        if LineageFacts.hasCommands facts then
            broken
                Rules.lineageSeparation
                $"{Naming.show step.Id} ends a lineage at {entry.Position}, though it has committed commands"
        facts.IsDissolved <- true

    let commitNew (step: ObservedStep) (facts: LineageFacts) (index: LogIndex) =
        let before, after = step.Before, step.After
        let entry = step.Log[index]
        if not (State.isLeader before || State.isLeader after) then
            broken
                Rules.stateMachineSafety
                $"{Naming.show step.Id} commits {entry.Position}, which no leader has committed"
        if entry.Kind = EntryKind.Configuration then
            departed.CheckCommitted(step, index)
        elif entry.Kind = EntryKind.Command && facts.IsDissolved then
            broken
                Rules.lineageSeparation
                $"{Naming.show step.Id} commits the command {entry.Position} after the end of its lineage"
        elif entry.Kind = EntryKind.Dissolution then
            checkDissolution step facts entry
        if facts.Committed.Count > 0 then
            let former = facts.Committed[facts.Committed.Count - 1].Entry
            if entry.Timestamp < former.Timestamp then
                broken
                    Rules.monotonic
                    $"{Naming.show step.Id} commits {entry.Position} of {entry.Timestamp} after {former.Timestamp}"
        // A leader may commit and step down in one transition.
        let commitTerm =
            if State.isLeader after then
                after.CurrentTerm
            else
                before.CurrentTerm
        if entry.Term < commitTerm then
            coverage.Meet Sight.EntryOfFormerTermCommitted
        facts.Committed.Add { Entry = entry; Chain = step.Log.ChainAt index; CommitTerm = commitTerm }

    let onCommit (step: ObservedStep) =
        let after = step.After
        let facts = factsOf after.Lineage
        if after.CommitIndex > step.Log.Last then
            broken
                Rules.stateMachineSafety
                $"{Naming.show step.Id} commits {after.CommitIndex}, its log ends at {step.Log.Last}"
        let known = min after.CommitIndex.Value (uint64 facts.Committed.Count)
        if known > 0UL then
            let committed = facts.Committed[int known - 1]
            if step.Log.ChainAt(LogIndex known) <> committed.Chain then
                broken
                    Rules.stateMachineSafety
                    ($"{Naming.show step.Id} commits {step.Log[LogIndex known].Position}, "
                     + $"committed before was {committed.Entry.Position} of another log")
        for value in known + 1UL .. after.CommitIndex.Value do
            commitNew step facts (LogIndex value)
        // A leader may commit and step down in one transition: then, too, it committed on a quorum.
        if State.isLeader after || after.CommitIndex.Value > known then
            checkQuorum step

    let checkMonotonic (step: ObservedStep) =
        let before, after = step.Before, step.After
        if after.CurrentTerm < before.CurrentTerm || after.CommitIndex < before.CommitIndex then
            broken Rules.monotonic $"{Naming.show step.Id}: term or commit index went back"
        // Whatever handler changed what must survive: the write says so (rule 2).
        let mustPersist =
            before.CurrentTerm <> after.CurrentTerm
            || before.Lineage <> after.Lineage
            || before.VotedFor <> after.VotedFor
        if mustPersist then
            let isWritten =
                step.Writes
                |> List.exists (fun write ->
                    match write.HardState with
                    | null -> false
                    | hard -> hard.CurrentTerm = after.CurrentTerm && hard.Lineage = after.Lineage)
            if not isWritten then
                broken
                    Rules.durableFirst
                    $"{Naming.show step.Id} changes term, vote or lineage and writes nothing"

    let onTruncated (step: ObservedStep) (from: LogIndex) =
        coverage.Meet Sight.SuffixTruncated
        let stays = State.isLeader step.Before && State.isLeader step.After
        if stays && step.Before.CurrentTerm = step.After.CurrentTerm then
            broken Rules.leaderAppendOnly $"{Naming.show step.Id} leads and truncates from {from}"

    let checkLog (step: ObservedStep) =
        let after = step.After
        if
            after.Outline.Last.Index <> step.Log.Last
            || after.Outline.Last.Term <> step.Log.TermAt step.Log.Last
        then
            broken
                Rules.logMatching
                $"{Naming.show step.Id}: outline ends at {after.Outline.Last}, log at {step.Log.Last}"

    let vote (id: MemberId) (disk: Disk) (term: Term) (candidate: MemberId) =
        let key = struct (id, term.Value)
        match votes.TryGetValue key with
        | true, other when not (other.Equals candidate) ->
            broken
                Rules.oneVote
                $"{Naming.show id} votes for {Naming.show other} and {Naming.show candidate} in term {term}"
        | true, _ -> ()
        | false, _ -> votes.Add(key, candidate)
        let isDurable =
            match disk.Hard with
            | null -> false
            | hard ->
                hard.CurrentTerm > term
                || hard.CurrentTerm = term && candidate.Equals hard.VotedFor
        if not isDurable then
            broken
                Rules.durableFirst
                $"the vote of {Naming.show id} in term {term} left before it was durable"

    /// An incarnation has a disk. Old ones stay known: what they acknowledged, they did hold.
    member _.Knows(disk: Disk) = disks[disk.Owner] <- disk

    /// What is known of a lineage.
    member _.Of(lineage: Lineage) = factsOf lineage

    /// The lineages that have committed anything.
    member _.Committing =
        [ for facts in lineages.Values do
              if facts.Committed.Count > 0 then
                  facts ]

    /// After every transition of a member.
    member _.OnStep(step: ObservedStep) =
        let before, after = step.Before, step.After
        checkMonotonic step
        for write in step.Writes do
            if not write.Entries.IsEmpty then
                onAppended step write
            if write.TruncateFrom <> LogIndex.Zero then
                onTruncated step write.TruncateFrom
        let isNewLeader =
            State.isLeader after
            && not (State.isLeader before && before.CurrentTerm = after.CurrentTerm)
        if isNewLeader then
            onElected step
            leading[step.Id] <- after.Lineage
        elif State.isLeader before && not (State.isLeader after) then
            leading.Remove step.Id |> ignore
        if after.CommitIndex > before.CommitIndex then
            onCommit step
        checkLog step

    /// Members that have left in good order.
    member _.Departed = departed

    /// A process has ended.
    member _.OnEnded(id: MemberId) = leading.Remove id |> ignore

    /// Writes have reached a disk.
    member _.OnDurable(disk: Disk) =
        // A snapshot of a first lineage is there before the hard state that names it.
        let lineage =
            match disk.Snapshot with
            | ValueSome { Facts = facts } when disk.Lineage.IsNone -> facts.Lineage
            | ValueSome _
            | ValueNone -> disk.Lineage
        let facts = factsOf lineage
        let mutable index = disk.TakeFresh()
        while index <= disk.Log.Last do
            matchChain facts disk.Owner disk.Log[index].Position (disk.Log.ChainAt index) true
            index <- index.Next

    /// A word leaves a member's process: what it promises must be on the disk.
    member _.OnLeave(id: MemberId, disk: Disk, recipient: MemberId, message: Message) =
        match message with
        | Message.RequestVote { Ballot = Ballot.PreVote } -> ()
        | Message.RequestVote request -> vote id disk request.Term id
        | Message.RequestVoteReply reply when not reply.PreVote && reply.Vote = Vote.Granted ->
            vote id disk reply.Term recipient
        | Message.RequestVoteReply _
        | Message.AppendEntries _
        | Message.AppendEntriesReply _
        | Message.InstallSnapshot _
        | Message.ReadIndex _
        | Message.ReadIndexReply _
        | Message.Forward _
        | Message.ForwardReply _
        | Message.TimeoutNow _
        | Message.HandOver _
        | Message.Depart _
        | Message.CatchUp _
        | Message.FetchEntries _
        | Message.FetchedEntries _
        | Message.Survey _
        | Message.SurveyReply _
        | Message.Departed _ -> ()

    /// An acknowledgement was made: what it promises must be on the disk already.
    member _.OnAccepted(id: MemberId, disk: Disk, state: State, log: ChainedLog, upTo: LogIndex) =
        if
            upTo > LogIndex.Zero
            && not (
                upTo <= log.Last
                && (disk.Lineage = state.Lineage
                    || state.HardStateSequence > state.PersistedSequence)
                && isOnDisk disk state.Lineage upTo (log.ChainAt upTo)
            )
        then
            broken
                Rules.durableFirst
                $"{Naming.show id} acknowledges {upTo}; durable is {disk.Log.Last}, in memory {log.Last}"

    /// A member gives up its log: only where so many of its committee belong to other lineages for good that nothing of
    /// its own can ever have been committed, or where no command is lost with it, its own or a committed one.
    member _.OnReset(id: MemberId, lineage: Lineage, log: ChainedLog) =
        let isElsewhere (voter: MemberId) =
            match disks.TryGetValue voter with
            | true, disk -> not disk.Lineage.IsNone && disk.Lineage <> lineage
            | false, _ -> false
        let hasNone =
            log.FirstOf EntryKind.Command = LogIndex.Zero
            && (factsOf lineage).Committed
               |> Seq.forall (fun committed -> committed.Entry.Kind <> EntryKind.Command)
        match log.Configuration with
        | ValueSome _ when hasNone -> ()
        | ValueSome configuration when not (Committees.decides configuration (isElsewhere >> not)) -> ()
        | ValueSome _
        | ValueNone ->
            broken
                Rules.lineageSeparation
                $"{Naming.show id} forgets its log, of which something may be committed"

    /// A leader hears an acknowledgement: what the member has on its disk is what this leader has in its log. Who
    /// has gone on to a later term since may have truncated it.
    member _.OnAcknowledged(leader: State, log: ChainedLog, sender: MemberId, upTo: LogIndex) =
        match disks.TryGetValue sender with
        | true, disk ->
            let isOfTerm =
                match disk.Hard with
                | null -> false
                | hard -> hard.CurrentTerm = leader.CurrentTerm && hard.Lineage = leader.Lineage
            if
                isOfTerm
                && not disk.IsDoomed
                && upTo <= disk.Log.Last
                && upTo <= log.Last
                && disk.Log.ChainAt upTo <> log.ChainAt upTo
            then
                broken
                    Rules.logMatching
                    $"{Naming.show sender} acknowledges {upTo} to {Naming.show leader.Self}, whose log is another"
        | false, _ -> ()

    /// What was committed up to a position of a lineage: what a snapshot that stands there stands for.
    member _.CommittedUpTo(id: MemberId, snapshot: SnapshotFacts) : LogEntry[] =
        SnapshotTruth.committedUpTo (factsOf snapshot.Lineage) id snapshot.Position

    /// A member has saved or received a snapshot.
    member _.OnSnapshot(id: MemberId, snapshot: KeptSnapshot) =
        SnapshotTruth.check (factsOf snapshot.Facts.Lineage) id snapshot

    /// A member forgets the beginning of its log.
    member _.OnCompacted(id: MemberId, disk: Disk, through: LogPosition) =
        SnapshotTruth.checkCompaction id disk through

    /// A member has applied everything up to an index, and its machine has this digest.
    member _.OnDigest(id: MemberId, lineage: Lineage, index: LogIndex, digest: uint64) =
        let digests = (factsOf lineage).Digests
        match digests.TryGetValue index.Value with
        | true, known when known <> digest ->
            broken Rules.stateDigest $"{Naming.show id} has another state at {index} than others had"
        | true, _ -> ()
        | false, _ -> digests.Add(index.Value, digest)

    /// A member is about to apply an entry.
    member _.OnApply(id: MemberId, lineage: Lineage, entry: inref<LogEntry>, chain: uint64) =
        let committed = (factsOf lineage).Committed
        if entry.Index.Value > uint64 committed.Count then
            broken
                Rules.stateMachineSafety
                $"{Naming.show id} applies {entry.Position}, which nobody committed"
        elif committed[int entry.Index.Value - 1].Chain <> chain then
            broken
                Rules.stateMachineSafety
                $"{Naming.show id} applies {entry.Position} of another log than was committed"

    /// The index acknowledged so far, by lineage.
    member _.Floors =
        [ for facts in lineages.Values do
              if facts.Floor > LogIndex.Zero then
                  struct (facts.Lineage, facts.Floor) ]

    /// A client was told of success up to an index: no strong read that begins now may answer from before it.
    member _.Raise(lineage: Lineage, index: LogIndex) =
        let facts = factsOf lineage
        if index > facts.Floor then
            facts.Floor <- index
