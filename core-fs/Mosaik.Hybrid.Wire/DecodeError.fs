namespace Mosaik.Hybrid.Wire

/// <summary>Why bytes are not a message.</summary>
type DecodeFault =
    /// <summary>None: the bytes are a message.</summary>
    | None = 0
    /// <summary>The frame ends within a field.</summary>
    | Truncated = 1
    /// <summary>Bytes follow the message.</summary>
    | TrailingBytes = 2
    /// <summary>No message has this tag.</summary>
    | UnknownTag = 3
    /// <summary>No entry has this kind.</summary>
    | UnknownKind = 4
    /// <summary>A bit is set that has no meaning there.</summary>
    | UnknownFlag = 5
    /// <summary>An enumerated field (close reason, ballot, outcome) has a value without a name.</summary>
    | UnknownValue = 6
    /// <summary>A count is greater than the limit, or than what the rest of the frame could hold.</summary>
    | TooMany = 7
    /// <summary>A peer entry is over 48 KiB, or bytes of a snapshot are over 8 MiB.</summary>
    | TooLarge = 8
    /// <summary>A term, index or number is over 2^62, a command's number is 0, or a batch is over its limit.</summary>
    | OutOfRange = 9
    /// <summary>The value has a shorter or an earlier way of being written: not what any writer sends.</summary>
    | NotCanonical = 10
    /// <summary>A configuration is malformed, unsorted, without voters, or names a member twice.</summary>
    | BadConfiguration = 11

/// <summary>Why bytes are not a message, and where that was seen.</summary>
[<Struct; NoComparison>]
type DecodeError =
    {
        /// <summary>What is wrong.</summary>
        Fault: DecodeFault
        /// <summary>The offset in the body at which it was seen.</summary>
        Offset: int
    }

    /// <summary>One sentence for diagnostics; holds nothing of the frame but the offset.</summary>
    member this.Describe() : string =
        let what =
            match this.Fault with
            | DecodeFault.None -> "the frame is well-formed"
            | DecodeFault.Truncated -> "the frame ends within a field"
            | DecodeFault.TrailingBytes -> "bytes follow the message"
            | DecodeFault.UnknownTag -> "no message has this tag"
            | DecodeFault.UnknownKind -> "no entry has this kind"
            | DecodeFault.UnknownFlag -> "a flag without a meaning is set"
            | DecodeFault.UnknownValue -> "an enumerated field has an unknown value"
            | DecodeFault.TooMany -> "a count is greater than the frame can hold"
            | DecodeFault.TooLarge -> "a peer entry is over 48 KiB, or bytes of a snapshot over 8 MiB"
            | DecodeFault.OutOfRange -> "a number is out of its range"
            | DecodeFault.NotCanonical -> "a value is not in its one canonical form"
            | DecodeFault.BadConfiguration -> "a configuration breaks its rules"
            | _ -> "unknown fault"
        $"Malformed frame: {what} (at byte {this.Offset})."

    /// <inheritdoc/>
    override this.ToString() = this.Describe()
