namespace Mosaik.Hybrid.Simulator.Tests.Scenarios

open System
open System.Collections.Generic
open System.Text

open Mosaik.Hybrid
open Mosaik.Hybrid.Simulation

/// A machine that remembers the names of all commands in the order in which they took effect. Its digest takes in
/// everything that applying sees of an entry: if any of it were local to a member, digests would differ (S17).
[<Sealed>]
type ChronicleMachine() =

    let names = List<string>()
    let mutable digest = 17UL

    let mix (value: uint64) =
        digest <- (digest ^^^ value) * 0x9E3779B97F4A7C15UL + (digest >>> 31)

    /// Oldest first.
    member _.Names = List.ofSeq names

    interface ISnapshotMachineUnderTest with
        member _.Capture() =
            let captured = struct (digest, String.Join(' ', names))
            Func<byte[]>(fun () ->
                let struct (digest, names) = captured
                Array.append (BitConverter.GetBytes digest) (Encoding.UTF8.GetBytes names))

        member _.Restore(bytes: byte[]) =
            digest <- BitConverter.ToUInt64(bytes, 0)
            names.Clear()
            let text = Encoding.UTF8.GetString(bytes, 8, bytes.Length - 8)
            names.AddRange(text.Split(' ', StringSplitOptions.RemoveEmptyEntries))

    interface IMachineUnderTest with
        member _.Apply(entry: LogEntry) =
            names.Add(Encoding.UTF8.GetString entry.Payload.Span)
            mix entry.Index.Value
            mix entry.Term.Value
            mix (uint64 entry.Timestamp)
            mix entry.Number
            mix (Chain.ofBytes entry.Payload.Span)
            match entry.Proposer with
            | null -> ()
            | proposer ->
                mix proposer.Member.Incarnation.Value.High
                mix proposer.Member.Incarnation.Value.Low
                mix proposer.Session

        member _.Query _ = box (String.Join(' ', names))
        member _.Digest() = digest

/// Clients whose commands have names that the scenario gives them.
[<Sealed>]
type ChronicleWorkload() =

    let next = Queue<string>()

    static let model = AppendListModel.create<string>()

    static let operation (record: CallRecord) input outcome =
        { Key = 0; Client = record.Call.Peer; CalledAt = record.CalledAt; Input = input; Outcome = outcome }

    static let operationsOf (record: CallRecord) =
        let isDone = record.Outcome = CallOutcome.Succeeded
        match record.Call.Kind, record.Answer with
        | CallKind.Execute _, _ ->
            let outcome =
                if isDone then
                    Outcome.Acknowledged record.ReturnedAt
                else
                    Outcome.Unknown
            [ for command in record.Request do
                  operation record (AppendListInput.Append(ChronicleWorkload.NameOf command)) outcome ]
        | (CallKind.StrongRead | CallKind.WeakRead), (:? string as answer) when isDone ->
            let names = answer.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            let answer = Outcome.Returned(record.ReturnedAt, AppendListOutput.Elements names)
            [ operation record AppendListInput.ReadAll answer ]
        | (CallKind.StrongRead | CallKind.WeakRead), _ -> []

    static member NameOf(command: ReadOnlyMemory<byte>) = Encoding.UTF8.GetString command.Span

    /// The names of the next commands that are submitted.
    member _.Announce(names: string list) = List.iter next.Enqueue names

    interface IWorkload with
        member _.Name = "chronicle"
        member _.NewMachine _ = ChronicleMachine()
        member _.NextCommand _ =
            ReadOnlyMemory(Encoding.UTF8.GetBytes(next.Dequeue()))
        member _.NextQuery _ = ReadOnlyMemory [| 0uy |]

        member _.Judge(calls: CallRecord seq) =
            match calls |> Seq.collect operationsOf |> Linearizability.check model with
            | Verdict.Linearizable -> Judgement.Possible
            | verdict -> Judgement.Impossible(string verdict)

        member _.DigestEvery = 1
        // A client that tries again by itself, as in S15, sends the same name.
        member _.IsUnique = false
