namespace Mosaik.Hybrid.Core

open Mosaik.Hybrid

/// Whom to dial, and when: links to all peers while they are few, to random ones when they are many, and the
/// given addresses again and again until somebody was found there.
[<RequireQualifiedAccess>]
module Dialing =

    /// Half of the exponential delay for sure, the other half at random: peers that failed together spread out.
    let private delay (config: DiscoveryConfig) (attempts: int) (state: GossipState) =
        let most =
            if state.Links.IsEmpty then
                config.RedialMax
            else
                config.RedialSlow
        let full = min (int64 most) (int64 config.RedialMin <<< min attempts 20)
        let half = int (full / 2L)
        let struct (extra, rng) = Rng.upTo half state.Rng
        struct (half + extra, { state with Rng = rng })

    /// The target may be dialled again after a while, longer after each failure.
    let postpone
        (config: DiscoveryConfig)
        (now: Instant)
        (failed: bool)
        (target: DialTarget)
        (state: GossipState)
        =
        let attempts =
            match state.Redials.TryGetValue target with
            | true, redial -> redial.Attempts
            | false, _ -> 0
        let attempts = if failed then attempts + 1 else 0
        let struct (wait, state) = delay config attempts state
        let redial = { Attempts = attempts; NextAt = now.Plus wait; InFlight = false }
        { state with Redials = state.Redials.Add(target, redial) }

    /// The dial ended with a link; a valid message has yet to show that it is good for something.
    let connected (target: DialTarget) (state: GossipState) =
        match state.Redials.TryGetValue target with
        | true, redial -> { state with Redials = state.Redials.Add(target, { redial with InFlight = false }) }
        | false, _ -> state

    /// The last link broke: nobody waits out a slow cadence any longer.
    let hurry (now: Instant) (state: GossipState) =
        let hasten _ (redial: Redial) =
            if redial.InFlight || redial.NextAt <= now then
                redial
            else
                { redial with NextAt = now; Attempts = 0 }
        { state with Redials = Map.map hasten state.Redials }

    /// Forgets how peers were dialled that are no longer known.
    let prune (state: GossipState) =
        let isOfUse target (redial: Redial) =
            match target with
            | DialTarget.Address _ -> true
            | DialTarget.Peer peer -> redial.InFlight || Catalog.isLive peer state.Catalog
        { state with Redials = Map.filter isOfUse state.Redials }

    /// An address needs no dial while it leads to ourselves or to a peer that is linked. With many peers, one
    /// that is known will do; with few it will not, since another may have started in its place.
    let private isSatisfied (config: DiscoveryConfig) (state: GossipState) (found: PeerId voption) =
        let isOneOfMany peer =
            state.Catalog.Live > config.FullMeshMax
            && not state.Links.IsEmpty
            && Catalog.isLive peer state.Catalog
        match found with
        | ValueNone -> false
        | ValueSome peer ->
            peer = state.Self.Record.Peer
            || GossipState.isLinked peer state
            || isOneOfMany peer

    let private openAddresses (config: DiscoveryConfig) (state: GossipState) =
        [ for KeyValue(address, found) in state.Addresses do
              if not (isSatisfied config state found) then
                  DialTarget.Address address ]

    let private unlinkedPeers (state: GossipState) =
        let linked = state.Links |> Map.toSeq |> Seq.map (fun (_, link) -> link.Peer) |> Set.ofSeq
        [ for KeyValue(peer, entry) in state.Catalog.Entries do
              if
                  not entry.Record.Departed
                  && entry.Record.Addresses.Length > 0
                  && not (linked.Contains peer)
              then
                  DialTarget.Peer peer ]

    let private redialOf (state: GossipState) target =
        match state.Redials.TryGetValue target with
        | true, redial -> ValueSome redial
        | false, _ -> ValueNone

    /// With many peers: as many random ones as links are missing, not counting dials in flight.
    let private sample
        (config: DiscoveryConfig)
        (now: Instant)
        (peers: DialTarget list)
        (state: GossipState)
        =
        let isInFlight target =
            match redialOf state target with
            | ValueSome redial -> redial.InFlight
            | ValueNone -> false
        let mayDial target =
            match redialOf state target with
            | ValueSome redial -> redial.NextAt <= now
            | ValueNone -> true
        let inFlight = peers |> List.filter isInFlight |> List.length
        let missing = config.FanOut - state.Links.Count - inFlight
        if missing <= 0 then
            struct ([], state)
        else
            let ready =
                peers
                |> List.filter (fun target -> not (isInFlight target) && mayDial target)
                |> Array.ofList
            if ready.Length = 0 then
                // All were tried in vain: the earliest of them sets the deadline.
                struct (peers, state)
            else
                let draw struct (chosen: Set<DialTarget>, rng) _ =
                    let struct (index, rng) = Rng.upTo (ready.Length - 1) rng
                    struct (chosen.Add ready[index], rng)
                let struct (chosen, rng) = List.fold draw struct (Set.empty, state.Rng) [ 1..missing ]
                struct (Set.toList chosen, { state with Rng = rng })

    let private wantedPeers config now (state: GossipState) =
        if state.Catalog.Live > config.FullMeshMax && state.Links.Count >= config.FanOut then
            struct ([], state)
        else
            let peers = unlinkedPeers state
            if state.Catalog.Live <= config.FullMeshMax then
                struct (peers, state)
            else
                sample config now peers state

    /// The peer with the lower id dials first; the other gives it a second, so that they seldom cross.
    let private firstDial (now: Instant) (state: GossipState) target =
        match target with
        | DialTarget.Address _ -> { Attempts = 0; NextAt = now; InFlight = false }
        | DialTarget.Peer peer ->
            let wait = if state.Self.Record.Peer < peer then 0 else 1_000
            { Attempts = 0; NextAt = now.Plus wait; InFlight = false }

    let private dialOf (state: GossipState) target =
        match target with
        | DialTarget.Address address -> GossipOutput.Dial(target, [| address |], ValueNone)
        | DialTarget.Peer peer ->
            let entry = state.Catalog.Entries[peer]
            GossipOutput.Dial(target, entry.Record.Addresses, ValueSome peer)

    /// Dials what is due, and says when the next dial is.
    let maintain
        (config: DiscoveryConfig)
        (now: Instant)
        (state: GossipState)
        : struct (GossipState * GossipOutput list) =
        if state.Leaving then
            struct ({ state with DialAt = Instant.Never }, [])
        else
            let struct (peers, state) = wantedPeers config now state
            let visit struct (state: GossipState, dials, soonest: Instant) target =
                let redial =
                    redialOf state target
                    |> ValueOption.defaultWith (fun () -> firstDial now state target)
                let keep redial =
                    { state with Redials = state.Redials.Add(target, redial) }
                if redial.InFlight then
                    struct (state, dials, soonest)
                elif redial.NextAt <= now then
                    struct (keep { redial with InFlight = true }, dialOf state target :: dials, soonest)
                else
                    struct (keep redial, dials, (if redial.NextAt < soonest then redial.NextAt else soonest))
            let struct (state, dials, soonest) =
                List.fold visit struct (state, [], Instant.Never) (openAddresses config state @ peers)
            struct ({ state with DialAt = soonest }, List.rev dials)
