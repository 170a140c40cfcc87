namespace Mosaik.Hybrid.Core.Tests.Support

open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// A log with entries, from index 1.
[<Sealed>]
type EntryLog() =

    let entries = List<LogEntry>()

    member _.Count = entries.Count
    member _.Last = LogIndex(uint64 entries.Count)
    member _.Item(index: LogIndex) = entries[int index.Value - 1]

    member _.TermAt(index: LogIndex) =
        if index.Value = 0UL || index.Value > uint64 entries.Count then
            Term.Zero
        else
            entries[int index.Value - 1].Term

    /// A copy of a range that the log holds.
    member _.Slice(range: LogRange) =
        entries.GetRange(int range.First.Value - 1, range.Count).ToArray()

    /// Does to the log what a write asks for; false when its entries do not follow on.
    member _.Apply(write: Write) =
        let from = int write.TruncateFrom.Value
        if from > 0 && from <= entries.Count then
            entries.RemoveRange(from - 1, entries.Count - from + 1)
        let mutable follows = true
        for run in write.Entries do
            for entry in run.ToArray() do
                follows <- follows && entry.Index.Value = uint64 entries.Count + 1UL
                entries.Add entry
        follows

    member _.All: IReadOnlyList<LogEntry> = entries

    /// Another log with the same entries.
    member this.Copy() =
        let copy = EntryLog()
        copy.Apply
            { Sequence = 0UL
              HardState = null
              TruncateFrom = LogIndex.Zero
              Entries = [ System.ReadOnlyMemory(Seq.toArray this.All) ] }
        |> ignore
        copy

/// What one incarnation has on its disk. Writes are durable in the order in which they came; a crash loses those
/// that are still on their way.
[<Sealed>]
type Disk(owner: MemberId) =

    let log = EntryLog()

    member _.Owner = owner

    /// The last durable hard state; null before the first.
    member val Hard: HardState | null = null with get, set

    member _.Log = log

    /// Makes a write durable.
    member this.Settle(write: Write) =
        match write.HardState with
        | null -> ()
        | hard -> this.Hard <- hard
        log.Apply write |> ignore

    member this.Lineage =
        match this.Hard with
        | null -> Lineage.None
        | hard -> hard.Lineage

    /// What `State.restore` wants to know of the log.
    member _.Outline =
        if log.Count = 0 then
            LogOutline.empty
        else
            let mutable runs = []
            for entry in log.All do
                match runs with
                | (run: TermRun) :: _ when run.Term = entry.Term -> ()
                | _ -> runs <- { First = entry.Index; Term = entry.Term } :: runs
            LogOutline.restore LogPosition.Zero log[log.Last].Position (List.rev runs)

    /// The configurations in the log, newest first.
    member _.Configurations =
        [ for entry in log.All do
              if entry.Kind = EntryKind.Configuration then
                  match Configuration.decode entry.Payload with
                  | Ok(struct (_, configuration)) -> struct (entry.Index, configuration)
                  | Error error -> failwith $"{entry.Position}: {error}" ]
        |> List.rev
