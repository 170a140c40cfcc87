namespace Mosaik.Hybrid.Simulation

open System
open System.Collections.Generic
open System.Text

/// Why a history is not linearizable: the shortest beginning of one key's history that is not.
[<NoEquality; NoComparison>]
type Evidence<'key, 'input, 'output, 'state> =
    {
        /// The key.
        Key: 'key
        /// Up to here the key's history is needed: with the return at this time it became impossible, and not before.
        Until: int64
        /// The longest order of its operations that the model allows. Those of unknown outcome, or that returned
        /// after `Until`, stand in it where they would have to take effect.
        Placed: Operation<'key, 'input, 'output>[]
        /// The state after it.
        State: 'state
        /// One of these must be next, and none can.
        Stuck: Operation<'key, 'input, 'output>[]
    }

    /// How many of the placed operations the text shows, the last ones.
    static member PlacedShownMax = 20

    /// A few lines for people.
    override this.ToString() =
        let text = StringBuilder()
        let line (words: string) =
            text.Append(words).Append('\n') |> ignore
        line $"The operations on key {this.Key} up to {this.Until} have no order that explains their answers."
        let hidden = this.Placed.Length - Evidence<'key, 'input, 'output, 'state>.PlacedShownMax
        line "These can be placed, in this order:"
        if hidden > 0 then
            line $"    ({hidden} before)"
        for operation in Seq.skip (max 0 hidden) this.Placed do
            line $"    {operation}"
        line $"Then the state is {this.State}, and none of these can be next:"
        for operation in this.Stuck do
            line $"    {operation}"
        text.ToString()

/// What a check found.
[<RequireQualifiedAccess; NoEquality; NoComparison>]
type Verdict<'key, 'input, 'output, 'state> =
    /// Each key's operations have an order that explains every answer and respects time.
    | Linearizable
    /// This key's have none. A proof, not a suspicion.
    | NotLinearizable of Evidence<'key, 'input, 'output, 'state>
    /// The search reached its limit, at the key that is named, and no other key was found wrong. That the workload was
    /// too concurrent is all it says: to count as a failure, never as a pass.
    | Unknown of key: 'key * configurations: int

    /// A few lines for people.
    override this.ToString() =
        match this with
        | Verdict.Linearizable -> "Linearizable."
        | Verdict.NotLinearizable evidence -> evidence.ToString()
        | Verdict.Unknown(key, configurations) ->
            $"Unknown: gave up at key {key} after {configurations} configurations."

/// Checks histories for linearizability (Herlihy and Wing, 1990).
[<RequireQualifiedAccess>]
module Linearizability =

    /// The configurations that a check visits for one key unless told otherwise: some hundred megabytes.
    let configurationsMaxDefault = 2_000_000

    let private refuseBackward (operation: Operation<'key, 'input, 'output>) =
        match Operation.returnedAt operation with
        | ValueSome at when at < operation.CalledAt ->
            invalidArg "operations" $"An operation returned before its call: {operation}"
        | ValueSome _
        | ValueNone -> ()

    let private byCall (operations: List<Operation<'key, 'input, 'output>>) =
        let sorted =
            operations
            |> Seq.pairwise
            |> Seq.forall (fun (left, right) -> left.CalledAt <= right.CalledAt)
        if sorted then
            operations.ToArray()
        else
            // Stable, so that a report is the same whatever the sort does with equals.
            operations |> List.ofSeq |> List.sortBy _.CalledAt |> Array.ofList

    /// One array a key, sorted by call; the smallest first, since a wrong one is found there soonest.
    let private partitions (operations: Operation<'key, 'input, 'output> seq) =
        let places = Dictionary<'key, int>()
        let parts = List<List<Operation<'key, 'input, 'output>>>()
        for operation in operations do
            refuseBackward operation
            match places.TryGetValue operation.Key with
            | true, place -> parts[place].Add operation
            | false, _ ->
                places[operation.Key] <- parts.Count
                parts.Add(List [ operation ])
        parts |> List.ofSeq |> List.sortBy _.Count |> List.map byCall

    let private searchUpTo limit model operations until =
        Search(model, Partition.upTo model until operations, limit).Run()

    /// Of a history that is impossible as a whole, the first return with which it is. What is linearizable stays so
    /// when its end is cut off, so that halving finds it.
    let private evidence limit model (operations: Operation<'key, 'input, 'output>[]) =
        let times =
            operations
            |> Array.choose (fun operation -> Operation.returnedAt operation |> ValueOption.toOption)
            |> Array.distinct
            |> Array.sort
        let mutable possible = -1
        let mutable impossible = times.Length - 1
        while impossible - possible > 1 do
            let middle = (possible + impossible) / 2
            match searchUpTo limit model operations times[middle] with
            | SearchEnd.Impossible _ -> impossible <- middle
            | SearchEnd.Found
            | SearchEnd.GaveUp _ -> possible <- middle
        let until = times[impossible]
        match searchUpTo limit model operations until with
        | SearchEnd.Impossible(placed, state, stuck) ->
            { Key = operations[0].Key; Until = until; Placed = placed; State = state; Stuck = stuck }
        | SearchEnd.Found
        | SearchEnd.GaveUp _ -> invalidOp "The model is not pure: it answered differently the second time."

    /// Checks each key's operations on their own, keys with few operations first, until one is wrong. The operations
    /// may come in any order. `configurationsMax` bounds the work and the memory for one key. The same arguments give
    /// the same verdict. Refuses an operation that returned before its call.
    let checkWithin
        (configurationsMax: int)
        (model: Model<'input, 'output, 'state>)
        (operations: Operation<'key, 'input, 'output> seq)
        : Verdict<'key, 'input, 'output, 'state> =
        let rec go undecided parts =
            match parts with
            | [] -> undecided
            | part: Operation<'key, 'input, 'output>[] :: others ->
                match searchUpTo configurationsMax model part Int64.MaxValue with
                | SearchEnd.Found -> go undecided others
                | SearchEnd.Impossible _ -> Verdict.NotLinearizable(evidence configurationsMax model part)
                | SearchEnd.GaveUp configurations ->
                    match undecided with
                    | Verdict.Linearizable -> go (Verdict.Unknown(part[0].Key, configurations)) others
                    | Verdict.NotLinearizable _
                    | Verdict.Unknown _ -> go undecided others
        go Verdict.Linearizable (partitions operations)

    /// As `checkWithin`, with the limit `configurationsMaxDefault`.
    let check
        (model: Model<'input, 'output, 'state>)
        (operations: Operation<'key, 'input, 'output> seq)
        : Verdict<'key, 'input, 'output, 'state> =
        checkWithin configurationsMaxDefault model operations
