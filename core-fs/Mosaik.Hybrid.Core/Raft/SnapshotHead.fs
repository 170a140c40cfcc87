namespace Mosaik.Hybrid.Core

open System
open System.Buffers.Binary

open Mosaik.Hybrid

/// What a snapshot holds besides the machine's own bytes, which follow.
[<NoEquality; NoComparison>]
type SnapshotHead =
    {
        /// The timestamp of the entry that the snapshot stands at: the next leader's must not be earlier.
        Timestamp: int64
        /// What the command filter knew there; without it a command could take effect twice (rule 9).
        Records: ProposerRecord[]
    }

/// Why bytes are not the head of a snapshot.
[<RequireQualifiedAccess>]
type SnapshotHeadError =
    | Truncated
    | UnknownVersion of int
    | TooManyProposers of int64
    | ProposersNotSorted
    | NumberOutOfRange
    | TrailingBytes

// The head of a snapshot, version 1, little-endian:
//   version u8 = 1 | timestamp i64 | count u32
//   count × (peer 32 | incarnation 16 | session u64 | last number u64 | index u64), by rising proposer

/// Writes and reads the head of a snapshot's bytes. Total over all bytes; equal knowledge has equal bytes.
[<RequireQualifiedAccess>]
module SnapshotHead =

    /// Version, timestamp and count: enough to know how long the whole head is.
    let fixedSize = 13

    let private recordSize = 72

    let private numberMax = 1UL <<< 62

    let encode (head: SnapshotHead) : byte[] =
        let bytes: byte[] = Array.zeroCreate (fixedSize + recordSize * head.Records.Length)
        bytes[0] <- 1uy
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan 1, head.Timestamp)
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan 9, uint32 head.Records.Length)
        for place in 0 .. head.Records.Length - 1 do
            let record = head.Records[place]
            let span = bytes.AsSpan(fixedSize + recordSize * place)
            record.Proposer.Member.Peer.CopyTo span
            record.Proposer.Member.Incarnation.Value.CopyTo(span.Slice 32)
            BinaryPrimitives.WriteUInt64LittleEndian(span.Slice 48, record.Proposer.Session)
            BinaryPrimitives.WriteUInt64LittleEndian(span.Slice 56, record.Last)
            BinaryPrimitives.WriteUInt64LittleEndian(span.Slice 64, record.UsedAt.Value)
        bytes

    /// How many bytes the whole head has, from its first `fixedSize`.
    let sizeOf (bytes: ReadOnlyMemory<byte>) : Result<int, SnapshotHeadError> =
        if bytes.Length < fixedSize then
            Error SnapshotHeadError.Truncated
        elif bytes.Span[0] <> 1uy then
            Error(SnapshotHeadError.UnknownVersion(int bytes.Span[0]))
        else
            let count = BinaryPrimitives.ReadUInt32LittleEndian(bytes.Span.Slice 9)
            if count > uint32 CommandFilter.SessionsMaxDefault then
                Error(SnapshotHeadError.TooManyProposers(int64 count))
            else
                Ok(fixedSize + recordSize * int count)

    let private readRecord (bytes: ReadOnlySpan<byte>) : ProposerRecord =
        let author =
            MemberId(
                PeerId.FromBytes(bytes.Slice(0, 32)),
                Incarnation(Bytes16.FromBytes(bytes.Slice(32, 16)))
            )
        { Proposer = ProposerId(author, BinaryPrimitives.ReadUInt64LittleEndian(bytes.Slice 48))
          Last = BinaryPrimitives.ReadUInt64LittleEndian(bytes.Slice 56)
          UsedAt = LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(bytes.Slice 64)) }

    let private isSorted (records: ProposerRecord[]) =
        records
        |> Array.pairwise
        |> Array.forall (fun (left, right) -> compare left.Proposer right.Proposer < 0)

    let private isInRange (record: ProposerRecord) =
        record.Last >= 1UL
        && record.Last <= numberMax
        && record.UsedAt.Value >= 1UL
        && record.UsedAt.Value <= numberMax

    /// Reads exactly one whole head.
    let decode (bytes: ReadOnlyMemory<byte>) : Result<SnapshotHead, SnapshotHeadError> =
        match sizeOf bytes with
        | Error error -> Error error
        | Ok size when bytes.Length < size -> Error SnapshotHeadError.Truncated
        | Ok size when bytes.Length > size -> Error SnapshotHeadError.TrailingBytes
        | Ok size ->
            let count = (size - fixedSize) / recordSize
            let records =
                Array.init count (fun place ->
                    readRecord (bytes.Span.Slice(fixedSize + recordSize * place, recordSize)))
            if not (isSorted records) then
                Error SnapshotHeadError.ProposersNotSorted
            elif not (Array.forall isInRange records) then
                Error SnapshotHeadError.NumberOutOfRange
            else
                Ok
                    { Timestamp = BinaryPrimitives.ReadInt64LittleEndian(bytes.Span.Slice 1)
                      Records = records }
