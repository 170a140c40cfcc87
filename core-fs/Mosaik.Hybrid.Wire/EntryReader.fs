namespace Mosaik.Hybrid.Wire

open System

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// Entries of the log, as messages carry them. Reads on after a fault: the caller looks once, at the end.
[<RequireQualifiedAccess>]
module internal ReadEntries =

    let private entryTerm (head: byte) (former: Term) (cursor: byref<ReadCursor>) =
        if head &&& WireFormat.TermGiven = 0uy then
            former
        else
            let step = cursor.Number()
            if step = 0UL then
                cursor.Fail DecodeFault.NotCanonical
            elif former.Value + step > WireFormat.NumberMax then
                cursor.Fail DecodeFault.OutOfRange
            Term(former.Value + step)

    let private entryBatch (head: byte) (cursor: byref<ReadCursor>) =
        if head &&& WireFormat.BatchGiven = 0uy then
            0
        else
            let remaining = cursor.BatchRemaining()
            if remaining = 0 then
                cursor.Fail DecodeFault.NotCanonical
            remaining

    let private newcomer (table: ProposerTable) (cursor: byref<ReadCursor>) =
        let proposer = cursor.ProposerId()
        if proposer.Equals table.Current || table.Find proposer >= 0 then
            cursor.Fail DecodeFault.NotCanonical
        table.Enter proposer

    /// Gives the turn to the command's proposer, and gives its number.
    let private turn (head: byte) (table: ProposerTable) (cursor: byref<ReadCursor>) =
        if head &&& WireFormat.ProposerGiven <> 0uy then
            let slot = cursor.Varint()
            if slot = uint64 table.Slot then
                cursor.Fail DecodeFault.NotCanonical
            elif slot < uint64 table.Count then
                table.Turn(int slot)
            elif slot = uint64 table.Count then
                newcomer table &cursor
            else
                cursor.Fail DecodeFault.OutOfRange
        elif isNull table.Current then
            cursor.Fail DecodeFault.NotCanonical
        let successor = if table.Last = 0UL then 0UL else table.Last + 1UL
        let number =
            if head &&& WireFormat.NumberGiven = 0uy then
                successor
            else
                let given = cursor.Number()
                if given = successor then
                    cursor.Fail DecodeFault.NotCanonical
                given
        if number = 0UL || number > WireFormat.NumberMax then
            cursor.Fail DecodeFault.OutOfRange
        table.Last <- number
        number

    let private commandOnly = WireFormat.BatchGiven ||| WireFormat.ProposerGiven ||| WireFormat.NumberGiven

    let private configurationPayload (frame: ReadOnlyMemory<byte>) (cursor: byref<ReadCursor>) =
        let payload = cursor.Blob frame
        if cursor.IsSound then
            match Configuration.decode payload with
            | Ok _ -> ()
            | Error _ -> cursor.Fail DecodeFault.BadConfiguration
        payload

    /// The lineage that takes the place of the one that ends.
    let private dissolutionPayload (frame: ReadOnlyMemory<byte>) (cursor: byref<ReadCursor>) =
        let payload = cursor.Blob frame
        if cursor.IsSound && payload.Length <> 16 then
            cursor.Fail DecodeFault.OutOfRange
        payload

    let private entry
        (frame: ReadOnlyMemory<byte>)
        (index: LogIndex)
        (formerTerm: Term)
        (formerTimestamp: int64)
        (table: ProposerTable)
        (cursor: byref<ReadCursor>)
        (entry: byref<LogEntry>)
        =
        let head = cursor.Flags WireFormat.HeadMask
        let kind = LanguagePrimitives.EnumOfValue<byte, EntryKind>(head &&& WireFormat.KindMask)
        let term = entryTerm head formerTerm &cursor
        let step = cursor.Varint()
        let timestamp = formerTimestamp + (int64 (step >>> 1) ^^^ -(int64 (step &&& 1UL)))
        let mutable batch = 0
        let mutable number = 0UL
        let mutable proposer: ProposerId | null = null
        let mutable payload = ReadOnlyMemory.Empty
        match kind with
        | EntryKind.Command ->
            batch <- entryBatch head &cursor
            number <- turn head table &cursor
            proposer <- table.Current
            payload <- cursor.Blob frame
        | EntryKind.NoOp
        | EntryKind.Configuration
        | EntryKind.Dissolution ->
            if head &&& commandOnly <> 0uy then
                cursor.Fail DecodeFault.UnknownFlag
            if kind = EntryKind.Configuration then
                payload <- configurationPayload frame &cursor
            elif kind = EntryKind.Dissolution then
                payload <- dissolutionPayload frame &cursor
        | _ -> cursor.Fail DecodeFault.UnknownKind
        entry <-
            { Index = index
              Term = term
              Kind = kind
              BatchRemaining = batch
              Timestamp = timestamp
              Proposer = proposer
              Number = number
              Payload = payload }

    /// Entries right after a position, each at the index after the one before.
    let entries (frame: ReadOnlyMemory<byte>) (previous: LogPosition) (cursor: byref<ReadCursor>) =
        let count = cursor.Count WireFormat.EntryBytesMin
        if previous.Index.Value + uint64 count > WireFormat.NumberMax then
            cursor.Fail DecodeFault.OutOfRange
        if count = 0 || not cursor.IsSound then
            ReadOnlyMemory.Empty
        else
            let entries: LogEntry[] = Array.zeroCreate count
            let table = ProposerTable()
            let mutable place = 0
            let mutable index = previous.Index
            let mutable term = previous.Term
            let mutable timestamp = 0L
            while place < count && cursor.IsSound do
                index <- index.Next
                entry frame index term timestamp table &cursor &entries[place]
                term <- entries[place].Term
                timestamp <- entries[place].Timestamp
                place <- place + 1
            ReadOnlyMemory entries
