namespace Mosaik.Hybrid.Wire

open System
open System.Buffers.Binary
open System.Runtime.CompilerServices

open Mosaik.Hybrid

/// Where the next byte is read. The first fault sticks and moves the cursor to the end, so that reads need not
/// be checked one by one: those after a fault give zeros, which nobody gets to see.
[<Struct; IsByRefLike; NoEquality; NoComparison>]
type internal ReadCursor =
    val Frame: ReadOnlySpan<byte>
    val mutable Position: int
    val mutable Fault: DecodeFault
    val mutable FaultAt: int

    new(frame: ReadOnlySpan<byte>) = { Frame = frame; Position = 0; Fault = DecodeFault.None; FaultAt = 0 }

    member this.Remaining = this.Frame.Length - this.Position

    member this.IsSound = (this.Fault = DecodeFault.None)

    member this.Fail(fault: DecodeFault) =
        if this.Fault = DecodeFault.None then
            this.Fault <- fault
            this.FaultAt <- this.Position
            this.Position <- this.Frame.Length

    /// The start of the next field of this size; -1, and a fault, when the frame ends before its end.
    member this.Take(size: int) =
        if size <= this.Remaining then
            let at = this.Position
            this.Position <- at + size
            at
        else
            this.Fail DecodeFault.Truncated
            -1

    member this.Byte() : byte =
        if this.Position < this.Frame.Length then
            let value = this.Frame[this.Position]
            this.Position <- this.Position + 1
            value
        else
            this.Fail DecodeFault.Truncated
            0uy

    member this.UInt16() : uint16 =
        let at = this.Take 2
        if at < 0 then
            0us
        else
            BinaryPrimitives.ReadUInt16LittleEndian(this.Frame.Slice at)

    member this.UInt32() : uint32 =
        let at = this.Take 4
        if at < 0 then
            0u
        else
            BinaryPrimitives.ReadUInt32LittleEndian(this.Frame.Slice at)

    member this.Bytes16() : Bytes16 =
        let at = this.Take 16
        if at < 0 then
            Bytes16.Zero
        else
            Bytes16.FromBytes(this.Frame.Slice(at, 16))

    member this.Bytes32() : Bytes32 =
        let at = this.Take 32
        if at < 0 then
            Bytes32.Zero
        else
            Bytes32.FromBytes(this.Frame.Slice(at, 32))

    member this.Varint() : uint64 =
        let first = this.Byte()
        if first < 0x80uy then
            uint64 first
        else
            this.VarintAfter first

    member private this.VarintAfter(first: byte) : uint64 =
        let mutable value = uint64 (first &&& 0x7Fuy)
        let mutable shift = 7
        let mutable more = true
        while more do
            let next = this.Byte()
            value <- value ||| (uint64 (next &&& 0x7Fuy) <<< shift)
            more <- next >= 0x80uy
            // Of the tenth byte only the lowest bit is part of 64; a last byte of zero is an overlong form.
            if this.IsSound && ((shift = 63 && next > 1uy) || next = 0uy) then
                this.Fail DecodeFault.NotCanonical
                more <- false
            shift <- shift + 7
        value

    /// A term, an index or a command number.
    member this.Number() : uint64 =
        let value = this.Varint()
        if value > WireFormat.NumberMax then
            this.Fail DecodeFault.OutOfRange
            0UL
        else
            value

    member this.Term() : Term = Term(this.Number())

    member this.Index() : LogIndex = LogIndex(this.Number())

    member this.LogPosition() : LogPosition =
        let term = this.Term()
        let index = this.Index()
        LogPosition(term, index)

    member this.Lineage() : Lineage = Lineage(this.Bytes16())

    member this.MemberId() : MemberId =
        let peer = PeerId(this.Bytes32())
        let incarnation = Incarnation(this.Bytes16())
        MemberId(peer, incarnation)

    member this.ProposerId() : ProposerId =
        let author = this.MemberId()
        let session = this.Varint()
        ProposerId(author, session)

    /// Flags of which only those of the mask have a meaning.
    member this.Flags(mask: byte) : byte =
        let flags = this.Byte()
        if flags &&& ~~~mask <> 0uy then
            this.Fail DecodeFault.UnknownFlag
        flags &&& mask

    /// How many things follow, each of at least so many bytes: never more than there is room for.
    member this.Count(bytesMin: int) : int =
        let count = this.Varint()
        if
            count > uint64 WireFormat.EntriesMax
            || count * uint64 bytesMin > uint64 this.Remaining
        then
            this.Fail DecodeFault.TooMany
            0
        else
            int count

    /// How many entries of its batch follow a command.
    member this.BatchRemaining() : int =
        let remaining = this.Varint()
        if remaining > uint64 WireFormat.BatchRemainingMax then
            this.Fail DecodeFault.OutOfRange
            0
        else
            int remaining

    /// A length and so many bytes, as a view of the frame.
    member this.Blob(frame: ReadOnlyMemory<byte>) : ReadOnlyMemory<byte> =
        let length = this.Varint()
        if length <= uint64 this.Remaining then
            let at = this.Take(int length)
            frame.Slice(at, int length)
        else
            this.Fail DecodeFault.Truncated
            ReadOnlyMemory.Empty
