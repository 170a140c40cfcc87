namespace Mosaik.Hybrid.Wire

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// The numbers of the wire format, version 1. The whole format, byte by byte: docs/wire-format.md.
///
/// On a link:      length u32 | version u8 = 1 | body       (length counts version and body)
/// Body:           tag u8 | fields of the tag
///
/// Fixed fields are little-endian. `varint` is LEB128, seven bits a byte, low bits first, at most 64 bits, in
/// the fewest bytes. Ids are raw bytes. Every message has exactly one encoding: a reader refuses all others.
///
///   0x01 Hello               min u16 | max u16 | network 32 | group 32 | nonce 32 | peer 32 | incarnation 16
///                            | lineage 16 | flags u8 (bit 0: observer)
///   0x02 Proof               mac 32 | length varint | signed peer entry
///   0x03 Welcome             -
///   0x04 Ping                -
///   0x05 Pong                -
///   0x06 PeerChanged         length varint | signed peer entry
///   0x07 Affiliated          lineage 16
///   0x08 Departing           -
///   0x09 Close               reason u32
///   0x10 RequestVote         lineage 16 | term | last term | last index (varints) | ballot u8
///                            | for ballot 2, the rest: a configuration of the same lineage
///   0x11 RequestVoteReply    lineage 16 | term varint | flags u8 (bit 0: granted, bit 1: pre-vote)
///   0x12 AppendEntries       lineage 16 | term | session | round | previous term | previous index | commit
///                            | count (varints) | count × entry
///   0x13 AppendEntriesReply  lineage 16 | term | session | round (varints) | outcome u8
///                            | 0: up to varint; 1: refused index | hint term | hint index (varints)
///                            | 2: snapshot term | snapshot index | offset (varints)
///   0x14 ReadIndex           lineage 16 | term | request (varints)
///   0x15 ReadIndexReply      lineage 16 | term | request | index (varints)
///   0x16 Forward             lineage 16 | term | applied | count (varints)
///                            | unless count = 0: proposer | first number varint | count × command
///   0x17 ForwardReply        lineage 16 | term varint | outcome u8
///                            | 0: first | last | index (varints); 1: next varint; 2: -
///   0x18 InstallSnapshot     lineage 16 | term | session | round | snapshot term | snapshot index | commit
///                            | snapshot length (varints) | checksum u32 | offset varint
///                            | length varint | configuration of the same lineage | length varint | bytes
///   0x19 TimeoutNow          lineage 16 | term varint
///   0x1A HandOver            lineage 16 | term varint | target: peer 32 | incarnation 16
///   0x1B Depart              lineage 16 | term varint
///   0x1C Departed            lineage 16 | term varint
///   0x1D Survey              lineage 16 | term | request (varints)
///   0x1E SurveyReply         lineage 16 | term | request | last | commit | count (varints) | count × report
///   0x1F CatchUp             lineage 16 | term | session | round | previous term | previous index | commit
///                            | up to | count (varints) | count × (first index | term (varints))
///                            | count varint | count × (peer 32 | incarnation 16)
///   0x20 FetchEntries        lineage 16 | term | request | first | last (varints)
///   0x21 FetchedEntries      lineage 16 | term | request | previous term | previous index | count (varints)
///                            | count × entry
///
///   report                   peer 32 | incarnation 16 | flags u8 (bit 0: observer, bit 1: reluctant, bit 2: bonded,
///                            bit 3: caught up, bit 4: leaving) | match | silence (varints)
///   proposer                 peer 32 | incarnation 16 | session varint
///   command                  batch remaining varint | length varint | payload
///   entry                    head u8 | [term step] | timestamp step | [batch remaining]
///                            | [slot | [proposer]] | [number] | [length | payload]
///
/// An entry has no index: it follows the one before. Its head says which of the bracketed fields are there.
[<RequireQualifiedAccess>]
module WireFormat =

    /// The frame version that this library writes and reads.
    [<Literal>]
    let Version = 1uy

    /// Bytes before the body of a frame: length and version.
    [<Literal>]
    let PrefixBytes = 5

    /// The longest frame (version and body) on a link whose other end has not proved itself yet: 64 KiB.
    [<Literal>]
    let FrameBytesMaxUnproven = 65_536

    /// The longest frame (version and body) on a bond: 16 MiB.
    [<Literal>]
    let FrameBytesMax = 16_777_216

    /// The longest signed peer entry: 48 KiB, so that a Proof fits an unproven link.
    [<Literal>]
    let PeerEntryBytesMax = 49_152

    /// The most bytes of a snapshot in one frame: 8 MiB.
    [<Literal>]
    let SnapshotChunkBytesMax = 8_388_608

    /// The most entries or commands in one frame: bounds what a frame of tiny entries makes a reader allocate.
    [<Literal>]
    let EntriesMax = 65_536

    /// The most that can follow an entry in its batch.
    [<Literal>]
    let BatchRemainingMax = 65_535

    /// The greatest term, index or command number: 2^62. Sums of two of them cannot wrap.
    [<Literal>]
    let NumberMax = 0x4000_0000_0000_0000UL

    /// The most proposers that a frame's entries refer to by slot; others are spelled out at each turn.
    [<Literal>]
    let SlotsMax = 64

    [<Literal>]
    let internal HelloTag = 0x01uy

    [<Literal>]
    let internal ProofTag = 0x02uy

    [<Literal>]
    let internal WelcomeTag = 0x03uy

    [<Literal>]
    let internal PingTag = 0x04uy

    [<Literal>]
    let internal PongTag = 0x05uy

    [<Literal>]
    let internal PeerChangedTag = 0x06uy

    [<Literal>]
    let internal AffiliatedTag = 0x07uy

    [<Literal>]
    let internal DepartingTag = 0x08uy

    [<Literal>]
    let internal CloseTag = 0x09uy

    [<Literal>]
    let internal RequestVoteTag = 0x10uy

    [<Literal>]
    let internal RequestVoteReplyTag = 0x11uy

    [<Literal>]
    let internal AppendEntriesTag = 0x12uy

    [<Literal>]
    let internal AppendEntriesReplyTag = 0x13uy

    [<Literal>]
    let internal ReadIndexTag = 0x14uy

    [<Literal>]
    let internal ReadIndexReplyTag = 0x15uy

    [<Literal>]
    let internal ForwardTag = 0x16uy

    [<Literal>]
    let internal ForwardReplyTag = 0x17uy

    [<Literal>]
    let internal InstallSnapshotTag = 0x18uy

    [<Literal>]
    let internal TimeoutNowTag = 0x19uy

    [<Literal>]
    let internal HandOverTag = 0x1Auy

    [<Literal>]
    let internal DepartTag = 0x1Buy

    [<Literal>]
    let internal DepartedTag = 0x1Cuy

    [<Literal>]
    let internal SurveyTag = 0x1Duy

    [<Literal>]
    let internal SurveyReplyTag = 0x1Euy

    [<Literal>]
    let internal CatchUpTag = 0x1Fuy

    [<Literal>]
    let internal FetchEntriesTag = 0x20uy

    [<Literal>]
    let internal FetchedEntriesTag = 0x21uy

    // The flags of a hello.

    [<Literal>]
    let internal ObserverFlag = 0x01uy

    [<Literal>]
    let internal ReluctantFlag = 0x02uy

    [<Literal>]
    let internal HasCommandsFlag = 0x04uy

    [<Literal>]
    let internal HelloMask = 0x07uy

    // The flags of a member's report, besides how willing it is to lead.

    [<Literal>]
    let internal BondedFlag = 0x04uy

    [<Literal>]
    let internal CaughtUpFlag = 0x08uy

    [<Literal>]
    let internal LeavingFlag = 0x10uy

    [<Literal>]
    let internal ReportMask = 0x1Fuy

    /// A report on a member: at least 48 bytes of its id, flags and two varints; at most two of ten bytes.
    [<Literal>]
    let internal MemberReportBytesMin = 51

    [<Literal>]
    let internal MemberReportBytesMax = 69

    let private preferenceFlag (preference: LeadershipPreference) =
        match preference with
        | LeadershipPreference.Observer -> ObserverFlag
        | LeadershipPreference.Reluctant -> ReluctantFlag
        | LeadershipPreference.Normal
        | _ -> 0uy

    /// What a leader says of a member besides its numbers.
    let internal reportFlags (report: MemberReport) =
        preferenceFlag report.Preference
        ||| (if report.IsBonded then BondedFlag else 0uy)
        ||| (if report.IsCaughtUp then CaughtUpFlag else 0uy)
        ||| (if report.IsLeaving then LeavingFlag else 0uy)

    /// What a hello says of its sender besides names and numbers.
    [<CompiledName "HelloFlags">]
    let helloFlags (hello: Hello) =
        let preference = preferenceFlag hello.Preference
        if hello.HasCommands then
            preference ||| HasCommandsFlag
        else
            preference

    // The head of an entry.

    /// Bits 0 and 1: 0 NoOp, 1 Command, 2 Configuration, 3 Dissolution.
    [<Literal>]
    let internal KindMask = 0x03uy

    /// The term is greater than that of the entry before; the difference follows.
    [<Literal>]
    let internal TermGiven = 0x04uy

    /// More entries of the same batch follow; their number is given.
    [<Literal>]
    let internal BatchGiven = 0x08uy

    /// The proposer is not that of the command before; a slot follows. The slot after the last one in use makes
    /// a new one, and the proposer is spelled out.
    [<Literal>]
    let internal ProposerGiven = 0x10uy

    /// The number is not the successor of the proposer's last number in this frame; it follows.
    [<Literal>]
    let internal NumberGiven = 0x20uy

    [<Literal>]
    let internal HeadMask = 0x3Fuy

    // The least and the most bytes of things, to check and to reserve before writing.

    [<Literal>]
    let internal VarintBytesMax = 10

    /// First index and term of a run.
    [<Literal>]
    let internal TermRunBytesMin = 2

    /// Peer and incarnation.
    [<Literal>]
    let internal MemberBytes = 48

    /// Head and timestamp step of a NoOp.
    [<Literal>]
    let internal EntryBytesMin = 2

    /// Batch remaining and length of an empty command.
    [<Literal>]
    let internal CommandBytesMin = 2

    /// Peer, incarnation and session.
    [<Literal>]
    let internal ProposerBytesMax = 58

    /// An entry by the proposer and in the term of the entry before, without its payload: head, timestamp step,
    /// batch remaining, number, length.
    [<Literal>]
    let internal EntryOverhead = 29

    /// Slot and proposer.
    [<Literal>]
    let internal TurnOverhead = 60

    /// Tag, lineage and the varints of any consensus message, but for configurations, entries and commands.
    [<Literal>]
    let internal HeaderOverhead = 128

    /// True for the numbers that have a name.
    let internal isKnown (reason: CloseReason) =
        match reason with
        | CloseReason.DifferentNetwork
        | CloseReason.UnexpectedClose
        | CloseReason.GracefulShutdown
        | CloseReason.ProtocolViolation
        | CloseReason.InvalidHandshake
        | CloseReason.NotAllowed
        | CloseReason.GroupNotFound
        | CloseReason.InvalidProof
        | CloseReason.Timeout
        | CloseReason.DifferentLineage
        | CloseReason.AlreadyBonded
        | CloseReason.UnsupportedVersion -> true
        | _ -> false
