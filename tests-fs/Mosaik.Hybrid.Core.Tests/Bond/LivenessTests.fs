module Mosaik.Hybrid.Core.Tests.Bond.LivenessTests

open Expecto
open Mosaik.Hybrid
open Mosaik.Hybrid.Core

let private bonded (peers: Peers) =
    peers.Dial(0, 1L)
    peers.Settle()
    Expect.equal (peers.Bonds 0) [ 1L ] "bonded at first"
    peers

/// Two bonded nodes: both look at the other's tickets once, which are good for two seconds; then they find this.
let private renewing (later: Credentials) =
    let mutable looks = 0
    Peers(
        (fun _ identity -> identity),
        (fun _ ->
            looks <- looks + 1
            if looks <= 2 then
                Credentials.Good(Instant 2_000L)
            else
                later)
    )
    |> bonded

let private reasons (peers: Peers) =
    peers.Closed |> List.map (fun struct (_, reason) -> reason) |> List.distinct

[<Tests>]
let tests =
    testList
        "Bond/Liveness"
        [ testCase "heartbeats keep an idle bond alive"
          <| fun () ->
              let peers = bonded (Peers.friendly ())
              peers.Wait(30_000, false)
              Expect.equal (peers.Bonds 0) [ 1L ] "at the dialler"
              Expect.equal (peers.Bonds 1) [ 1L ] "at the acceptor"

          testCase "a silent peer's bond ends by timeout, after the missed heartbeats"
          <| fun () ->
              let peers = bonded (Peers.friendly ())
              peers.Wait(3_000, true)
              Expect.equal (peers.Bonds 0) [ 1L ] "not too early"
              peers.Wait(3_500, true)
              Expect.isEmpty (peers.Bonds 0) "but in time"
              Expect.equal (reasons peers) [ CloseReason.Timeout ] "typed reason"

          testCase "a handshake that stalls ends by timeout"
          <| fun () ->
              let peers = Peers.friendly ()
              peers.Dial(0, 1L)
              peers.Wait(BondLimits.handshakeTimeout + 10, true)
              Expect.isEmpty (Map.toList (peers.State 0).Bonds) "forgotten by the dialler"
              Expect.isEmpty (Map.toList (peers.State 1).Bonds) "forgotten by the acceptor"
              Expect.equal (reasons peers) [ CloseReason.Timeout ] "typed reason"

          testCase "zero jitter is legal"
          <| fun () ->
              let config = { ConsensusConfig.defaults with HeartbeatJitter = 0 }
              let peers = bonded (Peers.friendly ())
              let bond = (peers.State 0).Bonds[1L]
              let struct (started, _) = Liveness.start config peers.Now bond (Rng.ofSeed 1UL)
              Expect.equal started.DueAt (peers.Now.Plus config.HeartbeatInterval) "exactly the interval"

          testProperty "a heartbeat is due within the interval, and not before interval less jitter"
          <| fun (seed: uint64) ->
              let config = ConsensusConfig.defaults
              let peers = bonded (Peers.friendly ())
              let bond = (peers.State 0).Bonds[1L]
              let struct (started, _) = Liveness.start config peers.Now bond (Rng.ofSeed seed)
              let wait = started.DueAt.Since peers.Now
              wait <= int64 config.HeartbeatInterval
              && wait >= int64 (config.HeartbeatInterval - config.HeartbeatJitter)

          testCase "tickets that run out are looked at again, and renewed without losing the bond"
          <| fun () ->
              let peers = renewing (Credentials.Good Instant.Never)
              peers.Wait(3_000, false)
              Expect.equal (peers.State 0).Bonds[1L].TicketsDueAt Instant.Never "renewed at the dialler"
              Expect.equal (peers.State 1).Bonds[1L].TicketsDueAt Instant.Never "renewed at the acceptor"

          testCase "a ticket that has run out ends the bond"
          <| fun () ->
              let peers = renewing Credentials.NotAllowed
              peers.Wait(2_050, false)
              Expect.isEmpty (peers.Bonds 0) "at the dialler"
              Expect.isEmpty (peers.Bonds 1) "at the acceptor"
              Expect.equal (reasons peers) [ CloseReason.NotAllowed ] "typed reason"

          testCase "a ticket that runs out before the welcome lets nobody in, and wakes nobody in vain"
          <| fun () ->
              let peers = Peers.judged 1 (Credentials.Good(Instant 100L))
              peers.Dial(0, 1L)
              let phase () = (peers.State 1).Bonds[1L].Phase
              while phase () <> BondPhase.Welcoming do
                  for place in 0..1 do
                      if peers.Waiting place > 0 then
                          peers.Next place
              peers.Elapse 200
              Expect.isTrue ((peers.State 1).Deadline > peers.Now) "no tick is asked for that does nothing"
              peers.Settle()
              Expect.isEmpty (peers.Bonds 1) "not let in"
              Expect.isEmpty (peers.Bonds 0) "and told so"
              Expect.equal (reasons peers) [ CloseReason.NotAllowed ] "typed reason"

          testCase "a validator that never answers ends the bond too"
          <| fun () ->
              let peers = renewing (Credentials.Good Instant.Never)
              // What is asked meanwhile is lost, and so are the answers.
              peers.Wait(2_000 + BondLimits.recheckTimeout + 100, true)
              Expect.isEmpty (peers.Bonds 0) "no answer is no yes"
              Expect.contains (reasons peers) CloseReason.NotAllowed "typed reason" ]
