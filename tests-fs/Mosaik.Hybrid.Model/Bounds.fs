namespace Mosaik.Hybrid.Model

/// Which interleavings are explored.
[<RequireQualifiedAccess>]
type Tier =
    /// A request and its answer are one action, and so is an election with any subset of answers.
    | Atomic
    /// Every message travels by itself, and may be lost, late, repeated or overtaken.
    | Async
    /// As Atomic, but from members without a log.
    | Founding
    /// As Atomic, and the leader admits a fourth member.
    | Configuration

/// Whether states that differ only in the names of members are one.
[<RequireQualifiedAccess>]
type Symmetry =
    | On
    | Off
    /// They are kept apart, and counted both ways. Symmetry loses nothing when it counts as many as without a check.
    | Checked

/// A rule that the model breaks from outside of the core: proves that the rules can be seen to break.
[<RequireQualifiedAccess>]
type Sabotage =
    | Nothing
    /// A crash forgets the vote of the current term, though it was durable.
    | ForgetVote
    /// A crash loses the last entry, though it was reported durable.
    | LoseDurableEntry
    /// Words to others leave at once, whatever they must wait for.
    | SpeakTooSoon
    /// Votes and pre-votes that were denied arrive as granted.
    | ForgeVotes
    /// A follower's acknowledgement covers the leader's whole log.
    | ForgeAcknowledgements

/// How much is explored. Everything within the bounds is visited, unless StatesMax or MinutesMax ends it before.
type Bounds =
    {
        Tier: Tier
        /// Voters; 1 to 5. The configuration tier adds one newcomer.
        Members: int
        /// The least size of a founding configuration; 1 to Members.
        FoundingMembers: int
        /// Terms after the one in which the given log was founded; in the founding tier, from the first. 1 to 7.
        Terms: int
        /// Commands that are proposed; 0 to 15.
        Proposals: int
        /// Crashes, each followed by a restart at once: being down is the same as losing messages.
        Crashes: int
        /// The most messages on their way at once; async tier.
        Messages: int
        /// Messages that arrive a second time; async tier.
        Duplicates: int
        /// Replication sessions that a leader begins besides the first ones: with refusals and new bonds; async tier.
        Sessions: int
        /// Writes on their way to the disks of all members at once, while other things happen: what a crash may lose.
        /// With 0 every write is durable before anything else happens.
        WritesInFlight: int
        /// In the atomic tiers a leader's append may be lost on its way, and not only the answer. Several times the states.
        LostRequests: bool
        /// Members remember whether they have heard the leader lately, and if so refuse to vote.
        Sticky: bool
        /// The newcomer of the configuration tier gets a vote, by a joint configuration, when it has caught up.
        Promotion: bool
        Symmetry: Symmetry
        /// The most entries in one append.
        EntriesPerAppend: int
        StatesMax: int
        MinutesMax: float
        Sabotage: Sabotage
    }

[<RequireQualifiedAccess>]
module Bounds =

    /// The small bounds, which continuous integration exhausts.
    let small (tier: Tier) : Bounds =
        { Tier = tier
          Members = 3
          FoundingMembers = 3
          Terms = 2
          Proposals = 1
          Crashes = 1
          Messages = 2
          Duplicates = 0
          Sessions = 2
          WritesInFlight = 1
          LostRequests = false
          Sticky = false
          Promotion = false
          Symmetry = Symmetry.On
          EntriesPerAppend = 16
          StatesMax = 100_000_000
          MinutesMax = 60.0
          Sabotage = Sabotage.Nothing }

    /// Every fault of the bounds in words; empty when they may be explored.
    let validate (bounds: Bounds) : string list =
        let range name value low high =
            if value < low || value > high then
                [ $"{name} is {value}; it must be between {low} and {high}." ]
            else
                []
        List.concat
            [ range "members" bounds.Members 1 5
              range "founding members" bounds.FoundingMembers 1 bounds.Members
              range "terms" bounds.Terms 1 7
              range "proposals" bounds.Proposals 0 15
              range "crashes" bounds.Crashes 0 15
              range "messages" bounds.Messages 1 15
              range "writes in flight" bounds.WritesInFlight 0 15
              range "duplicates" bounds.Duplicates 0 15
              range "sessions" bounds.Sessions 0 100
              range "entries per append" bounds.EntriesPerAppend 1 1_024
              range "states-max" bounds.StatesMax 1 1_000_000_000 ]
