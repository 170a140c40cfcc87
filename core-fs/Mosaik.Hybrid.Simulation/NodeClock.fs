namespace Mosaik.Hybrid.Simulation

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// The clocks of one run of one process. The monotonic one begins anywhere and is `drift` parts in a thousand fast;
/// the wall clock may jump.
[<Sealed>]
type NodeClock(world: ISurroundings, drift: int, offset: int64) =

    let clockAt (now: int64) =
        Instant((now + now / 1_000L * int64 drift) / 1_000L + offset)

    /// How far the wall clock is off, in milliseconds.
    member val WallOffset = 0L with get, set

    member this.Read() : Clock =
        { Now = clockAt world.Now; Wall = 1_700_000_000_000L + world.Now / 1_000L + this.WallOffset }

    /// The first moment of the world, in microseconds, at which this clock shows that time; not before now.
    member _.MomentOf(at: Instant) =
        let local = (at.Milliseconds - offset) * 1_000L
        let mutable moment = max world.Now (local * 1_000L / (1_000L + int64 drift) - 2_000L)
        while clockAt moment < at do
            moment <- moment + 250L
        moment
