namespace Mosaik.Hybrid.Core

open System.Collections.Generic

open Mosaik.Hybrid

/// What the state machine does with one committed entry.
[<RequireQualifiedAccess>]
type FilterVerdict =
    /// Nothing to apply: a no-op or a configuration.
    | Nothing = 0
    /// Apply this command.
    | Apply = 1
    /// The command is part of an atomic batch that is not complete yet.
    | Hold = 2
    /// The batch is complete: apply the held commands, in order; this one is the last of them.
    | ApplyHeld = 3
    /// The command has taken effect before: drop it.
    | Repeat = 4
    /// An earlier command of the same proposer is missing: drop it, the proposer sends both again.
    | Gap = 5

/// The last number of each proposer that took effect, and the order of use.
[<Struct; NoEquality; NoComparison>]
type private Session = { Last: uint64; UsedAt: LogIndex }

/// What is remembered of one proposer.
[<Struct; NoComparison>]
type ProposerRecord =
    {
        Proposer: ProposerId
        /// The number of its last command that took effect; from 1.
        Last: uint64
        /// Where that command stands.
        UsedAt: LogIndex
    }

/// Exactly once, in order, and batches whole (rules 9 and 10): every member runs its committed entries through
/// one of these, in log order, and all decide alike, because nothing but the entries enters.
///
/// Not a value but a machine with state, beside the user's machine and as deterministic: it belongs to one
/// applier and is never shared. No allocation per entry.
[<Sealed>]
type CommandFilter(sessionsMax: int) =

    let sessions = Dictionary<ProposerId, Session>()
    let held = List<LogEntry>()

    let lastOf (proposer: ProposerId) =
        match sessions.TryGetValue proposer with
        | true, session -> session.Last
        | false, _ -> 0UL

    /// Drops the proposer that has been silent for longest, by the log's own order.
    let evict () =
        let mutable oldest = Unchecked.defaultof<ProposerId>
        let mutable usedAt = LogIndex System.UInt64.MaxValue
        for pair in sessions do
            if pair.Value.UsedAt < usedAt then
                oldest <- pair.Key
                usedAt <- pair.Value.UsedAt
        sessions.Remove oldest |> ignore

    let record (proposer: ProposerId) (number: uint64) (index: LogIndex) =
        if sessions.Count >= sessionsMax && not (sessions.ContainsKey proposer) then
            evict ()
        sessions[proposer] <- { Last = number; UsedAt = index }

    let continues (entry: LogEntry) (proposer: ProposerId) =
        let former = held[held.Count - 1]
        proposer.Equals former.Proposer
        && entry.Number = former.Number + 1UL
        && entry.BatchRemaining = former.BatchRemaining - 1

    let hold (entry: LogEntry) (proposer: ProposerId) =
        held.Add entry
        if entry.BatchRemaining = 0 then
            record proposer entry.Number entry.Index
            FilterVerdict.ApplyHeld
        else
            FilterVerdict.Hold

    let judge (entry: LogEntry) (proposer: ProposerId) =
        let last = lastOf proposer
        if entry.Number <= last then
            FilterVerdict.Repeat
        elif entry.Number > last + 1UL then
            FilterVerdict.Gap
        elif entry.BatchRemaining > 0 then
            hold entry proposer
        else
            record proposer entry.Number entry.Index
            FilterVerdict.Apply

    /// The most proposers that are remembered unless told otherwise.
    static member SessionsMaxDefault = 65_536

    /// The commands of the batch that is being gathered, or that the last verdict completed.
    member _.Held: IReadOnlyList<LogEntry> = held

    /// The number of the proposer's last command that took effect; 0 before the first.
    member _.LastOf(proposer: ProposerId) = lastOf proposer

    /// Where the proposer's last command that took effect stands; zero before the first.
    member _.UsedAt(proposer: ProposerId) =
        match sessions.TryGetValue proposer with
        | true, session -> session.UsedAt
        | false, _ -> LogIndex.Zero

    /// How many proposers are remembered.
    member _.SessionCount = sessions.Count

    /// False while commands of a batch are held: then its table does not say all that it knows, and no snapshot may
    /// be taken. A batch ends within 65,536 entries.
    member _.IsBetweenBatches = held.Count = 0 || held[held.Count - 1].BatchRemaining = 0

    /// All that it knows between batches, in the order of the proposers; alike on every member.
    member _.Records: ProposerRecord[] =
        let records: ProposerRecord[] = Array.zeroCreate sessions.Count
        let mutable place = 0
        for pair in sessions do
            records[place] <- { Proposer = pair.Key; Last = pair.Value.Last; UsedAt = pair.Value.UsedAt }
            place <- place + 1
        Array.sortInPlaceBy (fun record -> record.Proposer) records
        records

    /// Forgets all that it knows, and knows this instead.
    member _.Restore(records: ProposerRecord[]) =
        held.Clear()
        sessions.Clear()
        for record in records do
            sessions[record.Proposer] <- { Last = record.Last; UsedAt = record.UsedAt }

    /// Judges the next entry of the log. After `ApplyHeld` the held commands stay until the next call.
    member _.Judge(entry: LogEntry) : FilterVerdict =
        if held.Count > 0 && held[held.Count - 1].BatchRemaining = 0 then
            held.Clear()
        match entry.Kind, entry.Proposer with
        | EntryKind.Command, (NonNull proposer) ->
            if held.Count > 0 && continues entry proposer then
                hold entry proposer
            else
                // A batch that another entry interrupts was cut by a change of leader: no member applies any of it.
                held.Clear()
                judge entry proposer
        | _, _ ->
            held.Clear()
            FilterVerdict.Nothing
