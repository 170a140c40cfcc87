module Mosaik.Hybrid.Core.Tests.Discovery.GossipTests

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Core.Tests.Discovery.World

let private config = DiscoveryConfig.defaults

/// A world in which all nodes but the first know the first's address.
let private star size seed =
    let world = World(config, size, seed)
    world.Start(0, [])
    for number in 1 .. size - 1 do
        world.Start(number, [ 0 ])
    world

/// A world in which each node reaches only its neighbours, and knows the address of the one before.
let private chain size seed =
    let world = World(config, size, seed)
    world.Reachable <- fun one other -> abs (one - other) = 1
    world.Start(0, [])
    for number in 1 .. size - 1 do
        world.Start(number, [ number - 1 ])
    world

let private everybodyKnows (world: World) (expected: int list) =
    for node in world.Nodes do
        if node.Alive then
            let others = expected |> List.filter (fun other -> other <> node.Number)
            Expect.equal
                (node.Known world.Nodes.Length)
                others
                $"what node {node.Number} knows at {world.Now} ms"

let private tagsOf (world: World) (number: int) =
    [ for node in world.Nodes do
          if node.Number <> number then
              match Catalog.tryFind (peerOf number) node.State.Catalog with
              | ValueSome entry -> List.ofArray entry.Record.Tags
              | ValueNone -> [] ]

[<Tests>]
let spreading =
    testList
        "Gossip spreads"
        [ testCase "five nodes with one address know each other within two seconds"
          <| fun () ->
              let world = star 5 1UL
              world.Run 2_000
              everybodyKnows world [ 0..4 ]
              for node in world.Nodes do
                  Expect.equal node.State.Links.Count 4 "one link to each other node"

          testCase "a chain passes everything on, end to end"
          <| fun () ->
              let world = chain 5 2UL
              world.Run 2_000
              everybodyKnows world [ 0..4 ]

          testCase "a change reaches the far end of a chain at once, not with the next exchange"
          <| fun () ->
              let world = chain 5 3UL
              world.Run 2_000
              world.Tag(0, "new")
              world.Run 50
              Expect.equal (tagsOf world 0) (List.replicate 4 [ "new" ]) "the tag at all others"

          testCase "one change makes one Updated, and a renewal makes none"
          <| fun () ->
              let world = star 3 4UL
              world.Run 2_000
              world.Node(2).Changes.Clear()
              world.Tag(1, "new")
              world.Run 200_000
              let updates =
                  [ for struct (change, peer) in world.Node(2).Changes do
                        if change <> CatalogChange.Refreshed then
                            change, peer ]
              Expect.equal updates [ CatalogChange.Updated, peerOf 1 ] "what node 2 was told"

          testProperty "five nodes converge after loss, from any seed" (fun (seed: uint16) ->
              let world = chain 5 (uint64 seed)
              world.LossPerMille <- 100
              world.Run 30_000
              world.Tag(4, "late")
              world.Run 1_000
              world.LossPerMille <- 0
              world.Run 150_000
              everybodyKnows world [ 0..4 ]
              tagsOf world 4 = List.replicate 4 [ "late" ])

          testCase "forty nodes know each other with a few links each"
          <| fun () ->
              let world = star 40 6UL
              world.Run 100_000
              everybodyKnows world [ 0..39 ]
              let links = world.Nodes |> Array.sumBy (fun node -> node.State.Links.Count)
              Expect.isLessThanOrEqual links (40 * 24) "links in all, each counted at both ends" ]

