module Mosaik.Hybrid.Core.Tests.Bond.BondProperties

open Expecto
open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Simulation
open Mosaik.Hybrid.Core.Tests.Support

/// Runs what waits at the two nodes in an order that the bits choose, until nothing waits.
let private shuffle (seed: uint64) (peers: Peers) =
    let mutable rng = Rng.ofSeed seed
    while peers.Waiting 0 + peers.Waiting 1 > 0 do
        let struct (place, next) = Rng.upTo 1 rng
        rng <- next
        let place = if peers.Waiting place > 0 then place else 1 - place
        peers.Next place

let private oneBondEach (peers: Peers) =
    match peers.Bonds 0, peers.Bonds 1 with
    | [ first ], [ second ] -> first = second
    | _, _ -> false

[<Tests>]
let tests =
    testList
        "Bond/Properties"
        [ testPropertyWithConfig
              { FsCheckConfig.defaultConfig with maxTest = 500 }
              "both dial at once: exactly one bond is left, the same at both ends"
          <| fun (seed: uint64) ->
              let peers = Peers.friendly ()
              peers.Dial(0, 1L)
              peers.Dial(1, 2L)
              shuffle seed peers
              oneBondEach peers

          testPropertyWithConfig
              { FsCheckConfig.defaultConfig with maxTest = 300 }
              "dials that cross again and again leave one bond"
          <| fun (seed: uint64) ->
              let peers = Peers.friendly ()
              let mutable rng = Rng.ofSeed seed
              for link in 1L .. 5L do
                  let struct (place, next) = Rng.upTo 1 rng
                  rng <- next
                  peers.Dial(place, link)
                  for _ in 1..3 do
                      let struct (place, next) = Rng.upTo 1 rng
                      rng <- next
                      if peers.Waiting place > 0 then
                          peers.Next place
              shuffle seed peers
              oneBondEach peers

          testCase "of two links the one that the lower id dialled is kept"
          <| fun () ->
              let peers = Peers.friendly ()
              peers.Dial(1, 2L)
              peers.Settle()
              peers.Dial(0, 1L)
              peers.Settle()
              Expect.equal (peers.Bonds 0) [ 1L ] "at the lower"
              Expect.equal (peers.Bonds 1) [ 1L ] "at the higher"

          testPropertyWithConfig
              { FsCheckConfig.defaultConfig with maxTest = 300 }
              "a new life of a peer replaces the stale bond of the former one"
          <| fun (seed: uint64) (lower: bool) (lowerDials: bool) ->
              let peers = Peers.friendly ()
              peers.Dial(0, 1L)
              peers.Settle()
              let restarted = if lower then 0 else 1
              peers.Restart(restarted, 2)
              peers.Dial((if lowerDials then 0 else 1), 2L)
              shuffle seed peers
              oneBondEach peers
              && peers.Bonds 0 = [ 2L ]
              && (peers.State(1 - restarted)).Raft.Bonded.ContainsKey(Naming.memberOf (restarted + 1) 2)
              && not ((peers.State(1 - restarted)).Raft.Bonded.ContainsKey(Naming.memberOf (restarted + 1) 1))

          testProperty "the same inputs make the same outputs"
          <| fun (seed: uint64) ->
              let play () =
                  let peers = Peers.friendly ()
                  peers.Dial(0, 1L)
                  peers.Dial(1, 2L)
                  shuffle seed peers
                  peers.Wait(5_000, false)
                  peers.Closed, peers.Bonds 0, (peers.State 0).Rng
              play () = play () ]
