namespace Mosaik.Hybrid.Core.Tests.Support

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// One side of a bond: whose process it is, and whether it still takes the bond for alive.
[<NoEquality; NoComparison>]
type BondSide = { Owner: Process; Other: MemberId; mutable IsUp: bool }

/// A bond between two processes.
[<NoEquality; NoComparison>]
type Bond = { Lower: BondSide; Higher: BondSide; mutable IsBreaking: bool }

/// All peers, the bonds between them, and what the network does to their messages.
[<Sealed>]
type Mesh
    (schedule: Schedule, now: unit -> int64, later: int -> (unit -> unit) -> unit, dice: Dice, trace: Trace) =

    let size = schedule.Size
    let processes: Process voption[] = Array.create (size + 1) ValueNone
    let bonds: Bond voption[,] = Array2D.create (size + 1) (size + 1) ValueNone
    let cuts: bool[,] = Array2D.create (size + 1) (size + 1) false
    let cutSince: int64[,] = Array2D.create (size + 1) (size + 1) 0L
    let mutable isHealed = false

    let say line = trace.Say(now (), line)

    let bondOf (a: int) (b: int) = bonds[min a b, max a b]

    let sideOf (number: int) (bond: Bond) =
        if Name.numberOf bond.Lower.Owner.Id = number then
            bond.Lower
        else
            bond.Higher

    let delay () =
        if isHealed then
            dice.Between(1, 3)
        elif dice.Chance 30 then
            // A heavy tail.
            dice.Between(1, 3 * schedule.DelayMax)
        else
            dice.Between(1, max 1 schedule.DelayMax)

    let takeDown (side: BondSide) =
        if side.IsUp then
            side.IsUp <- false
            say (fun () -> $"{Name.show side.Owner.Id} loses {Name.show side.Other}")
            side.Owner.Deliver(Input.PeerDown side.Other)

    let breakBond (bond: Bond) (slowest: int) =
        if not bond.IsBreaking then
            bond.IsBreaking <- true
            for side in [ bond.Lower; bond.Higher ] do
                later (dice.Below(slowest + 1)) (fun () -> takeDown side)

    let differ (a: Process) (b: Process) =
        let left, right = a.Disk.Lineage, b.Disk.Lineage
        not left.IsNone && not right.IsNone && left <> right

    /// Each learns that the other belongs to another lineage.
    let refuse (a: Process) (b: Process) =
        a.Deliver(Input.PeerAffiliated(b.Id, b.Disk.Lineage))
        b.Deliver(Input.PeerAffiliated(a.Id, a.Disk.Lineage))

    let form (a: Process) (b: Process) =
        let side (owner: Process) (other: Process) =
            { Owner = owner; Other = other.Id; IsUp = true }
        bonds[Name.numberOf a.Id, Name.numberOf b.Id] <-
            ValueSome { Lower = side a b; Higher = side b a; IsBreaking = false }
        say (fun () -> $"{Name.show a.Id} and {Name.show b.Id} bond")
        let facts (other: Process) : PeerFacts =
            { Lineage = other.Disk.Lineage; Observer = false }
        a.Deliver(Input.PeerUp(b.Id, facts b))
        b.Deliver(Input.PeerUp(a.Id, facts a))

    let manage (i: int) (j: int) =
        let isCut = cuts[i, j] || cuts[j, i]
        match bonds[i, j] with
        | ValueSome bond when bond.Lower.IsUp || bond.Higher.IsUp ->
            if not bond.Lower.Owner.IsAlive || not bond.Higher.Owner.IsAlive then
                breakBond bond 100
            elif
                isCut
                && now () - cutSince[i, j] > int64 (2 * schedule.Consensus.ElectionTimeout)
            then
                breakBond bond 50
            elif differ bond.Lower.Owner bond.Higher.Owner then
                refuse bond.Lower.Owner bond.Higher.Owner
                breakBond bond 20
        | _ ->
            match processes[i], processes[j] with
            | ValueSome a, ValueSome b when a.IsAlive && b.IsAlive && not isCut ->
                if differ a b then
                    if dice.Chance 200 then
                        refuse a b
                else
                    form a b
            | _ -> ()

    member _.Processes = processes

    /// The processes that run.
    member _.Alive =
        [ for started in processes do
              match started with
              | ValueSome started when started.IsAlive -> started
              | _ -> () ]

    /// Looks after all bonds: breaks those that are dead, makes those that can be made.
    member _.Manage() =
        for i in 1..size do
            for j in i + 1 .. size do
                manage i j

    /// Cuts, or opens, the way from one peer to another.
    member _.Cut(from: int, towards: int, isCut: bool) =
        if cuts[from, towards] <> isCut then
            cuts[from, towards] <- isCut
            cutSince[min from towards, max from towards] <- now ()
            say (fun () -> $"""n{from} -> n{towards} {if isCut then "cut" else "open"}""")

    /// Ends all faults of the network.
    member this.Heal() =
        isHealed <- true
        for i in 1..size do
            for j in 1..size do
                this.Cut(i, j, false)

    /// Sends on the bond that stands now; nothing arrives on another.
    member _.Post(sender: MemberId, recipient: MemberId, message: Message) =
        let from, towards = Name.numberOf sender, Name.numberOf recipient
        match bondOf from towards with
        | ValueSome bond when (sideOf from bond).IsUp && (sideOf from bond).Other.Equals recipient ->
            let receiving = sideOf towards bond
            let arrive () =
                if receiving.IsUp && not cuts[from, towards] then
                    say (fun () -> $"{Name.show recipient} <- {Name.show sender} {Show.message message}")
                    receiving.Owner.Deliver(Input.Received(sender, message))
            if isHealed || not (dice.Chance schedule.DropPerMille) then
                later (delay ()) arrive
            if not isHealed && dice.Chance schedule.RepeatPerMille then
                later (5 * delay ()) arrive
        | _ -> ()

    /// A lineage has become durable: bonded members learn of it, sooner or later.
    member _.Affiliated(id: MemberId) =
        let number = Name.numberOf id
        match processes[number] with
        | ValueSome owner when owner.Id.Equals id ->
            for other in 1..size do
                if other <> number then
                    match bondOf number other with
                    | ValueSome bond when dice.Chance 500 ->
                        let receiving = sideOf other bond
                        later (delay ()) (fun () ->
                            if receiving.IsUp then
                                receiving.Owner.Deliver(Input.PeerAffiliated(id, owner.Disk.Lineage)))
                    | _ -> ()
        | _ -> ()
