namespace Mosaik.Hybrid.Simulation

open System
open System.Collections.Generic

open Mosaik.Hybrid
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

    /// Something in it is not what came.
    member val IsDamaged = false with get, set

    /// A crash may take a part of what was not flushed.
    member _.Cut(kept: int) =
        if kept < bytes.Count then
            bytes.RemoveRange(kept, bytes.Count - kept)

    /// A crash, or a bad disk, may leave other bytes than were written.
    member this.Damage(place: int) =
        if place < bytes.Count then
            this.IsDamaged <- true
            bytes[place] <- bytes[place] ^^^ 1uy

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

    let private readHead (content: byte[]) =
        let content = ReadOnlyMemory content
        match SnapshotHead.sizeOf content with
        | Ok size when size <= content.Length ->
            match SnapshotHead.decode (content.Slice(0, size)) with
            | Ok head -> Ok(struct (head, size))
            | Error error -> Error error
        | Ok _ -> Error SnapshotHeadError.Truncated
        | Error error -> Error error

    /// The head of a snapshot that is somebody's, and the machine's own bytes.
    let split (id: MemberId) (content: byte[]) : struct (SnapshotHead * byte[]) =
        match readHead content with
        | Ok(struct (head, size)) -> struct (head, content[size..])
        | Error error ->
            Rules.break' Rules.snapshotTruth $"{Naming.show id} has a snapshot whose head is none: {error}"

    let headOf (id: MemberId) (content: byte[]) : SnapshotHead =
        let struct (head, _) = split id content
        head
