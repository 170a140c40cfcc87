namespace Mosaik.Hybrid.Wire

open System
open System.Buffers

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// One function for each part of a message.
[<RequireQualifiedAccess>]
module private WriteMessage =

    let hello (cursor: byref<WriteCursor>) (hello: Hello) =
        cursor.Byte WireFormat.HelloTag
        cursor.UInt16 hello.VersionMin
        cursor.UInt16 hello.VersionMax
        cursor.Bytes32 hello.Network.Value
        cursor.Bytes32 hello.Group.Value
        cursor.Bytes32 hello.Nonce
        Write.memberId &cursor hello.Member
        cursor.Bytes16 hello.Lineage.Value
        cursor.Byte(WireFormat.helloFlags hello)

    /// The configuration as its entry has it.
    let configurationPayload (lineage: Lineage) (configuration: Configuration) =
        let payload = Configuration.encode lineage configuration
        match Configuration.decode (ReadOnlyMemory payload) with
        | Ok _ -> payload
        | Error _ -> Write.refuse "the configuration breaks its rules"

    let requestVote (cursor: byref<WriteCursor>) (request: RequestVote) =
        Write.start &cursor WireFormat.RequestVoteTag request.Lineage request.Term
        Write.position &cursor request.Last
        match request.Ballot with
        | Ballot.PreVote -> cursor.Byte 0uy
        | Ballot.Vote -> cursor.Byte 1uy
        | Ballot.Transfer -> cursor.Byte 3uy
        | Ballot.Founding configuration ->
            let payload = configurationPayload request.Lineage configuration
            cursor.Byte 2uy
            cursor.Raw(ReadOnlySpan payload)

    let requestVoteReply (cursor: byref<WriteCursor>) (reply: RequestVoteReply) =
        Write.start &cursor WireFormat.RequestVoteReplyTag reply.Lineage reply.Term
        let granted =
            match reply.Vote with
            | Vote.Granted -> 1uy
            | Vote.Denied -> 0uy
        cursor.Byte(granted ||| (if reply.PreVote then 2uy else 0uy))

    let private memberReport (cursor: byref<WriteCursor>) (report: MemberReport) =
        Write.memberId &cursor report.Member
        cursor.Byte(WireFormat.reportFlags report)
        Write.number &cursor report.Match.Value
        if report.Silence < 0L then
            Write.refuse "a silence is negative"
        Write.number &cursor (uint64 report.Silence)

    let surveyReply (cursor: byref<WriteCursor>) (reply: SurveyReply) =
        Write.start &cursor WireFormat.SurveyReplyTag reply.Lineage reply.Term
        cursor.Varint reply.Request
        Write.number &cursor reply.Last.Value
        Write.number &cursor reply.Commit.Value
        let count = reply.Members.Length
        if count > Configuration.membersMax then
            Write.refuse "more than 256 members are reported on"
        cursor.Varint(uint64 count)
        let mutable former = ValueNone
        for report in reply.Members do
            match former with
            | ValueSome former when compare former report.Member >= 0 ->
                Write.refuse "members are not in order"
            | ValueSome _
            | ValueNone -> ()
            former <- ValueSome report.Member
            memberReport &cursor report

    let appendHeader (cursor: byref<WriteCursor>) (tag: byte) (header: AppendHeader) =
        Write.start &cursor tag header.Lineage header.Term
        cursor.Varint header.Session
        cursor.Varint header.Round
        Write.position &cursor header.Previous
        Write.number &cursor header.Commit.Value

    let appendEntriesReply (cursor: byref<WriteCursor>) (reply: AppendEntriesReply) =
        Write.start &cursor WireFormat.AppendEntriesReplyTag reply.Lineage reply.Term
        cursor.Varint reply.Session
        cursor.Varint reply.Round
        match reply.Outcome with
        | AppendOutcome.Accepted upTo ->
            cursor.Byte 0uy
            Write.number &cursor upTo.Value
        | AppendOutcome.Rejected(previous, hint) ->
            cursor.Byte 1uy
            Write.number &cursor previous.Value
            Write.position &cursor hint
        | AppendOutcome.Receiving(at, offset) ->
            cursor.Byte 2uy
            Write.position &cursor at
            Write.number &cursor (uint64 offset)

    let installSnapshot
        (cursor: byref<WriteCursor>)
        (header: AppendHeader)
        (snapshot: SnapshotFacts)
        (configuration: byte[])
        (chunk: SnapshotChunk)
        =
        if header.Previous <> snapshot.Position || header.Lineage <> snapshot.Lineage then
            Write.refuse "the head is not that of the snapshot"
        appendHeader &cursor WireFormat.InstallSnapshotTag header
        Write.number &cursor (uint64 snapshot.Length)
        cursor.UInt32 snapshot.Checksum
        Write.number &cursor (uint64 chunk.Offset)
        cursor.Blob(ReadOnlyMemory configuration)
        cursor.Blob chunk.Data

    let forwardReply (cursor: byref<WriteCursor>) (reply: ForwardReply) =
        Write.start &cursor WireFormat.ForwardReplyTag reply.Lineage reply.Term
        match reply.Outcome with
        | ForwardOutcome.Appended(first, last, index) ->
            cursor.Byte 0uy
            Write.number &cursor first
            Write.number &cursor last
            Write.number &cursor index.Value
        | ForwardOutcome.Missing next ->
            cursor.Byte 1uy
            Write.number &cursor next
        | ForwardOutcome.Overloaded -> cursor.Byte 2uy

    let forwardHeader (cursor: byref<WriteCursor>) (header: ForwardHeader) =
        Write.start &cursor WireFormat.ForwardTag header.Lineage header.Term
        Write.number &cursor header.Applied

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

    let catchUp (cursor: byref<WriteCursor>) (header: AppendHeader) (plan: CatchUpPlan) =
        appendHeader &cursor WireFormat.CatchUpTag header
        Write.number &cursor plan.UpTo.Value
        cursor.Varint(uint64 plan.Runs.Length)
        for run in plan.Runs do
            Write.number &cursor run.First.Value
            Write.number &cursor run.Term.Value
        cursor.Varint(uint64 plan.Sources.Length)
        for id in plan.Sources do
            Write.memberId &cursor id

    /// More bytes than the plan can take.
    let planSize (plan: CatchUpPlan) =
        if
            plan.Runs.Length > LogOutline.runsMax
            || plan.Sources.Length > Configuration.membersMax
        then
            Write.refuse "a plan names too many terms or members"
        2 * WireFormat.HeaderOverhead
        + 2 * WireFormat.VarintBytesMax * plan.Runs.Length
        + WireFormat.MemberBytes * plan.Sources.Length

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
        let size =
            WireFormat.HeaderOverhead
            + WriteEntries.sizeMax header.Previous.Term entries.Span
        let mutable cursor = WriteCursor(output.GetSpan size)
        WriteMessage.appendHeader &cursor WireFormat.AppendEntriesTag header
        WriteEntries.entries &cursor header.Previous entries.Span
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
        let configuration = WriteMessage.configurationPayload snapshot.Lineage snapshot.Configuration
        let size = 2 * WireFormat.HeaderOverhead + configuration.Length + chunk.Data.Length
        let mutable cursor = WriteCursor(output.GetSpan size)
        WriteMessage.installSnapshot &cursor header snapshot configuration chunk
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
        let size = WireFormat.HeaderOverhead + WriteEntries.sizeMax Term.Zero commands.Span
        let mutable cursor = WriteCursor(output.GetSpan size)
        WriteMessage.forwardHeader &cursor header
        WriteEntries.commands &cursor commands.Span
        output.Advance cursor.Position

    /// Words that say nothing but that they are said, in which lineage and term.
    static member private EncodeBare(tag: byte, lineage: Lineage, term: Term, output: IBufferWriter<byte>) =
        let mutable cursor = WriteCursor(output.GetSpan WireFormat.HeaderOverhead)
        Write.start &cursor tag lineage term
        output.Advance cursor.Position

    /// <summary>Encodes an answer to a fetch without making a message of it first.</summary>
    /// <param name="header">The head.</param>
    /// <param name="entries">At most 65,536, the first at the index after <c>header.Previous</c>.</param>
    /// <param name="output">Where the body goes.</param>
    /// <exception cref="T:System.ArgumentException">No reader would accept it; nothing was written.</exception>
    static member EncodeFetched
        (header: FetchedHeader, entries: ReadOnlyMemory<LogEntry>, output: IBufferWriter<byte>)
        : unit =
        let size =
            WireFormat.HeaderOverhead
            + WriteEntries.sizeMax header.Previous.Term entries.Span
        let mutable cursor = WriteCursor(output.GetSpan size)
        Write.start &cursor WireFormat.FetchedEntriesTag header.Lineage header.Term
        cursor.Varint header.Request
        Write.position &cursor header.Previous
        WriteEntries.entries &cursor header.Previous entries.Span
        output.Advance cursor.Position

    static member private EncodeRaft(message: Message, output: IBufferWriter<byte>) : unit =
        match message with
        | Message.AppendEntries(header, entries) -> WireWriter.EncodeAppend(header, entries, output)
        | Message.Forward(header, commands) -> WireWriter.EncodeForward(header, commands, output)
        | Message.InstallSnapshot(header, snapshot, chunk) ->
            WireWriter.EncodeSnapshot(header, snapshot, chunk, output)
        | Message.RequestVote request ->
            let size = WireFormat.HeaderOverhead + WriteMessage.configurationSize request.Ballot
            let mutable cursor = WriteCursor(output.GetSpan size)
            WriteMessage.requestVote &cursor request
            output.Advance cursor.Position
        | Message.RequestVoteReply reply ->
            let mutable cursor = WriteCursor(output.GetSpan WireFormat.HeaderOverhead)
            WriteMessage.requestVoteReply &cursor reply
            output.Advance cursor.Position
        | Message.AppendEntriesReply reply ->
            let mutable cursor = WriteCursor(output.GetSpan WireFormat.HeaderOverhead)
            WriteMessage.appendEntriesReply &cursor reply
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
            WriteMessage.forwardReply &cursor reply
            output.Advance cursor.Position
        | Message.HandOver request ->
            let mutable cursor = WriteCursor(output.GetSpan WireFormat.HeaderOverhead)
            Write.start &cursor WireFormat.HandOverTag request.Lineage request.Term
            Write.memberId &cursor request.Target
            output.Advance cursor.Position
        | Message.FetchedEntries(header, entries) -> WireWriter.EncodeFetched(header, entries, output)
        | Message.CatchUp(header, plan) ->
            let mutable cursor = WriteCursor(output.GetSpan(WriteMessage.planSize plan))
            WriteMessage.catchUp &cursor header plan
            output.Advance cursor.Position
        | Message.FetchEntries request ->
            let mutable cursor = WriteCursor(output.GetSpan WireFormat.HeaderOverhead)
            Write.start &cursor WireFormat.FetchEntriesTag request.Lineage request.Term
            cursor.Varint request.Request
            Write.number &cursor request.First.Value
            Write.number &cursor request.Last.Value
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
            WriteMessage.surveyReply &cursor reply
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
            WriteMessage.hello &cursor hello
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
