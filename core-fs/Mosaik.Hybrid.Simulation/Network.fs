namespace Mosaik.Hybrid.Simulation

open System
open System.Collections.Generic

open Mosaik.Hybrid.Core

/// One way of a link: what is on it, and which order it keeps.
[<Sealed; AllowNullLiteral>]
type Way(receiver: Node) =

    /// Frames that wait for a cut to heal.
    let waiting = Queue<struct (byte[] * MessageKind voption)>()

    member _.Receiver = receiver

    /// How the receiver calls the link; 0 until it is open there.
    member val Link = 0L with get, set

    /// The receiver has closed its end, or its process has ended.
    member val IsClosed = false with get, set

    /// Nothing may arrive before the last word of the bond did, and, on an ordered way, before the last message.
    member val BondAt = 0L with get, set
    member val MessageAt = 0L with get, set
    member _.Waiting = waiting

/// A link between two processes: the dialler's and the acceptor's end.
[<Sealed; AllowNullLiteral>]
type Cable(dialler: Node, acceptor: Node) =
    member val ToAcceptor = Way acceptor
    member val ToDialler = Way dialler
    member _.Dialler = dialler
    member _.Acceptor = acceptor
    member this.IsOver = this.ToAcceptor.IsClosed && this.ToDialler.IsClosed

