namespace Mosaik.Hybrid.Simulation.Tests.Support

open Expecto

open Mosaik.Hybrid.Simulation

type RegisterOperation = Operation<string, RegisterInput<int>, RegisterOutput<int>>
type ListOperation = Operation<string, AppendListInput<int>, AppendListOutput<int>>

/// Words for writing histories down: who, from when until when, what. For tests to open.
module History =

    let private on client (at: int) input outcome =
        { Key = "x"; Client = client; CalledAt = int64 at; Input = input; Outcome = outcome }

    let private returned (until: int) output = Outcome.Returned(int64 until, output)

    /// The operation on another key.
    let under key (operation: Operation<string, 'input, 'output>) = { operation with Key = key }

    /// The operation, of which the client never heard again.
    let lost (operation: Operation<string, 'input, 'output>) =
        { operation with Outcome = Outcome.Unknown }

    /// The operation, of whose answer the client saw only that it came.
    let acknowledged (operation: Operation<string, 'input, 'output>) =
        match Operation.returnedAt operation with
        | ValueSome at -> { operation with Outcome = Outcome.Acknowledged at }
        | ValueNone -> operation

    /// A write of a register.
    let write client (at, until) value : RegisterOperation =
        on client at (RegisterInput.Write value) (returned until RegisterOutput.Written)

    /// A read of a register that saw a value.
    let read client (at, until) value : RegisterOperation =
        on client at RegisterInput.Read (returned until (RegisterOutput.Value(ValueSome value)))

    /// A read of a register that saw that it was never written.
    let readNothing client (at, until) : RegisterOperation =
        on client at RegisterInput.Read (returned until (RegisterOutput.Value ValueNone))

    /// A compare-and-swap of a register.
    let swap client (at, until) (expected, replacement) swapped : RegisterOperation =
        on
            client
            at
            (RegisterInput.CompareAndSwap(ValueSome expected, replacement))
            (returned until (RegisterOutput.Swapped swapped))

    /// A compare-and-swap that expects a register that was never written.
    let create client (at, until) value swapped : RegisterOperation =
        on
            client
            at
            (RegisterInput.CompareAndSwap(ValueNone, value))
            (returned until (RegisterOutput.Swapped swapped))

    /// An append to a list, with its place.
    let append client (at, until) element place : ListOperation =
        on client at (AppendListInput.Append element) (returned until (AppendListOutput.Place place))

    /// A read of a list.
    let readAll client (at, until) elements : ListOperation =
        on
            client
            at
            AppendListInput.ReadAll
            (returned until (AppendListOutput.Elements(Array.ofList elements)))

/// Verdicts as tests want them.
[<RequireQualifiedAccess>]
module Verdict =

    /// True for linearizable, false for not; fails the test when the search gave up.
    let decided (verdict: Verdict<'key, 'input, 'output, 'state>) =
        match verdict with
        | Verdict.Linearizable -> true
        | Verdict.NotLinearizable _ -> false
        | Verdict.Unknown _ -> failtest $"{verdict}"

    /// The evidence; fails the test when there is none.
    let evidence (verdict: Verdict<'key, 'input, 'output, 'state>) =
        match verdict with
        | Verdict.NotLinearizable evidence -> evidence
        | Verdict.Linearizable
        | Verdict.Unknown _ -> failtest $"Expected evidence; actual: {verdict}"

    /// A test that a history has a known answer, in whichever order its operations are listed.
    let known model name isLinearizable (operations: Operation<string, 'input, 'output> list) =
        testCase name
        <| fun () ->
            for history in [ operations; List.rev operations ] do
                let verdict = Linearizability.check model history
                Expect.equal (decided verdict) isLinearizable $"{verdict}"
