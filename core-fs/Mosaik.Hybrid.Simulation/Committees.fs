namespace Mosaik.Hybrid.Simulation

open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// Majorities, counted here once more and on purpose: what the core counts with `Quorum` is not judged by itself.
[<RequireQualifiedAccess>]
module Committees =

    let private isMajorityOf (members: MemberId list) (holds: MemberId -> bool) =
        let mutable count = 0
        let mutable holding = 0
        for id in members do
            count <- count + 1
            if holds id then
                holding <- holding + 1
        2 * holding > count

    /// True when a majority of each committee in force holds.
    let decides (configuration: Configuration) (holds: MemberId -> bool) =
        isMajorityOf configuration.Voters holds
        && (configuration.Outgoing.IsEmpty || isMajorityOf configuration.Outgoing holds)

    /// True when no majority of one list can do without meeting every majority of the other.
    let private alwaysMeet (left: MemberId list) (right: MemberId list) =
        let rightSet = HashSet<MemberId> right
        let common = left |> List.filter rightSet.Contains |> List.length
        let least (members: MemberId list) =
            let majority = members.Length / 2 + 1
            max 0 (majority - (members.Length - common))
        least left + least right > common

    /// True when every decision of one configuration meets every decision of the other.
    let intersect (left: Configuration) (right: Configuration) =
        let halves (configuration: Configuration) =
            if configuration.Outgoing.IsEmpty then
                [ configuration.Voters ]
            else
                [ configuration.Voters; configuration.Outgoing ]
        halves left
        |> List.exists (fun left -> halves right |> List.exists (alwaysMeet left))
