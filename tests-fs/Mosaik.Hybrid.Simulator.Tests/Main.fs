module Mosaik.Hybrid.Simulator.Tests.Main

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
