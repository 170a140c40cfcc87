namespace Mosaik.Hybrid.Core.Tests.Support

open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// The replicated state machine of a process, behind the filter that every member runs: it keeps a hash of all
/// that took effect, and checks by a table of its own that each proposer's numbers are 1, 2, 3, ...
[<Sealed>]
type Machine(self: MemberId) =

    let filter = CommandFilter CommandFilter.SessionsMaxDefault
    let seen = Dictionary<ProposerId, uint64>()
    let mutable index = LogIndex.Zero
    let mutable hash = 17L
    let mutable applied = 0L

    let take (entry: LogEntry) =
        match entry.Proposer with
        | null -> ()
        | proposer ->
            let last =
                match seen.TryGetValue proposer with
                | true, last -> last
                | false, _ -> 0UL
            if entry.Number <> last + 1UL then
                raise (
                    Broken(
                        Rule.exactlyOnce,
                        $"{Name.show self} applies #{entry.Number} of {Name.show proposer.Member} after #{last}"
                    )
                )
            seen[proposer] <- entry.Number
            applied <- applied + 1L
            hash <-
                hash * 1_000_003L
                + int64 entry.Number * 31L
                + int64 (Name.numberOf proposer.Member) * 7L
                + int64 proposer.Session

    member _.Index = index
    member _.Hash = hash

    /// How many commands took effect.
    member _.Applied = applied

    member _.LastOf(proposer: ProposerId) = filter.LastOf proposer

    /// Applies the next entry; true when one of the proposer's own was dropped for a gap.
    member _.Apply(entry: LogEntry, own: ProposerId) =
        index <- index.Next
        match filter.Judge entry with
        | FilterVerdict.Apply ->
            take entry
            false
        | FilterVerdict.ApplyHeld ->
            let batch = List.ofSeq filter.Held
            if (List.head batch).BatchRemaining <> batch.Length - 1 then
                raise (Broken(Rule.exactlyOnce, $"{Name.show self} applies a part of a batch at {index}"))
            List.iter take batch
            false
        | FilterVerdict.Gap -> own.Equals entry.Proposer
        | _ -> false
