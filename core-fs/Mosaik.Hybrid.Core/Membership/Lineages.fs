namespace Mosaik.Hybrid.Core

open System

open Mosaik.Hybrid

/// What happens when members of one group belong to different lineages (rule 13). Their logs never mix; but a lineage
/// that never committed a command is of no use to anybody, and ends in one of three ways, none of which loses one.
[<RequireQualifiedAccess>]
module Lineages =

    /// A command of the own lineage is committed, as far as this member knows.
    let hasCommands (state: State) =
        state.FirstCommand <> LogIndex.Zero && state.FirstCommand <= state.CommitIndex

    /// The other lineages that are known to live, lowest first.
    let others (state: State) : Lineage list =
        if state.Strangers.IsEmpty then
            []
        else
            state.Strangers
            |> Map.toList
            |> List.map (fun (_, stranger) -> stranger.Lineage)
            |> List.distinct
            |> List.sortBy (fun lineage -> struct (lineage.Value.High, lineage.Value.Low))

    let private noteBonded (peer: MemberId) (lineage: Lineage) (hasCommands: bool) (state: State) =
        match state.Bonded.TryFind peer with
        | Some facts ->
            let facts = { facts with Lineage = lineage; HasCommands = hasCommands }
            { state with Bonded = state.Bonded.Add(peer, facts) }
        | None -> state

    /// It is ours, or could still become ours: whatever it said before, it is no witness against us.
    let private noteFriend (peer: MemberId) (state: State) =
        let state =
            if state.Foreign.ContainsKey peer then
                { state with Foreign = state.Foreign.Remove peer }
            else
                state
        if state.Strangers.ContainsKey peer.Peer then
            { state with Strangers = state.Strangers.Remove peer.Peer }
        else
            state

    let private noteStranger (clock: Clock) (peer: MemberId) (lineage: Lineage) hasCommands (state: State) =
        let isKnown = state.Strangers.ContainsKey peer.Peer
        let stranger = { Lineage = lineage; HasCommands = hasCommands; SeenAt = clock.Now }
        let state =
            if isKnown || state.Strangers.Count < State.strangersMax then
                { state with Strangers = state.Strangers.Add(peer.Peer, stranger) }
            else
                state
        match State.configuration state with
        | ValueSome configuration when Configuration.isMember peer configuration ->
            { state with Foreign = state.Foreign.Add(peer, lineage) }
        | ValueSome _
        | ValueNone -> state

    /// Members of exactly these incarnations that belong to other lineages leave no majority: the own one never
    /// committed anything and never will, since affiliation is final for an incarnation.
    let private neverCommitted (configuration: Configuration) (state: State) =
        state.CommitIndex = LogIndex.Zero
        && not (Quorum.isReached configuration (state.Foreign.ContainsKey >> not))

    /// The peer has begun a later life, which is not of this lineage.
    let private isPast (state: State) (id: MemberId) =
        state.Foreign.ContainsKey id
        || state.Strangers.ContainsKey id.Peer
        || (not (state.Bonded.ContainsKey id)
            && state.Bonded
               |> Map.exists (fun bonded facts -> bonded.Peer = id.Peer && facts.Lineage.IsNone))

    /// All other voters are in later lives or other lineages, so nothing can be committed here any more, and nobody is
    /// left with a log of this lineage; and this one holds no command that could be lost with it. Less than all is not
    /// enough: the rest may have gone on without those that are past, through changes that this member has missed.
    let private isBarren (configuration: Configuration) (state: State) =
        state.FirstCommand = LogIndex.Zero
        && state.Leader.IsNone
        && not (State.isLeader state)
        && not (Quorum.isReached configuration (isPast state >> not))
        && Configuration.voters configuration
           |> List.forall (fun id -> id.Equals state.Self || isPast state id)

    /// Begins anew when the own lineage can do nothing for anybody.
    let private giveUpIfUseless (state: State) =
        match State.configuration state with
        | ValueSome configuration when neverCommitted configuration state || isBarren configuration state ->
            State.say Output.Reset state
        | ValueSome _
        | ValueNone -> state

    /// A member's lineage became known, on a bond or by its refusal.
    let onAffiliated (clock: Clock) (peer: MemberId) (lineage: Lineage) hasCommands (state: State) =
        let state = noteBonded peer lineage hasCommands state
        if State.isUnaffiliated state || lineage.IsNone || lineage = state.Lineage then
            noteFriend peer state
        else
            noteStranger clock peer lineage hasCommands state |> giveUpIfUseless

    let private isStale (config: NodeConfig) (clock: Clock) (stranger: Stranger) =
        clock.Now.Since stranger.SeenAt >= int64 config.Consensus.RemovalDelay

    /// Strangers that were not heard of for long are forgotten; they are met again if they are still there.
    let onTick (config: NodeConfig) (clock: Clock) (state: State) =
        let state =
            if state.Strangers |> Map.exists (fun _ stranger -> isStale config clock stranger) then
                let met =
                    state.Strangers
                    |> Map.filter (fun _ stranger -> not (isStale config clock stranger))
                { state with Strangers = met }
            else
                state
        if State.isUnaffiliated state || State.isLeader state then
            state
        else
            giveUpIfUseless state

    /// The lineage that this one should end in, as its leader sees it: its log holds no command, committed or not, and
    /// the other does or has the lower id.
    let heir (state: State) : Lineage voption =
        if state.FirstCommand <> LogIndex.Zero || state.Strangers.IsEmpty then
            ValueNone
        else
            let isLower (lineage: Lineage) =
                compare lineage.Value state.Lineage.Value < 0
            state.Strangers
            |> Map.tryPick (fun _ stranger ->
                if stranger.HasCommands || isLower stranger.Lineage then
                    Some stranger.Lineage
                else
                    None)
            |> ValueOption.ofOption

    /// The last entry of a lineage. No command is taken after it.
    let dissolution (heir: Lineage) : LogEntry =
        let payload: byte[] = Array.zeroCreate 16
        heir.Value.CopyTo(payload.AsSpan())
        { Index = LogIndex.Zero
          Term = Term.Zero
          Kind = EntryKind.Dissolution
          BatchRemaining = 0
          Timestamp = 0L
          Proposer = null
          Number = 0UL
          Payload = ReadOnlyMemory payload }

    let private isDissolved (state: State) =
        state.Dissolution <> LogIndex.Zero && state.Dissolution <= state.CommitIndex

    /// A follower begins anew as soon as it knows that its lineage has ended.
    let endIfDissolved (state: State) =
        if isDissolved state && not (State.isLeader state) then
            State.say Output.Reset state
        else
            state

    /// The leader does so after it has told the others: with its next tick.
    let onLeaderTick (state: State) =
        if isDissolved state && State.isLeader state then
            State.say Output.Reset state
        else
            state
