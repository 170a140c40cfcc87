namespace Mosaik.Hybrid.Simulation

open System
open System.Collections.Generic

open Mosaik.Hybrid.Core

/// A snapshot with its bytes, as a store keeps it.
[<NoEquality; NoComparison>]
type KeptSnapshot = { Facts: SnapshotFacts; Content: byte[] }

/// A snapshot that is being received: what has come of it.
[<Sealed>]
type PartialSnapshot(facts: SnapshotFacts) =

    let bytes = List<byte>()

    member _.Facts = facts
    member _.Held = int64 bytes.Count
    member _.IsWhole = int64 bytes.Count = facts.Length

    /// Takes bytes that follow on; others change nothing.
    member _.Take(chunk: SnapshotChunk) =
        if chunk.Offset = int64 bytes.Count then
            bytes.AddRange(chunk.Data.ToArray())

    /// A crash may take a part of what was not flushed.
    member _.Cut(kept: int) =
        if kept < bytes.Count then
            bytes.RemoveRange(kept, bytes.Count - kept)

    member _.Content = bytes.ToArray()

[<RequireQualifiedAccess>]
module Snapshot =

    let checksum (content: byte[]) =
        uint32 (Chain.ofBytes (ReadOnlySpan content))

    /// The same snapshot, and not only one of the same position.
    let isSame (left: SnapshotFacts) (right: SnapshotFacts) =
        left.Position = right.Position
        && left.Lineage = right.Lineage
        && left.Length = right.Length
        && left.Checksum = right.Checksum
        && left.Configuration = right.Configuration
