namespace Mosaik.Hybrid

open System

/// <summary>An election epoch; the group's logical clock.</summary>
/// <remarks>Raft §5.1. At most 2^62: a wire frame that says more is refused.</remarks>
[<Struct>]
type Term(value: uint64) =

    /// <summary>The number.</summary>
    member _.Value = value

    /// <summary>Zero: precedes every election.</summary>
    static member Zero = Term 0UL

    /// <summary>The number after this one.</summary>
    member _.Next = Term(value + 1UL)

    /// <summary>The number in decimal digits.</summary>
    override _.ToString() = string value

    static member op_Equality(left: Term, right: Term) = left.Value = right.Value
    static member op_Inequality(left: Term, right: Term) = left.Value <> right.Value
    static member op_LessThan(left: Term, right: Term) = left.Value < right.Value
    static member op_GreaterThan(left: Term, right: Term) = left.Value > right.Value
    static member op_LessThanOrEqual(left: Term, right: Term) = left.Value <= right.Value
    static member op_GreaterThanOrEqual(left: Term, right: Term) = left.Value >= right.Value

/// <summary>A place in the replicated log. The first entry has index 1.</summary>
/// <remarks>At most 2^62: a wire frame that says more is refused.</remarks>
[<Struct>]
type LogIndex(value: uint64) =

    /// <summary>The number.</summary>
    member _.Value = value

    /// <summary>Zero: before the first entry.</summary>
    static member Zero = LogIndex 0UL

    /// <summary>The number after this one.</summary>
    member _.Next = LogIndex(value + 1UL)

    /// <summary>The number in decimal digits.</summary>
    override _.ToString() = string value

    static member op_Equality(left: LogIndex, right: LogIndex) = left.Value = right.Value
    static member op_Inequality(left: LogIndex, right: LogIndex) = left.Value <> right.Value
    static member op_LessThan(left: LogIndex, right: LogIndex) = left.Value < right.Value
    static member op_GreaterThan(left: LogIndex, right: LogIndex) = left.Value > right.Value
    static member op_LessThanOrEqual(left: LogIndex, right: LogIndex) = left.Value <= right.Value
    static member op_GreaterThanOrEqual(left: LogIndex, right: LogIndex) = left.Value >= right.Value

    /// <summary>The index before this one; zero stays zero.</summary>
    member _.Previous = LogIndex(if value = 0UL then 0UL else value - 1UL)

    /// <summary>The index this many places further.</summary>
    member _.Plus(count: int) = LogIndex(value + uint64 count)

/// <summary>An entry's term and index: enough to tell any two entries of one lineage apart.</summary>
/// <remarks>Compares by term, then index: "at least as up to date" of Raft §5.4.1.</remarks>
[<Struct>]
type LogPosition(term: Term, index: LogIndex) =

    /// <summary>The term in which the entry was made.</summary>
    member _.Term = term

    /// <summary>The place of the entry.</summary>
    member _.Index = index

    /// <summary>Before the first entry.</summary>
    static member Zero = LogPosition(Term.Zero, LogIndex.Zero)

    /// <summary>Term and index, as <c>3/17</c>.</summary>
    override _.ToString() =
        string term.Value + "/" + string index.Value

    static member op_Equality(left: LogPosition, right: LogPosition) =
        left.Term.Value = right.Term.Value && left.Index.Value = right.Index.Value

    static member op_Inequality(left: LogPosition, right: LogPosition) =
        left.Term.Value <> right.Term.Value || left.Index.Value <> right.Index.Value

/// <summary>The indexes from First to Last, both included; empty when Last is First's predecessor.</summary>
[<Struct>]
type LogRange(first: LogIndex, last: LogIndex) =

    /// <summary>The first index.</summary>
    member _.First = first

    /// <summary>The last index; below First when the range is empty.</summary>
    member _.Last = last

    /// <summary>True when no index is in the range.</summary>
    member _.IsEmpty = last.Value < first.Value

    /// <summary>How many indexes are in the range.</summary>
    member _.Count =
        if last.Value < first.Value then
            0
        else
            int (last.Value - first.Value + 1UL)

    /// <summary>True when the index is in the range.</summary>
    member _.Contains(index: LogIndex) =
        index.Value >= first.Value && index.Value <= last.Value

    override _.ToString() =
        string first.Value + ".." + string last.Value

/// <summary>What an entry is for.</summary>
type EntryKind =
    /// <summary>Empty: the first entry of a leader's term (Raft §8).</summary>
    | NoOp = 0uy
    /// <summary>A user's command.</summary>
    | Command = 1uy
    /// <summary>A configuration of the group: voters, learners, observers, lineage.</summary>
    | Configuration = 2uy
    /// <summary>The end of a lineage without commands: its members forget it and join another. The payload is that other lineage.</summary>
    | Dissolution = 3uy

/// <summary>One entry of the replicated log.</summary>
/// <remarks>
/// The payload is a view of bytes that nobody may change afterwards. Entries are compared by position:
/// in one lineage an index and a term name one entry (Raft §5.3, Log Matching).
/// </remarks>
[<Struct; NoEquality; NoComparison>]
type LogEntry =
    {
        /// <summary>The place in the log; from 1.</summary>
        Index: LogIndex
        /// <summary>The term of the leader that made the entry.</summary>
        Term: Term
        /// <summary>What the entry is for.</summary>
        Kind: EntryKind
        /// <summary>How many entries of the same atomic batch follow this one; 0 for the last and for single commands.</summary>
        BatchRemaining: int
        /// <summary>The leader's wall clock when it made the entry, in milliseconds since 1970; never goes back within a log.</summary>
        Timestamp: int64
        /// <summary>Who proposed a command; null for other kinds.</summary>
        Proposer: ProposerId | null
        /// <summary>The proposer's number for a command: 1, 2, 3, ...; 0 for other kinds.</summary>
        Number: uint64
        /// <summary>The encoded command or configuration; empty for NoOp.</summary>
        Payload: ReadOnlyMemory<byte>
    }

    /// <summary>Term and index of the entry.</summary>
    member this.Position = LogPosition(this.Term, this.Index)

    /// <summary>The entry at another place in the log.</summary>
    member this.At(index: LogIndex, term: Term, timestamp: int64) =
        let entry = this
        { entry with Index = index; Term = term; Timestamp = timestamp }

/// <summary>What must be true after a crash besides the log (Raft Figure 2, "persistent state").</summary>
/// <remarks>One record: a store makes all of it durable or none of it (rule 2).</remarks>
[<NoComparison>]
type HardState =
    {
        /// <summary>This member. Its incarnation was made with the log.</summary>
        Member: MemberId
        /// <summary>How often the store has been opened by a running group: 1, 2, 3, ...</summary>
        Session: uint64
        /// <summary>The lineage of the log; none while the log is empty.</summary>
        Lineage: Lineage
        /// <summary>The latest term this member has seen.</summary>
        CurrentTerm: Term
        /// <summary>The candidate that got this member's vote, or founding ballot, in the current term; null for none.</summary>
        VotedFor: MemberId | null
        /// <summary>
        /// The acknowledged watermark: this member has told others that its log reaches at least here. A log
        /// found shorter is not a torn tail but a loss (rule 16).
        /// </summary>
        Acknowledged: LogPosition
    }
