namespace Mosaik.Hybrid.Simulation

open System

/// Clients of the registers, and what their calls must look like. Values are unique, so most wrong histories show at
/// once.
[<Sealed>]
type RegisterWorkload() =

    /// Beyond this a history counts as too tangled, which may not happen often.
    static let configurationsMax = 200_000

    let mutable last = 0UL

    let unique () =
        last <- last + 1UL
        last

    static let model = RegisterModel.create<uint64>()

    /// Zero stands for a register that was never written.
    static let seen (value: uint64) =
        if value = 0UL then ValueNone else ValueSome value

    static let questionOf (command: ReadOnlyMemory<byte>) =
        match Registers.operationOf command with
        | RegisterCommandKind.CompareAndSwap ->
            RegisterInput.CompareAndSwap(seen (Registers.expectedOf command), Registers.valueOf command)
        | _ -> RegisterInput.Write(Registers.valueOf command)

    static let operation
        key
        (record: CallRecord)
        input
        outcome
        : Operation<int, RegisterInput<uint64>, RegisterOutput<uint64>> =
        { Key = key
          Client = record.Call.Peer
          CalledAt = record.CalledAt
          Input = input
          Outcome = outcome }

    /// The operations of one call. A read that was given up says nothing.
    static let operationsOf
        (record: CallRecord)
        : Operation<int, RegisterInput<uint64>, RegisterOutput<uint64>> list =
        let isDone = record.Outcome = CallOutcome.Succeeded
        match record.Call.Kind with
        | CallKind.Execute _ ->
            let outcome =
                if isDone then
                    Outcome.Acknowledged record.ReturnedAt
                else
                    Outcome.Unknown
            [ for command in record.Request do
                  operation (Registers.keyOf command) record (questionOf command) outcome ]
        | CallKind.StrongRead
        | CallKind.WeakRead ->
            match record.Answer with
            | :? uint64 as value when isDone ->
                let key = int record.Request[0].Span[0]
                let answer = RegisterOutput.Value(seen value)
                [ operation key record RegisterInput.Read (Outcome.Returned(record.ReturnedAt, answer)) ]
            | _ -> []

    interface IWorkload with
        member _.Name = "registers"
        member _.NewMachine _ = RegisterMachine()

        member _.NextCommand dice =
            let key = dice.Below Registers.count
            if dice.Chance 200 then
                // Sometimes it expects what is there.
                let expected = uint64 (dice.Below(int (last + 1UL)))
                Registers.command RegisterCommandKind.CompareAndSwap key (unique ()) expected
            else
                Registers.command RegisterCommandKind.Write key (unique ()) 0UL

        member _.NextQuery dice =
            Registers.query (dice.Below Registers.count)

        member _.Judge(calls: CallRecord seq) =
            match
                calls
                |> Seq.collect operationsOf
                |> Linearizability.checkWithin configurationsMax model
            with
            | Verdict.Linearizable -> Judgement.Possible
            | Verdict.Unknown _ -> Judgement.TooTangled
            | Verdict.NotLinearizable evidence -> Judgement.Impossible(string evidence)

        member _.DigestEvery = 1
        member _.IsUnique = true
