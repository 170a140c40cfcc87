namespace Mosaik.Hybrid.Core.Tests.Support

open System
open System.Buffers.Binary

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// What the simulator's names lack: lineage 7, command 1 of member 3.
[<RequireQualifiedAccess>]
module Name =

    let lineage (number: int) = Lineage(Bytes16(0UL, uint64 number))

    /// A command as its proposer hands it over: place, term and time are the leader's to give.
    let command (proposer: ProposerId) (number: uint64) (remaining: int) : LogEntry =
        let payload: byte[] = Array.zeroCreate 8
        BinaryPrimitives.WriteUInt64LittleEndian(Span payload, number)
        { Index = LogIndex.Zero
          Term = Term.Zero
          Kind = EntryKind.Command
          BatchRemaining = remaining
          Timestamp = 0L
          Proposer = proposer
          Number = number
          Payload = ReadOnlyMemory payload }
