namespace Mosaik.Hybrid.Simulation

open System
open System.Buffers.Binary

open Mosaik.Hybrid

/// Ids that people can read: peer 2, its third life, the lineage that it founded.
[<RequireQualifiedAccess>]
module Naming =

    /// The network and the group of every run: nothing depends on which.
    let network = NetworkId(Bytes32.Zero)
    let group = GroupId(Bytes32.Zero)

    /// Peer `number`, from 1; peers are ordered as their numbers are.
    let peer (number: int) =
        let bytes: byte[] = Array.zeroCreate 32
        BinaryPrimitives.WriteInt32BigEndian(Span bytes, number)
        PeerId.FromBytes(ReadOnlySpan bytes)

    /// One life of a peer's log; lives count from 1.
    let memberOf (number: int) (life: int) =
        MemberId(peer number, Incarnation(Bytes16(uint64 number, uint64 life)))

    let numberOf (id: MemberId) = int id.Incarnation.Value.High

    /// `n2`, or `n2'3` for its third life.
    let show (id: MemberId) =
        let number, life = id.Incarnation.Value.High, id.Incarnation.Value.Low
        if life = 1UL then
            "n" + string number
        else
            "n" + string number + "'" + string life

    /// The first digits of a lineage, or a dash.
    let showLineage (lineage: Lineage) =
        if lineage.IsNone then
            "-"
        else
            lineage.ToString().Substring(16, 6)
