namespace Mosaik.Hybrid.Simulation

open Mosaik.Hybrid.Core

/// A kind of message between members, for faults that hit only one.
type MessageKind =
    | Votes = 0
    | VoteReplies = 1
    | Appends = 2
    | AppendReplies = 3
    | Reads = 4
    | Forwards = 5
    /// About who leads and who leaves.
    | Orders = 6

[<RequireQualifiedAccess>]
module MessageKinds =

    let ofMessage (message: Message) =
        match message with
        | Message.RequestVote _ -> MessageKind.Votes
        | Message.RequestVoteReply _ -> MessageKind.VoteReplies
        | Message.AppendEntries _
        | Message.CatchUp _
        | Message.FetchedEntries _
        | Message.InstallSnapshot _ -> MessageKind.Appends
        | Message.FetchEntries _
        | Message.Survey _
        | Message.SurveyReply _ -> MessageKind.Reads
        | Message.AppendEntriesReply _ -> MessageKind.AppendReplies
        | Message.ReadIndex _
        | Message.ReadIndexReply _ -> MessageKind.Reads
        | Message.Forward _
        | Message.ForwardReply _ -> MessageKind.Forwards
        | Message.TimeoutNow _
        | Message.HandOver _
        | Message.Depart _
        | Message.Departed _ -> MessageKind.Orders

/// What can go wrong. Peers are numbered from 1.
[<RequireQualifiedAccess>]
type FaultKind =
    /// Nobody hears the peer (`outward`), or it hears nobody (`inward`), or both.
    | Isolate of peer: int * inward: bool * outward: bool
    /// As `Isolate`, of whoever leads at that moment.
    | IsolateLeader of inward: bool
    /// Peers whose bit is set hear only each other, and so do the others.
    | Split of sides: int
    /// Everybody hears only its neighbours in a ring.
    | Ring
    /// Two sides that only this peer hears.
    | Bridge of peer: int * sides: int
    /// One way is cut.
    | CutWay of from: int * towards: int
    | CutPair of left: int * right: int
    /// A pair that is cut and healed again and again, after so many milliseconds.
    | Flap of left: int * right: int * every: int
    /// All links of a peer break at once; what is on its way is lost.
    | ResetLinks of peer: int
    /// Nothing arrives anywhere; at the end everything does at once.
    | Clog
    /// One kind of message is lost.
    | LoseKind of MessageKind
    /// Every message takes so many times as long.
    | SlowNetwork of factor: int
    /// The process ends, and starts again when the fault is over; `wipes` says that its disk is lost too.
    | Crash of peer: int * wipes: bool
    | CrashAll
    /// The process stands still, and goes on later with everything that came meanwhile.
    | Pause of peer: int
    | PauseLeader
    /// Writes to the disk do not end.
    | StallDisk of peer: int
    | StallLeaderDisk
    /// Writes to the disk fail.
    | FillDisk of peer: int
    /// An entry on the disk can't be read any more.
    | Corrupt of peer: int
    /// The process ends, and its disk comes back without entries that it had acknowledged.
    | LoseAcknowledged of peer: int
    /// The wall clock jumps by so many milliseconds, and back.
    | JumpWallClock of peer: int * by: int64
    /// The node leaves in good order, and comes back.
    | Leave of peer: int
    /// Those whose bit is set leave at the same moment.
    | LeaveMany of peers: int
    /// A process is asked to see to it that another peer leads; itself: that whoever is fit does.
    | HandOver of peer: int * target: int
    /// Somebody without the group's key comes to the peer's door.
    | Intrude of peer: int

[<RequireQualifiedAccess>]
module FaultKinds =

    /// The highest peer that a fault names; 0 when it names none.
    let concerns (kind: FaultKind) =
        match kind with
        | FaultKind.Isolate(peer, _, _)
        | FaultKind.Bridge(peer, _)
        | FaultKind.ResetLinks peer
        | FaultKind.Crash(peer, _)
        | FaultKind.Pause peer
        | FaultKind.StallDisk peer
        | FaultKind.FillDisk peer
        | FaultKind.Corrupt peer
        | FaultKind.LoseAcknowledged peer
        | FaultKind.JumpWallClock(peer, _)
        | FaultKind.Leave peer
        | FaultKind.Intrude peer -> peer
        | FaultKind.CutWay(left, right)
        | FaultKind.CutPair(left, right)
        | FaultKind.Flap(left, right, _)
        | FaultKind.HandOver(left, right) -> max left right
        | FaultKind.IsolateLeader _
        | FaultKind.Split _
        | FaultKind.LeaveMany _
        | FaultKind.Ring
        | FaultKind.Clog
        | FaultKind.LoseKind _
        | FaultKind.SlowNetwork _
        | FaultKind.CrashAll
        | FaultKind.PauseLeader
        | FaultKind.StallLeaderDisk -> 0

/// One fault. `Number` is its place in the plan that the seed makes.
type Fault =
    {
        Number: int
        /// When it begins and how long it lasts, in milliseconds of the run.
        At: int
        Lasts: int
        Kind: FaultKind
    }

/// What a client asks for.
[<RequireQualifiedAccess>]
type CallKind =
    /// So many commands, as one atomic batch.
    | Execute of count: int
    | StrongRead
    | WeakRead

/// One call. `Number` is its place in the plan that the seed makes.
type Call =
    {
        Number: int
        /// In milliseconds of the run.
        At: int
        Peer: int
        Kind: CallKind
        /// Milliseconds after which the caller gives up.
        Patience: int
    }

/// What the network does to every message. Times are in microseconds.
type NetworkHabits =
    {
        DelayMin: int
        DelayMax: int
        /// Messages in a thousand that take up to ten times as long.
        TailPerMille: int
        LossPerMille: int
        RepeatPerMille: int
        /// Messages of consensus keep their order, as on a stream.
        IsOrdered: bool
    }

/// How one node's runtime behaves within its contract.
type RuntimeHabits =
    {
        /// Inputs in a thousand that wait for others before the core sees them, and how long at most, in microseconds.
        GatherPerMille: int
        GatherMax: int
        /// The longest way of a write to the disk, in microseconds.
        DiskMax: int
        /// The longest pause between two pieces of work of the state machine, in microseconds.
        ApplyMax: int
        /// The most entries that the machine applies in one piece.
        ApplyChunk: int
        /// A snapshot is taken each time so many entries are applied; 0 for never.
        SnapshotEvery: int
        /// So many of a thousand processes take none all the same.
        SnapshotlessPerMille: int
        /// So many of a thousand received parts spoil what was kept before.
        SnapshotDamagePerMille: int
        /// So many of a thousand processes end between a received snapshot and what follows from it on the disk.
        SnapshotCrashPerMille: int
        /// So many entries before a snapshot stay in the log.
        SnapshotKept: int
    }

/// What one peer is like.
type PeerHabits =
    {
        Preference: NodePreference
        /// When its process starts first, in milliseconds.
        StartsAt: int
        /// How many parts in a thousand its clock is fast; negative: slow.
        Drift: int
    }

/// All that a run is made of. The same plan makes the same run, event for event.
type Plan =
    {
        Seed: uint64
        Profile: string
        Peers: PeerHabits[]
        Consensus: ConsensusConfig
        Network: NetworkHabits
        Runtime: RuntimeHabits
        /// Events of one moment happen in an order of the dice, not in the order in which they were made.
        IsShuffled: bool
        /// Milliseconds with faults; then everything heals.
        FaultyFor: int
        Faults: Fault[]
        Calls: Call[]
    }

    /// How many peers there are.
    member this.Size = this.Peers.Length
