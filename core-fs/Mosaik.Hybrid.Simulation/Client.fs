namespace Mosaik.Hybrid.Simulation

open System
open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// A strong read under way.
[<Struct; NoEquality; NoComparison>]
type private PendingRead = { Record: CallRecord; GiveUpAt: int64 }

/// The commands and reads of one run of one process: what a runtime remembers of them until they have taken effect.
/// Commands are kept, and sent again when consensus asks, after their callers have given up.
[<Sealed>]
type Client(proposer: ProposerId, coverage: Coverage) =

    let commands = List<LogEntry>()
    /// The record that each command belongs to, beside `commands`.
    let records = List<CallRecord>()
    let reads = SortedDictionary<uint64, PendingRead>()
    let waiting = List<struct (LogIndex * CallRecord)>()
    let mutable submitted = 0UL
    let mutable lastRead = 0UL

    let placeOf (number: uint64) =
        if commands.Count = 0 || number <= commands[0].Number then
            0
        else
            min commands.Count (int (number - commands[0].Number))

    let numbered (number: uint64) (remaining: int) (payload: ReadOnlyMemory<byte>) : LogEntry =
        { Index = LogIndex.Zero
          Term = Term.Zero
          Kind = EntryKind.Command
          BatchRemaining = remaining
          Timestamp = 0L
          Proposer = proposer
          Number = number
          Payload = payload }

    /// The most commands that a client may have on their way.
    static member CommandsMax = 512

    member _.Proposer = proposer
    member _.Submitted = submitted
    member _.PendingCount = commands.Count
    member _.ReadCount = reads.Count + waiting.Count
    member _.HasRoom(count: int) =
        commands.Count + count <= Client.CommandsMax

    /// New commands, numbered on: one atomic batch.
    member _.Add(record: CallRecord) : LogEntry[] =
        let request = record.Request
        let batch =
            Array.init request.Length (fun place ->
                numbered (submitted + uint64 place + 1UL) (request.Length - 1 - place) request[place])
        record.Indexes <- Array.zeroCreate request.Length
        submitted <- submitted + uint64 request.Length
        for command in batch do
            commands.Add command
            records.Add record
        batch

    /// The pending commands of these numbers, and what else belongs to their batches: none is cut apart.
    member _.Whole(first: uint64, last: uint64) : LogEntry[] =
        if commands.Count = 0 || last < commands[0].Number then
            [||]
        else
            let mutable from = placeOf first
            let mutable upTo = min (commands.Count - 1) (int (last - commands[0].Number))
            if from >= commands.Count then
                [||]
            else
                while from > 0 && commands[from - 1].BatchRemaining > 0 do
                    from <- from - 1
                while commands[upTo].BatchRemaining > 0 do
                    upTo <- upTo + 1
                commands.GetRange(from, upTo - from + 1).ToArray()

    /// The pending commands of these numbers in messages of at least so many, each of whole batches.
    member this.Chunks(first: uint64, last: uint64, size: int) : LogEntry[] list =
        let chunks = List<LogEntry[]>()
        let current = List<LogEntry>()
        for command in this.Whole(first, last) do
            current.Add command
            if command.BatchRemaining = 0 && current.Count >= size then
                chunks.Add(current.ToArray())
                current.Clear()
        if current.Count > 0 then
            chunks.Add(current.ToArray())
        List.ofSeq chunks

    /// An own command took effect; returns its record when that completes the call, else null.
    member _.Applied(number: uint64, index: LogIndex) : CallRecord | null =
        if commands.Count > 0 && commands[0].Number = number then
            let record = records[0]
            let place = record.Request.Length - 1 - commands[0].BatchRemaining
            record.Indexes[place] <- index
            commands.RemoveAt 0
            records.RemoveAt 0
            if place = record.Request.Length - 1 then record else null
        else
            null

    /// A snapshot has brought the effects of the own commands up to a number, the last of which stands at an index;
    /// where the others stand nobody here can know. Returns the record of the last one, if that completes its call.
    member this.Installed(last: uint64, index: LogIndex, at: int64) : CallRecord | null =
        while commands.Count > 0 && commands[0].Number < last do
            records[0].End(CallOutcome.Unknown, at)
            commands.RemoveAt 0
            records.RemoveAt 0
        // A batch of which the others are not known is not known either.
        if records.Count > 0 && records[0].Request.Length > 1 then
            records[0].End(CallOutcome.Unknown, at)
        this.Applied(last, index)

    /// A strong read begins; returns its id.
    member _.BeginRead(record: CallRecord, giveUpAt: int64) =
        lastRead <- lastRead + 1UL
        reads.Add(lastRead, { Record = record; GiveUpAt = giveUpAt })
        lastRead

    /// Consensus says from where on state is fresh enough.
    member _.Ready(id: uint64, index: LogIndex) =
        match reads.TryGetValue id with
        | true, pending ->
            reads.Remove id |> ignore
            if pending.Record.Outcome = CallOutcome.Pending then
                waiting.Add(struct (index, pending.Record))
        | false, _ -> ()

    /// Reads whose index is applied; each is given out once.
    member _.TakeReady(applied: LogIndex) : struct (LogIndex * CallRecord) list =
        if waiting.Count = 0 then
            []
        else
            let ready =
                [ for struct (index, record) in waiting do
                      if index <= applied then
                          struct (index, record) ]
            if not ready.IsEmpty then
                waiting.RemoveAll(fun (struct (index, _)) -> index <= applied) |> ignore
            ready

    member _.Refused(id: uint64, at: int64) =
        match reads.TryGetValue id with
        | true, pending ->
            reads.Remove id |> ignore
            pending.Record.End(CallOutcome.Refused, at)
        | false, _ -> ()

    /// Gives up reads that have waited too long; returns the last id that was, 0 for none.
    member _.Expire(now: int64, at: int64) =
        let mutable last = 0UL
        let mutable goesOn = true
        while goesOn && reads.Count > 0 do
            let oldest = Seq.head reads
            if oldest.Value.GiveUpAt <= now then
                last <- oldest.Key
                oldest.Value.Record.End(CallOutcome.Unknown, at)
                coverage.Meet Sight.ReadGivenUp
                reads.Remove oldest.Key |> ignore
            else
                goesOn <- false
        last

    /// The process ends: nobody will know.
    member _.End(at: int64) =
        for record in records do
            record.End(CallOutcome.Unknown, at)
        for pair in reads do
            pair.Value.Record.End(CallOutcome.Unknown, at)
        for struct (_, record) in waiting do
            record.End(CallOutcome.Unknown, at)
