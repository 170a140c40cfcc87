namespace Mosaik.Hybrid.Wire

open System

open Mosaik.Hybrid

/// Whose turn it is among the proposers of one frame, and the last number of each: what writer and reader both
/// keep while they go through the entries, so that a command in a row of one proposer's costs nothing extra.
[<Sealed>]
type internal ProposerTable() =

    let mutable proposers: (ProposerId | null)[] = Array.Empty()
    let mutable numbers: uint64[] = Array.Empty()
    let mutable count = 0
    let mutable current: ProposerId | null = null
    // -1 while there is no turn yet, or while the proposer whose turn it is has no slot.
    let mutable slot = -1
    let mutable last = 0UL

    /// Whose turn it is; null before the first command.
    member _.Current = current

    /// The slot of the one whose turn it is; -1 for none.
    member _.Slot = slot

    /// The number of slots in use: also how a newcomer is announced, whether or not there is room for it.
    member _.Count = count

    /// The last number of the one whose turn it is; 0 when it has none in this frame yet.
    member _.Last
        with get () = last
        and set value =
            last <- value
            if slot >= 0 then
                numbers[slot] <- value

    /// The slot of a proposer; -1 when it has none.
    member _.Find(proposer: ProposerId) =
        let mutable place = 0
        while place < count && not (proposer.Equals proposers[place]) do
            place <- place + 1
        if place < count then place else -1

    /// Gives the turn to a slot in use.
    member _.Turn(place: int) =
        current <- proposers[place]
        slot <- place
        last <- numbers[place]

    /// Gives the turn to a newcomer, with a slot while there are some.
    member _.Enter(proposer: ProposerId) =
        current <- proposer
        last <- 0UL
        if count < WireFormat.SlotsMax then
            if count = proposers.Length then
                Array.Resize(&proposers, max 4 (2 * count))
                Array.Resize(&numbers, max 4 (2 * count))
            proposers[count] <- proposer
            slot <- count
            count <- count + 1
        else
            slot <- -1
