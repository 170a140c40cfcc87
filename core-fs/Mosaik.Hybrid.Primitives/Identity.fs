namespace Mosaik.Hybrid

open System

/// <summary>A running node: the SHA-256 digest of the SubjectPublicKeyInfo of its identity key.</summary>
/// <remarks>Proved by TLS: whoever holds the id holds the key. Ordered bytewise; the lower id decides ties.</remarks>
[<Struct; CustomEquality; CustomComparison>]
type PeerId(value: Bytes32) =

    /// <summary>The 32 bytes.</summary>
    member _.Value = value

    /// <summary>Reads exactly 32 bytes.</summary>
    /// <exception cref="T:System.ArgumentException">The span has another length.</exception>
    static member FromBytes(bytes: ReadOnlySpan<byte>) = PeerId(Bytes32.FromBytes bytes)

    /// <summary>Reads 64 hexadecimal digits; false for anything else.</summary>
    static member TryParse(text: string | null, result: byref<PeerId>) =
        let mutable value = Bytes32.Zero
        if Bytes32.TryParse(text, &value) then
            result <- PeerId value
            true
        else
            false

    /// <summary>Reads 64 hexadecimal digits.</summary>
    /// <exception cref="T:System.FormatException">The text is anything else.</exception>
    static member Parse(text: string | null) =
        let mutable result = PeerId Bytes32.Zero
        if PeerId.TryParse(text, &result) then
            result
        else
            raise (FormatException "A PeerId is 64 hexadecimal digits.")

    /// <summary>Writes the 32 bytes to the start of the span.</summary>
    member _.CopyTo(destination: Span<byte>) = value.CopyTo destination

    /// <summary>The first ten hexadecimal digits, for people; not unique.</summary>
    member this.Short = this.ToString().Substring(0, 10)

    /// <inheritdoc/>
    member _.Equals(other: PeerId) = value.CompareWith other.Value = 0

    override this.Equals(other: obj | null) =
        match other with
        | :? PeerId as other -> this.Equals other
        | _ -> false

    override _.GetHashCode() =
        let struct (first, _, _, _) = value.Words
        first.GetHashCode()

    /// <summary>64 lowercase hexadecimal digits.</summary>
    override _.ToString() = value.ToString()

    static member op_Equality(left: PeerId, right: PeerId) = left.Equals right
    static member op_Inequality(left: PeerId, right: PeerId) = not (left.Equals right)

    interface IEquatable<PeerId> with
        member this.Equals other = this.Equals other

    interface IComparable<PeerId> with
        member _.CompareTo other = value.CompareWith other.Value

    interface IComparable with
        member _.CompareTo other =
            match other with
            | :? PeerId as other -> value.CompareWith other.Value
            | _ -> 1

/// <summary>The peers that agree on key, consensus parameters, state machine and ticket validators.</summary>
/// <remarks>Derived, never chosen; see docs/group-id.md for the bytes.</remarks>
[<Struct; CustomEquality; CustomComparison>]
type GroupId(value: Bytes32) =

    /// <summary>The 32 bytes.</summary>
    member _.Value = value

    /// <summary>Reads exactly 32 bytes.</summary>
    /// <exception cref="T:System.ArgumentException">The span has another length.</exception>
    static member FromBytes(bytes: ReadOnlySpan<byte>) = GroupId(Bytes32.FromBytes bytes)

    /// <summary>Reads 64 hexadecimal digits; false for anything else.</summary>
    static member TryParse(text: string | null, result: byref<GroupId>) =
        let mutable value = Bytes32.Zero
        if Bytes32.TryParse(text, &value) then
            result <- GroupId value
            true
        else
            false

    /// <summary>Reads 64 hexadecimal digits.</summary>
    /// <exception cref="T:System.FormatException">The text is anything else.</exception>
    static member Parse(text: string | null) =
        let mutable result = GroupId Bytes32.Zero
        if GroupId.TryParse(text, &result) then
            result
        else
            raise (FormatException "A GroupId is 64 hexadecimal digits.")

    /// <summary>Writes the 32 bytes to the start of the span.</summary>
    member _.CopyTo(destination: Span<byte>) = value.CopyTo destination

    /// <summary>The first ten hexadecimal digits, for people; not unique.</summary>
    member this.Short = this.ToString().Substring(0, 10)

    /// <inheritdoc/>
    member _.Equals(other: GroupId) = value.CompareWith other.Value = 0

    override this.Equals(other: obj | null) =
        match other with
        | :? GroupId as other -> this.Equals other
        | _ -> false

    override _.GetHashCode() =
        let struct (first, _, _, _) = value.Words
        first.GetHashCode()

    /// <summary>64 lowercase hexadecimal digits.</summary>
    override _.ToString() = value.ToString()

    static member op_Equality(left: GroupId, right: GroupId) = left.Equals right
    static member op_Inequality(left: GroupId, right: GroupId) = not (left.Equals right)

    interface IEquatable<GroupId> with
        member this.Equals other = this.Equals other

    interface IComparable<GroupId> with
        member _.CompareTo other = value.CompareWith other.Value

    interface IComparable with
        member _.CompareTo other =
            match other with
            | :? GroupId as other -> value.CompareWith other.Value
            | _ -> 1

