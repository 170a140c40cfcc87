/// Nodes that run discovery on simulated links and one simulated clock. Links keep order, as streams do; a
/// message that is lost takes its link with it.
module Mosaik.Hybrid.Core.Tests.Discovery.World

open System
open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

let network = NetworkId(Bytes32.FromBytes(ReadOnlySpan(Array.create 32 9uy)))

/// Wall-clock milliseconds when a world begins.
let epoch = 1_700_000_000_000L

let peerOf (number: int) =
    let bytes = Array.zeroCreate<byte> 32
    bytes[0] <- byte (1 + number / 250)
    bytes[1] <- byte (number % 250)
    PeerId.FromBytes(ReadOnlySpan bytes)

let hostOf (number: int) : PeerHost = { Host = $"n{number}"; Port = 1 }

let recordOf (number: int) (wall: int64) : PeerRecord =
    { Peer = peerOf number
      Network = network
      Version = { StartedAt = wall; UpdatedAt = wall }
      Departed = false
      Addresses = [| hostOf number |]
      Tags = [||]
      Groups = [||]
      Tickets = [||] }

/// A record that counts as signed; its size is that of a small real one.
let sign (record: PeerRecord) : SignedRecord =
    { Record = record; Signed = ReadOnlyMemory(Array.zeroCreate 300) }

/// One node of a world.
[<AllowNullLiteral>]
type Node(number: int, clockOffset: int64, state: GossipState) =
    member _.Number = number
    /// How far the node's wall clock is ahead.
    member _.ClockOffset = clockOffset
    member val State = state with get, set
    member val Alive = true with get, set
    member val Changes = List<struct (CatalogChange * PeerId)>() with get
    member val Dials = 0 with get, set

    /// The numbers of the peers that the node believes alive, in order.
    member this.Known(count: int) =
        [ for other in 0 .. count - 1 do
              if Catalog.isLive (peerOf other) this.State.Catalog then
                  other ]

