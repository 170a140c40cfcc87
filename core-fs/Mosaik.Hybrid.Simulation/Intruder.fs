namespace Mosaik.Hybrid.Simulation

open System
open System.Buffers

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Wire

/// Somebody at a peer's door who knows the protocol and not the group's key. Whatever it says, no word of it may
/// reach consensus; the node's port for it says that its other end is not honest, and the node checks.
[<RequireQualifiedAccess>]
module Intruder =

    let private encode (message: BondMessage) =
        let buffer = ArrayBufferWriter<byte>()
        WireWriter.Encode(message, buffer)
        buffer.WrittenSpan.ToArray()

    let private hello (peer: int) (dice: Dice) =
        let nonce = dice.Bits()
        let bytes: byte[] = Array.zeroCreate 32
        BitConverter.TryWriteBytes(Span bytes, nonce) |> ignore
        BondMessage.Hello
            { VersionMin = BondLimits.versionMin
              VersionMax = BondLimits.versionMax
              Network = Naming.network
              Group = Naming.group
              Nonce = Bytes32.FromBytes(ReadOnlySpan bytes)
              Member = Naming.memberOf peer 1
              Lineage = Lineage.None
              Preference = LeadershipPreference.Normal
              HasCommands = false }

    /// A word of consensus that would depose everybody, if anybody listened.
    let private usurp (victim: Node) =
        BondMessage.Raft(
            Message.AppendEntries(
                { Lineage = victim.Raft.Lineage
                  Term = Term(victim.Raft.CurrentTerm.Value + 50UL)
                  Session = 1UL
                  Round = 0UL
                  Previous = LogPosition.Zero
                  Commit = LogIndex.Zero },
                ReadOnlyMemory.Empty
            )
        )

    let private garbage (dice: Dice) =
        Array.init (1 + dice.Below 40) (fun _ -> byte (dice.Below 256))

    /// What it says, one word after the other.
    let private words (victim: Node) (peer: int) (dice: Dice) : byte[] list =
        let proof = BondMessage.Proof { Mac = Bytes32.Zero; Entry = ReadOnlyMemory.Empty }
        match dice.Below 5 with
        | 0 -> [ encode (usurp victim) ]
        | 1 -> [ encode (hello peer dice); encode (usurp victim) ]
        | 2 -> [ encode (hello peer dice); encode proof; encode (usurp victim) ]
        | 3 -> [ encode (hello peer dice); encode proof; encode BondMessage.Welcome; encode (usurp victim) ]
        | _ -> [ garbage dice; encode (usurp victim) ]

    /// Opens a link to the victim and says its words.
    let visit (world: ISurroundings) (victim: Node) (dice: Dice) =
        let peer = 1_000 + dice.Below 1_000
        let port =
            { new IPort with
                member _.Send(_, _) = ()
                member _.Close() = ()
                member _.IsHonest = false }
        let isDialler = dice.Chance 300
        let link = victim.Open(port, peer, isDialler)
        words victim peer dice
        |> List.iteri (fun place word ->
            world.Later(int64 (4_000 * (place + 1)), (fun () -> victim.Receive(link, word))))
        world.Later(60_000L, (fun () -> victim.Lost(link, CloseReason.UnexpectedClose)))