/// <summary>The SHA-256 digest of a network's name. Peers of different networks never talk.</summary>
/// <remarks>Not part of the GroupId; checked in every handshake.</remarks>
[<Struct; CustomEquality; CustomComparison>]
type NetworkId(value: Bytes32) =

    /// <summary>The 32 bytes.</summary>
    member _.Value = value

    /// <summary>Reads exactly 32 bytes.</summary>
    /// <exception cref="T:System.ArgumentException">The span has another length.</exception>
    static member FromBytes(bytes: ReadOnlySpan<byte>) = NetworkId(Bytes32.FromBytes bytes)

    /// <summary>Reads 64 hexadecimal digits; false for anything else.</summary>
    static member TryParse(text: string | null, result: byref<NetworkId>) =
        let mutable value = Bytes32.Zero
        if Bytes32.TryParse(text, &value) then
            result <- NetworkId value
            true
        else
            false

    /// <summary>Reads 64 hexadecimal digits.</summary>
    /// <exception cref="T:System.FormatException">The text is anything else.</exception>
    static member Parse(text: string | null) =
        let mutable result = NetworkId Bytes32.Zero
        if NetworkId.TryParse(text, &result) then
            result
        else
            raise (FormatException "A NetworkId is 64 hexadecimal digits.")

    /// <summary>Writes the 32 bytes to the start of the span.</summary>
    member _.CopyTo(destination: Span<byte>) = value.CopyTo destination

    /// <summary>The first ten hexadecimal digits, for people; not unique.</summary>
    member this.Short = this.ToString().Substring(0, 10)

    /// <inheritdoc/>
    member _.Equals(other: NetworkId) = value.CompareWith other.Value = 0

    override this.Equals(other: obj | null) =
        match other with
        | :? NetworkId as other -> this.Equals other
        | _ -> false

    override _.GetHashCode() =
        let struct (first, _, _, _) = value.Words
        first.GetHashCode()

    /// <summary>64 lowercase hexadecimal digits.</summary>
    override _.ToString() = value.ToString()

    static member op_Equality(left: NetworkId, right: NetworkId) = left.Equals right
    static member op_Inequality(left: NetworkId, right: NetworkId) = not (left.Equals right)

    interface IEquatable<NetworkId> with
        member this.Equals other = this.Equals other

    interface IComparable<NetworkId> with
        member _.CompareTo other = value.CompareWith other.Value

    interface IComparable with
        member _.CompareTo other =
            match other with
            | :? NetworkId as other -> value.CompareWith other.Value
            | _ -> 1

/// <summary>One life of one peer's log: a random 128-bit number made with a fresh log and stored in it.</summary>
/// <remarks>A peer that lost its log has a new incarnation and none of the old one's rights.</remarks>
[<Struct>]
type Incarnation(value: Bytes16) =

    /// <summary>The 16 bytes.</summary>
    member _.Value = value

    /// <summary>The value that stands for none.</summary>
    static member None = Incarnation Bytes16.Zero

    /// <summary>True for the value that stands for none.</summary>
    member _.IsNone = value.IsZero

    /// <summary>32 lowercase hexadecimal digits.</summary>
    override _.ToString() = value.ToString()

    static member op_Equality(left: Incarnation, right: Incarnation) =
        left.Value.High = right.Value.High && left.Value.Low = right.Value.Low

    static member op_Inequality(left: Incarnation, right: Incarnation) =
        left.Value.High <> right.Value.High || left.Value.Low <> right.Value.Low

