/// What every test project of this folder ends with: compiled into each of them.
module Mosaik.Hybrid.Tests.Main

open Expecto

#if REAL_EXPECTO
[<EntryPoint>]
let main arguments =
    runTestsInAssemblyWithCLIArgs [] arguments
#else
/// Lets xunit's runners see every `[<Tests>]` value of this assembly.
type Bridge() =
    inherit ExpectoBridge()
#endif
