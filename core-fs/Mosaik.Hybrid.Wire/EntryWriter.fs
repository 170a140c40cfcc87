namespace Mosaik.Hybrid.Wire

open System

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// Writes bodies of frames. A message that no reader would accept is a fault of the caller: ArgumentException,
/// and nothing is written.
[<RequireQualifiedAccess>]
module internal Write =

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

/// Entries of the log, as messages carry them.
[<RequireQualifiedAccess>]
module internal WriteEntries =

    let checkBatch (entry: inref<LogEntry>) =
        if uint32 entry.BatchRemaining > uint32 WireFormat.BatchRemainingMax then
            Write.refuse "a batch is over 65,536 commands"

    /// A command's proposer and number, after the head byte at `head` was written without their flags.
    let turn (cursor: byref<WriteCursor>) (head: int) (table: ProposerTable) (entry: inref<LogEntry>) =
        match entry.Proposer with
        | null -> Write.refuse "a command has no proposer"
        | author ->
            if entry.Number = 0UL || entry.Number > WireFormat.NumberMax then
                Write.refuse "a command's number is not between 1 and 2^62"
            if not (author.Equals table.Current) then
                cursor.Bytes[head] <- cursor.Bytes[head] ||| WireFormat.ProposerGiven
                let slot = table.Find author
                if slot >= 0 then
                    cursor.Varint(uint64 slot)
                    table.Turn slot
                else
                    cursor.Varint(uint64 table.Count)
                    Write.proposer &cursor author
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
            Write.refuse "the terms of the entries go back"
        if entry.Term.Value > formerTerm.Value then
            if entry.Term.Value > WireFormat.NumberMax then
                Write.refuse "a term is over 2^62"
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
                Write.refuse "the end of a lineage names no other"
            cursor.Blob entry.Payload
        | EntryKind.NoOp ->
            if entry.Payload.Length > 0 then
                Write.refuse "a NoOp has a payload"
        | _ -> Write.refuse "an entry's kind has no name"

    let entries (cursor: byref<WriteCursor>) (previous: LogPosition) (entries: ReadOnlySpan<LogEntry>) =
        cursor.Varint(uint64 entries.Length)
        let table = ProposerTable()
        let mutable term = previous.Term
        let mutable timestamp = 0L
        for place in 0 .. entries.Length - 1 do
            let current = &entries[place]
            if current.Index.Value <> previous.Index.Value + uint64 place + 1UL then
                Write.refuse "the entries do not follow the position before them"
            if current.Index.Value > WireFormat.NumberMax then
                Write.refuse "an index is over 2^62"
            entry &cursor table term timestamp &current
            term <- current.Term
            timestamp <- current.Timestamp

    let commands (cursor: byref<WriteCursor>) (commands: ReadOnlySpan<LogEntry>) =
        cursor.Varint(uint64 commands.Length)
        if commands.Length > 0 then
            let first = &commands[0]
            match first.Proposer with
            | null -> Write.refuse "a command has no proposer"
            | author ->
                if
                    first.Number = 0UL
                    || first.Number + uint64 commands.Length - 1UL > WireFormat.NumberMax
                then
                    Write.refuse "a command's number is not between 1 and 2^62"
                Write.proposer &cursor author
                cursor.Varint first.Number
                for place in 0 .. commands.Length - 1 do
                    let command = &commands[place]
                    if command.Kind <> EntryKind.Command then
                        Write.refuse "only commands are forwarded"
                    if
                        not (author.Equals command.Proposer)
                        || command.Number <> first.Number + uint64 place
                    then
                        Write.refuse "forwarded commands are those of one proposer, without a gap"
                    checkBatch &command
                    cursor.Varint(uint64 command.BatchRemaining)
                    cursor.Blob command.Payload

    /// More bytes than the entries can take.
    let sizeMax (previous: Term) (entries: ReadOnlySpan<LogEntry>) =
        if entries.Length > WireFormat.EntriesMax then
            Write.refuse "it has over 65,536 entries"
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
            Write.refuse "it is far over the 16 MiB of a frame"
        int size
