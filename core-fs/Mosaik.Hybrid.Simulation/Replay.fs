namespace Mosaik.Hybrid.Simulation

open System
open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// What clients saw, held against the committed log of a lineage: the log is the order in which everything must have
/// taken effect, so one machine that replays it alone says what each call had to be answered.
[<RequireQualifiedAccess>]
module Replay =

    let private describe (record: CallRecord) =
        $"call {record.Call.Number} at n{record.Call.Peer} (%A{record.Call.Kind})"

    let private indexOf (record: CallRecord) =
        record.Indexes[record.Indexes.Length - 1]

    let private isStrong (record: CallRecord) =
        match record.Call.Kind with
        | CallKind.WeakRead -> false
        | CallKind.StrongRead
        | CallKind.Execute _ -> true

    /// The commands of a call that succeeded stand where it was told.
    let private checkExecute (facts: LineageFacts) (record: CallRecord) =
        for place in 0 .. record.Request.Length - 1 do
            let index = record.Indexes[place]
            if index.Value = 0UL || index.Value > uint64 facts.Committed.Count then
                Rules.break'
                    Rules.successIsCommitted
                    $"{describe record} succeeded at {index}, which is not committed"
            let entry = facts.Committed[int index.Value - 1].Entry
            if not (MemoryExtensions.SequenceEqual(entry.Payload.Span, record.Request[place].Span)) then
                Rules.break'
                    Rules.successIsCommitted
                    $"{describe record} succeeded at {index}, where {entry.Position} is another command"

    let private checkAnswer (machine: IMachineUnderTest) (record: CallRecord) =
        let expected = machine.Query record.Request[0]
        if not (Object.Equals(expected, record.Answer)) then
            let rule =
                if isStrong record then
                    Rules.linearizable
                else
                    Rules.weakReads
            Rules.break'
                rule
                $"{describe record} answered {record.Answer} at {indexOf record}; there it was {expected}"

    /// Runs the committed log through a filter of its own: each command that takes effect, and each index once passed.
    let private takeEffect (facts: LineageFacts) (take: LogEntry -> unit) (passed: LogIndex -> unit) =
        let filter = CommandFilter CommandFilter.SessionsMaxDefault
        for committed in facts.Committed do
            match filter.Judge committed.Entry with
            | FilterVerdict.Apply -> take committed.Entry
            | FilterVerdict.ApplyHeld -> Seq.iter take filter.Held
            | _ -> ()
            passed committed.Entry.Index

    /// Replays the log on a machine of its own, and asks it what the reads at each index asked.
    let private checkAnswers (workload: IWorkload) (facts: LineageFacts) (reads: CallRecord list) =
        let machine = workload.NewMachine 0
        let due = Queue<CallRecord>(reads |> List.sortBy (fun record -> (indexOf record).Value))
        let answer (index: uint64) =
            while due.Count > 0 && (indexOf (due.Peek())).Value <= index do
                checkAnswer machine (due.Dequeue())
        answer 0UL
        takeEffect facts machine.Apply (fun index -> answer index.Value)

    /// What returned before a call began has taken effect before it (real-time order).
    let private checkOrder (records: CallRecord list) =
        let moments =
            [ for record in records do
                  struct (record.CalledAt, false, record)
                  struct (record.ReturnedAt, true, record) ]
            |> List.sortBy (fun (struct (at, _, _)) -> at)
        let floors = Dictionary<CallRecord, LogIndex>(HashIdentity.Reference)
        let mutable floor = LogIndex.Zero
        for struct (_, isReturn, record) in moments do
            if isReturn then
                floor <- max floor (indexOf record)
            else
                floors.Add(record, floor)
        for record in records do
            let floor = floors[record]
            let first = record.Indexes[0]
            let isOrdered =
                match record.Call.Kind with
                | CallKind.Execute _ -> first > floor
                | CallKind.StrongRead
                | CallKind.WeakRead -> first >= floor
            if not isOrdered then
                Rules.break'
                    Rules.linearizable
                    $"{describe record} took effect at {first}; {floor} had been acknowledged before it began"

    let private isOf (facts: LineageFacts) (record: CallRecord) = record.Lineage = facts.Lineage

    /// Holds every call that succeeded in the lineage against its log, and then all of them against the workload's
    /// own judgement, which knows no log.
    let check (coverage: Coverage) (workload: IWorkload) (facts: LineageFacts) (calls: CallRecord seq) =
        let succeeded =
            calls
            |> Seq.filter (fun record -> record.Outcome = CallOutcome.Succeeded && isOf facts record)
            |> List.ofSeq
        let isRead (record: CallRecord) =
            match record.Call.Kind with
            | CallKind.Execute _ -> false
            | CallKind.StrongRead
            | CallKind.WeakRead -> true
        let reads, executes = succeeded |> List.partition isRead
        executes |> List.iter (checkExecute facts)
        checkAnswers workload facts reads
        succeeded |> List.filter isStrong |> checkOrder
        let visible =
            calls
            |> Seq.filter (fun record ->
                isStrong record
                && record.Outcome <> CallOutcome.Refused
                && (isOf facts record || record.Outcome <> CallOutcome.Succeeded))
        match workload.Judge visible with
        | Judgement.Possible -> ()
        | Judgement.Impossible evidence -> Rules.break' Rules.linearizable evidence
        | Judgement.TooTangled -> coverage.Meet Sight.HistoryTooTangled

    /// Where commands are unique, none takes effect twice: not under another proposer, nor in another lineage.
    let checkEffects (lineages: LineageFacts list) =
        let seen = Dictionary<uint64, LogPosition>()
        let take (entry: LogEntry) =
            let command = Chain.ofBytes entry.Payload.Span
            match seen.TryGetValue command with
            | true, former ->
                Rules.break'
                    Rules.exactlyOnce
                    $"the command at {entry.Position} took effect at {former} before"
            | false, _ -> seen.Add(command, entry.Position)
        for facts in lineages do
            takeEffect facts take ignore

    /// A refused call never has an effect: none of its commands is in any log.
    let checkRefusals (lineages: LineageFacts list) (calls: CallRecord seq) =
        let refused = HashSet<uint64>()
        for record in calls do
            match record.Call.Kind with
            | CallKind.Execute _ when record.Outcome = CallOutcome.Refused ->
                for payload in record.Request do
                    refused.Add(Chain.ofBytes payload.Span) |> ignore
            | CallKind.Execute _
            | CallKind.StrongRead
            | CallKind.WeakRead -> ()
        if refused.Count > 0 then
            for facts in lineages do
                for committed in facts.Committed do
                    if
                        committed.Entry.Kind = EntryKind.Command
                        && refused.Contains(Chain.ofBytes committed.Entry.Payload.Span)
                    then
                        Rules.break'
                            Rules.successIsCommitted
                            $"a command that was refused is committed at {committed.Entry.Position}"
