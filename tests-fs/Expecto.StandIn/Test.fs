namespace Expecto

open System
open System.Threading.Tasks

/// A tree of tests, as in Expecto: leaves run, lists name.
[<RequireQualifiedAccess; NoEquality; NoComparison>]
type Test =
    | Case of name: string * body: (unit -> Task)
    | List of name: string * tests: Test list

/// Marks a value of type Test (a property or a method without parameters of a module) to be run.
[<AttributeUsage(AttributeTargets.Method ||| AttributeTargets.Property ||| AttributeTargets.Field)>]
type TestsAttribute() =
    inherit Attribute()

/// Builds a leaf whose body is a task: `testTask "name" { do! ... }`. Plain functions instead of the resumable
/// code of `task`: tests need no speed here, and the builder stays readable.
[<Sealed>]
type TestTaskBuilder(name: string) =

    member _.Zero() = Task.FromResult(())
    member _.Return(value: 'value) = Task.FromResult value
    member _.ReturnFrom(work: Task<'value>) = work
    member _.Delay(body: unit -> Task<'value>) = body

    member _.Bind(work: Task<'value>, next: 'value -> Task<'result>) =
        task {
            let! value = work
            return! next value
        }

    member _.Bind(work: ValueTask<'value>, next: 'value -> Task<'result>) =
        task {
            let! value = work
            return! next value
        }

    member _.Bind(work: Task, next: unit -> Task<'result>) =
        task {
            do! work
            return! next ()
        }

    member _.Bind(work: ValueTask, next: unit -> Task<'result>) =
        task {
            do! work
            return! next ()
        }

    member _.Combine(first: Task<unit>, next: unit -> Task<'result>) =
        task {
            do! first
            return! next ()
        }

    member _.While(goesOn: unit -> bool, body: unit -> Task<unit>) =
        task {
            while goesOn () do
                do! body ()
        }

    member _.For(values: 'value seq, body: 'value -> Task<unit>) =
        task {
            for value in values do
                do! body value
        }

    member _.TryWith(body: unit -> Task<'value>, handler: exn -> Task<'value>) =
        task {
            try
                return! body ()
            with error ->
                return! handler error
        }

    member _.TryFinally(body: unit -> Task<'value>, compensation: unit -> unit) =
        task {
            try
                return! body ()
            finally
                compensation ()
        }

    /// Disposes when the body ends, asynchronously where the resource can.
    member _.Using(resource: 'resource, body: 'resource -> Task<'value>) =
        task {
            use _disposed =
                { new IAsyncDisposable with
                    member _.DisposeAsync() =
                        match box resource with
                        | :? IAsyncDisposable as resource -> resource.DisposeAsync()
                        | :? IDisposable as resource ->
                            resource.Dispose()
                            ValueTask.CompletedTask
                        | _ -> ValueTask.CompletedTask }
            return! body resource
        }

    member _.Run(body: unit -> Task<unit>) : Test =
        Test.Case(name, (fun () -> body () :> Task))

[<AutoOpen>]
module Tests =

    /// Names a list of tests.
    let testList (name: string) (tests: Test list) = Test.List(name, tests)

    /// A test that fails when its body throws.
    let testCase (name: string) (body: unit -> unit) =
        Test.Case(
            name,
            fun () ->
                body ()
                Task.CompletedTask
        )

    /// A test whose body is a task.
    let testTask (name: string) = TestTaskBuilder name

    /// Fails the test with this message.
    let failtest (message: string) : 'result =
        raise (Xunit.Sdk.XunitException message)

    /// Fails the test with a formatted message.
    let failtestf format = Printf.ksprintf failtest format
