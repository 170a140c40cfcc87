namespace Mosaik.Hybrid.Wire

open System
open System.Buffers

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// Writes bodies of frames. A message that no reader would accept is a fault of the caller: ArgumentException,
/// and nothing is written.
[<RequireQualifiedAccess>]
module private Write =

    let refuse (what: string) =
        raise (ArgumentException $"The message cannot be sent: {what}.")

    let number (cursor: byref<WriteCursor>) (value: uint64) =
        if value > WireFormat.NumberMax then
            refuse "a term, index or number is over 2^62"
        cursor.Varint value

    let position (cursor: byref<WriteCursor>) (value: LogPosition) =
        number &cursor value.Term.Value
        number &cursor value.Index.Value

    /// How every consensus message starts.
    let start (cursor: byref<WriteCursor>) (tag: byte) (lineage: Lineage) (term: Term) =
        cursor.Byte tag
        cursor.Bytes16 lineage.Value
        number &cursor term.Value

    let peerEntry (cursor: byref<WriteCursor>) (entry: ReadOnlyMemory<byte>) =
        if entry.Length > WireFormat.PeerEntryBytesMax then
            refuse "the peer entry is over 48 KiB"
        cursor.Blob entry

    let memberId (cursor: byref<WriteCursor>) (id: MemberId) =
        cursor.Bytes32 id.Peer.Value
        cursor.Bytes16 id.Incarnation.Value

    let proposer (cursor: byref<WriteCursor>) (id: ProposerId) =
        memberId &cursor id.Member
        cursor.Varint id.Session

    let hello (cursor: byref<WriteCursor>) (hello: Hello) =
        cursor.Byte WireFormat.HelloTag
        cursor.UInt16 hello.VersionMin
        cursor.UInt16 hello.VersionMax
        cursor.Bytes32 hello.Network.Value
        cursor.Bytes32 hello.Group.Value
        cursor.Bytes32 hello.Nonce
        memberId &cursor hello.Member
        cursor.Bytes16 hello.Lineage.Value
        cursor.Byte(WireFormat.helloFlags hello)

    /// The configuration as its entry has it.
    let configurationPayload (lineage: Lineage) (configuration: Configuration) =
        let payload = Configuration.encode lineage configuration
        match Configuration.decode (ReadOnlyMemory payload) with
        | Ok _ -> payload
        | Error _ -> refuse "the configuration breaks its rules"

    let requestVote (cursor: byref<WriteCursor>) (request: RequestVote) =
        start &cursor WireFormat.RequestVoteTag request.Lineage request.Term
        position &cursor request.Last
        match request.Ballot with
        | Ballot.PreVote -> cursor.Byte 0uy
        | Ballot.Vote -> cursor.Byte 1uy
        | Ballot.Transfer -> cursor.Byte 3uy
        | Ballot.Founding configuration ->
            let payload = configurationPayload request.Lineage configuration
            cursor.Byte 2uy
            cursor.Raw(ReadOnlySpan payload)

    let requestVoteReply (cursor: byref<WriteCursor>) (reply: RequestVoteReply) =
        start &cursor WireFormat.RequestVoteReplyTag reply.Lineage reply.Term
        let granted =
            match reply.Vote with
            | Vote.Granted -> 1uy
            | Vote.Denied -> 0uy
        cursor.Byte(granted ||| (if reply.PreVote then 2uy else 0uy))

    let private memberReport (cursor: byref<WriteCursor>) (report: MemberReport) =
        memberId &cursor report.Member
        cursor.Byte(WireFormat.reportFlags report)
        number &cursor report.Match.Value
        if report.Silence < 0L then
            refuse "a silence is negative"
        number &cursor (uint64 report.Silence)

    let surveyReply (cursor: byref<WriteCursor>) (reply: SurveyReply) =
        start &cursor WireFormat.SurveyReplyTag reply.Lineage reply.Term
        cursor.Varint reply.Request
        number &cursor reply.Last.Value
        number &cursor reply.Commit.Value
        let count = reply.Members.Length
        if count > Configuration.membersMax then
            refuse "more than 256 members are reported on"
        cursor.Varint(uint64 count)
        let mutable former = ValueNone
        for report in reply.Members do
            match former with
            | ValueSome former when compare former report.Member >= 0 -> refuse "members are not in order"
            | ValueSome _
            | ValueNone -> ()
            former <- ValueSome report.Member
            memberReport &cursor report

    let appendHeader (cursor: byref<WriteCursor>) (tag: byte) (header: AppendHeader) =
        start &cursor tag header.Lineage header.Term
        cursor.Varint header.Session
        cursor.Varint header.Round
        position &cursor header.Previous
        number &cursor header.Commit.Value

    let appendEntriesReply (cursor: byref<WriteCursor>) (reply: AppendEntriesReply) =
        start &cursor WireFormat.AppendEntriesReplyTag reply.Lineage reply.Term
        cursor.Varint reply.Session
        cursor.Varint reply.Round
        match reply.Outcome with
        | AppendOutcome.Accepted upTo ->
            cursor.Byte 0uy
            number &cursor upTo.Value
        | AppendOutcome.Rejected(previous, hint) ->
            cursor.Byte 1uy
            number &cursor previous.Value
            position &cursor hint
        | AppendOutcome.Receiving(at, offset) ->
            cursor.Byte 2uy
            position &cursor at
            number &cursor (uint64 offset)

    let installSnapshot
        (cursor: byref<WriteCursor>)
        (header: AppendHeader)
        (snapshot: SnapshotFacts)
        (configuration: byte[])
        (chunk: SnapshotChunk)
        =
        if header.Previous <> snapshot.Position || header.Lineage <> snapshot.Lineage then
            refuse "the head is not that of the snapshot"
        appendHeader &cursor WireFormat.InstallSnapshotTag header
        number &cursor (uint64 snapshot.Length)
        cursor.UInt32 snapshot.Checksum
        number &cursor (uint64 chunk.Offset)
        cursor.Blob(ReadOnlyMemory configuration)
        cursor.Blob chunk.Data

    let forwardReply (cursor: byref<WriteCursor>) (reply: ForwardReply) =
        start &cursor WireFormat.ForwardReplyTag reply.Lineage reply.Term
        match reply.Outcome with
        | ForwardOutcome.Appended(first, last, index) ->
            cursor.Byte 0uy
            number &cursor first
            number &cursor last
            number &cursor index.Value
        | ForwardOutcome.Missing next ->
            cursor.Byte 1uy
            number &cursor next
        | ForwardOutcome.Overloaded -> cursor.Byte 2uy

    let checkBatch (entry: inref<LogEntry>) =
        if uint32 entry.BatchRemaining > uint32 WireFormat.BatchRemainingMax then
            refuse "a batch is over 65,536 commands"

    /// A command's proposer and number, after the head byte at `head` was written without their flags.
    let turn (cursor: byref<WriteCursor>) (head: int) (table: ProposerTable) (entry: inref<LogEntry>) =
        match entry.Proposer with
        | null -> refuse "a command has no proposer"
        | author ->
            if entry.Number = 0UL || entry.Number > WireFormat.NumberMax then
                refuse "a command's number is not between 1 and 2^62"
            if not (author.Equals table.Current) then
                cursor.Bytes[head] <- cursor.Bytes[head] ||| WireFormat.ProposerGiven
                let slot = table.Find author
                if slot >= 0 then
                    cursor.Varint(uint64 slot)
                    table.Turn slot
                else
                    cursor.Varint(uint64 table.Count)
                    proposer &cursor author
                    table.Enter author
            if table.Last = 0UL || entry.Number <> table.Last + 1UL then
                cursor.Bytes[head] <- cursor.Bytes[head] ||| WireFormat.NumberGiven
                cursor.Varint entry.Number
            table.Last <- entry.Number

    let entry
        (cursor: byref<WriteCursor>)
        (table: ProposerTable)
        (formerTerm: Term)
        (formerTimestamp: int64)
        (entry: inref<LogEntry>)
        =
        let head = cursor.Position
        cursor.Byte(byte entry.Kind)
        if entry.Term.Value < formerTerm.Value then
            refuse "the terms of the entries go back"
        if entry.Term.Value > formerTerm.Value then
            if entry.Term.Value > WireFormat.NumberMax then
                refuse "a term is over 2^62"
            cursor.Bytes[head] <- cursor.Bytes[head] ||| WireFormat.TermGiven
            cursor.Varint(entry.Term.Value - formerTerm.Value)
        // Wraps for hostile clocks, and the reader wraps back.
        let step = entry.Timestamp - formerTimestamp
        cursor.Varint(uint64 ((step <<< 1) ^^^ (step >>> 63)))
        match entry.Kind with
        | EntryKind.Command ->
            checkBatch &entry
            if entry.BatchRemaining > 0 then
                cursor.Bytes[head] <- cursor.Bytes[head] ||| WireFormat.BatchGiven
                cursor.Varint(uint64 entry.BatchRemaining)
            turn &cursor head table &entry
            cursor.Blob entry.Payload
        | EntryKind.Configuration -> cursor.Blob entry.Payload
        | EntryKind.Dissolution ->
            if entry.Payload.Length <> 16 then
                refuse "the end of a lineage names no other"
            cursor.Blob entry.Payload
        | EntryKind.NoOp ->
            if entry.Payload.Length > 0 then
                refuse "a NoOp has a payload"
        | _ -> refuse "an entry's kind has no name"

    let entries (cursor: byref<WriteCursor>) (previous: LogPosition) (entries: ReadOnlySpan<LogEntry>) =
        cursor.Varint(uint64 entries.Length)
        let table = ProposerTable()
        let mutable term = previous.Term
        let mutable timestamp = 0L
        for place in 0 .. entries.Length - 1 do
            let current = &entries[place]
            if current.Index.Value <> previous.Index.Value + uint64 place + 1UL then
                refuse "the entries do not follow the position before them"
            if current.Index.Value > WireFormat.NumberMax then
                refuse "an index is over 2^62"
            entry &cursor table term timestamp &current
            term <- current.Term
            timestamp <- current.Timestamp

    let forwardHeader (cursor: byref<WriteCursor>) (header: ForwardHeader) =
        start &cursor WireFormat.ForwardTag header.Lineage header.Term
        number &cursor header.Applied

    let commands (cursor: byref<WriteCursor>) (commands: ReadOnlySpan<LogEntry>) =
        cursor.Varint(uint64 commands.Length)
        if commands.Length > 0 then
            let first = &commands[0]
            match first.Proposer with
            | null -> refuse "a command has no proposer"
            | author ->
                if
                    first.Number = 0UL
                    || first.Number + uint64 commands.Length - 1UL > WireFormat.NumberMax
                then
                    refuse "a command's number is not between 1 and 2^62"
                proposer &cursor author
                cursor.Varint first.Number
                for place in 0 .. commands.Length - 1 do
                    let command = &commands[place]
                    if command.Kind <> EntryKind.Command then
                        refuse "only commands are forwarded"
                    if
                        not (author.Equals command.Proposer)
                        || command.Number <> first.Number + uint64 place
                    then
                        refuse "forwarded commands are those of one proposer, without a gap"
                    checkBatch &command
                    cursor.Varint(uint64 command.BatchRemaining)
                    cursor.Blob command.Payload

    /// More bytes than the entries can take.
    let sizeMax (previous: Term) (entries: ReadOnlySpan<LogEntry>) =
        if entries.Length > WireFormat.EntriesMax then
            refuse "it has over 65,536 entries"
        let mutable size = int64 WireFormat.VarintBytesMax
        let mutable term = previous
        let mutable author: ProposerId | null = null
        for place in 0 .. entries.Length - 1 do
            let entry = &entries[place]
            size <- size + int64 (WireFormat.EntryOverhead + entry.Payload.Length)
            if entry.Term.Value <> term.Value then
                size <- size + int64 WireFormat.VarintBytesMax
                term <- entry.Term
            if
                entry.Kind = EntryKind.Command
                && not (Object.ReferenceEquals(entry.Proposer, author))
            then
                size <- size + int64 WireFormat.TurnOverhead
                author <- entry.Proposer
        if size > int64 WireFormat.FrameBytesMax * 2L then
            refuse "it is far over the 16 MiB of a frame"
        int size

    let configurationSize (ballot: Ballot) =
        match ballot with
        | Ballot.PreVote
        | Ballot.Vote
        | Ballot.Transfer -> 0
        | Ballot.Founding configuration ->
            // Version, lineage and four counts, then 48 bytes a place.
            25
            + 48
              * (configuration.Voters.Length
                 + configuration.Outgoing.Length
                 + configuration.Learners.Length
                 + configuration.Observers.Length)