/// <summary>One founding of a group: a random 128-bit number in its first entry, in stores and in every message.</summary>
/// <remarks>Logs of two lineages never mix. None means unaffiliated: the log is empty.</remarks>
[<Struct>]
type Lineage(value: Bytes16) =

    /// <summary>The 16 bytes.</summary>
    member _.Value = value

    /// <summary>The value that stands for none.</summary>
    static member None = Lineage Bytes16.Zero

    /// <summary>True for the value that stands for none.</summary>
    member _.IsNone = value.IsZero

    /// <summary>32 lowercase hexadecimal digits.</summary>
    override _.ToString() = value.ToString()

    static member op_Equality(left: Lineage, right: Lineage) =
        left.Value.High = right.Value.High && left.Value.Low = right.Value.Low

    static member op_Inequality(left: Lineage, right: Lineage) =
        left.Value.High <> right.Value.High || left.Value.Low <> right.Value.Low

/// <summary>A member of a group: a peer and one incarnation of its log.</summary>
/// <remarks>Immutable; ordered by peer, then incarnation. A class because maps and messages share it by reference.</remarks>
[<Sealed; AllowNullLiteral(false)>]
type MemberId(peer: PeerId, incarnation: Incarnation) =

    /// <summary>The peer.</summary>
    member _.Peer = peer

    /// <summary>The life of its log.</summary>
    member _.Incarnation = incarnation

    member private _.CompareWith(other: MemberId) =
        let byPeer = (peer :> IComparable<PeerId>).CompareTo other.Peer
        if byPeer <> 0 then
            byPeer
        else
            let byHigh = compare incarnation.Value.High other.Incarnation.Value.High
            if byHigh <> 0 then
                byHigh
            else
                compare incarnation.Value.Low other.Incarnation.Value.Low

    /// <inheritdoc/>
    member this.Equals(other: MemberId | null) =
        match other with
        | null -> false
        | other -> Object.ReferenceEquals(this, other) || this.CompareWith other = 0

    override this.Equals(other: obj | null) =
        match other with
        | :? MemberId as other -> this.Equals other
        | _ -> false

    override _.GetHashCode() =
        HashCode.Combine(peer, incarnation.Value.Low)

    /// <summary>Short forms of peer and incarnation, for people.</summary>
    override _.ToString() =
        peer.Short + "/" + incarnation.ToString().Substring(0, 6)

    static member op_Equality(left: MemberId | null, right: MemberId | null) = Object.Equals(left, right)
    static member op_Inequality(left: MemberId | null, right: MemberId | null) =
        not (Object.Equals(left, right))

    interface IEquatable<MemberId> with
        member this.Equals other = this.Equals other

    interface IComparable<MemberId> with
        member this.CompareTo other =
            match other with
            | null -> 1
            | other -> this.CompareWith other

    interface IComparable with
        member this.CompareTo other =
            match other with
            | :? MemberId as other -> this.CompareWith other
            | _ -> 1

/// <summary>Whoever numbers commands: a member in one run of its process.</summary>
/// <remarks>
/// A durable member that restarts opens its store with the next session, so that numbers begin at 1 again
/// without being taken for repeats. Exactly-once (rule 9) is kept for each proposer.
/// </remarks>
[<Sealed; AllowNullLiteral(false)>]
type ProposerId(author: MemberId, session: uint64) =

    /// <summary>The member whose process proposed.</summary>
    member _.Member = author

    /// <summary>How often its store had been opened: 1, 2, 3, ...</summary>
    member _.Session = session

    /// <inheritdoc/>
    member this.Equals(other: ProposerId | null) =
        match other with
        | null -> false
        | other ->
            Object.ReferenceEquals(this, other)
            || (session = other.Session && author.Equals other.Member)

    override this.Equals(other: obj | null) =
        match other with
        | :? ProposerId as other -> this.Equals other
        | _ -> false

    override _.GetHashCode() =
        HashCode.Combine(author.GetHashCode(), session)

    override _.ToString() =
        author.ToString() + "#" + string session

    interface IEquatable<ProposerId> with
        member this.Equals other = this.Equals other

    interface IComparable with
        member _.CompareTo other =
            match other with
            | :? ProposerId as other ->
                let byMember = (author :> IComparable).CompareTo other.Member
                if byMember <> 0 then
                    byMember
                else
                    compare session other.Session
            | _ -> 1
