namespace Mosaik.Hybrid.Core.Tests.Support

open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// What clients were told, of every lineage: the floor below which no strong read that begins now may answer.
[<Sealed>]
type Acknowledged() =

    let mutable floors: Map<struct (uint64 * uint64), uint64> = Map.empty

    let keyOf (lineage: Lineage) =
        struct (lineage.Value.High, lineage.Value.Low)

    member _.Raise(lineage: Lineage, index: LogIndex) =
        let key = keyOf lineage
        match floors.TryFind key with
        | Some floor when floor >= index.Value -> ()
        | _ -> floors <- floors.Add(key, index.Value)

    /// The floors of this moment, by lineage.
    member _.Now = floors

    static member Of(floors: Map<struct (uint64 * uint64), uint64>, lineage: Lineage) =
        LogIndex(
            floors.TryFind(struct (lineage.Value.High, lineage.Value.Low))
            |> Option.defaultValue 0UL
        )

/// The commands and strong reads of one process: what a runtime remembers of them until they have taken effect.
[<Sealed>]
type Client(proposer: ProposerId, acknowledged: Acknowledged) =

    let pending = List<LogEntry>()
    let reads = SortedDictionary<uint64, Map<struct (uint64 * uint64), uint64>>()
    let mutable submitted = 0UL
    let mutable lastRead = 0UL

    member _.Proposer = proposer
    member _.Submitted = submitted
    member _.PendingCount = pending.Count
    member _.ReadCount = reads.Count

    /// New commands, numbered on: one atomic batch, or one command.
    member _.Make(count: int) : LogEntry[] =
        let commands =
            Array.init count (fun place ->
                Name.command proposer (submitted + uint64 place + 1UL) (count - 1 - place))
        submitted <- submitted + uint64 count
        pending.AddRange commands
        commands

    /// The pending commands of these numbers, and what else belongs to their batches: none is cut apart.
    member _.Whole(first: uint64, last: uint64) : LogEntry[] =
        if pending.Count = 0 || last < pending[0].Number then
            [||]
        else
            let mutable from =
                if first <= pending[0].Number then
                    0
                else
                    int (first - pending[0].Number)
            let mutable upTo = min (pending.Count - 1) (int (last - pending[0].Number))
            if from >= pending.Count then
                [||]
            else
                while from > 0 && pending[from - 1].BatchRemaining > 0 do
                    from <- from - 1
                while pending[upTo].BatchRemaining > 0 do
                    upTo <- upTo + 1
                pending.GetRange(from, upTo - from + 1).ToArray()

    /// Commands up to this number took effect; returns how many of them had waited.
    member _.Effective(number: uint64, lineage: Lineage, index: LogIndex) =
        let taken = pending.FindAll(fun command -> command.Number <= number).Count
        pending.RemoveRange(0, taken)
        if taken > 0 then
            acknowledged.Raise(lineage, index)

    /// A strong read begins.
    member _.BeginRead() =
        lastRead <- lastRead + 1UL
        reads.Add(lastRead, acknowledged.Now)
        lastRead

    /// Consensus says from where on state is fresh enough. Reads that were given up are not among ours any more.
    member _.Ready(ids: uint64 list, lineage: Lineage, index: LogIndex) =
        for id in ids do
            match reads.TryGetValue id with
            | true, floors ->
                reads.Remove id |> ignore
                let floor = Acknowledged.Of(floors, lineage)
                if index < floor then
                    raise (
                        Broken(
                            Rule.linearizable,
                            $"read {id} of {Name.show proposer.Member} answers at {index}; {floor} was acknowledged before it began"
                        )
                    )
                acknowledged.Raise(lineage, index)
            | false, _ -> ()

    /// All reads so far are given up; returns the last of them.
    member _.GiveUpReads() =
        reads.Clear()
        lastRead

    member _.Refused(id: uint64) = reads.Remove id |> ignore
