namespace Mosaik.Hybrid.Simulation

open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// A committed entry, the fingerprint of the log up to it, and the term of the leader that committed it.
[<Struct; NoEquality; NoComparison>]
type Committed = { Entry: LogEntry; Chain: uint64; CommitTerm: Term }

/// What is known of one lineage from outside.
[<Sealed>]
type LineageFacts(lineage: Lineage) =

    member _.Lineage = lineage
    member val Committed = List<Committed>()

    /// Leader by term.
    member val Leaders = Dictionary<uint64, MemberId>()

    /// The fingerprint of the one log that ends with an entry, by its term and index.
    member val Chains = Dictionary<uint64, uint64>()

    /// The machine's digest by index; 0 where it was not asked for.
    member val Digests = Dictionary<uint64, uint64>()

    /// The head that a snapshot must have, by its index.
    member val Heads = Dictionary<uint64, SnapshotHead>()

    /// The index up to which something was acknowledged to a client.
    member val Floor = LogIndex.Zero with get, set

    /// The end of the lineage is committed.
    member val IsDissolved = false with get, set

[<RequireQualifiedAccess>]
module LineageFacts =

    /// A command of a client was committed.
    let hasCommands (facts: LineageFacts) =
        facts.Committed
        |> Seq.exists (fun committed -> committed.Entry.Kind = EntryKind.Command)

/// One step of one member, as seen from outside.
[<NoEquality; NoComparison>]
type ObservedStep =
    {
        Id: MemberId
        Before: State
        After: State
        /// The member's log in memory, after the step.
        Log: ChainedLog
        /// The writes that the step asked for, newest first.
        Writes: Write list
    }
