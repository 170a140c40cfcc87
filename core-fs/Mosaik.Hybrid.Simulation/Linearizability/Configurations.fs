namespace Mosaik.Hybrid.Simulation

open System
open System.Collections.Generic
open System.Numerics

/// A set of small numbers that is mostly a beginning (0, 1, 2, ...) and a few beyond it.
[<Sealed>]
type internal BitSet(size: int) =

    let words = Array.zeroCreate<uint64>((size + 63) >>> 6)
    let mutable count = 0
    // Every number below is in the set.
    let mutable firstMissing = 0

    let contains number =
        ((words[number >>> 6] >>> (number &&& 63)) &&& 1UL) = 1UL

    /// How many numbers from this one to the end of its word follow each other without a gap.
    let run number =
        BitOperations.TrailingZeroCount(~~~(words[number >>> 6] >>> (number &&& 63)))

    let advance () =
        let mutable step = run firstMissing
        while step > 0 do
            firstMissing <- firstMissing + step
            step <- if firstMissing < size then run firstMissing else 0

    member _.Count = count
    member _.FirstMissing = firstMissing
    member _.Contains(number: int) = contains number

    /// Adds a number that is not in the set.
    member _.Add(number: int) =
        words[number >>> 6] <- words[number >>> 6] ||| (1UL <<< (number &&& 63))
        count <- count + 1
        if number = firstMissing then
            advance ()

    /// Removes a number that is in the set.
    member _.Remove(number: int) =
        words[number >>> 6] <- words[number >>> 6] &&& ~~~(1UL <<< (number &&& 63))
        count <- count - 1
        firstMissing <- min firstMissing number

    /// Writes the words that hold the numbers from `first` on, as few as there are, to the end of `target`; what lies
    /// below `first` in the first of them comes along.
    member _.WriteFrom(first: int, left: int, target: List<uint64>) =
        let mutable left = left
        let mutable place = first >>> 6
        let mutable mask = UInt64.MaxValue <<< (first &&& 63)
        while left > 0 do
            target.Add words[place]
            left <- left - BitOperations.PopCount(words[place] &&& mask)
            place <- place + 1
            mask <- UInt64.MaxValue

/// One configuration as the cache keeps it: where its words begin, where its optional part begins, the next one of
/// the same bucket.
[<Struct; NoEquality; NoComparison>]
type private Entry<'state> = { Hash: int; Begin: int; Split: int; End: int; Next: int; State: 'state }

/// The configurations that a search has been in (Lowe, "Testing for linearizability", 2017): which operations are
/// placed, and the state after them. The exact sets are kept, no hashes of them: a verdict is a proof.
///
/// Two things keep an entry small and the search short. A placed set is mostly a beginning, so its length and the few
/// words beyond it name it. And of two configurations that differ only in the operations of unknown outcome used, the
/// one that used fewer can do whatever the other can: it answers for both.
[<Sealed>]
type internal VisitedConfigurations<'state>(states: IEqualityComparer<'state>) =

    let words = List<uint64>()
    let entries = List<Entry<'state>>()
    let mutable buckets = Array.create 64 -1

    let hashOf first last state =
        let mutable hash = uint64 (states.GetHashCode state)
        for place in first .. last - 1 do
            hash <- (BitOperations.RotateLeft(hash, 23) ^^^ words[place]) * 0x9E3779B97F4A7C15UL
        int ((hash ^^^ (hash >>> 32)) &&& 0x7FFFFFFFUL)

    let samePlaced (entry: Entry<'state>) first split =
        let length = split - first
        let mutable same = entry.Split - entry.Begin = length
        let mutable place = 0
        while same && place < length do
            same <- words[entry.Begin + place] = words[first + place]
            place <- place + 1
        same

    let usedNoMore (entry: Entry<'state>) split last =
        let mutable fits = true
        let mutable place = 0
        while fits && entry.Split + place < entry.End do
            let mine = if split + place < last then words[split + place] else 0UL
            fits <- words[entry.Split + place] &&& ~~~mine = 0UL
            place <- place + 1
        fits

    let grow () =
        buckets <- Array.create (buckets.Length * 2) -1
        for place in 0 .. entries.Count - 1 do
            let entry = entries[place]
            let bucket = entry.Hash &&& (buckets.Length - 1)
            entries[place] <- { entry with Next = buckets[bucket] }
            buckets[bucket] <- place

    let isKnown hash first split last state =
        let mutable place = buckets[hash &&& (buckets.Length - 1)]
        let mutable known = false
        while not known && place >= 0 do
            let entry = entries[place]
            known <-
                entry.Hash = hash
                && samePlaced entry first split
                && usedNoMore entry split last
                && states.Equals(entry.State, state)
            place <- entry.Next
        known

    /// How many configurations are kept.
    member _.Count = entries.Count

    /// How many words of eight bytes their sets take.
    member _.WordCount = words.Count

    /// True when nothing as good has been visited; from then on it has.
    member _.Visit(placed: BitSet, used: BitSet, state: 'state) : bool =
        let first = words.Count
        words.Add(uint64 placed.FirstMissing)
        placed.WriteFrom(placed.FirstMissing, placed.Count - placed.FirstMissing, words)
        let split = words.Count
        used.WriteFrom(0, used.Count, words)
        let last = words.Count
        let hash = hashOf first split state
        if isKnown hash first split last state then
            words.RemoveRange(first, last - first)
            false
        else
            if entries.Count >= buckets.Length then
                grow ()
            let bucket = hash &&& (buckets.Length - 1)
            entries.Add
                { Hash = hash
                  Begin = first
                  Split = split
                  End = last
                  Next = buckets[bucket]
                  State = state }
            buckets[bucket] <- entries.Count - 1
            true
