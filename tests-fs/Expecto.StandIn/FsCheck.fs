namespace Expecto

open System
open System.Threading.Tasks

open FsCheck

/// How a property is checked: the settings of Expecto.FsCheck that are used here, by the same names.
type FsCheckConfig =
    {
        /// How many cases must hold.
        maxTest: int
        /// The size of the first case; sizes grow evenly to `endSize`.
        startSize: int
        endSize: int
        /// Classes whose static members give generators (`Arbitrary<_>`).
        arbitrary: Type list
    }

    static member defaultConfig = { maxTest = 200; startSize = 1; endSize = 100; arbitrary = [] }

[<AutoOpen>]
module ExpectoFsCheck =

    /// A property with its own number of cases, sizes or generators. A failure names the seed of the run.
    let testPropertyWithConfig (config: FsCheckConfig) (name: string) (property: 'testable) =
        let settings =
            Config.QuickThrowOnFailure
                .WithMaxTest(config.maxTest)
                .WithStartSize(config.startSize)
                .WithEndSize(config.endSize)
                .WithArbitrary(config.arbitrary)
                .WithQuietOnSuccess(true)
        Test.Case(
            name,
            fun () ->
                Check.One(name, settings, property)
                Task.CompletedTask
        )

    /// A property over generated arguments: any function that FsCheck can test, or a Property.
    let testProperty (name: string) (property: 'testable) =
        testPropertyWithConfig FsCheckConfig.defaultConfig name property