/// The network between the peers, and what it does to their words: it delays, loses, repeats, reorders and cuts.
[<Sealed>]
type Network(world: ISurroundings) =

    let plan = world.Plan
    let habits = plan.Network
    let dice = Dice.For(plan.Seed, Purpose.Network)
    let coverage = world.Coverage
    let size = plan.Size
    let cuts: int[,] = Array2D.zeroCreate (size + 1) (size + 1)
    let dialAt: int64[,] = Array2D.zeroCreate (size + 1) (size + 1)
    let cables = List<Cable>()
    let clogged = Queue<unit -> unit>()
    let lostKinds: int[] = Array.zeroCreate (Enum.GetValues<MessageKind>().Length)
    let mutable clogs = 0
    let mutable slowness = 1

    let isCut (sender: int) (receiver: int) = cuts[sender, receiver] > 0

    let delay () =
        if world.IsHealed then
            int64 (dice.Between(50, 800))
        else
            let usual = int64 (dice.Between(habits.DelayMin, habits.DelayMax))
            if dice.Chance habits.TailPerMille then
                usual * int64 (slowness * dice.Between(2, 10))
            else
                usual * int64 slowness

    let isBulk (kind: MessageKind) =
        kind = MessageKind.Appends || kind = MessageKind.Forwards

    let deliverNow (way: Way) (frame: byte[]) =
        if not way.IsClosed then
            way.Receiver.Receive(way.Link, frame)

    let arrive (way: Way) (frame: byte[]) =
        if clogs > 0 then
            clogged.Enqueue(fun () -> deliverNow way frame)
        else
            deliverNow way frame

    /// When a frame that leaves now arrives, by the order that its way keeps.
    let arrivalOf (way: Way) (kind: MessageKind voption) =
        let at = max (world.Now + delay ()) (way.BondAt + 1L)
        match kind with
        | ValueNone ->
            way.BondAt <- at
            at
        | ValueSome kind ->
            let keepsOrder = world.IsHealed || habits.IsOrdered && isBulk kind
            let at = if keepsOrder then max at (way.MessageAt + 1L) else at
            if at < way.MessageAt then
                coverage.Meet Sight.MessageOvertaken
            else
                way.MessageAt <- at
            at

    let put (way: Way) (frame: byte[]) (kind: MessageKind voption) =
        let at = arrivalOf way kind
        world.Later(at - world.Now, (fun () -> arrive way frame))
        if kind.IsSome && not world.IsHealed && dice.Chance habits.RepeatPerMille then
            coverage.Meet Sight.MessageRepeated
            world.Later(at - world.Now + 4L * delay (), (fun () -> arrive way frame))

    let isLost (kind: MessageKind) =
        not world.IsHealed
        && (lostKinds[int kind] > 0 || dice.Chance habits.LossPerMille)

    let transmit (sender: int) (way: Way) (frame: byte[]) (kind: MessageKind voption) =
        if not way.IsClosed then
            let receiver = way.Receiver.Peer
            match kind with
            | ValueSome kind when isLost kind -> coverage.Meet Sight.MessageLost
            | ValueSome _ when isCut sender receiver && not habits.IsOrdered ->
                coverage.Meet Sight.MessageLost
            | _ ->
                if isCut sender receiver || way.Waiting.Count > 0 then
                    way.Waiting.Enqueue(struct (frame, kind))
                else
                    put way frame kind

    /// Tells the end that is still open that the other is gone: as soon as the network lets it know.
    let rec tellClosed (sender: int) (way: Way) =
        world.Later(
            max (delay ()) (way.BondAt - world.Now + 1L),
            fun () ->
                if not way.IsClosed then
                    if isCut sender way.Receiver.Peer then
                        tellClosedLater sender way
                    else
                        way.IsClosed <- true
                        way.Receiver.Lost(way.Link, CloseReason.UnexpectedClose)
        )

    and tellClosedLater (sender: int) (way: Way) =
        world.Later(20_000L, (fun () -> tellClosed sender way))

    let port (sender: int) (outward: Way) (inward: Way) =
        { new IPort with
            member _.Send(frame, kind) = transmit sender outward frame kind
            member _.Close() =
                if not inward.IsClosed then
                    inward.IsClosed <- true
                    tellClosed sender outward
            member _.IsHonest = true }

    let flushWay (sender: int) (way: Way) =
        while way.Waiting.Count > 0 && not (isCut sender way.Receiver.Peer) do
            let struct (frame, kind) = way.Waiting.Dequeue()
            put way frame kind

    /// The process at the other end has ended.
    let onEnded (node: Node) (cable: Cable) =
        let gone, left =
            if obj.ReferenceEquals(cable.Dialler, node) then
                cable.ToDialler, cable.ToAcceptor
            else
                cable.ToAcceptor, cable.ToDialler
        gone.IsClosed <- true
        if not left.IsClosed then
            tellClosed node.Peer left

    /// Cuts, or heals, one way; cuts of several faults add up.
    member _.Cut(sender: int, receiver: int, isCut: bool) =
        if sender <> receiver then
            cuts[sender, receiver] <- max 0 (cuts[sender, receiver] + (if isCut then 1 else -1))

    member _.Clog(isClogged: bool) =
        clogs <- max 0 (clogs + (if isClogged then 1 else -1))
        // All at once, and in order: nothing of them may overtake the last word of a bond.
        while clogs = 0 && clogged.Count > 0 do
            clogged.Dequeue () ()

    member _.LoseKind(kind: MessageKind, isLost: bool) =
        lostKinds[int kind] <- max 0 (lostKinds[int kind] + (if isLost then 1 else -1))

    member _.Slow(factor: int) = slowness <- max 1 factor

    /// Every fault of the network ends.
    member this.Heal() =
        Array2D.iteri (fun sender receiver _ -> cuts[sender, receiver] <- 0) cuts
        Array.fill lostKinds 0 lostKinds.Length 0
        slowness <- 1
        clogs <- min clogs 1
        if clogs > 0 then
            this.Clog false

    /// Opens a link; both ends are told, the dialler first or last.
    member _.Connect(dialler: Node, acceptor: Node) =
        let cable = Cable(dialler, acceptor)
        cables.Add cable
        let openAcceptor () =
            if acceptor.IsAlive then
                cable.ToAcceptor.Link <-
                    acceptor.Open(port acceptor.Peer cable.ToDialler cable.ToAcceptor, dialler.Peer, false)
            else
                cable.ToAcceptor.IsClosed <- true
                tellClosed acceptor.Peer cable.ToDialler
        openAcceptor ()
        cable.ToDialler.Link <-
            dialler.Open(port dialler.Peer cable.ToAcceptor cable.ToDialler, acceptor.Peer, true)

    /// All links of a process break, as when its network is reset: what is on its way is lost.
    member _.ResetLinks(node: Node) =
        coverage.Meet Sight.LinkReset
        for cable in cables.ToArray() do
            if
                obj.ReferenceEquals(cable.Dialler, node)
                || obj.ReferenceEquals(cable.Acceptor, node)
            then
                for way in [ cable.ToDialler; cable.ToAcceptor ] do
                    if not way.IsClosed then
                        way.IsClosed <- true
                        way.Receiver.Lost(way.Link, CloseReason.UnexpectedClose)

    /// A process has ended: the others learn of it, if the network lets them.
    member _.Ended(node: Node) =
        for cable in cables.ToArray() do
            if
                obj.ReferenceEquals(cable.Dialler, node)
                || obj.ReferenceEquals(cable.Acceptor, node)
            then
                onEnded node cable

    /// Lets frames go whose cut has healed, forgets links that are over, and has nodes dial whom they miss.
    member this.Manage(nodes: Node voption[]) =
        cables.RemoveAll(fun cable -> cable.IsOver) |> ignore
        for cable in cables do
            flushWay cable.Dialler.Peer cable.ToAcceptor
            flushWay cable.Acceptor.Peer cable.ToDialler
        for i in 1..size do
            for j in i + 1 .. size do
                match nodes[i], nodes[j] with
                | ValueSome lower, ValueSome higher when lower.IsAlive && higher.IsAlive ->
                    this.DialPair(lower, higher)
                | _, _ -> ()

    member private this.DialPair(lower: Node, higher: Node) =
        // The higher id gives the lower one a head start, but not always; sometimes both dial at once.
        let first, second = if dice.Chance 700 then lower, higher else higher, lower
        this.Dial(first, second)
        if dice.Chance 100 then
            this.Dial(second, first)

    member private this.Dial(dialler: Node, acceptor: Node) =
        let isDue = world.Now >= dialAt[dialler.Peer, acceptor.Peer]
        if isDue && not dialler.IsPaused && not (dialler.HasLinkTo acceptor.Peer) then
            let wait =
                if world.IsHealed then
                    40_000
                else
                    dice.Between(30_000, 300_000)
            dialAt[dialler.Peer, acceptor.Peer] <- world.Now + int64 wait
            if not (isCut dialler.Peer acceptor.Peer) && not (isCut acceptor.Peer dialler.Peer) then
                this.Connect(dialler, acceptor)
