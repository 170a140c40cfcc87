namespace Mosaik.Hybrid.Simulation

open System
open System.Buffers.Binary

open Mosaik.Hybrid

/// The kinds of commands that the registers know.
type RegisterCommandKind =
    | Write = 1uy
    | CompareAndSwap = 2uy

/// A few registers that hold a number each: write, compare and swap, read. Small, cheap, and sensitive to every wrong
/// order, since each value is written once.
[<RequireQualifiedAccess>]
module Registers =

    /// How many registers there are.
    let count = 24

    /// operation u8 | key u8 | value u64 | expected u64
    let command (operation: RegisterCommandKind) (key: int) (value: uint64) (expected: uint64) =
        let bytes: byte[] = Array.zeroCreate 18
        bytes[0] <- byte operation
        bytes[1] <- byte key
        BinaryPrimitives.WriteUInt64LittleEndian(Span(bytes, 2, 8), value)
        BinaryPrimitives.WriteUInt64LittleEndian(Span(bytes, 10, 8), expected)
        ReadOnlyMemory bytes

    let query (key: int) = ReadOnlyMemory [| byte key |]

    let operationOf (command: ReadOnlyMemory<byte>) =
        LanguagePrimitives.EnumOfValue<byte, RegisterCommandKind>(command.Span[0])

    let keyOf (command: ReadOnlyMemory<byte>) = int command.Span[1]

    let valueOf (command: ReadOnlyMemory<byte>) =
        BinaryPrimitives.ReadUInt64LittleEndian(command.Span.Slice(2, 8))

    let expectedOf (command: ReadOnlyMemory<byte>) =
        BinaryPrimitives.ReadUInt64LittleEndian(command.Span.Slice(10, 8))

/// The registers as a replicated machine.
[<Sealed>]
type RegisterMachine() =

    let values: uint64[] = Array.zeroCreate Registers.count
    let mutable digest = 17UL

    interface ISnapshotMachineUnderTest with
        member _.Capture() =
            let captured = Array.append values [| digest |]
            Func<byte[]>(fun () -> captured |> Array.collect BitConverter.GetBytes)

        member _.Restore(bytes: byte[]) =
            let number (place: int) =
                BinaryPrimitives.ReadUInt64LittleEndian(ReadOnlySpan(bytes, 8 * place, 8))
            for key in 0 .. Registers.count - 1 do
                values[key] <- number key
            digest <- number Registers.count

    interface IMachineUnderTest with
        member _.Apply(entry: LogEntry) =
            let key = Registers.keyOf entry.Payload
            let value = Registers.valueOf entry.Payload
            let takesEffect =
                match Registers.operationOf entry.Payload with
                | RegisterCommandKind.CompareAndSwap -> values[key] = Registers.expectedOf entry.Payload
                | _ -> true
            if takesEffect then
                values[key] <- value
            digest <-
                (digest ^^^ (value + uint64 key)) * 0x9E3779B97F4A7C15UL
                + (if takesEffect then 1UL else 0UL)

        member _.Query(query: ReadOnlyMemory<byte>) = box values[int query.Span[0]]

        member _.Digest() = digest
