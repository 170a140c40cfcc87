namespace Mosaik.Hybrid.Core

open System

open Mosaik.Hybrid

/// What a leader knows of a member, or of a peer that would like to be one.
[<Struct; NoComparison>]
type Standing =
    {
        /// The member's log is durable and equal to the leader's up to here; zero for who is not a member.
        Match: LogIndex
        /// For how many milliseconds it has not answered.
        Silence: int64
        /// There is a bond to it.
        IsBonded: bool
        /// It has all that the leader had one heartbeat ago.
        IsCaughtUp: bool
        /// As its bond says; a member without one is taken for what it is.
        IsObserver: bool
        /// It has said that it leaves, or its peer is back in a later life: it will never vote again.
        IsGone: bool
    }

/// A leader's rules for who belongs to the group, and who votes. Nothing but a function of what the leader sees: it
/// says what the configuration should be; joint consensus decides whether it becomes so.
[<RequireQualifiedAccess>]
module Autopilot =

    /// A member that may be needed for a decision: it can be reached, and has answered lately.
    let isReachable (config: ConsensusConfig) (standing: Standing) =
        standing.IsBonded && standing.Silence < int64 config.ElectionTimeout

    let private isSilent (config: ConsensusConfig) (standing: Standing) =
        standing.Silence >= int64 config.RemovalDelay

    /// Learners that may become voters now, best first.
    let private standbys config (standing: MemberId -> Standing) (current: Configuration) =
        current.Learners
        |> List.filter (fun id ->
            let known = standing id
            known.IsCaughtUp
            && isReachable config known
            && not known.IsGone
            && not known.IsObserver)
        |> List.sortBy (fun id -> struct (UInt64.MaxValue - (standing id).Match.Value, id))

    /// The committee as it should be: without those that are gone for good; the silent ones replaced, or removed while
    /// `FoundingMembers` remain; and grown to `MaxVoters` out of the standbys. The leader stays, but for one that leaves
    /// and has nobody to hand over to: standbys take its place.
    let private committee (config: ConsensusConfig) self leaves (standing: MemberId -> Standing) current =
        let isLost (id: MemberId) =
            let known = standing id
            not (id.Equals self) && (known.IsGone || known.IsBonded && known.IsObserver)
        let silent, kept =
            current.Voters
            |> List.filter (isLost >> not)
            |> List.partition (fun id -> not (id.Equals self) && isSilent config (standing id))
        let standbys = standbys config standing current
        let kept =
            if leaves && kept = [ self ] && not standbys.IsEmpty then
                []
            else
                kept
        let promoted = standbys |> List.truncate (max 0 (config.MaxVoters - kept.Length))
        let missing = max 0 (config.FoundingMembers - kept.Length - promoted.Length)
        let spared =
            silent
            |> List.sortBy (fun id -> struct ((standing id).Silence, id))
            |> List.truncate missing
        List.sort (kept @ promoted @ spared)

    /// No change may leave fewer voters within reach than decide: else the group would stop by its own doing.
    let private isSafe config self (standing: MemberId -> Standing) (voters: MemberId list) =
        let reached =
            voters
            |> List.filter (fun id -> id.Equals self || isReachable config (standing id))
        reached.Length >= Quorum.majority voters.Length

    /// What the configuration should be, given one that is not joint. `newcomers` are bonded peers of the group that
    /// are not members yet; `leaves` says that this node, which leads, is about to go. Never a committee whose majority
    /// is out of reach.
    let wanted
        (config: ConsensusConfig)
        (self: MemberId)
        (leaves: bool)
        (standing: MemberId -> Standing)
        (newcomers: MemberId list)
        (current: Configuration)
        : Configuration =
        let voters =
            let target = committee config self leaves standing current
            if not target.IsEmpty && isSafe config self standing target then
                target
            else
                current.Voters
        let isVoter (id: MemberId) =
            List.exists (fun (voter: MemberId) -> voter.Equals id) voters
        let stays (id: MemberId) =
            let known = standing id
            not (isVoter id)
            && not known.IsGone
            && (known.IsBonded || not (isSilent config known))
        let room = Configuration.membersMax - (Configuration.members current).Length |> max 0
        let others =
            List.filter stays (current.Learners @ current.Observers)
            @ List.truncate room newcomers
        let observes (id: MemberId) =
            let known = standing id
            if known.IsBonded then
                known.IsObserver
            else
                Configuration.isObserver id current
        let observers, learners = List.partition observes others
        { Voters = voters; Outgoing = []; Learners = List.sort learners; Observers = List.sort observers }
