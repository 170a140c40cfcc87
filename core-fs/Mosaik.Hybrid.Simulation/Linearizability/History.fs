namespace Mosaik.Hybrid.Simulation

open System.Collections.Generic

/// What a client learned of one of its operations. Times are numbers of one monotonic clock or, sharper, of one
/// counter of events: an operation precedes another when it returned at a smaller number than the other was called.
[<RequireQualifiedAccess; NoEquality; NoComparison>]
type Outcome<'output> =
    /// It took effect between its call and `at`, and this was the answer.
    | Returned of at: int64 * output: 'output
    /// It took effect between its call and `at`; the answer was not seen. (A command's acknowledgement names its
    /// place in the log, not what the machine answered.)
    | Acknowledged of at: int64
    /// Timed out, or still open when the history ended: it takes effect at some time after its call, or never.
    | Unknown

/// One operation of a client on one key.
[<NoEquality; NoComparison>]
type Operation<'key, 'input, 'output> =
    {
        /// The partition: operations on different keys never influence each other.
        Key: 'key
        /// Who called; for readers of a report only. The operations of one client may overlap.
        Client: int
        /// Stamped before anything was sent.
        CalledAt: int64
        /// What was asked for.
        Input: 'input
        /// What came of it.
        Outcome: Outcome<'output>
    }

    /// One line: `client 3 [17, 42] Write 5 -> Written`; a time that never came is `...`.
    override this.ToString() =
        let until, answer =
            match this.Outcome with
            | Outcome.Returned(at, output) -> string at, $"{output}"
            | Outcome.Acknowledged at -> string at, "acknowledged"
            | Outcome.Unknown -> "...", "unknown"
        $"client {this.Client} [{this.CalledAt}, {until}] {this.Input} -> {answer}"

[<RequireQualifiedAccess>]
module Operation =

    /// When the operation was over for its client; none when it never was.
    let returnedAt (operation: Operation<'key, 'input, 'output>) : int64 voption =
        match operation.Outcome with
        | Outcome.Returned(at, _)
        | Outcome.Acknowledged at -> ValueSome at
        | Outcome.Unknown -> ValueNone

/// Names one operation of the recorder that gave it.
[<Struct>]
type OperationId = private OperationId of int

/// Gathers a history while it happens. It belongs to one driver and is never shared; it keeps every operation until
/// it is dropped itself, so a driver bounds how many it records.
[<Sealed>]
type HistoryRecorder<'key, 'input, 'output>() =

    let operations = List<Operation<'key, 'input, 'output> voption>()
    let mutable openCount = 0

    let openOne (OperationId place) =
        match operations[place] with
        | ValueSome({ Outcome = Outcome.Unknown } as operation) -> operation
        | ValueSome operation -> invalidOp $"This operation has returned already: {operation}"
        | ValueNone -> invalidOp "This operation was refused already."

    let close (OperationId place) operation =
        operations[place] <- operation
        openCount <- openCount - 1

    let finish id at outcome =
        let operation = openOne id
        if at < operation.CalledAt then
            invalidArg (nameof at) $"Returned at {at}, before its call: {operation}"
        close id (ValueSome { operation with Outcome = outcome })

    /// How many operations have neither returned nor been refused.
    member _.OpenCount = openCount

    /// Notes a call. Until something else is noted the outcome is unknown.
    member _.Call(client: int, key: 'key, input: 'input, at: int64) : OperationId =
        operations.Add(
            ValueSome { Key = key; Client = client; CalledAt = at; Input = input; Outcome = Outcome.Unknown }
        )
        openCount <- openCount + 1
        OperationId(operations.Count - 1)

    /// Notes the answer. Refuses an operation that is not open, and a time before its call.
    member _.Return(id: OperationId, output: 'output, at: int64) : unit =
        finish id at (Outcome.Returned(at, output))

    /// Notes that it took effect, without an answer. Refuses as `Return` does.
    member _.Acknowledge(id: OperationId, at: int64) : unit = finish id at (Outcome.Acknowledged at)

    /// Notes that it certainly never took effect and never will: it leaves the history. Not for timeouts.
    member _.Refuse(id: OperationId) : unit =
        openOne id |> ignore
        close id ValueNone

    /// Every operation that was not refused, in the order of the calls; those still open have an unknown outcome.
    member _.Operations: Operation<'key, 'input, 'output>[] =
        [| for operation in operations do
               match operation with
               | ValueSome operation -> operation
               | ValueNone -> () |]
