namespace Mosaik.Hybrid.Core

open System

open Mosaik.Hybrid

/// How a member changes its part (Raft §5.1, §5.2). Nothing else sets Role or CurrentTerm.
[<RequireQualifiedAccess>]
module Roles =

    /// Enters a later term, in which nobody has this member's vote yet.
    let enterTerm (term: Term) (state: State) =
        if term > state.CurrentTerm then
            { state with CurrentTerm = term; VotedFor = ValueNone }
        else
            state

    /// Follows a leader, or waits for one.
    let becomeFollower (config: NodeConfig) (clock: Clock) (leader: MemberId voption) (state: State) =
        match state.Role with
        | Role.Follower -> State.withLeader leader state
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> { state with Role = Role.Follower } |> State.withLeader leader
        | Role.Leader leading ->
            // Strong reads of this node wait for the next leader; those of others ask again themselves.
            let waiting =
                leading.ReadsInRound @ leading.ReadsWaiting
                |> List.choose (function
                    | Reader.Local id -> Some id
                    | Reader.Remote _ -> None)
            let reads = state.Reads
            { state with Role = Role.Follower; Reads = { reads with Waiting = waiting @ reads.Waiting } }
            |> State.withLeader leader
            |> State.resetElection config clock

    /// Steps down into a later term whose leader is not known yet.
    let stepDownTo (config: NodeConfig) (clock: Clock) (term: Term) (state: State) =
        state |> enterTerm term |> becomeFollower config clock ValueNone

    /// Enters the term of a ballot, and says whether this member's one vote in it is free for the candidate, or its
    /// already (Raft §5.2: one vote a term; the same candidate may ask again).
    let enterBallot config clock (term: Term) (candidate: MemberId) (state: State) : struct (bool * State) =
        let state =
            if term > state.CurrentTerm then
                stepDownTo config clock term state
            else
                state
        let isFree =
            match state.VotedFor with
            | ValueNone -> true
            | ValueSome id -> id.Equals candidate
        struct (isFree, state)

    let private progressAt (clock: Clock) (next: LogIndex) (session: uint64) =
        { MatchIndex = LogIndex.Zero
          NextIndex = next
          Mode = ReplicationMode.Probe false
          Session = session
          HeardAt = clock.Now
          RoundEchoed = 0UL
          RoundSent = 0UL
          CommitSent = LogIndex.Zero
          HeartbeatDue = true
          CatchUpAfter = State.longAgo }

    /// Progress for exactly the other members of the configuration: what is known stays, newcomers start over.
    let followMembers
        (clock: Clock)
        (configuration: Configuration)
        (self: MemberId)
        (leading: LeaderState)
        next
        =
        let others =
            Configuration.members configuration
            |> List.filter (fun id -> not (id.Equals self))
        let add (leading: LeaderState, progress: Map<MemberId, Progress>) (id: MemberId) =
            match leading.Progress.TryFind id with
            | Some known -> leading, progress.Add(id, known)
            | None ->
                let started = progressAt clock next leading.NextSession
                { leading with NextSession = leading.NextSession + 1UL }, progress.Add(id, started)
        let leading, progress = others |> List.fold add (leading, Map.empty)
        { leading with Progress = progress }

    /// Replication with a member starts over: a new bond may have lost what was on its way on the old one.
    let restartReplication (id: MemberId) (state: State) =
        match state.Role with
        | Role.Leader leading when leading.Progress.ContainsKey id ->
            let former = leading.Progress[id]
            let restarted =
                { former with
                    NextIndex =
                        if former.MatchIndex = LogIndex.Zero then
                            former.NextIndex
                        else
                            former.MatchIndex.Next
                    Mode = ReplicationMode.Probe false
                    Session = leading.NextSession
                    RoundEchoed = 0UL
                    RoundSent = 0UL
                    CommitSent = LogIndex.Zero
                    HeartbeatDue = true }
            let leading =
                { leading with
                    Progress = leading.Progress.Add(id, restarted)
                    NextSession = leading.NextSession + 1UL }
            { state with Role = Role.Leader leading }
        | Role.Leader _
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> state

    let private firstEntry (clock: Clock) (kind: EntryKind) (payload: byte[]) (state: State) : LogEntry =
        { Index = state.Outline.Last.Index.Next
          Term = state.CurrentTerm
          Kind = kind
          BatchRemaining = 0
          Timestamp = max state.LastTimestamp clock.Wall
          Proposer = null
          Number = 0UL
          Payload = ReadOnlyMemory payload }

    /// Leads, with one entry of the own term first (Raft §8): a no-op, or a founder's configuration.
    let private lead (config: NodeConfig) (clock: Clock) (kind: EntryKind) (payload: byte[]) (state: State) =
        let entry = firstEntry clock kind payload state
        let state =
            State.withLeader (ValueSome state.Self) state
            |> LogWrites.append (ReadOnlyMemory [| entry |])
        let leading =
            { Progress = Map.empty
              TermStart = entry.Index
              NextSession = 1UL
              HeartbeatAt = clock.Now.Plus config.Consensus.HeartbeatInterval
              Appended = Map.empty
              Round = 0UL
              ReadsWaiting = []
              ReadsInRound = []
              ReadIndex = LogIndex.Zero
              TailAtBeat = entry.Index
              ReviewDue = true
              Transfer = ValueNone
              OfferAt = clock.Now.Plus config.Consensus.HeartbeatInterval }
        let leading =
            match State.configuration state with
            | ValueSome configuration -> followMembers clock configuration state.Self leading entry.Index
            | ValueNone -> leading
        // Own strong reads that waited for a leader have one now.
        let waiting = state.Reads.Waiting |> List.map Reader.Local
        { state with
            Role = Role.Leader { leading with ReadsWaiting = waiting }
            Reads = { state.Reads with Waiting = [] }
            ElectionAt = Instant.Never }

    let becomeLeader (config: NodeConfig) (clock: Clock) (state: State) =
        lead config clock EntryKind.NoOp [||] state

    let becomeFounder
        (config: NodeConfig)
        (clock: Clock)
        (lineage: Lineage)
        (proposal: Configuration)
        (state: State)
        =
        { state with Lineage = lineage }
        |> lead config clock EntryKind.Configuration (Configuration.encode lineage proposal)
