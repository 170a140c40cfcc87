namespace Mosaik.Hybrid.Core.Tests.Support

open System
open System.Buffers.Binary

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// Ids that people can read: member 2 in its first life, lineage 7, command 1 of member 3.
[<RequireQualifiedAccess>]
module Name =

    /// Peer `number`; peers are ordered as their numbers are.
    let peer (number: int) =
        let bytes: byte[] = Array.zeroCreate 32
        BinaryPrimitives.WriteInt32BigEndian(Span bytes, number)
        PeerId.FromBytes(ReadOnlySpan bytes)

    /// One life of a peer's log; lives count from 1.
    let memberOf (number: int) (life: int) =
        MemberId(peer number, Incarnation(Bytes16(uint64 number, uint64 life)))

    let numberOf (id: MemberId) = int id.Incarnation.Value.High

    let lineage (number: int) = Lineage(Bytes16(0UL, uint64 number))

    /// `n2`, or `n2'3` for its third life.
    let show (id: MemberId) =
        let number, life = id.Incarnation.Value.High, id.Incarnation.Value.Low
        if life = 1UL then
            "n" + string number
        else
            "n" + string number + "'" + string life

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