[<Tests>]
let departing =
    testList
        "A departure"
        [ testCase "reaches everybody, once"
          <| fun () ->
              let world = chain 5 11UL
              world.Run 2_000
              world.Leave 4
              world.Run 1_000
              everybodyKnows world [ 0..3 ]
              let departures =
                  [ for struct (change, peer) in world.Node(0).Changes do
                        if change = CatalogChange.Departed then
                            peer ]
              Expect.equal departures [ peerOf 4 ] "what node 0 was told"

          testCase "is not undone by a peer that missed it"
          <| fun () ->
              let world = star 4 12UL
              world.Run 2_000
              world.Partition(fun one other -> one <> 1 && other <> 1)
              world.Leave 3
              world.Run 10_000
              Expect.equal (world.Node(1).Known 4) [ 0; 2; 3 ] "the lonely node still believes in 3"
              world.Partition(fun _ _ -> true)
              world.Run 60_000
              everybodyKnows world [ 0..2 ]

          testCase "of a peer that only died is noticed when its record is too old"
          <| fun () ->
              let world = star 3 13UL
              world.Run 2_000
              world.Kill 2
              world.Run 200_000
              everybodyKnows world [ 0..2 ]
              world.Run 100_000
              everybodyKnows world [ 0..1 ]

          testCase "is forgotten with its tombstone"
          <| fun () ->
              let world = star 3 14UL
              world.Run 2_000
              world.Leave 2
              world.Run 1_000
              Expect.equal (world.Node(0).State.Catalog.Tombstones) 1 "one tombstone"
              world.Run 302_000
              Expect.equal (world.Node(0).State.Catalog.Tombstones) 0 "no tombstone"

          testCase "does not keep a peer from coming back, even with its clock set back"
          <| fun () ->
              let world = star 3 15UL
              world.Run 20_000
              world.Leave 2
              world.Run 2_000
              world.Start(2, [ 0 ], clockOffset = -10_000L)
              world.Run 10_000
              everybodyKnows world [ 0..2 ] ]

[<Tests>]
let dialling =
    testList
        "Dialling"
        [ testCase "goes on for ever while nobody answers, ever more slowly"
          <| fun () ->
              let world = World(config, 2, 21UL)
              world.Start(0, [ 1 ])
              world.Run 60_000
              Expect.isGreaterThan (world.Node(0).Dials) 12 "dials in the first minute"
              Expect.isLessThan (world.Node(0).Dials) 40 "dials in the first minute"
              world.Start(1, [])
              world.Run 6_000
              everybodyKnows world [ 0; 1 ]

          testCase "ends at an address that is the own one"
          <| fun () ->
              let world = World(config, 1, 22UL)
              world.Start(0, [ 0 ])
              world.Run 600_000
              Expect.equal (world.Node(0).Dials) 1 "dials"

          testCase "is slow for a dead address while other peers are linked"
          <| fun () ->
              let world = World(config, 3, 23UL)
              world.Start(0, [])
              world.Start(1, [ 0; 2 ])
              world.Run 10_000
              let before = world.Node(1).Dials
              world.Run 300_000
              Expect.isLessThan (world.Node(1).Dials - before) 25 "dials in five minutes"
              Expect.isGreaterThan (world.Node(1).Dials - before) 8 "dials in five minutes"

          testCase "finds a new peer in the place of one that died"
          <| fun () ->
              let world = World(config, 4, 26UL)
              world.Start(0, [])
              world.Start(1, [ 0 ])
              world.Start(2, [ 0; 1 ])
              world.Run 2_000
              world.Kill 1
              world.Run 5_000
              world.Start(1, [], identity = 3)
              world.Run 40_000
              Expect.contains (world.Node(2).Known 4) 3 "the peers that node 2 knows"

          testCase "of two nodes that know each other's address ends with one link"
          <| fun () ->
              let world = World(config, 2, 24UL)
              world.Start(0, [ 1 ])
              world.Start(1, [ 0 ])
              world.Run 5_000
              Expect.equal (world.Node(0).State.Links.Count, world.Node(1).State.Links.Count) (1, 1) "links"

          testCase "heals when a partition ends"
          <| fun () ->
              let world = star 4 25UL
              world.Run 2_000
              world.Partition(fun one other -> one / 2 = other / 2)
              world.Run 20_000
              world.Partition(fun _ _ -> true)
              world.Run 35_000
              for node in world.Nodes do
                  Expect.equal node.State.Links.Count 3 "one link to each other node" ]

[<Tests>]
let paging =
    testCase "An exchange of many records goes page by page, each bounded"
    <| fun () ->
        let small = { config with DigestPageMax = 4; BatchBytesMax = 700; FullMeshMax = 1; FanOut = 1 }
        let world = World(small, 62, 31UL)
        world.Start(0, [])
        world.Start(1, [])
        for number in 2..61 do
            let entry = sign { recordOf number epoch with Addresses = [||] }
            world.Feed(world.Node(number % 2), GossipInput.Learned entry)
        world.Feed(world.Node 1, GossipInput.AddAddresses [| hostOf 0 |])
        world.Run 2_000
        Expect.equal (world.Node(0).State.Catalog.Live) 61 "what the acceptor knows"
        Expect.equal (world.Node(1).State.Catalog.Live) 61 "what the dialler knows"
