/// What the tests of the wire say: bodies as arrays, results as values.
module Mosaik.Hybrid.Core.Tests.Wire.Codec

open System
open System.Buffers

open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Wire

let encode (message: BondMessage) : byte[] =
    let output = ArrayBufferWriter<byte>()
    WireWriter.Encode(message, output)
    output.WrittenSpan.ToArray()

let decode (body: byte[]) : Result<BondMessage, DecodeError> =
    match WireReader.TryDecode(ReadOnlyMemory body) with
    | true, message, _ -> Ok message
    | false, _, error -> Error error

/// The fault of a body; None when it is well-formed.
let faultOf (body: byte[]) =
    match decode body with
    | Ok _ -> DecodeFault.None
    | Error error -> error.Fault

/// A frame of this length may make a reader allocate no more than this: an entry of two bytes becomes a LogEntry
/// of some 70, a member of 48 bytes a few objects and list cells.
let allocatedMax length = 4_096L + 128L * int64 length

/// What must hold for any bytes whatever: no exception, bounded allocation, and an accepted body is the one
/// encoding of its message. Gives the reason when it does not hold.
let broken (body: byte[]) : string option =
    let before = GC.GetAllocatedBytesForCurrentThread()
    let decoded = decode body
    let allocated = GC.GetAllocatedBytesForCurrentThread() - before
    let shown () =
        Convert.ToHexStringLower(ReadOnlySpan body)
    if allocated > allocatedMax body.Length then
        Some $"{body.Length} bytes made the reader allocate {allocated}: {shown ()}"
    else
        match decoded with
        | Ok message when encode message <> body -> Some $"accepted, but encodes otherwise: {shown ()}"
        | Ok _ -> None
        | Error error when error.Offset < 0 || error.Offset > body.Length ->
            Some $"the fault is said to be at {error.Offset}: {shown ()}"
        | Error _ -> None
