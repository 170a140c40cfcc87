namespace Mosaik.Hybrid.Simulation

open System

/// The calls and returns of one partition in the order of their times, as a linked list (Wing and Gong, 1993).
/// Node `i` is the call of operation `i`, node `count + i` its return. At equal times calls come first: whether one
/// operation preceded the other is then not known, so they count as concurrent.
[<Sealed>]
type internal Timeline(calledAt: int64[], returnedAt: int64[]) =

    let count = calledAt.Length
    let head = 2 * count
    let tail = head + 1
    let next = Array.zeroCreate<int>(tail + 1)
    let previous = Array.zeroCreate<int>(tail + 1)

    let link before after =
        next[before] <- after
        previous[after] <- before

    let unlink node = link previous[node] next[node]

    // A node that was unlinked still knows its neighbours of that time.
    let relink node =
        next[previous[node]] <- node
        previous[next[node]] <- node

    do
        let byReturn = Array.init count id
        Array.Sort(Array.copy returnedAt, byReturn)
        let mutable last = head
        let mutable call = 0
        for operation in byReturn do
            while call < count && calledAt[call] <= returnedAt[operation] do
                link last call
                last <- call
                call <- call + 1
            link last (count + operation)
            last <- count + operation
        link last tail

    /// The first node.
    member _.First = next[head]

    /// The node after this one.
    member _.After(node: int) = next[node]

    /// True for calls, which are numbered like their operations; false for returns and the end.
    member _.IsCall(node: int) = node < count

    /// The time of a return; the end of time at the end.
    member _.ReturnedAt(node: int) =
        if node = tail then
            Int64.MaxValue
        else
            returnedAt[node - count]

    /// Takes the call and the return of an operation out.
    member _.Lift(operation: int) =
        unlink operation
        unlink (count + operation)

    /// Puts them back. In reverse order of lifting.
    member _.Unlift(operation: int) =
        relink (count + operation)
        relink operation
