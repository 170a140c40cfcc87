namespace Mosaik.Hybrid.Wire

open System
open System.Buffers.Binary
open System.Text
open System.Text.Unicode

/// Reads little-endian fields one after another, never past the end. The first fault sticks: what is read
/// after it is zero or empty, so that a decoder may check once, at the end.
[<Sealed>]
type internal DiscoveryReader(bytes: ReadOnlyMemory<byte>) =
    let mutable position = 0
    let mutable fault: string | null = null

    /// What was wrong first; null when nothing was.
    member _.Fault = fault

    /// Notes a fault.
    member _.Fail(reason: string) =
        if isNull fault then
            fault <- reason

    /// Notes a fault unless the condition holds.
    member this.Require(holds: bool, reason: string) =
        if not holds then
            this.Fail reason

    /// What was not read yet.
    member _.Rest() = bytes.Slice position

    /// A view of the next bytes; empty, with a fault, if there are fewer.
    member this.Bytes(count: int) : ReadOnlyMemory<byte> =
        if isNull fault && count >= 0 && count <= bytes.Length - position then
            let taken = bytes.Slice(position, count)
            position <- position + count
            taken
        else
            this.Fail "It ends too early."
            ReadOnlyMemory.Empty

    member this.Byte() : int =
        let taken = this.Bytes 1
        if taken.IsEmpty then 0 else int taken.Span[0]

    member this.UInt16() : int =
        let taken = this.Bytes 2
        if taken.IsEmpty then
            0
        else
            int (BinaryPrimitives.ReadUInt16LittleEndian taken.Span)

    member this.UInt32() : uint32 =
        let taken = this.Bytes 4
        if taken.IsEmpty then
            0u
        else
            BinaryPrimitives.ReadUInt32LittleEndian taken.Span

    member this.Int64() : int64 =
        let taken = this.Bytes 8
        if taken.IsEmpty then
            0L
        else
            BinaryPrimitives.ReadInt64LittleEndian taken.Span

    member this.Bytes32() : Mosaik.Hybrid.Bytes32 =
        let taken = this.Bytes 32
        if taken.IsEmpty then
            Mosaik.Hybrid.Bytes32.Zero
        else
            Mosaik.Hybrid.Bytes32.FromBytes taken.Span

    /// Valid UTF-8 behind a length of one byte.
    member this.Text(least: int, most: int, what: string) : string =
        let length = this.Byte()
        this.Require(length >= least && length <= most, what + " has a bad length.")
        let taken = this.Bytes length
        if Utf8.IsValid taken.Span then
            Encoding.UTF8.GetString taken.Span
        else
            this.Fail(what + " is not UTF-8.")
            ""

    /// Items behind their number; reads no more than `most`, and none after a fault.
    member this.Many(count: int, most: int, what: string, read: unit -> 'item) : 'item[] =
        this.Require(count <= most, "Too many " + what + ".")
        let items = ResizeArray()
        while isNull fault && items.Count < count do
            items.Add(read ())
        items.ToArray()

    /// Notes a fault unless everything was read.
    member this.End() =
        this.Require((position = bytes.Length), "There is more than was announced.")
