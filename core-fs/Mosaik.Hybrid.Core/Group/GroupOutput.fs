namespace Mosaik.Hybrid.Core

open System
open System.Collections.Generic

open Mosaik.Hybrid

/// What the group may ask of the runtime.
[<RequireQualifiedAccess; NoEquality; NoComparison>]
type GroupOutput =
    | Install of through: LogPosition
    | Compact of through: LogPosition
    | Write of Write
    /// Words of consensus: not before the write `SendAfter` of the transition is durable.
    | SendRaft of link: LinkId * message: Message
    | SendEntries of link: LinkId * header: AppendHeader * range: LogRange
    | ServeEntries of link: LinkId * header: FetchedHeader * range: LogRange
    | SendSnapshot of
        link: LinkId *
        header: AppendHeader *
        snapshot: SnapshotFacts *
        offset: int64 *
        count: int
    | SendCommands of link: LinkId * header: ForwardHeader * first: uint64 * last: uint64
    /// Says which lineage the log belongs to; depends on the write as words of consensus do.
    | SendAffiliated of link: LinkId * lineage: Lineage
    /// Words of the bond: may leave at once.
    | SendBond of link: LinkId * message: BondMessage
    | Prove of link: LinkId * mine: Hello * theirs: Hello * isDialler: bool
    | Check of link: LinkId * mine: Hello * theirs: Hello * isDialler: bool * proof: Proof
    | Recheck of link: LinkId * entry: ReadOnlyMemory<byte>
    | CloseLink of link: LinkId * reason: CloseReason * evidence: string
    | BondFormed of link: LinkId * peer: MemberId
    | BondEnded of link: LinkId * peer: MemberId * reason: CloseReason
    | Apply of range: LogRange
    | Keep of snapshot: SnapshotFacts * chunk: SnapshotChunk
    | Resubmit of first: uint64 * last: uint64
    | Assigned of first: uint64 * last: uint64 * index: LogIndex
    | ReadReady of ids: uint64 list * index: LogIndex
    | ReadRefused of id: uint64
    | Surveyed of ids: uint64 list * reply: SurveyReply voption
    | SetDeadline of at: Instant
    | Notify of Notice
    | Reset
    | Halt of Violation

/// One method for each GroupOutput, in the same order. The runtime implements it once; a case without a method
/// does not compile, in either language.
type IGroupOutputHandler =
    abstract Install: through: LogPosition -> unit
    abstract Compact: through: LogPosition -> unit
    abstract Write: write: Write -> unit
    abstract SendRaft: link: LinkId * message: Message -> unit
    abstract SendEntries: link: LinkId * header: AppendHeader * range: LogRange -> unit
    abstract ServeEntries: link: LinkId * header: FetchedHeader * range: LogRange -> unit
    abstract SendSnapshot:
        link: LinkId * header: AppendHeader * snapshot: SnapshotFacts * offset: int64 * count: int -> unit
    abstract SendCommands: link: LinkId * header: ForwardHeader * first: uint64 * last: uint64 -> unit
    abstract SendAffiliated: link: LinkId * lineage: Lineage -> unit
    abstract SendBond: link: LinkId * message: BondMessage -> unit
    abstract Prove: link: LinkId * mine: Hello * theirs: Hello * isDialler: bool -> unit
    abstract Check: link: LinkId * mine: Hello * theirs: Hello * isDialler: bool * proof: Proof -> unit
    abstract Recheck: link: LinkId * entry: ReadOnlyMemory<byte> -> unit
    abstract CloseLink: link: LinkId * reason: CloseReason * evidence: string -> unit
    abstract BondFormed: link: LinkId * peer: MemberId -> unit
    abstract BondEnded: link: LinkId * peer: MemberId * reason: CloseReason -> unit
    abstract Apply: range: LogRange -> unit
    abstract Keep: snapshot: SnapshotFacts * chunk: SnapshotChunk -> unit
    abstract Resubmit: first: uint64 * last: uint64 -> unit
    abstract Assigned: first: uint64 * last: uint64 * index: LogIndex -> unit
    abstract ReadReady: ids: IReadOnlyList<uint64> * index: LogIndex -> unit
    abstract ReadRefused: id: uint64 -> unit
    abstract Surveyed: ids: IReadOnlyList<uint64> * reply: SurveyReply | null -> unit
    abstract SetDeadline: at: Instant -> unit
    abstract LeaderChanged: leader: MemberId | null -> unit
    abstract RoleChanged: role: RoleKind * term: Term -> unit
    abstract OnlineChanged: online: bool -> unit
    abstract ConfigurationChanged: configuration: Configuration -> unit
    abstract CommitAdvanced: index: LogIndex -> unit
    abstract DiskStalled: stalled: bool -> unit
    abstract ConflictChanged: lineages: IReadOnlyList<Lineage> -> unit
    abstract MayLeave: unit -> unit
    abstract Reset: unit -> unit
    abstract Halt: violation: Violation -> unit

