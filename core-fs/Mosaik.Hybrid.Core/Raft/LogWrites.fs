namespace Mosaik.Hybrid.Core

open System

open Mosaik.Hybrid

/// Changes to the log, and what of them is durable. An entry counts for a member only when its store says so,
/// the leader's own included (rule 3).
[<RequireQualifiedAccess>]
module LogWrites =

    /// Takes note of what the core reads in entries. Configurations are in force from append on (Raft §6), and so is
    /// the end of a lineage.
    let private noteKinds (entries: ReadOnlyMemory<LogEntry>) (state: State) =
        let mutable configurations = state.Configurations
        let mutable firstCommand = state.FirstCommand
        let mutable dissolution = state.Dissolution
        let mutable broken = ValueNone
        let span = entries.Span
        for place in 0 .. span.Length - 1 do
            let entry = &span[place]
            match entry.Kind with
            | EntryKind.Command ->
                if firstCommand.Value = 0UL then
                    firstCommand <- entry.Index
            | EntryKind.Configuration ->
                match Configuration.decode entry.Payload with
                | Ok(struct (_, configuration)) ->
                    configurations <- struct (entry.Index, configuration) :: configurations
                | Error error -> broken <- ValueSome $"entry {entry.Position}: {error}"
            | EntryKind.Dissolution ->
                if dissolution.Value = 0UL then
                    dissolution <- entry.Index
            | EntryKind.NoOp
            | _ -> ()
        let state =
            { state with
                Configurations = configurations
                FirstCommand = firstCommand
                Dissolution = dissolution }
        match broken with
        | ValueSome evidence -> State.halt "A configuration entry holds a configuration." evidence state
        | ValueNone -> state

    /// Appends entries that follow on from the last one.
    let append (entries: ReadOnlyMemory<LogEntry>) (state: State) =
        if entries.IsEmpty then
            state
        else
            let last = entries.Span[entries.Length - 1]
            { state with
                Outline = LogOutline.append entries state.Outline
                PendingEntries = entries :: state.PendingEntries
                LastTimestamp = max state.LastTimestamp last.Timestamp }
            |> noteKinds entries

    /// What is left of entries that this same transition had appended.
    let private trimPending (from: LogIndex) (pending: ReadOnlyMemory<LogEntry> list) =
        pending
        |> List.choose (fun entries ->
            let first = entries.Span[0].Index
            if first >= from then
                None
            else
                Some(entries.Slice(0, min entries.Length (int (from.Value - first.Value)))))

    /// Removes the entries from an index on. Never at or below the commit index: that would undo a promise
    /// (rule 4), so it halts instead.
    let truncateFrom (from: LogIndex) (state: State) =
        if from <= state.CommitIndex then
            State.halt
                "A member never truncates at or below its commit index (rule 4)."
                $"asked to truncate from {from}, committed {state.CommitIndex}, last {state.Outline.Last}"
                state
        else
            let kept = from.Previous
            let atMost (index: LogIndex) = if index < kept then index else kept
            let unlessRemoved (index: LogIndex) =
                if index < from then index else LogIndex.Zero
            { state with
                Outline = LogOutline.truncateFrom from state.Outline
                Configurations =
                    state.Configurations |> List.skipWhile (fun struct (index, _) -> index >= from)
                FirstCommand = unlessRemoved state.FirstCommand
                Dissolution = unlessRemoved state.Dissolution
                PendingEntries = trimPending from state.PendingEntries
                PendingTruncate =
                    if state.PendingTruncate = LogIndex.Zero || from < state.PendingTruncate then
                        from
                    else
                        state.PendingTruncate
                DurableIndex = atMost state.DurableIndex
                Unsynced =
                    state.Unsynced
                    |> List.map (fun write -> { write with Reached = atMost write.Reached }) }

    /// A snapshot takes the place of the whole log: nothing of it agrees with what was committed beyond its end.
    let installAt (through: LogPosition) (state: State) =
        { state with
            Outline = LogOutline.restore through through []
            FirstCommand = LogIndex.Zero
            Dissolution = LogIndex.Zero
            PendingInstall = through
            PendingTruncate = LogIndex.Zero
            PendingEntries = []
            DurableIndex = through.Index
            // What is on its way to the disk belongs to the log that is gone.
            Unsynced = state.Unsynced |> List.map (fun write -> { write with Reached = LogIndex.Zero }) }

    /// A write came to rest. Later truncations have already lowered what it is good for.
    let onPersisted (sequence: uint64) (state: State) =
        let rec settle (durable: LogIndex) (unsynced: UnsyncedWrite list) =
            match unsynced with
            | oldest :: later when oldest.Sequence <= sequence ->
                settle (if oldest.Reached > durable then oldest.Reached else durable) later
            | rest -> struct (durable, rest)
        let struct (durable, unsynced) = settle state.DurableIndex state.Unsynced
        { state with
            DurableIndex = durable
            Unsynced = unsynced
            PersistedSequence = max state.PersistedSequence sequence }

    /// True while the oldest write on its way has taken an election timeout: who waits for such a disk holds the
    /// others up.
    let isStalled (config: NodeConfig) (clock: Clock) (state: State) =
        match state.Unsynced with
        | oldest :: _ -> clock.Now.Since oldest.Since >= int64 config.Consensus.ElectionTimeout
        | [] -> false

    /// Turns what the transition gathered into one write, if there is anything to write.
    let seal (clock: Clock) (hardStateChanged: bool) (state: State) : struct (State * Output voption) =
        // A truncation may take back what was acknowledged to a former leader: the watermark goes down with it, in
        // the same write, or a restart would take the shorter log for a loss (rule 16). A snapshot may, too.
        let hardStateChanged =
            hardStateChanged
            || state.PendingTruncate <> LogIndex.Zero
            || state.PendingInstall <> LogPosition.Zero
        let appended = not state.PendingEntries.IsEmpty
        if not hardStateChanged && not appended && state.PendingTruncate = LogIndex.Zero then
            struct (state, ValueNone)
        else
            let sequence = state.WriteSequence + 1UL
            let write =
                { Sequence = sequence
                  HardState = if hardStateChanged then State.hardState state else null
                  TruncateFrom = state.PendingTruncate
                  Entries = List.rev state.PendingEntries }
            let state =
                { state with
                    WriteSequence = sequence
                    HardStateSequence =
                        if hardStateChanged then
                            sequence
                        else
                            state.HardStateSequence
                    Unsynced =
                        state.Unsynced
                        @ [ { Sequence = sequence; Reached = state.Outline.Last.Index; Since = clock.Now } ]
                    PendingEntries = []
                    PendingTruncate = LogIndex.Zero }
            struct (state, ValueSome(Output.Write write))

    /// The commit index goes up, never down (rule 12), and settles which configuration can't be undone.
    let advanceCommit (index: LogIndex) (state: State) =
        if index <= state.CommitIndex then
            state
        else
            let rec settled (configurations: struct (LogIndex * Configuration) list) =
                match configurations with
                | struct (at, configuration) :: older ->
                    if at <= index then
                        [ struct (at, configuration) ]
                    else
                        struct (at, configuration) :: settled older
                | [] -> []
            { state with CommitIndex = index; Configurations = settled state.Configurations }
