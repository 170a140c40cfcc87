namespace Mosaik.Hybrid.Simulation

open System

open Mosaik.Hybrid

/// A state machine under simulation: one for each run of each process.
type IMachineUnderTest =
    /// A committed command takes effect.
    abstract Apply: entry: LogEntry -> unit
    /// The answer to a query, comparable by `Equals`.
    abstract Query: query: ReadOnlyMemory<byte> -> (obj | null)
    /// A fingerprint of the whole state: equal states give equal ones.
    abstract Digest: unit -> uint64

/// A state machine that can be saved and restored.
type ISnapshotMachineUnderTest =
    inherit IMachineUnderTest
    /// Takes hold of the whole state. Its bytes are asked for once, later, when other commands have taken effect.
    abstract Capture: unit -> Func<byte[]>
    /// Takes the state that such bytes hold, in the place of its own.
    abstract Restore: bytes: byte[] -> unit

/// What became of a call.
type CallOutcome =
    | Pending = 0
    | Succeeded = 1
    /// Not accepted: it has no effect, and never will have one.
    | Refused = 2
    /// The caller gave up, or its process ended: it may have taken effect, or may yet.
    | Unknown = 3

/// One call of a client as it went. Moments are counted in events, so no two are alike.
[<Sealed; AllowNullLiteral(false)>]
type CallRecord(call: Call, calledAt: int64, request: ReadOnlyMemory<byte>[]) =

    let mutable answer: obj | null = null

    member _.Call = call

    /// The commands of an execute, or the one query of a read.
    member _.Request = request

    member _.CalledAt = calledAt
    member val ReturnedAt = Int64.MaxValue with get, set
    member val Outcome = CallOutcome.Pending with get, set
    member val Lineage = Lineage.None with get, set

    /// The index of each command, or the index at which the query was answered.
    member val Indexes: LogIndex[] = [||] with get, set

    /// What the query was answered.
    member _.Answer = answer

    /// The index that was acknowledged to anybody before the call, by lineage.
    member val Floors: struct (Lineage * LogIndex) list = [] with get, set

    /// The query was answered.
    member _.Answered(value: obj | null) = answer <- value

    member this.End(outcome: CallOutcome, at: int64) =
        if this.Outcome = CallOutcome.Pending then
            this.Outcome <- outcome
            this.ReturnedAt <- at

/// What a workload makes of what its clients saw.
[<RequireQualifiedAccess>]
type Judgement =
    /// It could have been one machine that nobody shares.
    | Possible
    /// It could not, and why.
    | Impossible of evidence: string
    /// It would take too long to say.
    | TooTangled

/// What clients do to the machine, and what their calls must look like from outside.
type IWorkload =
    /// What the machine is called, in reports.
    abstract Name: string
    /// A machine in its first state.
    abstract NewMachine: peer: int -> IMachineUnderTest
    /// The next command of anybody.
    abstract NextCommand: dice: Dice -> ReadOnlyMemory<byte>
    abstract NextQuery: dice: Dice -> ReadOnlyMemory<byte>
    /// Looks at what clients saw, and nothing else.
    abstract Judge: calls: CallRecord seq -> Judgement
    /// The machines are asked for their digest each time so many entries are applied; 1 for a cheap digest.
    abstract DigestEvery: int
    /// No two commands are equal: then none may take effect twice, whoever proposes it, in whatever lineage.
    abstract IsUnique: bool
