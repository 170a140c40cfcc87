namespace Mosaik.Hybrid.Core

open System

open Mosaik.Hybrid

/// Consecutive entries of one term: the first of them. The run ends where the next one begins.
[<Struct>]
type TermRun = { First: LogIndex; Term: Term }

/// How many payload bytes the log holds up to and including an index.
[<Struct>]
type Weight = { UpTo: LogIndex; Bytes: int64 }

// Numbers are compared by their values here and on other hot paths: F#'s generic comparison would box them.

/// What the core knows of the log: which term wrote which indexes, and roughly how heavy they are.
/// Never an entry, so a million of them cost a few dozen bytes.
[<NoComparison>]
type LogOutline =
    {
        /// The position before the first entry: 0/0, or the snapshot point.
        Base: LogPosition
        /// The position of the last entry; equals Base while the log is empty.
        Last: LogPosition
        /// Newest first; terms fall strictly along the list.
        Runs: TermRun list
        /// Newest first; at most `weightsMax`. Between two of them bytes are taken as spread evenly.
        Weights: Weight list
    }

[<RequireQualifiedAccess>]
module LogOutline =

    let private weightsMax = 64

    /// What an entry weighs besides its payload.
    let private entryOverhead = 32L

    let private weightless (position: LogPosition) = { UpTo = position.Index; Bytes = 0L }

    let empty =
        { Base = LogPosition.Zero
          Last = LogPosition.Zero
          Runs = []
          Weights = [ weightless LogPosition.Zero ] }

    /// The outline of a log read back from a store, its runs oldest first.
    let restore (basis: LogPosition) (last: LogPosition) (runs: TermRun list) =
        { Base = basis; Last = last; Runs = List.rev runs; Weights = [ weightless last ] }

    /// The term of the entry at an index, the base included; none outside the log.
    let termAt (index: LogIndex) (outline: LogOutline) : Term voption =
        let rec find (runs: TermRun list) =
            match runs with
            | [] -> ValueNone
            | run :: older ->
                if run.First.Value <= index.Value then
                    ValueSome run.Term
                else
                    find older
        if index.Value > outline.Last.Index.Value || index.Value < outline.Base.Index.Value then
            ValueNone
        elif index = outline.Base.Index then
            ValueSome outline.Base.Term
        else
            find outline.Runs

    /// The position of an index that the log or its base holds.
    let positionAt (index: LogIndex) (outline: LogOutline) : LogPosition voption =
        match termAt index outline with
        | ValueSome term -> ValueSome(LogPosition(term, index))
        | ValueNone -> ValueNone

    /// The most runs in one description of a part of the log.
    let runsMax = 256

    /// Which term wrote which of the entries from `first` to `last`, oldest first; and how far at most `runsMax` runs go.
    let runsBetween
        (first: LogIndex)
        (last: LogIndex)
        (outline: LogOutline)
        : struct (TermRun list * LogIndex) =
        let rec gather (newer: TermRun list) (runs: TermRun list) =
            match runs with
            | run :: older when run.First.Value > last.Value -> gather newer older
            | run :: older when run.First.Value > first.Value -> gather (run :: newer) older
            | run :: _ -> { run with First = first } :: newer
            | [] -> newer
        let runs = gather [] outline.Runs
        if runs.Length <= runsMax then
            struct (runs, last)
        else
            struct (List.truncate runsMax runs, (List.item runsMax runs).First.Previous)

    /// The last position that is neither after the index nor of a later term: where two logs could still agree.
    /// A leader and a follower that answer each other with it skip a whole term at a time (Raft §5.3).
    let lastAtMost (index: LogIndex) (term: Term) (outline: LogOutline) : LogPosition =
        let rec find (last: LogIndex) (runs: TermRun list) =
            match runs with
            | [] -> outline.Base
            | run :: older ->
                if run.First.Value <= index.Value && run.Term.Value <= term.Value then
                    LogPosition(run.Term, (if last.Value < index.Value then last else index))
                else
                    find run.First.Previous older
        find outline.Last.Index outline.Runs

    let private addWeight (weight: Weight) (weights: Weight list) =
        let rec thin kept (rest: Weight list) =
            match rest with
            | first :: _ :: older -> thin (first :: kept) older
            | [ last ] -> List.rev (last :: kept)
            | [] -> List.rev kept
        let weights = weight :: weights
        if weights.Length > weightsMax then
            thin [] weights
        else
            weights

    /// The log with one more run of entries at its end. The entries' indexes must follow on.
    let append (entries: ReadOnlyMemory<LogEntry>) (outline: LogOutline) : LogOutline =
        if entries.IsEmpty then
            outline
        else
            let span = entries.Span
            let mutable runs = outline.Runs
            let mutable last = outline.Last
            let mutable bytes =
                match outline.Weights with
                | newest :: _ -> newest.Bytes
                | [] -> 0L
            for place in 0 .. span.Length - 1 do
                let entry = &span[place]
                if runs.IsEmpty || entry.Term <> last.Term then
                    runs <- { First = entry.Index; Term = entry.Term } :: runs
                last <- LogPosition(entry.Term, entry.Index)
                bytes <- bytes + entryOverhead + int64 entry.Payload.Length
            { outline with
                Last = last
                Runs = runs
                Weights = addWeight { UpTo = last.Index; Bytes = bytes } outline.Weights }

    /// How many bytes the log holds up to an index, between two known weights by proportion.
    let private bytesUpTo (index: LogIndex) (outline: LogOutline) : int64 =
        let rec find (newer: Weight) (weights: Weight list) =
            match weights with
            | [] -> newer.Bytes
            | weight :: older ->
                if weight.UpTo.Value > index.Value then
                    find weight older
                elif newer.UpTo.Value <= weight.UpTo.Value then
                    weight.Bytes
                else
                    let part =
                        double (index.Value - weight.UpTo.Value)
                        / double (newer.UpTo.Value - weight.UpTo.Value)
                    weight.Bytes + int64 (double (newer.Bytes - weight.Bytes) * part)
        match outline.Weights with
        | newest :: older when newest.UpTo.Value > index.Value -> find newest older
        | newest :: _ -> newest.Bytes
        | [] -> 0L

    /// About how many bytes the entries after `first` up to `last` hold.
    let bytesBetween (first: LogIndex) (last: LogIndex) (outline: LogOutline) : int64 =
        if last.Value <= first.Value then
            0L
        else
            bytesUpTo last outline - bytesUpTo first outline

    /// The last index of a message that starts at `first`: within the log, at most `count` entries and about
    /// `bytes` bytes, but at least one entry.
    let lastOfBatch (first: LogIndex) (count: int) (bytes: int) (outline: LogOutline) : LogIndex =
        let limit = LogIndex(min outline.Last.Index.Value (first.Value + uint64 count - 1UL))
        let fits (last: uint64) =
            bytesBetween first.Previous (LogIndex last) outline <= int64 bytes
        let rec search (low: uint64) (high: uint64) =
            if low >= high then
                low
            else
                let middle = low + (high - low + 1UL) / 2UL
                if fits middle then
                    search middle high
                else
                    search low (middle - 1UL)
        if limit.Value <= first.Value || fits limit.Value then
            limit
        else
            LogIndex(search first.Value limit.Value)

    /// The log without its entries up to a position that it holds.
    let compactTo (through: LogPosition) (outline: LogOutline) : LogOutline =
        let rec kept (runs: TermRun list) =
            match runs with
            | run :: older when run.First.Value > through.Index.Next.Value -> run :: kept older
            | run :: _ -> [ { run with First = through.Index.Next } ]
            | [] -> []
        let rec known (weights: Weight list) =
            match weights with
            | weight :: older when weight.UpTo.Value > through.Index.Value -> weight :: known older
            | weight :: _ -> [ weight ]
            | [] -> []
        { outline with
            Base = through
            Runs =
                (if through.Index.Value >= outline.Last.Index.Value then
                     []
                 else
                     kept outline.Runs)
            Weights = known outline.Weights }

    /// The log without its entries from an index on, which lies after the base.
    let truncateFrom (from: LogIndex) (outline: LogOutline) : LogOutline =
        if from.Value > outline.Last.Index.Value then
            outline
        else
            let kept = from.Previous
            let bytes = bytesUpTo kept outline
            let runs = outline.Runs |> List.skipWhile (fun run -> run.First.Value >= from.Value)
            let last =
                match runs with
                | [] -> outline.Base
                | run :: _ -> LogPosition(run.Term, kept)
            let weights =
                outline.Weights
                |> List.skipWhile (fun weight -> weight.UpTo.Value >= kept.Value)
            { outline with Last = last; Runs = runs; Weights = { UpTo = kept; Bytes = bytes } :: weights }