type World(config: DiscoveryConfig, size: int, seed: uint64) =
    let events = PriorityQueue<unit -> unit, struct (int64 * int64)>()
    let nodes: Node[] = Array.create size null
    let links = Dictionary<int64, struct (Node * Node)>()
    let mutable order = 0L
    let mutable now = 0L
    let mutable lastLink = 0L
    let mutable rng = Rng.ofSeed seed

    let at time action =
        order <- order + 1L
        events.Enqueue(action, struct (time, order))

    let roll bound =
        let struct (number, after) = Rng.upTo bound rng
        rng <- after
        number

    member val Reachable: int -> int -> bool = (fun _ _ -> true) with get, set

    /// Of 1,000 messages, how many are lost, each with its link.
    member val LossPerMille = 0 with get, set
    member val Sent = 0 with get, set
    member _.Now = now
    member _.Nodes = nodes
    member _.Node(number: int) = nodes[number]
    member _.WallOf(node: Node) = epoch + now + node.ClockOffset

    /// Starts the node that listens at this number's address, under its identity or another number's.
    member this.Start(number: int, addresses: int list, ?clockOffset: int64, ?identity: int) =
        let offset = defaultArg clockOffset 0L
        let peer = peerOf (defaultArg identity number)
        let self = sign { recordOf number (epoch + now + offset) with Peer = peer }
        let node = Node(number, offset, GossipState.init config (Instant now) (seed + uint64 number) self)
        nodes[number] <- node
        this.Feed(node, GossipInput.AddAddresses(addresses |> List.map hostOf |> Array.ofList))
        this.Feed(node, GossipInput.Tick)

    /// The process dies: its links break, and nobody is told.
    member this.Kill(number: int) =
        nodes[number].Alive <- false
        for link in List.ofSeq links.Keys do
            let struct (one, other) = links[link]
            if one.Number = number || other.Number = number then
                this.Break link

    member this.Leave(number: int) =
        let node = nodes[number]
        let tombstone = PeerRecord.tombstone (this.WallOf node) node.State.Self.Record
        this.Feed(node, GossipInput.OwnChanged(sign tombstone))
        at (now + 500L) (fun () -> this.Kill number)

    /// Says something new of a node.
    member this.Tag(number: int, tag: string) =
        let node = nodes[number]
        let record = node.State.Self.Record
        let version = PeerVersion.next (this.WallOf node) PeerVersion.zero record.Version
        this.Feed(node, GossipInput.OwnChanged(sign { record with Tags = [| tag |]; Version = version }))

    member this.Break(link: int64) =
        match links.TryGetValue link with
        | true, struct (one, other) ->
            links.Remove link |> ignore
            this.Feed(one, GossipInput.LinkDown link)
            this.Feed(other, GossipInput.LinkDown link)
        | false, _ -> ()

    /// Breaks what crosses the new borders.
    member this.Partition(reachable: int -> int -> bool) =
        this.Reachable <- reachable
        for link in List.ofSeq links.Keys do
            match links.TryGetValue link with
            | true, struct (one, other) when not (reachable one.Number other.Number) -> this.Break link
            | _ -> ()

    member this.Run(milliseconds: int) =
        let until = now + int64 milliseconds
        let rec go () =
            match events.TryPeek() with
            | true, action, struct (time, _) when time <= until ->
                events.Dequeue() |> ignore
                now <- max now time
                action ()
                go ()
            | _ -> now <- until
        go ()

    member this.Feed(node: Node, input: GossipInput) =
        if node.Alive then
            let transition = Gossip.step config (Instant now) (this.WallOf node) node.State input
            node.State <- transition.State
            for output in transition.Outputs do
                this.Do(node, output)

    member private this.Do(node: Node, output: GossipOutput) =
        match output with
        | GossipOutput.Send(link, message) -> this.Send(node, link, message)
        | GossipOutput.Dial(target, addresses, _) ->
            node.Dials <- node.Dials + 1
            at (now + 5L) (fun () -> this.Connect(node, target, addresses[0]))
        | GossipOutput.Close(link, _) -> at (now + 2L) (fun () -> this.Break link)
        | GossipOutput.Changed(change, entry) -> node.Changes.Add(struct (change, entry.Record.Peer))
        | GossipOutput.Revise floor ->
            let record = node.State.Self.Record
            let version = PeerVersion.next (this.WallOf node) floor record.Version
            at now (fun () -> this.Feed(node, GossipInput.OwnChanged(sign { record with Version = version })))
        | GossipOutput.SetDeadline deadline ->
            if deadline <> Instant.Never then
                at (max (now + 1L) deadline.Milliseconds) (fun () -> this.Feed(node, GossipInput.Tick))

    member private this.Send(node: Node, link: int64, message: GossipMessage<SignedRecord>) =
        this.Sent <- this.Sent + 1
        if roll 999 < this.LossPerMille then
            at (now + 1L) (fun () -> this.Break link)
        else
            at (now + 2L) (fun () ->
                match links.TryGetValue link with
                | true, struct (one, other) ->
                    let receiver = if one = node then other else one
                    this.Feed(receiver, GossipInput.Received(link, message))
                | false, _ -> ())

    member private this.Connect(node: Node, target: DialTarget, address: PeerHost) =
        let found =
            nodes
            |> Array.tryFind (fun other -> not (isNull other) && hostOf other.Number = address)
        match found with
        | Some other when other = node -> this.Feed(node, GossipInput.FoundSelf target)
        | Some other when other.Alive && node.Alive && this.Reachable node.Number other.Number ->
            lastLink <- lastLink + 1L
            links[lastLink] <- struct (node, other)
            let link = lastLink
            this.Feed(node, GossipInput.LinkUp(link, other.State.Self.Record.Peer, ValueSome target))
            this.Feed(other, GossipInput.LinkUp(link, node.State.Self.Record.Peer, ValueNone))
        | Some _
        | None -> this.Feed(node, GossipInput.DialFailed target)