/// Hands outputs to a handler, in order.
[<RequireQualifiedAccess>]
module Outputs =

    let private notify (handler: IGroupOutputHandler) (notice: Notice) =
        match notice with
        | Notice.LeaderChanged(ValueSome leader) -> handler.LeaderChanged leader
        | Notice.LeaderChanged ValueNone -> handler.LeaderChanged null
        | Notice.RoleChanged(role, term) -> handler.RoleChanged(role, term)
        | Notice.OnlineChanged online -> handler.OnlineChanged online
        | Notice.ConfigurationChanged configuration -> handler.ConfigurationChanged configuration
        | Notice.CommitAdvanced index -> handler.CommitAdvanced index
        | Notice.DiskStalled stalled -> handler.DiskStalled stalled
        | Notice.ConflictChanged lineages -> handler.ConflictChanged lineages
        | Notice.MayLeave -> handler.MayLeave()

    let private handOver (handler: IGroupOutputHandler) (output: GroupOutput) =
        match output with
        | GroupOutput.Install through -> handler.Install through
        | GroupOutput.Compact through -> handler.Compact through
        | GroupOutput.Write write -> handler.Write write
        | GroupOutput.SendRaft(link, message) -> handler.SendRaft(link, message)
        | GroupOutput.SendEntries(link, header, range) -> handler.SendEntries(link, header, range)
        | GroupOutput.ServeEntries(link, header, range) -> handler.ServeEntries(link, header, range)
        | GroupOutput.SendSnapshot(link, header, snapshot, offset, count) ->
            handler.SendSnapshot(link, header, snapshot, offset, count)
        | GroupOutput.SendCommands(link, header, first, last) ->
            handler.SendCommands(link, header, first, last)
        | GroupOutput.SendAffiliated(link, lineage) -> handler.SendAffiliated(link, lineage)
        | GroupOutput.SendBond(link, message) -> handler.SendBond(link, message)
        | GroupOutput.Prove(link, mine, theirs, isDialler) -> handler.Prove(link, mine, theirs, isDialler)
        | GroupOutput.Check(link, mine, theirs, isDialler, proof) ->
            handler.Check(link, mine, theirs, isDialler, proof)
        | GroupOutput.Recheck(link, entry) -> handler.Recheck(link, entry)
        | GroupOutput.CloseLink(link, reason, evidence) -> handler.CloseLink(link, reason, evidence)
        | GroupOutput.BondFormed(link, peer) -> handler.BondFormed(link, peer)
        | GroupOutput.BondEnded(link, peer, reason) -> handler.BondEnded(link, peer, reason)
        | GroupOutput.Apply range -> handler.Apply range
        | GroupOutput.Keep(snapshot, chunk) -> handler.Keep(snapshot, chunk)
        | GroupOutput.Resubmit(first, last) -> handler.Resubmit(first, last)
        | GroupOutput.Assigned(first, last, index) -> handler.Assigned(first, last, index)
        | GroupOutput.ReadReady(ids, index) -> handler.ReadReady(ids, index)
        | GroupOutput.ReadRefused id -> handler.ReadRefused id
        | GroupOutput.Surveyed(ids, ValueSome reply) -> handler.Surveyed(ids, reply)
        | GroupOutput.Surveyed(ids, ValueNone) -> handler.Surveyed(ids, null)
        | GroupOutput.SetDeadline at -> handler.SetDeadline at
        | GroupOutput.Notify notice -> notify handler notice
        | GroupOutput.Reset -> handler.Reset()
        | GroupOutput.Halt violation -> handler.Halt violation

    let rec dispatch (handler: IGroupOutputHandler) (outputs: GroupOutput list) =
        match outputs with
        | [] -> ()
        | output :: rest ->
            handOver handler output
            dispatch handler rest
