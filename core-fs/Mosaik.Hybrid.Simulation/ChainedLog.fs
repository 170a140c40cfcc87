namespace Mosaik.Hybrid.Simulation

open System
open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// Fingerprints of entries and of whole logs.
[<RequireQualifiedAccess>]
module Chain =

    let inline private mix (hash: uint64) (value: uint64) =
        let mixed = (hash ^^^ value) * 0x9E3779B97F4A7C15UL
        mixed ^^^ (mixed >>> 29)

    let private ofPayload (hash: uint64) (payload: ReadOnlySpan<byte>) =
        let mutable hash = mix hash (uint64 payload.Length)
        let mutable place = 0
        while place < payload.Length do
            let rest = payload.Slice place
            if rest.Length >= 8 then
                hash <- mix hash (BitConverter.ToUInt64 rest)
                place <- place + 8
            else
                hash <- mix hash (uint64 rest[0] + 256UL)
                place <- place + 1
        hash

    /// The fingerprint of bytes.
    let ofBytes (bytes: ReadOnlySpan<byte>) = ofPayload 17UL bytes

    /// The fingerprint of a log that ends with this entry, from that of the log before it.
    let next (former: uint64) (entry: inref<LogEntry>) =
        let mutable hash = mix former entry.Term.Value
        hash <- mix hash (uint64 (byte entry.Kind) + 16UL * uint64 entry.BatchRemaining)
        hash <- mix hash (uint64 entry.Timestamp)
        match entry.Proposer with
        | null -> ()
        | proposer ->
            let incarnation = proposer.Member.Incarnation.Value
            hash <- mix (mix hash (incarnation.High * 1_000UL + incarnation.Low)) proposer.Session
            hash <- mix hash entry.Number
        ofPayload hash entry.Payload.Span

/// A log with its entries from index 1, and beside each entry the fingerprint of the log up to there: so two logs
/// are compared by looking at one number.
[<Sealed>]
type ChainedLog() =

    let entries = List<LogEntry>()
    let chain = List<uint64>()
    let configurations = Stack<struct (LogIndex * Configuration)>()

    let truncateFrom (from: int) =
        if from <= entries.Count then
            entries.RemoveRange(from - 1, entries.Count - from + 1)
            chain.RemoveRange(from - 1, chain.Count - from + 1)
            while configurations.Count > 0
                  && (let struct (index, _) = configurations.Peek()
                      index.Value >= uint64 from) do
                configurations.Pop() |> ignore

    let append (entry: inref<LogEntry>) =
        let former = if chain.Count = 0 then 17UL else chain[chain.Count - 1]
        chain.Add(Chain.next former &entry)
        if entry.Kind = EntryKind.Configuration then
            match Configuration.decode entry.Payload with
            | Ok(struct (_, configuration)) -> configurations.Push(struct (entry.Index, configuration))
            | Error error -> Rules.break' Rules.logMatching $"entry {entry.Position}: {error}"
        entries.Add entry

    member _.Count = entries.Count
    member _.Last = LogIndex(uint64 entries.Count)
    member _.Item(index: LogIndex) = entries[int index.Value - 1]
    member _.All: IReadOnlyList<LogEntry> = entries

    member _.TermAt(index: LogIndex) =
        if index.Value = 0UL || index.Value > uint64 entries.Count then
            Term.Zero
        else
            entries[int index.Value - 1].Term

    /// The fingerprint of the log up to an index; 0 when the log does not reach it.
    member _.ChainAt(index: LogIndex) =
        if index.Value = 0UL then 17UL
        elif index.Value > uint64 chain.Count then 0UL
        else chain[int index.Value - 1]

    /// A copy of a range that the log holds.
    member _.Slice(range: LogRange) =
        entries.GetRange(int range.First.Value - 1, range.Count).ToArray()

    /// Does to the log what a write asks for; false when its entries do not follow on.
    member _.Apply(write: Write) =
        if write.TruncateFrom <> LogIndex.Zero then
            truncateFrom (int write.TruncateFrom.Value)
        let mutable follows = true
        for run in write.Entries do
            let span = run.Span
            for place in 0 .. span.Length - 1 do
                follows <- follows && span[place].Index.Value = uint64 entries.Count + 1UL
                append &span[place]
        follows

    /// Appends the entries of another log up to an index.
    member this.Append(other: ChainedLog, upTo: LogIndex) =
        while this.Last < upTo && this.Last < other.Last do
            let entry = other[this.Last.Next]
            append &entry

    /// Becomes a log of these entries, which are those from index 1.
    member _.Become(all: LogEntry[]) =
        truncateFrom 1
        for place in 0 .. all.Length - 1 do
            append &all[place]

    /// The first entry of a kind; zero when there is none.
    member _.FirstOf(kind: EntryKind) =
        let place = entries.FindIndex(fun entry -> entry.Kind = kind)
        LogIndex(uint64 (place + 1))

    /// The configurations, newest first.
    member _.Configurations = List.ofSeq configurations

    /// The newest configuration; none in an empty log.
    member _.Configuration =
        if configurations.Count = 0 then
            ValueNone
        else
            let struct (_, configuration) = configurations.Peek()
            ValueSome configuration

    /// The newest configuration at or before an index.
    member _.ConfigurationAt(index: LogIndex) =
        let mutable found = ValueNone
        for struct (at, configuration) in configurations do
            if found.IsNone && at <= index then
                found <- ValueSome configuration
        found

    /// Another log with the same entries.
    member this.Copy() =
        let copy = ChainedLog()
        copy.Append(this, this.Last)
        copy
