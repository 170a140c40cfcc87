namespace Mosaik.Hybrid.Core

open Mosaik.Hybrid

/// How a ballot stands.
[<RequireQualifiedAccess>]
type VoteOutcome =
    | Pending
    | Won
    | Lost

/// Majorities of the committee in the log, and of both committees while the configuration is joint (rule 1).
/// Nothing but arithmetic: who is connected has no place here.
[<RequireQualifiedAccess>]
module Quorum =

    /// More than half.
    let majority (count: int) = count / 2 + 1

    let private hasMajority (members: MemberId list) (holds: MemberId -> bool) =
        let rec count (found: int) (rest: MemberId list) =
            match rest with
            | [] -> found
            | id :: rest -> count (if holds id then found + 1 else found) rest
        count 0 members >= majority members.Length

    /// True when what `holds` says is true of a majority of each committee in force.
    let isReached (configuration: Configuration) (holds: MemberId -> bool) =
        hasMajority configuration.Voters holds
        && (configuration.Outgoing.IsEmpty || hasMajority configuration.Outgoing holds)

    /// Won by a majority for; lost when the votes against leave no majority.
    let outcome (configuration: Configuration) (granted: Set<MemberId>) (denied: Set<MemberId>) =
        if isReached configuration granted.Contains then
            VoteOutcome.Won
        elif isReached configuration (denied.Contains >> not) then
            VoteOutcome.Pending
        else
            VoteOutcome.Lost

    /// The largest value that a majority of the members has reached.
    let private reachedByMajority (members: MemberId list) (valueOf: MemberId -> int64) =
        let values = members |> List.map valueOf |> List.sortDescending
        values[majority members.Length - 1]

    let private reachedByAll (configuration: Configuration) (valueOf: MemberId -> int64) =
        let current = reachedByMajority configuration.Voters valueOf
        if configuration.Outgoing.IsEmpty then
            current
        else
            min current (reachedByMajority configuration.Outgoing valueOf)

    /// The last index that a majority holds durably.
    let committed (configuration: Configuration) (durableAt: MemberId -> LogIndex) : LogIndex =
        LogIndex(uint64 (reachedByAll configuration (fun id -> int64 (durableAt id).Value)))

    /// The latest moment since which a majority has been heard.
    let heardSince (configuration: Configuration) (heardAt: MemberId -> Instant) : Instant =
        Instant(reachedByAll configuration (fun id -> (heardAt id).Milliseconds))
