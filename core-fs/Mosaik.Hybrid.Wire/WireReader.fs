namespace Mosaik.Hybrid.Wire

open System
open System.Runtime.InteropServices

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// One function for each part of a message. They read on after a fault: the caller looks once, at the end.
[<RequireQualifiedAccess>]
module private Read =

    let private preferenceOf (flags: byte) (cursor: byref<ReadCursor>) =
        match flags &&& (WireFormat.ObserverFlag ||| WireFormat.ReluctantFlag) with
        | 0uy -> LeadershipPreference.Normal
        | WireFormat.ObserverFlag -> LeadershipPreference.Observer
        | WireFormat.ReluctantFlag -> LeadershipPreference.Reluctant
        | _ ->
            cursor.Fail DecodeFault.UnknownFlag
            LeadershipPreference.Normal

    let hello (cursor: byref<ReadCursor>) =
        let versionMin = cursor.UInt16()
        let versionMax = cursor.UInt16()
        let network = NetworkId(cursor.Bytes32())
        let group = GroupId(cursor.Bytes32())
        let nonce = cursor.Bytes32()
        let author = cursor.MemberId()
        let lineage = cursor.Lineage()
        let flags = cursor.Flags WireFormat.HelloMask
        let preference = preferenceOf flags &cursor
        BondMessage.Hello
            { VersionMin = versionMin
              VersionMax = versionMax
              Network = network
              Group = group
              Nonce = nonce
              Member = author
              Lineage = lineage
              Preference = preference
              HasCommands = (flags &&& WireFormat.HasCommandsFlag <> 0uy) }

    let peerEntry (frame: ReadOnlyMemory<byte>) (cursor: byref<ReadCursor>) =
        let entry = cursor.Blob frame
        if entry.Length > WireFormat.PeerEntryBytesMax then
            cursor.Fail DecodeFault.TooLarge
        entry

    let proof (frame: ReadOnlyMemory<byte>) (cursor: byref<ReadCursor>) =
        let mac = cursor.Bytes32()
        let entry = peerEntry frame &cursor
        BondMessage.Proof { Mac = mac; Entry = entry }

    let close (cursor: byref<ReadCursor>) =
        let reason = cursor.UInt32()
        let reason = enum<CloseReason>(int reason)
        if not (WireFormat.isKnown reason) then
            cursor.Fail DecodeFault.UnknownValue
        BondMessage.Close reason

    /// The rest of the frame as the configuration that a founding ballot proposes for its lineage.
    let founding (frame: ReadOnlyMemory<byte>) (lineage: Lineage) (cursor: byref<ReadCursor>) =
        let length = cursor.Remaining
        let payload = frame.Slice(cursor.Position, length)
        match Configuration.decode payload with
        | Ok(struct (proposed, configuration)) when proposed = lineage ->
            cursor.Take length |> ignore
            Ballot.Founding configuration
        | Ok _
        | Error _ ->
            cursor.Fail DecodeFault.BadConfiguration
            Ballot.Vote

    let requestVote (frame: ReadOnlyMemory<byte>) (cursor: byref<ReadCursor>) =
        let lineage = cursor.Lineage()
        let term = cursor.Term()
        let last = cursor.LogPosition()
        let ballot =
            match cursor.Byte() with
            | 0uy -> Ballot.PreVote
            | 1uy -> Ballot.Vote
            | 2uy -> founding frame lineage &cursor
            | 3uy -> Ballot.Transfer
            | _ ->
                cursor.Fail DecodeFault.UnknownValue
                Ballot.Vote
        Message.RequestVote { Lineage = lineage; Term = term; Last = last; Ballot = ballot }

    let requestVoteReply (cursor: byref<ReadCursor>) =
        let lineage = cursor.Lineage()
        let term = cursor.Term()
        let flags = cursor.Flags 3uy
        let vote = if flags &&& 1uy <> 0uy then Vote.Granted else Vote.Denied
        Message.RequestVoteReply
            { Lineage = lineage; Term = term; Vote = vote; PreVote = (flags &&& 2uy <> 0uy) }

    let private appendHeader (cursor: byref<ReadCursor>) : AppendHeader =
        let lineage = cursor.Lineage()
        let term = cursor.Term()
        let session = cursor.Varint()
        let round = cursor.Varint()
        let previous = cursor.LogPosition()
        let commit = cursor.Index()
        { Lineage = lineage
          Term = term
          Session = session
          Round = round
          Previous = previous
          Commit = commit }

    let appendEntries (frame: ReadOnlyMemory<byte>) (cursor: byref<ReadCursor>) =
        let header = appendHeader &cursor
        Message.AppendEntries(header, ReadEntries.entries frame header.Previous &cursor)

    let private noConfiguration = { Voters = []; Outgoing = []; Learners = []; Observers = [] }

    let private configurationOf (frame: ReadOnlyMemory<byte>) (lineage: Lineage) (cursor: byref<ReadCursor>) =
        match Configuration.decode (cursor.Blob frame) with
        | Ok(struct (stated, configuration)) when stated = lineage -> configuration
        | Ok _
        | Error _ ->
            cursor.Fail DecodeFault.BadConfiguration
            noConfiguration

    let installSnapshot (frame: ReadOnlyMemory<byte>) (cursor: byref<ReadCursor>) =
        let header = appendHeader &cursor
        let length = cursor.Number()
        let checksum = cursor.UInt32()
        let offset = cursor.Number()
        let configuration = configurationOf frame header.Lineage &cursor
        let data = cursor.Blob frame
        if data.Length > WireFormat.SnapshotChunkBytesMax then
            cursor.Fail DecodeFault.TooLarge
        let snapshot =
            { Lineage = header.Lineage
              Position = header.Previous
              Configuration = configuration
              Length = int64 length
              Checksum = checksum }
        Message.InstallSnapshot(header, snapshot, { Offset = int64 offset; Data = data })

    let appendEntriesReply (cursor: byref<ReadCursor>) =
        let lineage = cursor.Lineage()
        let term = cursor.Term()
        let session = cursor.Varint()
        let round = cursor.Varint()
        let outcome =
            match cursor.Byte() with
            | 0uy -> AppendOutcome.Accepted(cursor.Index())
            | 1uy ->
                let refused = cursor.Index()
                let hint = cursor.LogPosition()
                AppendOutcome.Rejected(refused, hint)
            | 2uy ->
                let position = cursor.LogPosition()
                AppendOutcome.Receiving(position, int64 (cursor.Number()))
            | _ ->
                cursor.Fail DecodeFault.UnknownValue
                AppendOutcome.Accepted LogIndex.Zero
        Message.AppendEntriesReply
            { Lineage = lineage; Term = term; Session = session; Round = round; Outcome = outcome }

    let readIndex (cursor: byref<ReadCursor>) =
        let lineage = cursor.Lineage()
        let term = cursor.Term()
        let request = cursor.Varint()
        Message.ReadIndex { Lineage = lineage; Term = term; Request = request }

    let readIndexReply (cursor: byref<ReadCursor>) =
        let lineage = cursor.Lineage()
        let term = cursor.Term()
        let request = cursor.Varint()
        let index = cursor.Index()
        Message.ReadIndexReply { Lineage = lineage; Term = term; Request = request; Index = index }

    let private commands (frame: ReadOnlyMemory<byte>) (count: int) (cursor: byref<ReadCursor>) =
        let proposer = cursor.ProposerId()
        let first = cursor.Number()
        if first = 0UL || first + uint64 count - 1UL > WireFormat.NumberMax then
            cursor.Fail DecodeFault.OutOfRange
        let commands: LogEntry[] =
            if cursor.IsSound then
                Array.zeroCreate count
            else
                Array.Empty()
        let mutable place = 0
        while place < commands.Length && cursor.IsSound do
            let batch = cursor.BatchRemaining()
            let payload = cursor.Blob frame
            commands[place] <-
                { Index = LogIndex.Zero
                  Term = Term.Zero
                  Kind = EntryKind.Command
                  BatchRemaining = batch
                  Timestamp = 0L
                  Proposer = proposer
                  Number = first + uint64 place
                  Payload = payload }
            place <- place + 1
        ReadOnlyMemory commands

    let forward (frame: ReadOnlyMemory<byte>) (cursor: byref<ReadCursor>) =
        let lineage = cursor.Lineage()
        let term = cursor.Term()
        let applied = cursor.Number()
        let count = cursor.Count WireFormat.CommandBytesMin
        let commands =
            if count = 0 then
                ReadOnlyMemory.Empty
            else
                commands frame count &cursor
        Message.Forward({ Lineage = lineage; Term = term; Applied = applied }, commands)

    let forwardReply (cursor: byref<ReadCursor>) =
        let lineage = cursor.Lineage()
        let term = cursor.Term()
        let outcome =
            match cursor.Byte() with
            | 0uy ->
                let first = cursor.Number()
                let last = cursor.Number()
                let index = cursor.Index()
                ForwardOutcome.Appended(first, last, index)
            | 1uy -> ForwardOutcome.Missing(cursor.Number())
            | 2uy -> ForwardOutcome.Overloaded
            | _ ->
                cursor.Fail DecodeFault.UnknownValue
                ForwardOutcome.Overloaded
        Message.ForwardReply { Lineage = lineage; Term = term; Outcome = outcome }

    let handOver (cursor: byref<ReadCursor>) =
        let lineage = cursor.Lineage()
        let term = cursor.Term()
        let target = cursor.MemberId()
        Message.HandOver { Lineage = lineage; Term = term; Target = target }

    let survey (cursor: byref<ReadCursor>) =
        let lineage = cursor.Lineage()
        let term = cursor.Term()
        Message.Survey { Lineage = lineage; Term = term; Request = cursor.Varint() }

    let private memberReport (cursor: byref<ReadCursor>) : MemberReport =
        let id = cursor.MemberId()
        let flags = cursor.Flags WireFormat.ReportMask
        let preference = preferenceOf flags &cursor
        let matched = cursor.Index()
        let silence = cursor.Number()
        { Member = id
          Match = matched
          Silence = int64 silence
          IsBonded = (flags &&& WireFormat.BondedFlag <> 0uy)
          IsCaughtUp = (flags &&& WireFormat.CaughtUpFlag <> 0uy)
          IsLeaving = (flags &&& WireFormat.LeavingFlag <> 0uy)
          Preference = preference }

    /// Members in the order of their ids, so that none is there twice.
    let private memberReports (cursor: byref<ReadCursor>) : MemberReport list =
        let count = cursor.Count WireFormat.MemberReportBytesMin
        if count > Configuration.membersMax then
            cursor.Fail DecodeFault.TooMany
        let mutable reports: MemberReport list = []
        let mutable left = count
        while left > 0 && cursor.IsSound do
            let report = memberReport &cursor
            match reports with
            | former :: _ when compare former.Member report.Member >= 0 ->
                cursor.Fail DecodeFault.NotCanonical
            | _ -> ()
            reports <- report :: reports
            left <- left - 1
        List.rev reports

    let surveyReply (cursor: byref<ReadCursor>) =
        let lineage = cursor.Lineage()
        let term = cursor.Term()
        let request = cursor.Varint()
        let last = cursor.Index()
        let commit = cursor.Index()
        Message.SurveyReply
            { Lineage = lineage
              Term = term
              Request = request
              Last = last
              Commit = commit
              Members = memberReports &cursor }

    let private termRun (cursor: byref<ReadCursor>) : TermRun =
        let first = cursor.Index()
        { First = first; Term = cursor.Term() }

    let catchUp (cursor: byref<ReadCursor>) =
        let header = appendHeader &cursor
        let upTo = cursor.Index()
        let runs: TermRun[] = Array.zeroCreate (cursor.Count WireFormat.TermRunBytesMin)
        if runs.Length > LogOutline.runsMax then
            cursor.Fail DecodeFault.TooMany
        for place in 0 .. runs.Length - 1 do
            runs[place] <- termRun &cursor
        let sources: MemberId[] = Array.zeroCreate (cursor.Count WireFormat.MemberBytes)
        for place in 0 .. sources.Length - 1 do
            sources[place] <- cursor.MemberId()
        let plan = { UpTo = upTo; Runs = List.ofArray runs; Sources = List.ofArray sources }
        Message.CatchUp(header, plan)

    let fetchEntries (cursor: byref<ReadCursor>) =
        let lineage = cursor.Lineage()
        let term = cursor.Term()
        let request = cursor.Varint()
        let first = cursor.Index()
        let last = cursor.Index()
        if first = LogIndex.Zero || last < first then
            cursor.Fail DecodeFault.OutOfRange
        Message.FetchEntries { Lineage = lineage; Term = term; Request = request; First = first; Last = last }

    let fetchedEntries (frame: ReadOnlyMemory<byte>) (cursor: byref<ReadCursor>) =
        let lineage = cursor.Lineage()
        let term = cursor.Term()
        let request = cursor.Varint()
        let previous = cursor.LogPosition()
        let header: FetchedHeader = { Lineage = lineage; Term = term; Request = request; Previous = previous }
        Message.FetchedEntries(header, ReadEntries.entries frame previous &cursor)

    /// The words that say nothing but that they are said, in which lineage and term.
    let private bare (make: Lineage -> Term -> Message) (cursor: byref<ReadCursor>) =
        let lineage = cursor.Lineage()
        make lineage (cursor.Term())

    let timeoutNow (cursor: byref<ReadCursor>) =
        bare (fun lineage term -> Message.TimeoutNow { Lineage = lineage; Term = term }) &cursor

    let depart (cursor: byref<ReadCursor>) =
        bare (fun lineage term -> Message.Depart { Lineage = lineage; Term = term }) &cursor

    let departed (cursor: byref<ReadCursor>) =
        bare (fun lineage term -> Message.Departed { Lineage = lineage; Term = term }) &cursor

    let message (frame: ReadOnlyMemory<byte>) (cursor: byref<ReadCursor>) =
        match cursor.Byte() with
        | WireFormat.PingTag -> BondMessage.Ping
        | WireFormat.PongTag -> BondMessage.Pong
        | WireFormat.AppendEntriesTag -> BondMessage.Raft(appendEntries frame &cursor)
        | WireFormat.AppendEntriesReplyTag -> BondMessage.Raft(appendEntriesReply &cursor)
        | WireFormat.InstallSnapshotTag -> BondMessage.Raft(installSnapshot frame &cursor)
        | WireFormat.ForwardTag -> BondMessage.Raft(forward frame &cursor)
        | WireFormat.ForwardReplyTag -> BondMessage.Raft(forwardReply &cursor)
        | WireFormat.ReadIndexTag -> BondMessage.Raft(readIndex &cursor)
        | WireFormat.ReadIndexReplyTag -> BondMessage.Raft(readIndexReply &cursor)
        | WireFormat.RequestVoteTag -> BondMessage.Raft(requestVote frame &cursor)
        | WireFormat.RequestVoteReplyTag -> BondMessage.Raft(requestVoteReply &cursor)
        | WireFormat.TimeoutNowTag -> BondMessage.Raft(timeoutNow &cursor)
        | WireFormat.HandOverTag -> BondMessage.Raft(handOver &cursor)
        | WireFormat.DepartTag -> BondMessage.Raft(depart &cursor)
        | WireFormat.DepartedTag -> BondMessage.Raft(departed &cursor)
        | WireFormat.CatchUpTag -> BondMessage.Raft(catchUp &cursor)
        | WireFormat.FetchEntriesTag -> BondMessage.Raft(fetchEntries &cursor)
        | WireFormat.FetchedEntriesTag -> BondMessage.Raft(fetchedEntries frame &cursor)
        | WireFormat.SurveyTag -> BondMessage.Raft(survey &cursor)
        | WireFormat.SurveyReplyTag -> BondMessage.Raft(surveyReply &cursor)
        | WireFormat.HelloTag -> hello &cursor
        | WireFormat.ProofTag -> proof frame &cursor
        | WireFormat.WelcomeTag -> BondMessage.Welcome
        | WireFormat.PeerChangedTag -> BondMessage.PeerChanged(peerEntry frame &cursor)
        | WireFormat.AffiliatedTag -> BondMessage.Affiliated(cursor.Lineage())
        | WireFormat.DepartingTag -> BondMessage.Departing
        | WireFormat.CloseTag -> close &cursor
        | _ ->
            cursor.Fail DecodeFault.UnknownTag
            BondMessage.Departing

