namespace Expecto

// xunit marks the constructor that its deserialisation calls as obsolete; a derived case must chain to it.
#nowarn "44"

open System
open System.Collections.Concurrent
open System.Reflection
open System.Threading.Tasks

open Xunit
open Xunit.Abstractions
open Xunit.Sdk

/// Every leaf of an assembly's `[<Tests>]` values by its path: the names from the root, joined by '/'.
[<RequireQualifiedAccess>]
module Leaves =

    let private everyMember =
        BindingFlags.Static
        ||| BindingFlags.Public
        ||| BindingFlags.NonPublic
        ||| BindingFlags.DeclaredOnly

    // A value of a module is a property; its getter and its field may carry the attribute too.
    let private rootOf (entry: MemberInfo) =
        match entry with
        | :? PropertyInfo as property -> Some(property.GetValue null)
        | :? MethodInfo as method when not method.IsSpecialName && method.GetParameters().Length = 0 ->
            Some(method.Invoke(null, [||]))
        | _ -> None

    let rec private flatten path test =
        let under name =
            if path = "" then name else path + "/" + name
        match test with
        | Test.Case(name, body) -> [ under name, body ]
        | Test.List(name, tests) -> tests |> List.collect (flatten (under name))

    let private find (assembly: Assembly) =
        assembly.GetTypes()
        |> Seq.collect (fun owner -> owner.GetMembers everyMember)
        |> Seq.filter (fun entry -> entry.IsDefined(typeof<TestsAttribute>, false))
        |> Seq.choose rootOf
        |> Seq.collect (fun root -> flatten "" (root :?> Test))
        |> List.ofSeq

    let private known = ConcurrentDictionary<Assembly, (string * (unit -> Task)) list>()

    /// The leaves of one assembly, in the order in which they were written.
    let ofAssembly (assembly: Assembly) = known.GetOrAdd(assembly, find)

/// One leaf as an xunit test case: shown by its path.
type LeafTestCase =
    inherit XunitTestCase

    [<Obsolete("For deserialisation only.")>]
    new() = { inherit XunitTestCase() }

    new(sink: IMessageSink, display, options, testMethod: ITestMethod, path: string) =
        { inherit XunitTestCase(sink, display, options, testMethod, [| box path |]) }

    override this.GetDisplayName(_fact, _displayName) = string this.TestMethodArguments[0]

/// Makes one test case of each leaf of the assembly in which the bridge class stands.
type LeafDiscoverer(sink: IMessageSink) =
    interface IXunitTestCaseDiscoverer with
        member _.Discover(options, testMethod, _fact) =
            let display = options.MethodDisplayOrDefault()
            let displayOptions = options.MethodDisplayOptionsOrDefault()
            let paths =
                Leaves.ofAssembly (testMethod.TestClass.Class.ToRuntimeType().Assembly)
                |> List.map fst
            let twice =
                paths
                |> List.countBy id
                |> List.filter (fun (_, count) -> count > 1)
                |> List.map fst
            if twice.IsEmpty then
                paths
                |> Seq.map (fun path ->
                    new LeafTestCase(sink, display, displayOptions, testMethod, path) :> IXunitTestCase)
            else
                // Two tests of one name: runners would report only one of them.
                let names = String.Join(", ", twice)
                Seq.singleton (
                    new ExecutionErrorTestCase(
                        sink,
                        display,
                        displayOptions,
                        testMethod,
                        $"Names of tests must differ: {names}"
                    )
                    :> IXunitTestCase
                )

/// Marks the one method of the bridge.
[<AttributeUsage(AttributeTargets.Method);
  XunitTestCaseDiscoverer("Expecto.LeafDiscoverer", "Expecto.StandIn")>]
type LeavesAttribute() =
    inherit FactAttribute()

/// A test assembly contains one class that inherits this one; xunit then runs each leaf as a test of its own.
[<AbstractClass>]
type ExpectoBridge() =

    /// Runs the leaf of this path.
    [<Leaves>]
    member this.Leaf(path: string) : Task =
        let _, body =
            Leaves.ofAssembly (this.GetType().Assembly)
            |> List.find (fun (name, _) -> name = path)
        body ()
