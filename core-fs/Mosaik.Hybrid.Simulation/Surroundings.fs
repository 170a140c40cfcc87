namespace Mosaik.Hybrid.Simulation

/// One end of a link.
type IPort =
    /// Gives a frame to the network. The kind is that of a message of consensus; none for words of the bond, which
    /// are never lost while the link stands.
    abstract Send: frame: byte[] * kind: MessageKind voption -> unit
    abstract Close: unit -> unit
    /// False for an end that is held by nobody of the group.
    abstract IsHonest: bool

/// Why a process ended by itself.
type ProcessEnd =
    /// Its log can never have committed anything: it begins anew.
    | Reset = 0
    /// Its disk failed.
    | DiskFailed = 1
    /// It left its group in good order.
    | Left = 2

/// What a process has around it.
type ISurroundings =
    /// Microseconds since the run began.
    abstract Now: int64
    /// How many events there have been: no two moments are alike.
    abstract Tick: unit -> int64
    /// Adds something that happened to the fingerprint of the run.
    abstract Mix: uint64 -> unit
    /// Runs an action so many microseconds later.
    abstract Later: delay: int64 * action: (unit -> unit) -> unit
    abstract Ended: peer: int * cause: ProcessEnd -> unit
    abstract Plan: Plan
    abstract Workload: IWorkload
    abstract Oracle: Oracle
    abstract Coverage: Coverage
    abstract Trace: Trace
    abstract Dice: Dice
    /// True when all faults have ended.
    abstract IsHealed: bool
