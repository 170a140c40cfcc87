namespace Mosaik.Hybrid.Core

open System
open System.Buffers.Binary

open Mosaik.Hybrid

/// Who belongs to the group, as one entry of the log says it.
///
/// While `Outgoing` is not empty the configuration is joint (Raft §6): a decision needs a majority of `Voters`
/// and a majority of `Outgoing`. A configuration is in force from the moment it is appended.
[<NoComparison>]
type Configuration =
    {
        /// The voters: the committee. Sorted, without repeats, never empty.
        Voters: MemberId list
        /// The committee that is being left; empty unless the configuration is joint. Sorted.
        Outgoing: MemberId list
        /// Members that replicate and apply but do not vote yet. Sorted.
        Learners: MemberId list
        /// Members that never vote. Sorted.
        Observers: MemberId list
    }

/// Why bytes are not a configuration.
type ConfigurationError =
    | Truncated
    | UnknownVersion of int
    | TooManyMembers of int
    | NotSorted
    | NoVoters
    | MemberTwice
    | TrailingBytes

[<RequireQualifiedAccess>]
module Configuration =

    /// More members than any group may have; bounds what a hostile frame makes us allocate.
    let membersMax = 256

    let ofVoters (voters: MemberId seq) =
        { Voters = voters |> Seq.distinct |> Seq.sort |> List.ofSeq
          Outgoing = []
          Learners = []
          Observers = [] }

    let isJoint (configuration: Configuration) = not configuration.Outgoing.IsEmpty

    let private contains (id: MemberId) (members: MemberId list) =
        members |> List.exists (fun candidate -> candidate.Equals id)

    let isVoter id configuration =
        contains id configuration.Voters || contains id configuration.Outgoing

    let isObserver id configuration = contains id configuration.Observers

    let isMember id configuration =
        isVoter id configuration
        || contains id configuration.Learners
        || isObserver id configuration

    /// Every voter of either half, once.
    let voters (configuration: Configuration) =
        if configuration.Outgoing.IsEmpty then
            configuration.Voters
        else
            List.append configuration.Voters configuration.Outgoing
            |> List.distinct
            |> List.sort

    /// Everybody, once.
    let members (configuration: Configuration) =
        List.concat [ voters configuration; configuration.Learners; configuration.Observers ]

    /// The next configuration on the way from one that is not joint to a wanted one, which is not either: the wanted
    /// one itself while the committee stays as it is, else the joint one between the two (Raft §6).
    let towards (wanted: Configuration) (current: Configuration) =
        if wanted.Voters = current.Voters then
            wanted
        else
            let isOutgoing (id: MemberId) =
                contains id current.Voters && not (contains id wanted.Voters)
            // A voter that stays in another part is still in the committee that is being left.
            { wanted with
                Outgoing = current.Voters
                Learners = List.filter (isOutgoing >> not) wanted.Learners
                Observers = List.filter (isOutgoing >> not) wanted.Observers }

    /// The configuration that a joint one ends in (Raft §6).
    let withoutOutgoing (joint: Configuration) = { joint with Outgoing = [] }

    /// True when `next` may stand right after `current` in a log: every majority of the one meets every majority of
    /// the other.
    let mayFollow (current: Configuration) (next: Configuration) =
        match isJoint current, isJoint next with
        | false, false -> next.Voters = current.Voters
        | false, true -> next.Outgoing = current.Voters
        | true, false -> next.Voters = current.Voters
        | true, true -> next.Voters = current.Voters && next.Outgoing = current.Outgoing

    // The payload of a configuration entry, version 1:
    //   version u8 = 1 | lineage 16 | four lists (voters, outgoing, learners, observers), each:
    //   count u16 little-endian, then count × (peer 32 | incarnation 16)

    let private memberSize = 48

    let encode (lineage: Lineage) (configuration: Configuration) : byte[] =
        let lists =
            [ configuration.Voters; configuration.Outgoing; configuration.Learners; configuration.Observers ]
        let size = 17 + (lists |> List.sumBy (fun members -> 2 + memberSize * members.Length))
        let bytes: byte[] = Array.zeroCreate size
        bytes[0] <- 1uy
        lineage.Value.CopyTo(bytes.AsSpan 1)
        let mutable at = 17
        for members in lists do
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan at, uint16 members.Length)
            at <- at + 2
            for id in members do
                id.Peer.CopyTo(bytes.AsSpan at)
                id.Incarnation.Value.CopyTo(bytes.AsSpan(at + 32))
                at <- at + memberSize
        bytes

    let private isSorted (members: MemberId list) =
        members
        |> List.pairwise
        |> List.forall (fun (left, right) -> compare left right < 0)

    let private check (configuration: Configuration) =
        let everybody = members configuration
        if configuration.Voters.IsEmpty then
            Error NoVoters
        elif
            [ configuration.Voters; configuration.Outgoing; configuration.Learners; configuration.Observers ]
            |> List.forall isSorted
            |> not
        then
            Error NotSorted
        elif (List.distinct everybody).Length <> everybody.Length then
            Error MemberTwice
        else
            Ok configuration

    /// Reads a payload; total over all bytes.
    let decode
        (payload: ReadOnlyMemory<byte>)
        : Result<struct (Lineage * Configuration), ConfigurationError> =
        let length = payload.Length
        let readMember (at: int) =
            let bytes = payload.Span.Slice(at, memberSize)
            MemberId(
                PeerId.FromBytes(bytes.Slice(0, 32)),
                Incarnation(Bytes16.FromBytes(bytes.Slice(32, 16)))
            )
        let readList at =
            if at + 2 > length then
                Error Truncated
            else
                let count = int (BinaryPrimitives.ReadUInt16LittleEndian(payload.Span.Slice at))
                if count > membersMax then
                    Error(TooManyMembers count)
                elif at + 2 + count * memberSize > length then
                    Error Truncated
                else
                    let members = List.init count (fun place -> readMember (at + 2 + place * memberSize))
                    Ok(struct (members, at + 2 + count * memberSize))
        if length < 17 then
            Error Truncated
        elif payload.Span[0] <> 1uy then
            Error(UnknownVersion(int (payload.Span[0])))
        else
            let lineage = Lineage(Bytes16.FromBytes(payload.Span.Slice(1, 16)))
            readList 17
            |> Result.bind (fun struct (voters, at) ->
                readList at
                |> Result.bind (fun struct (outgoing, at) ->
                    readList at
                    |> Result.bind (fun struct (learners, at) ->
                        readList at
                        |> Result.bind (fun struct (observers, at) ->
                            if at <> length then
                                Error TrailingBytes
                            else
                                check
                                    { Voters = voters
                                      Outgoing = outgoing
                                      Learners = learners
                                      Observers = observers }
                                |> Result.map (fun configuration -> struct (lineage, configuration))))))
