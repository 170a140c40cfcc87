namespace Mosaik.Hybrid

/// <summary>A moment on a clock that never jumps, in milliseconds since some start.</summary>
/// <remarks>
/// Given to the core by its caller; comparable only within one process run. Consensus uses no other clock,
/// so jumps of the wall clock do not touch it.
/// </remarks>
[<Struct>]
type Instant(milliseconds: int64) =

    /// <summary>Milliseconds since the start of the clock.</summary>
    member _.Milliseconds = milliseconds

    /// <summary>Before every moment that the clock shows.</summary>
    static member Zero = Instant 0L

    /// <summary>After every moment that the clock shows: a deadline that never passes.</summary>
    static member Never = Instant System.Int64.MaxValue

    /// <summary>This moment plus a number of milliseconds.</summary>
    member _.Plus(milliseconds': int) =
        Instant(milliseconds + int64 milliseconds')

    /// <summary>Milliseconds from an earlier moment to this one.</summary>
    member _.Since(earlier: Instant) = milliseconds - earlier.Milliseconds

    override _.ToString() =
        if milliseconds = System.Int64.MaxValue then
            "never"
        else
            string milliseconds + "ms"

    static member op_Equality(left: Instant, right: Instant) = left.Milliseconds = right.Milliseconds
    static member op_Inequality(left: Instant, right: Instant) = left.Milliseconds <> right.Milliseconds
    static member op_LessThan(left: Instant, right: Instant) = left.Milliseconds < right.Milliseconds
    static member op_GreaterThan(left: Instant, right: Instant) = left.Milliseconds > right.Milliseconds
    static member op_LessThanOrEqual(left: Instant, right: Instant) = left.Milliseconds <= right.Milliseconds
    static member op_GreaterThanOrEqual(left: Instant, right: Instant) =
        left.Milliseconds >= right.Milliseconds