/// <summary>Encodes messages as bodies of frames: tag and fields, without the length and the version before them.</summary>
/// <remarks>
/// Pure but for the output; any thread may call. Takes one span from the output, large enough for the message,
/// and advances by what was written. A message that no reader would accept (an index out of its row, a number
/// over 2^62, more than 65,536 entries) throws ArgumentException and leaves the output as it was: the core does
/// not make such messages. Payloads are not looked into.
/// </remarks>
[<AbstractClass; Sealed>]
type WireWriter private () =

    /// <summary>An upper bound of the bytes that an entry or command adds to a frame.</summary>
    /// <param name="entry">The entry; its overhead is at most 99 bytes, and 3 in a row of one proposer's.</param>
    static member EncodedSizeMax(entry: inref<LogEntry>) : int =
        WireFormat.EntryOverhead
        + WireFormat.TurnOverhead
        + WireFormat.VarintBytesMax
        + entry.Payload.Length

    /// <summary>An upper bound of the bytes of an AppendEntries or Forward frame besides its entries.</summary>
    static member HeaderSizeMax: int =
        WireFormat.PrefixBytes
        + WireFormat.HeaderOverhead
        + WireFormat.VarintBytesMax
        + WireFormat.ProposerBytesMax

    /// <summary>Encodes an append without making a message of it first.</summary>
    /// <param name="header">The head.</param>
    /// <param name="entries">At most 65,536, the first at the index after <c>header.Previous</c>.</param>
    /// <param name="output">Where the body goes.</param>
    /// <exception cref="T:System.ArgumentException">No reader would accept it; nothing was written.</exception>
    static member EncodeAppend
        (header: AppendHeader, entries: ReadOnlyMemory<LogEntry>, output: IBufferWriter<byte>)
        : unit =
        let size = WireFormat.HeaderOverhead + Write.sizeMax header.Previous.Term entries.Span
        let mutable cursor = WriteCursor(output.GetSpan size)
        Write.appendHeader &cursor WireFormat.AppendEntriesTag header
        Write.entries &cursor header.Previous entries.Span
        output.Advance cursor.Position

    /// <summary>Encodes a part of a snapshot without making a message of it first.</summary>
    /// <param name="header">The head; its previous position is the snapshot's.</param>
    /// <param name="snapshot">What is known of it.</param>
    /// <param name="chunk">At most 8 MiB, so that it fits a frame; empty in an offer.</param>
    /// <param name="output">Where the body goes.</param>
    /// <exception cref="T:System.ArgumentException">No reader would accept it; nothing was written.</exception>
    static member EncodeSnapshot
        (header: AppendHeader, snapshot: SnapshotFacts, chunk: SnapshotChunk, output: IBufferWriter<byte>)
        : unit =
        if chunk.Data.Length > WireFormat.SnapshotChunkBytesMax then
            Write.refuse "a chunk of a snapshot is over 8 MiB"
        let configuration = Write.configurationPayload snapshot.Lineage snapshot.Configuration
        let size = 2 * WireFormat.HeaderOverhead + configuration.Length + chunk.Data.Length
        let mutable cursor = WriteCursor(output.GetSpan size)
        Write.installSnapshot &cursor header snapshot configuration chunk
        output.Advance cursor.Position

    /// <summary>Encodes a forward without making a message of it first.</summary>
    /// <param name="header">The head.</param>
    /// <param name="commands">
    /// At most 65,536 commands of one proposer with consecutive numbers. Index, term and timestamp are not sent:
    /// the leader gives them.
    /// </param>
    /// <param name="output">Where the body goes.</param>
    /// <exception cref="T:System.ArgumentException">No reader would accept it; nothing was written.</exception>
    static member EncodeForward
        (header: ForwardHeader, commands: ReadOnlyMemory<LogEntry>, output: IBufferWriter<byte>)
        : unit =
        let size = WireFormat.HeaderOverhead + Write.sizeMax Term.Zero commands.Span
        let mutable cursor = WriteCursor(output.GetSpan size)
        Write.forwardHeader &cursor header
        Write.commands &cursor commands.Span
        output.Advance cursor.Position

    /// Words that say nothing but that they are said, in which lineage and term.
    static member private EncodeBare(tag: byte, lineage: Lineage, term: Term, output: IBufferWriter<byte>) =
        let mutable cursor = WriteCursor(output.GetSpan WireFormat.HeaderOverhead)
        Write.start &cursor tag lineage term
        output.Advance cursor.Position

    static member private EncodeRaft(message: Message, output: IBufferWriter<byte>) : unit =
        match message with
        | Message.AppendEntries(header, entries) -> WireWriter.EncodeAppend(header, entries, output)
        | Message.Forward(header, commands) -> WireWriter.EncodeForward(header, commands, output)
        | Message.InstallSnapshot(header, snapshot, chunk) ->
            WireWriter.EncodeSnapshot(header, snapshot, chunk, output)
        | Message.RequestVote request ->
            let size = WireFormat.HeaderOverhead + Write.configurationSize request.Ballot
            let mutable cursor = WriteCursor(output.GetSpan size)
            Write.requestVote &cursor request
            output.Advance cursor.Position
        | Message.RequestVoteReply reply ->
            let mutable cursor = WriteCursor(output.GetSpan WireFormat.HeaderOverhead)
            Write.requestVoteReply &cursor reply
            output.Advance cursor.Position
        | Message.AppendEntriesReply reply ->
            let mutable cursor = WriteCursor(output.GetSpan WireFormat.HeaderOverhead)
            Write.appendEntriesReply &cursor reply
            output.Advance cursor.Position
        | Message.ReadIndex request ->
            let mutable cursor = WriteCursor(output.GetSpan WireFormat.HeaderOverhead)
            Write.start &cursor WireFormat.ReadIndexTag request.Lineage request.Term
            cursor.Varint request.Request
            output.Advance cursor.Position
        | Message.ReadIndexReply reply ->
            let mutable cursor = WriteCursor(output.GetSpan WireFormat.HeaderOverhead)
            Write.start &cursor WireFormat.ReadIndexReplyTag reply.Lineage reply.Term
            cursor.Varint reply.Request
            Write.number &cursor reply.Index.Value
            output.Advance cursor.Position
        | Message.ForwardReply reply ->
            let mutable cursor = WriteCursor(output.GetSpan WireFormat.HeaderOverhead)
            Write.forwardReply &cursor reply
            output.Advance cursor.Position
        | Message.HandOver request ->
            let mutable cursor = WriteCursor(output.GetSpan WireFormat.HeaderOverhead)
            Write.start &cursor WireFormat.HandOverTag request.Lineage request.Term
            Write.memberId &cursor request.Target
            output.Advance cursor.Position
        | Message.Survey request ->
            let mutable cursor = WriteCursor(output.GetSpan WireFormat.HeaderOverhead)
            Write.start &cursor WireFormat.SurveyTag request.Lineage request.Term
            cursor.Varint request.Request
            output.Advance cursor.Position
        | Message.SurveyReply reply ->
            let size =
                WireFormat.HeaderOverhead
                + WireFormat.MemberReportBytesMax * reply.Members.Length
            let mutable cursor = WriteCursor(output.GetSpan size)
            Write.surveyReply &cursor reply
            output.Advance cursor.Position
        | Message.TimeoutNow order ->
            WireWriter.EncodeBare(WireFormat.TimeoutNowTag, order.Lineage, order.Term, output)
        | Message.Depart notice ->
            WireWriter.EncodeBare(WireFormat.DepartTag, notice.Lineage, notice.Term, output)
        | Message.Departed notice ->
            WireWriter.EncodeBare(WireFormat.DepartedTag, notice.Lineage, notice.Term, output)

    /// <summary>Encodes any message.</summary>
    /// <param name="message">The message.</param>
    /// <param name="output">Where the body goes.</param>
    /// <exception cref="T:System.ArgumentException">No reader would accept it; nothing was written.</exception>
    static member Encode(message: BondMessage, output: IBufferWriter<byte>) : unit =
        let tagOnly (tag: byte) =
            output.GetSpan(1)[0] <- tag
            output.Advance 1
        match message with
        | BondMessage.Raft message -> WireWriter.EncodeRaft(message, output)
        | BondMessage.Ping -> tagOnly WireFormat.PingTag
        | BondMessage.Pong -> tagOnly WireFormat.PongTag
        | BondMessage.Welcome -> tagOnly WireFormat.WelcomeTag
        | BondMessage.Departing -> tagOnly WireFormat.DepartingTag
        | BondMessage.Hello hello ->
            let mutable cursor = WriteCursor(output.GetSpan 256)
            Write.hello &cursor hello
            output.Advance cursor.Position
        | BondMessage.Proof proof ->
            let mutable cursor = WriteCursor(output.GetSpan(64 + proof.Entry.Length))
            cursor.Byte WireFormat.ProofTag
            cursor.Bytes32 proof.Mac
            Write.peerEntry &cursor proof.Entry
            output.Advance cursor.Position
        | BondMessage.PeerChanged entry ->
            let mutable cursor = WriteCursor(output.GetSpan(64 + entry.Length))
            cursor.Byte WireFormat.PeerChangedTag
            Write.peerEntry &cursor entry
            output.Advance cursor.Position
        | BondMessage.Affiliated lineage ->
            let mutable cursor = WriteCursor(output.GetSpan 17)
            cursor.Byte WireFormat.AffiliatedTag
            cursor.Bytes16 lineage.Value
            output.Advance cursor.Position
        | BondMessage.Close reason ->
            if not (WireFormat.isKnown reason) then
                Write.refuse "the close reason has no name"
            let mutable cursor = WriteCursor(output.GetSpan 5)
            cursor.Byte WireFormat.CloseTag
            cursor.UInt32(uint32 reason)
            output.Advance cursor.Position
