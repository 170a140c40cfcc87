namespace Mosaik.Hybrid.Core

open Mosaik.Hybrid

/// Snapshots of the state machine in the place of the log's beginning (Raft §7). Sending and taking them is the part
/// of Leader and Follower; here is what becomes of the log.
[<RequireQualifiedAccess>]
module Snapshots =

    let private isNewer (snapshot: SnapshotFacts) (state: State) =
        match state.Snapshot with
        | ValueSome known -> snapshot.Position.Index > known.Position.Index
        | ValueNone -> true

    /// Members that a snapshot is on its way to want the entries after it.
    let private wantedAfter (state: State) : LogIndex list =
        match state.Role with
        | Role.Leader leading ->
            leading.Progress
            |> Map.toList
            |> List.choose (fun (id, progress) ->
                match progress.Mode with
                | ReplicationMode.Snapshot transfer when state.Bonded.ContainsKey id ->
                    Some transfer.Snapshot.Position.Index
                | ReplicationMode.Snapshot _
                | ReplicationMode.CatchUp _
                | ReplicationMode.Probe _
                | ReplicationMode.Replicate -> None)
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> []

    /// Forgets entries that a snapshot stands for, but for the last `kept` of them.
    let private compact (snapshot: SnapshotFacts) (kept: int) (state: State) =
        let index = snapshot.Position.Index.Value
        let margin = uint64 (max 0 kept)
        let through = LogIndex(index - min index margin)
        let through =
            (through, state.LastApplied :: wantedAfter state)
            ||> List.fold (fun lowest index -> if index < lowest then index else lowest)
        match LogOutline.positionAt through state.Outline with
        | ValueSome position when through > state.Outline.Base.Index ->
            { state with Outline = LogOutline.compactTo position state.Outline }
        | ValueSome _
        | ValueNone -> state

    /// The own machine's state at a position is durable. One that has the end of the lineage in it is of no use: whoever
    /// got it instead of the entry would not know of the end.
    let onSaved (snapshot: SnapshotFacts) (kept: int) (state: State) =
        let position = snapshot.Position
        let hidesEnd = state.Dissolution <> LogIndex.Zero && position.Index >= state.Dissolution
        if hidesEnd || not (isNewer snapshot state) then
            state
        elif
            position.Index > state.CommitIndex
            || LogOutline.termAt position.Index state.Outline <> ValueSome position.Term
        then
            State.halt
                "A snapshot stands at a committed entry."
                $"it stands at {position}, committed {state.CommitIndex}, last {state.Outline.Last}"
                state
        else
            { state with Snapshot = ValueSome snapshot } |> compact snapshot kept

    /// The log did not reach so far, or differs: it goes, all of it was uncommitted or is in the snapshot.
    let private install (snapshot: SnapshotFacts) (timestamp: int64) (hasCommands: bool) (state: State) =
        let position = snapshot.Position
        let state = LogWrites.installAt position state
        { state with
            Lineage = snapshot.Lineage
            Configurations = [ struct (position.Index, snapshot.Configuration) ]
            FirstCommand = if hasCommands then position.Index else LogIndex.Zero
            CommitIndex = position.Index
            LastApplied = position.Index
            LastTimestamp = max state.LastTimestamp timestamp
            Follow =
                { state.Follow with
                    Verified = position.Index
                    Refusal = ValueNone
                    Intake = ValueNone
                    Fetching = ValueNone } }

    /// A snapshot that a leader sent is whole and durable, and holds only what was committed: it is good whoever leads
    /// by now. The log may have come so far by itself meanwhile; then it stays (Raft §7, step 6).
    let onReceived (snapshot: SnapshotFacts) (timestamp: int64) (hasCommands: bool) (state: State) =
        let position = snapshot.Position
        let isOurs = State.isUnaffiliated state || snapshot.Lineage = state.Lineage
        if not isOurs || not (isNewer snapshot state) then
            state
        else
            let state = { state with Snapshot = ValueSome snapshot }
            if position.Index <= state.CommitIndex then
                state
            elif LogOutline.termAt position.Index state.Outline = ValueSome position.Term then
                LogWrites.advanceCommit position.Index state
            elif State.isLeader state then
                State.halt
                    "A leader's log holds all that was committed (Leader Completeness)."
                    $"a snapshot stands at {position}, the log ends at {state.Outline.Last}"
                    state
            else
                install snapshot timestamp hasCommands state
