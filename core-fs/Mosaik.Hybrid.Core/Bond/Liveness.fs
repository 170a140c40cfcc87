namespace Mosaik.Hybrid.Core

open Mosaik.Hybrid

/// Heartbeats, missed ones, and tickets that run out. Any frame counts as a sign of life.
[<RequireQualifiedAccess>]
module Liveness =

    /// The next heartbeat: the interval, less a random part of up to the jitter.
    let private nextBeat (config: ConsensusConfig) (now: Instant) (rng: Rng) : struct (Instant * Rng) =
        let struct (early, rng) = Rng.upTo config.HeartbeatJitter rng
        struct (now.Plus(max 1 (config.HeartbeatInterval - early)), rng)

    /// A bond that has just formed.
    let start (config: ConsensusConfig) (now: Instant) (bond: Bond) (rng: Rng) : struct (Bond * Rng) =
        let struct (dueAt, rng) = nextBeat config now rng
        struct ({ bond with DueAt = dueAt; Heard = true; Missed = 0 }, rng)

    /// What is due on a link: the end of a handshake that took too long, a heartbeat, tickets.
    let tick config (now: Instant) (bond: Bond) rng : struct (Bond voption * Rng * BondOutput list) =
        let close reason =
            struct (ValueNone, rng, [ BondOutput.Close(bond.Link, reason) ])
        let missed = if bond.Heard then 0 else bond.Missed + 1
        if bond.Phase <> BondPhase.Bonded then
            if now >= bond.DueAt then
                close CloseReason.Timeout
            else
                struct (ValueSome bond, rng, [])
        elif now >= bond.TicketsDueAt && bond.Rechecking then
            close CloseReason.NotAllowed
        elif now >= bond.TicketsDueAt then
            let bond = { bond with TicketsDueAt = now.Plus BondLimits.recheckTimeout; Rechecking = true }
            struct (ValueSome bond, rng, [ BondOutput.Recheck(bond.Link, System.ReadOnlyMemory.Empty) ])
        elif now < bond.DueAt then
            struct (ValueSome bond, rng, [])
        elif missed >= config.MaxMissedHeartbeats then
            close CloseReason.Timeout
        else
            let struct (dueAt, rng) = nextBeat config now rng
            let bond = { bond with DueAt = dueAt; Heard = false; Missed = missed }
            struct (ValueSome bond, rng, [ BondOutput.Say(bond.Link, BondMessage.Ping) ])

    /// When the link wants its next tick. Tickets that run out before the bond is formed are judged when it forms:
    /// asking for a tick that does nothing would be asked again at once.
    let deadline (bond: Bond) : Instant =
        if bond.Phase = BondPhase.Bonded then
            min bond.DueAt bond.TicketsDueAt
        else
            bond.DueAt
