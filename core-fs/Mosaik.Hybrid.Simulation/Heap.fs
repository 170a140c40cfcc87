namespace Mosaik.Hybrid.Simulation

/// What will happen, ordered by moment and then by `Order`.
[<Struct; NoEquality; NoComparison>]
type Occurrence = { At: int64; Order: uint64; Action: unit -> unit }

/// A binary heap of occurrences, the next one first. By hand, because every event of every run passes through it.
[<Sealed>]
type Heap() =

    let mutable items: Occurrence[] = Array.zeroCreate 256
    let mutable count = 0

    let isBefore (left: inref<Occurrence>) (right: inref<Occurrence>) =
        left.At < right.At || (left.At = right.At && left.Order < right.Order)

    member _.Count = count

    /// The moment of the next occurrence; `Count` must not be 0.
    member _.NextAt = items[0].At

    member _.Add(item: Occurrence) =
        if count = items.Length then
            System.Array.Resize(&items, 2 * count)
        let mutable place = count
        count <- count + 1
        let mutable isSettled = false
        while not isSettled && place > 0 do
            let parent = (place - 1) / 2
            if isBefore &item &items[parent] then
                items[place] <- items[parent]
                place <- parent
            else
                isSettled <- true
        items[place] <- item

    /// Takes out the next occurrence; `Count` must not be 0.
    member _.Take() : Occurrence =
        let first = items[0]
        count <- count - 1
        let last = items[count]
        items[count] <- Unchecked.defaultof<Occurrence>
        let mutable place = 0
        let mutable isSettled = count = 0
        while not isSettled do
            let left = 2 * place + 1
            let right = left + 1
            let child =
                if right < count && isBefore &items[right] &items[left] then
                    right
                else
                    left
            if child < count && isBefore &items[child] &last then
                items[place] <- items[child]
                place <- child
            else
                isSettled <- true
        if count > 0 then
            items[place] <- last
        first
