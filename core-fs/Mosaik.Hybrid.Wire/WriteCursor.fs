namespace Mosaik.Hybrid.Wire

open System
open System.Buffers.Binary
open System.Runtime.CompilerServices

open Mosaik.Hybrid

/// Where the next byte goes: a span that was reserved large enough beforehand.
[<Struct; IsByRefLike; NoEquality; NoComparison>]
type internal WriteCursor =
    val Bytes: Span<byte>
    val mutable Position: int

    new(bytes: Span<byte>) = { Bytes = bytes; Position = 0 }

    member this.Byte(value: byte) =
        this.Bytes[this.Position] <- value
        this.Position <- this.Position + 1

    member this.UInt16(value: uint16) =
        BinaryPrimitives.WriteUInt16LittleEndian(this.Bytes.Slice this.Position, value)
        this.Position <- this.Position + 2

    member this.UInt32(value: uint32) =
        BinaryPrimitives.WriteUInt32LittleEndian(this.Bytes.Slice this.Position, value)
        this.Position <- this.Position + 4

    member this.Varint(value: uint64) =
        let mutable rest = value
        while rest >= 0x80UL do
            this.Byte(byte rest ||| 0x80uy)
            rest <- rest >>> 7
        this.Byte(byte rest)

    member this.Bytes16(value: Bytes16) =
        value.CopyTo(this.Bytes.Slice this.Position)
        this.Position <- this.Position + 16

    member this.Bytes32(value: Bytes32) =
        value.CopyTo(this.Bytes.Slice this.Position)
        this.Position <- this.Position + 32

    member this.Raw(value: ReadOnlySpan<byte>) =
        value.CopyTo(this.Bytes.Slice this.Position)
        this.Position <- this.Position + value.Length

    member this.Blob(value: ReadOnlyMemory<byte>) =
        this.Varint(uint64 value.Length)
        this.Raw value.Span
