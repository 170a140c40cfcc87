namespace Mosaik.Hybrid

open System
open System.Buffers.Binary

/// <summary>Thirty-two bytes by value: the form of a SHA-256 digest.</summary>
/// <remarks>
/// Ordered like the bytes are, first byte first. The ids of this library wrap it so that a peer's id cannot
/// be passed where a group's is wanted.
/// </remarks>
[<Struct>]
type Bytes32 private (a: uint64, b: uint64, c: uint64, d: uint64) =

    /// <summary>The number of bytes: 32.</summary>
    static member Size = 32

    /// <summary>Thirty-two zeros.</summary>
    static member Zero = Bytes32(0UL, 0UL, 0UL, 0UL)

    /// <summary>Reads exactly 32 bytes.</summary>
    /// <exception cref="T:System.ArgumentException">The span has another length.</exception>
    static member FromBytes(bytes: ReadOnlySpan<byte>) =
        if bytes.Length <> 32 then
            raise (ArgumentException("Exactly 32 bytes are needed.", nameof bytes))
        Bytes32(
            BinaryPrimitives.ReadUInt64BigEndian bytes,
            BinaryPrimitives.ReadUInt64BigEndian(bytes.Slice 8),
            BinaryPrimitives.ReadUInt64BigEndian(bytes.Slice 16),
            BinaryPrimitives.ReadUInt64BigEndian(bytes.Slice 24)
        )

    /// <summary>Reads 64 hexadecimal digits; false for anything else.</summary>
    static member TryParse(text: string | null, result: byref<Bytes32>) =
        let bytes: byte[] = Array.zeroCreate 32
        match text with
        | null -> false
        | text when text.Length <> 64 -> false
        | text ->
            let mutable consumed = 0
            let mutable written = 0
            let status = Convert.FromHexString(text.AsSpan(), Span bytes, &consumed, &written)
            if status = Buffers.OperationStatus.Done && written = 32 then
                result <- Bytes32.FromBytes(ReadOnlySpan bytes)
                true
            else
                false

    /// <summary>Writes the 32 bytes to the start of the span.</summary>
    /// <exception cref="T:System.ArgumentOutOfRangeException">The span is shorter than 32 bytes.</exception>
    member _.CopyTo(destination: Span<byte>) =
        BinaryPrimitives.WriteUInt64BigEndian(destination, a)
        BinaryPrimitives.WriteUInt64BigEndian(destination.Slice 8, b)
        BinaryPrimitives.WriteUInt64BigEndian(destination.Slice 16, c)
        BinaryPrimitives.WriteUInt64BigEndian(destination.Slice 24, d)

    /// <summary>A new array with the 32 bytes.</summary>
    member this.ToArray() =
        let bytes = Array.zeroCreate 32
        this.CopyTo(Span bytes)
        bytes

    /// <summary>The sign of the comparison, first byte first.</summary>
    member internal _.CompareWith(other: Bytes32) =
        let struct (oa: uint64, ob: uint64, oc: uint64, od: uint64) = other.Words
        if a <> oa then compare a oa
        elif b <> ob then compare b ob
        elif c <> oc then compare c oc
        else compare d od

    member internal _.Words = struct (a, b, c, d)

    /// <summary>64 lowercase hexadecimal digits.</summary>
    override this.ToString() =
        Convert.ToHexStringLower(ReadOnlySpan(this.ToArray()))

/// <summary>Sixteen bytes by value: the form of a random 128-bit number.</summary>
[<Struct>]
type Bytes16(high: uint64, low: uint64) =

    /// <summary>Sixteen zeros.</summary>
    static member Zero = Bytes16(0UL, 0UL)

    /// <summary>The first eight bytes as a big-endian number.</summary>
    member _.High = high

    /// <summary>The last eight bytes as a big-endian number.</summary>
    member _.Low = low

    /// <summary>True when every bit is zero.</summary>
    member _.IsZero = high = 0UL && low = 0UL

    /// <summary>Reads exactly 16 bytes.</summary>
    /// <exception cref="T:System.ArgumentException">The span has another length.</exception>
    static member FromBytes(bytes: ReadOnlySpan<byte>) =
        if bytes.Length <> 16 then
            raise (ArgumentException("Exactly 16 bytes are needed.", nameof bytes))
        Bytes16(
            BinaryPrimitives.ReadUInt64BigEndian bytes,
            BinaryPrimitives.ReadUInt64BigEndian(bytes.Slice 8)
        )

    /// <summary>Writes the 16 bytes to the start of the span.</summary>
    /// <exception cref="T:System.ArgumentOutOfRangeException">The span is shorter than 16 bytes.</exception>
    member _.CopyTo(destination: Span<byte>) =
        BinaryPrimitives.WriteUInt64BigEndian(destination, high)
        BinaryPrimitives.WriteUInt64BigEndian(destination.Slice 8, low)

    /// <summary>32 lowercase hexadecimal digits.</summary>
    override _.ToString() =
        high.ToString "x16" + low.ToString "x16"
