namespace Mosaik.Hybrid.Simulation

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// The limits that every member keeps, whatever the others and its clients do.
[<RequireQualifiedAccess>]
module Bounds =

    let private exceeds (self: MemberId) (what: string) =
        Rules.break' Rules.bounds $"{Naming.show self} {what}"

    let private checkReads (self: MemberId) (state: State) =
        let reads = state.Reads
        if reads.Waiting.Length + reads.Asked.Length > 2 * State.readsMax then
            exceeds self "holds more strong reads than it may"
        match state.Role with
        | Role.Leader leading ->
            if
                leading.ReadsWaiting.Length > State.readsMax
                || leading.ReadsInRound.Length > State.readsMax
            then
                exceeds self "holds more readers than it may"
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> ()

    /// After every step.
    let check (self: MemberId) (state: GroupState) = checkReads self state.Raft

    /// One append carries no more entries than it may, and leaves no more on their way than may be.
    let checkAppend
        (config: NodeConfig)
        (self: MemberId)
        (recipient: MemberId)
        (range: LogRange)
        (state: State)
        =
        let most = min config.Consensus.EntriesPerAppendMax config.Consensus.EntriesInFlightMax
        if range.Count > most then
            exceeds self $"sends {range} in one append of at most {most} entries"
        match state.Role with
        | Role.Leader leading ->
            match leading.Progress.TryFind recipient with
            | Some { Mode = ReplicationMode.Replicate; MatchIndex = matched } ->
                let onTheirWay = range.Last.Value - min range.Last.Value matched.Value
                if onTheirWay > uint64 config.Consensus.EntriesInFlightMax then
                    exceeds self $"sends {range} to {Naming.show recipient}, which holds {matched}"
            | Some _
            | None -> ()
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> ()

    /// At most one bond to a peer, whatever its incarnation, and none across lineages.
    let checkBonds (self: MemberId) (state: GroupState) =
        let mutable former = ValueNone
        // The map is sorted by peer first.
        for pair in state.Links do
            match former with
            | ValueSome peer when peer = pair.Key.Peer ->
                Rules.break' Rules.bonds $"{Naming.show self} has two bonds to one peer"
            | ValueSome _
            | ValueNone -> ()
            former <- ValueSome pair.Key.Peer
