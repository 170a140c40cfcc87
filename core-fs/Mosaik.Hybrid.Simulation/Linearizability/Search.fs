namespace Mosaik.Hybrid.Simulation

open System
open System.Collections.Generic

/// One partition, sorted by call, as a search wants it.
[<NoEquality; NoComparison>]
type internal Partition<'key, 'input, 'output> =
    {
        /// These took effect between their call and their return.
        Required: Operation<'key, 'input, 'output>[]
        /// The answers of the required ones.
        Answers: 'output voption[]
        /// These take effect at some time after their call, or never.
        Optional: Operation<'key, 'input, 'output>[]
    }

[<RequireQualifiedAccess>]
module internal Partition =

    /// What had happened up to `until`: operations that returned later were still open.
    let upTo
        (model: Model<'input, 'output, 'state>)
        (until: int64)
        (operations: Operation<'key, 'input, 'output>[])
        : Partition<'key, 'input, 'output> =
        let required = List<Operation<'key, 'input, 'output>>()
        let answers = List<'output voption>()
        let optional = List<Operation<'key, 'input, 'output>>()
        for operation in operations do
            if operation.CalledAt <= until then
                match operation.Outcome with
                | Outcome.Returned(at, output) when at <= until ->
                    required.Add operation
                    answers.Add(ValueSome output)
                | Outcome.Returned _
                | Outcome.Acknowledged _
                | Outcome.Unknown when model.IsReadOnly operation.Input -> ()
                | Outcome.Acknowledged at when at <= until ->
                    required.Add operation
                    answers.Add ValueNone
                | Outcome.Returned _
                | Outcome.Acknowledged _
                | Outcome.Unknown -> optional.Add operation
        { Required = required.ToArray(); Answers = answers.ToArray(); Optional = optional.ToArray() }

/// How a search ended.
[<RequireQualifiedAccess; NoEquality; NoComparison>]
type internal SearchEnd<'key, 'input, 'output, 'state> =
    | Found
    /// The longest order that was possible, the state after it, and the operations of which none could be next.
    | Impossible of
        placed: Operation<'key, 'input, 'output>[] *
        state: 'state *
        stuck: Operation<'key, 'input, 'output>[]
    | GaveUp of configurations: int

/// A state that operations of unknown outcome lead to: `Optional` after those of `Parent`. The first of a frame has
/// neither. `Bucket` is that of the state's hash, `Next` the detour that was the latest of that bucket before.
[<Struct; NoEquality; NoComparison>]
type private Detour<'state> = { State: 'state; Parent: int; Optional: int; Bucket: int; Next: int }

/// Looks for an order of the operations that the model allows and in which none precedes one that returned before
/// its call (Wing and Gong, "Testing and verifying concurrent objects", 1993, with Lowe's cache of 2017).
///
/// A frame is one place of that order. It tries every required operation that may come next, first in the state at
/// hand, then in the states that operations of unknown outcome lead to: shorter detours first, so that operations
/// that nobody saw take effect are not used up in vain. Frames and detours are stacks of our own: the length of a
/// history is no depth of recursion.
[<Sealed>]
type internal Search<'key, 'input, 'output, 'state>
    (
        model: Model<'input, 'output, 'state>,
        partition: Partition<'key, 'input, 'output>,
        configurationsMax: int
    ) =

    let required = partition.Required
    let optional = partition.Optional
    let timeline =
        let returnedAt operation =
            match Operation.returnedAt operation with
            | ValueSome at -> at
            | ValueNone -> Int64.MaxValue
        Timeline(required |> Array.map _.CalledAt, required |> Array.map returnedAt)
    let placed = BitSet required.Length
    let used = BitSet optional.Length
    let visited = VisitedConfigurations<'state> model.States
    let detours = List<Detour<'state>>()
    let latestOf = Array.create 1_024 -1
    // What was spent on detours: each one tried, and each comparison with another.
    let mutable trials = 0L

    // The frames: where the detours of each begin, which one is being tried, which one to extend next, the next node
    // to try, the operation placed.
    let firstDetour = Array.zeroCreate<int>(required.Length + 1)
    let detourNow = Array.zeroCreate<int>(required.Length + 1)
    let nextToExtend = Array.zeroCreate<int>(required.Length + 1)
    let candidate = Array.zeroCreate<int>(required.Length + 1)
    let moved = Array.zeroCreate<int>(required.Length + 1)
    let mutable depth = 0

    let mutable deepest = -1
    let mutable deepestPlaced: Operation<'key, 'input, 'output>[] = [||]
    let mutable deepestState = model.Initial
    let mutable deepestStuck: Operation<'key, 'input, 'output>[] = [||]

    let bucketOf state =
        ((model.States.GetHashCode state * 0x9E3779B1) >>> 22) &&& (latestOf.Length - 1)

    let addDetour state parent last =
        let bucket = bucketOf state
        detours.Add
            { State = state; Parent = parent; Optional = last; Bucket = bucket; Next = latestOf[bucket] }
        latestOf[bucket] <- detours.Count - 1

    let dropDetours first =
        for place in detours.Count - 1 .. -1 .. first do
            latestOf[detours[place].Bucket] <- detours[place].Next
        detours.RemoveRange(first, detours.Count - first)

    let isOnDetour detour wanted =
        let mutable place = detour
        while detours[place].Parent >= 0 && detours[place].Optional <> wanted do
            place <- detours[place].Parent
        detours[place].Optional = wanted

    /// True when each operation of detour `short` is `last` or one of detour `long`.
    let isPartOf long last short =
        let mutable place = short
        while detours[place].Parent >= 0
              && (detours[place].Optional = last || isOnDetour long detours[place].Optional) do
            place <- detours[place].Parent
        detours[place].Parent < 0

    /// True when the frame knows a detour to the same state that uses nothing else.
    let isRoundabout state parent last =
        let mutable place = latestOf[bucketOf state]
        let mutable found = false
        while not found && place >= firstDetour[depth] do
            found <- model.States.Equals(detours[place].State, state) && isPartOf parent last place
            place <- detours[place].Next
            trials <- trials + 1L
        found

    /// Adds the detours that lead one operation further than `parent`. Those called by `until` may be used.
    let extend parent until =
        let state = detours[parent].State
        let mutable last = 0
        while last < optional.Length && optional[last].CalledAt <= until do
            trials <- trials + 1L
            if not (used.Contains last || isOnDetour parent last) then
                match model.Step state optional[last].Input ValueNone with
                | ValueSome after when not (isRoundabout after parent last) -> addDetour after parent last
                | ValueSome _
                | ValueNone -> ()
            last <- last + 1

    /// Adds detours to the frame when it has tried all that it knows; false when there are no more.
    let findDetour until =
        while detourNow[depth] + 1 = detours.Count && nextToExtend[depth] < detours.Count do
            nextToExtend[depth] <- nextToExtend[depth] + 1
            extend (nextToExtend[depth] - 1) until
        detourNow[depth] + 1 < detours.Count

    let openFrame state =
        firstDetour[depth] <- detours.Count
        detourNow[depth] <- detours.Count
        nextToExtend[depth] <- detours.Count
        candidate[depth] <- timeline.First
        addDetour state -1 -1

    let place operation =
        moved[depth] <- operation
        placed.Add operation
        timeline.Lift operation
        let mutable detour = detourNow[depth]
        while detours[detour].Parent >= 0 do
            used.Add detours[detour].Optional
            detour <- detours[detour].Parent

    let takeBack () =
        timeline.Unlift moved[depth]
        placed.Remove moved[depth]
        let mutable detour = detourNow[depth]
        while detours[detour].Parent >= 0 do
            used.Remove detours[detour].Optional
            detour <- detours[detour].Parent

    let order () =
        let operations = List<Operation<'key, 'input, 'output>>()
        for frame in 0 .. depth - 1 do
            let first = operations.Count
            let mutable detour = detourNow[frame]
            while detours[detour].Parent >= 0 do
                operations.Insert(first, optional[detours[detour].Optional])
                detour <- detours[detour].Parent
            operations.Add required[moved[frame]]
        operations.ToArray()

    let remember () =
        let stuck = List<Operation<'key, 'input, 'output>>()
        let mutable node = timeline.First
        while timeline.IsCall node do
            stuck.Add required[node]
            node <- timeline.After node
        deepest <- depth
        deepestPlaced <- order ()
        deepestState <- detours[firstDetour[depth]].State
        deepestStuck <- stuck.ToArray()

    let closeFrame () =
        if depth > deepest then
            remember ()
        dropDetours firstDetour[depth]
        depth <- depth - 1
        if depth >= 0 then
            takeBack ()

    /// Tries the next candidate of the frame, or what comes after the last one.
    let advance () =
        let node = candidate[depth]
        let now = detourNow[depth]
        if timeline.IsCall node then
            candidate[depth] <- timeline.After node
            match model.Step detours[now].State required[node].Input partition.Answers[node] with
            | ValueSome after ->
                place node
                if visited.Visit(placed, used, after) then
                    depth <- depth + 1
                    openFrame after
                else
                    takeBack ()
            | ValueNone -> ()
        else if findDetour (timeline.ReturnedAt node) then
            detourNow[depth] <- now + 1
            candidate[depth] <- timeline.First
        else
            closeFrame ()

    // Long sets and many trials of detours count, too, so that the limit bounds memory and time.
    let configurations () =
        let found = detours.Count - depth - 1
        visited.Count + found + visited.WordCount / 16 + int (trials / 32L)

    /// Searches to the end, or until the limit. To be called once.
    member _.Run() : SearchEnd<'key, 'input, 'output, 'state> =
        openFrame model.Initial
        while depth >= 0 && depth < required.Length && configurations () <= configurationsMax do
            advance ()
        if depth = required.Length then
            SearchEnd.Found
        elif depth < 0 then
            SearchEnd.Impossible(deepestPlaced, deepestState, deepestStuck)
        else
            SearchEnd.GaveUp(configurations ())
