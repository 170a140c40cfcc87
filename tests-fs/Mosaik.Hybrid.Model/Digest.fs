namespace Mosaik.Hybrid.Model

open System
open System.Buffers.Binary
open System.Numerics

/// 128 bits that stand for a state: two hashes of 64 bits that share nothing but their input. Among 10^8 states the
/// chance that any two share a digest is below 10^-22.
[<Struct; CustomEquality; NoComparison>]
type Digest =
    { High: uint64
      Low: uint64 }

    /// Digests of the parts of a set add up, in whatever order.
    static member (+)(left: Digest, right: Digest) =
        { High = left.High + right.High; Low = left.Low + right.Low }

    member this.IsBelow(other: Digest) =
        this.High < other.High || (this.High = other.High && this.Low < other.Low)

    member this.Equals(other: Digest) =
        this.High = other.High && this.Low = other.Low

    override this.Equals(other: obj | null) =
        match other with
        | :? Digest as other -> this.Equals other
        | _ -> false

    override this.GetHashCode() = int this.Low

/// Writes the canonical bytes of something into a buffer that is used again and again, and digests them.
[<Sealed>]
type Encoder() =

    let mutable buffer: byte[] = Array.zeroCreate 1_024
    let mutable length = 0

    let reserve (count: int) =
        if length + count > buffer.Length then
            Array.Resize(&buffer, 2 * buffer.Length)

    // The finaliser of MurmurHash3, and Stafford's variant 13 of it.
    static let finishHigh (value: uint64) =
        let value = (value ^^^ (value >>> 33)) * 0xFF51AFD7ED558CCDUL
        let value = (value ^^^ (value >>> 33)) * 0xC4CEB9FE1A85EC53UL
        value ^^^ (value >>> 33)

    static let finishLow (value: uint64) =
        let value = (value ^^^ (value >>> 30)) * 0xBF58476D1CE4E5B9UL
        let value = (value ^^^ (value >>> 27)) * 0x94D049BB133111EBUL
        value ^^^ (value >>> 31)

    member _.Clear() = length <- 0

    /// A number from 0 to 255.
    member _.Byte(value: int) =
        if uint32 value > 255u then
            raise (ArgumentOutOfRangeException(nameof value, value, "A field of a small model fits a byte."))
        reserve 16
        buffer[length] <- byte value
        length <- length + 1

    member _.Word(value: uint64) =
        reserve 16
        BinaryPrimitives.WriteUInt64LittleEndian(buffer.AsSpan length, value)
        length <- length + 8

    member this.Digest(value: Digest) =
        this.Word value.High
        this.Word value.Low

    /// The digest of what was written since the last Clear.
    member _.Finish() : Digest =
        reserve 16
        buffer.AsSpan(length, 8).Clear()
        // Seeds that differ in many bits for each length: else a short string could undo the difference.
        let mutable high = 0x9E3779B97F4A7C15UL * uint64 (2 * length + 1)
        let mutable low = finishLow (0xD1B54A32D192ED03UL * uint64 (2 * length + 1))
        let mutable at = 0
        while at < length do
            let word = BinaryPrimitives.ReadUInt64LittleEndian(ReadOnlySpan(buffer, at, 8))
            high <- BitOperations.RotateLeft((high ^^^ word) * 0x87C37B91114253D5UL, 31)
            low <-
                BitOperations.RotateLeft((low + word) * 0xA0761D6478BD642FUL, 29)
                ^^^ (low >>> 17)
            at <- at + 8
        { High = finishHigh high; Low = finishLow low }

/// The digests of visited states, in a table of 16 bytes a place that is at most two thirds full.
[<Sealed>]
type Visited(capacity: int) =

    let sizeFor (count: int) =
        int (BitOperations.RoundUpToPowerOf2(uint32 (max 1_024 count)))

    let mutable table: Digest[] = Array.zeroCreate (sizeFor (capacity / 2 * 3))
    let mutable count = 0

    // A place of zeros is free; a digest of zeros is as unlikely as any other collision.
    static let isFree (digest: Digest) = digest.High = 0UL && digest.Low = 0UL

    static let place (table: Digest[]) (digest: Digest) =
        let mask = table.Length - 1
        let mutable at = int digest.Low &&& mask
        while not (isFree table[at]) && not (table[at].Equals digest) do
            at <- (at + 1) &&& mask
        at

    let grow () =
        let larger: Digest[] = Array.zeroCreate (2 * table.Length)
        for digest in table do
            if not (isFree digest) then
                larger[place larger digest] <- digest
        table <- larger

    member _.Count = count

    /// False when it was there before.
    member _.Add(digest: Digest) =
        let at = place table digest
        if isFree table[at] then
            table[at] <- digest
            count <- count + 1
            if int64 count * 3L > int64 table.Length * 2L then
                grow ()
            true
        else
            false
