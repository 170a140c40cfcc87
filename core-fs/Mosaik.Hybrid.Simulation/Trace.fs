namespace Mosaik.Hybrid.Simulation

open System.Collections.Generic

/// The last lines of what happened. Whoever has something to say looks at `IsOn` first: a run without a trace
/// makes no lines.
[<Sealed>]
type Trace(kept: int) =

    let lines = Queue<string>()

    member _.IsOn = kept > 0

    /// Adds a line that happened at a moment, in microseconds.
    member _.Say(at: int64, line: string) =
        let milliseconds = at / 1_000L
        let rest = int (at % 1_000L)
        lines.Enqueue($"%7d{milliseconds}.%03d{rest} {line}")
        if lines.Count > kept then
            lines.Dequeue() |> ignore

    /// Oldest first.
    member _.Lines = List.ofSeq lines