/// <summary>Decodes bodies of frames: tag and fields, without the length and the version before them.</summary>
/// <remarks>
/// Total: for any bytes at all it gives a message or an error, and never throws. Pure; any thread may call.
/// Payloads and peer entries are views of the frame: whoever owns the frame must not change it while they live.
/// Allocates the message, one array for its entries and one object for each proposer; never more than a frame
/// of its length can justify.
/// </remarks>
[<AbstractClass; Sealed>]
type WireReader private () =

    /// <summary>Decodes one body.</summary>
    /// <param name="frame">The whole body; bytes left over are an error.</param>
    /// <param name="message">The message, when the result is true; else not to be looked at.</param>
    /// <param name="error">What is wrong, when the result is false.</param>
    /// <returns>True when the bytes are exactly one message in its canonical form.</returns>
    static member TryDecode
        (frame: ReadOnlyMemory<byte>, [<Out>] message: byref<BondMessage>, [<Out>] error: byref<DecodeError>)
        : bool =
        let mutable cursor = ReadCursor frame.Span
        let decoded = Read.message frame &cursor
        if cursor.Remaining > 0 then
            cursor.Fail DecodeFault.TrailingBytes
        error <- { Fault = cursor.Fault; Offset = cursor.FaultAt }
        message <- decoded
        cursor.IsSound
