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

    let private isSame (left: MemberId list) (right: MemberId list) =
        (HashSet<MemberId> left).SetEquals right

    /// Why `next` may not stand right after `former` in a log; none when it may. A committee is left through a joint
    /// configuration of it and its successor (Raft §6), whoever voted before has been a learner, and nobody has two parts.
    let cannotFollow (former: Configuration) (next: Configuration) : string option =
        let wasMember (id: MemberId) =
            List.contains id former.Learners
            || List.contains id former.Observers
            || List.contains id former.Voters
            || List.contains id former.Outgoing
        let named = next.Voters @ next.Learners @ next.Observers
        let outside = next.Outgoing |> List.filter (fun id -> not (List.contains id next.Voters))
        let isLeavingJoint = not former.Outgoing.IsEmpty && next.Outgoing.IsEmpty
        let isEnteringJoint = former.Outgoing.IsEmpty && not next.Outgoing.IsEmpty
        if (List.distinct (named @ outside)).Length <> named.Length + outside.Length then
            Some "names a member twice"
        elif next.Voters.IsEmpty then
            Some "has no voters"
        elif isLeavingJoint && not (isSame next.Voters former.Voters) then
            Some "leaves a joint configuration for another committee than the one that was on its way"
        elif isEnteringJoint && not (isSame next.Outgoing former.Voters) then
            Some "is joint with another committee than the one in force"
        elif
            not isLeavingJoint
            && not isEnteringJoint
            && not (isSame next.Voters former.Voters && isSame next.Outgoing former.Outgoing)
        then
            Some "changes the committee at once"
        elif not (List.forall wasMember next.Voters) then
            Some "gives a vote to somebody who was no member before"
        elif not (intersect former next) then
            Some "needs nobody of the one before"
        else
            None
