namespace Mosaik.Hybrid.Model

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// Term, vote and lineage, as they are on a disk. Members and lineages by their numbers; a vote of -1 is none.
[<Struct>]
type Hard = { Term: int; Vote: int; Lineage: int }

/// A write on its way to the disk.
type Written =
    {
        Hard: Hard voption
        /// Entries from this index on go; 0 for none.
        TruncateFrom: int
        Entries: Entry[]
    }

/// A message from one member to another.
[<Sealed>]
type Word(sender: int, recipient: int, message: Message, entries: Entry[]) =

    member _.Sender = sender
    member _.Recipient = recipient
    member _.Message = message

    /// The entries that an append carries.
    member _.Entries = entries

    /// The digest under each permutation.
    member val Digests: Digest[] = [||] with get, set

    /// Its number among all words that were ever said.
    member val Id = -1 with get, set

/// A word that waits for a write: how many of the writes on their way must be durable first.
[<Struct>]
type HeldWord = { After: int; Word: Word }

/// One member: what it knows, what its disk holds, and what is on the way there.
///
/// Writes on their way are numbered 1, 2, 3, ... here: after every step the state is rebased so that the last
/// durable write has number 0. The core only compares these numbers.
[<Sealed>]
type Node
    (
        state: State,
        log: Entry[],
        hard: Hard,
        durable: Entry[],
        pending: Written list,
        held: HeldWord list,
        vote: struct (int * int),
        hasLeft: bool
    ) =

    member _.State = state

    /// The log as the member sees it: what is durable, and the writes on their way.
    member _.Log = log

    member _.Hard = hard

    /// The log as a crash now would leave it, if it loses all that is on its way.
    member _.Durable = durable

    /// Oldest first.
    member _.Pending = pending

    member _.Held = held

    /// The latest term in which a vote left this member, and for whom; (0, -1) before the first.
    member _.Vote = vote

    /// It has begun a new incarnation, which is nobody's voter: it plays no further part.
    member _.HasLeft = hasLeft

    /// The digest under each permutation.
    member val Digests: Digest[] = [||] with get, set

    /// Its number among all that members ever were.
    member val Id = -1 with get, set

    member _.With(?state', ?log', ?hard', ?durable', ?pending', ?held', ?vote', ?hasLeft') =
        Node(
            defaultArg state' state,
            defaultArg log' log,
            defaultArg hard' hard,
            defaultArg durable' durable,
            defaultArg pending' pending,
            defaultArg held' held,
            defaultArg vote' vote,
            defaultArg hasLeft' hasLeft
        )

/// Who led in a term of a lineage.
[<Struct>]
type Reign = { Lineage: int; Term: int; Leader: int }

/// A committed entry, with the term of the leader that committed it: an older entry may be committed by a later
/// term's leader, and leaders between the two need not have it (RELIABILITY F8).
type Commitment = { Lineage: int; Index: int; Entry: Entry; Term: int }

/// What no member knows: kept by the model, to judge by.
[<Sealed>]
type Ghost(reigns: Reign list, commitments: Commitment list, dissolved: int list) =

    member _.Reigns = reigns
    member _.Commitments = commitments

    /// Lineages that a member has forgotten, because they could never commit anything.
    member _.Dissolved = dissolved

    member val Digests: Digest[] = [||] with get, set

/// A state of the whole model.
[<Sealed>]
type World
    (
        nodes: Node[],
        network: Word list,
        ghost: Ghost,
        crashes: int,
        proposals: int,
        duplicates: int,
        own: Digest,
        least: Digest
    ) =

    member _.Nodes = nodes

    /// Messages on their way, as a set: a second copy of one counts as a duplicate.
    member _.Network = network

    member _.Ghost = ghost

    /// How many crashes, proposals and duplicates there have been.
    member _.Crashes = crashes

    member _.Proposals = proposals
    member _.Duplicates = duplicates

    /// The digest as it is, names and all.
    member _.OwnDigest = own

    /// The least digest under all permutations: the same for all states that differ only in names.
    member _.LeastDigest = least
