namespace Mosaik.Hybrid.Core.Tests.Bond

open System

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Simulation
open Mosaik.Hybrid.Core.Tests.Support

/// What travels between the two ends of a link, or happens at one of them.
[<RequireQualifiedAccess; NoEquality; NoComparison>]
type Event =
    | Frame of link: LinkId * message: BondMessage
    | Verdict of link: LinkId * credentials: Credentials

/// Two nodes of one group and the links between them; whoever uses it decides what happens next. Links have the
/// same name at both ends. Index 0 is the node with the lower id.
type Peers(configure: int -> BondIdentity -> BondIdentity, verdicts: int -> Credentials) =

    let config =
        { Consensus =
            { ConsensusConfig.defaults with
                // Nobody founds a lineage here: bonds are looked at alone.
                FoundingMembers = 3 }
          Preference = NodePreference.normal }

    let network = NetworkId(Bytes32.Zero)
    let group = GroupId(Bytes32.Zero)
    let mutable now = Instant 1L

    let fresh (number: int) =
        let hard: HardState =
            { Member = Naming.memberOf number 1
              Session = 1UL
              Lineage = Lineage.None
              CurrentTerm = Term.Zero
              VotedFor = null
              Acknowledged = LogPosition.Zero }
        let clock = { Now = now; Wall = 0L }
        let state = Group.restore config clock (uint64 number) network group (State.fresh hard)
        { state with Identity = configure (number - 1) state.Identity }

    let states = [| fresh 1; fresh 2 |]
    let pending = [| Collections.Generic.List<Event>(); Collections.Generic.List<Event>() |]
    let closed = Collections.Generic.List<struct (int * CloseReason)>()
    let mutable nonces = 0UL

    let nonce () =
        nonces <- nonces + 1UL
        let bytes: byte[] = Array.zeroCreate 32
        BitConverter.TryWriteBytes(Span bytes, nonces) |> ignore
        Bytes32.FromBytes(ReadOnlySpan bytes)

    let deliver (place: int) (event: Event) = pending[place].Add event

    let carryOut (place: int) (output: GroupOutput) =
        let other = 1 - place
        match output with
        | GroupOutput.SendBond(link, message) -> deliver other (Event.Frame(link, message))
        | GroupOutput.Prove(link, _, _, _) ->
            let proof = { Mac = Bytes32.Zero; Entry = ReadOnlyMemory.Empty }
            deliver other (Event.Frame(link, BondMessage.Proof proof))
        | GroupOutput.Check(link, _, _, _, _)
        | GroupOutput.Recheck(link, _) -> deliver place (Event.Verdict(link, verdicts place))
        | GroupOutput.CloseLink(link, reason, _) ->
            closed.Add(struct (place, reason))
            deliver other (Event.Frame(link, BondMessage.Close reason))
        | GroupOutput.SendAffiliated(link, lineage) ->
            deliver other (Event.Frame(link, BondMessage.Affiliated lineage))
        | GroupOutput.SendRaft(link, message) -> deliver other (Event.Frame(link, BondMessage.Raft message))
        | _ -> ()

    member _.Give(place: int, input: GroupInput) =
        let transition = Group.step config { Now = now; Wall = 0L } input states[place]
        states[place] <- transition.State
        List.iter (carryOut place) transition.Outputs

    /// One of the two dials the other.
    member this.Dial(place: int, link: LinkId) =
        let first = states[place].Identity.Member.Peer
        let second = states[1 - place].Identity.Member.Peer
        this.Give(place, GroupInput.LinkOpened(link, second, true, nonce ()))
        this.Give(1 - place, GroupInput.LinkOpened(link, first, false, nonce ()))

    member _.Waiting(place: int) = pending[place].Count

    /// The oldest thing that waits at a node happens.
    member this.Next(place: int) =
        let event = pending[place][0]
        pending[place].RemoveAt 0
        match event with
        | Event.Frame(link, message) -> this.Give(place, GroupInput.Received(link, message))
        | Event.Verdict(link, credentials) -> this.Give(place, GroupInput.Checked(link, credentials))

    /// Everything that waits happens.
    member this.Settle() =
        while pending[0].Count + pending[1].Count > 0 do
            for place in 0..1 do
                if pending[place].Count > 0 then
                    this.Next place

    /// Time passes, and both nodes are told; what is said meanwhile is lost when `lossy`.
    member this.Wait(milliseconds: int, lossy: bool) =
        for _ in 1 .. milliseconds / 10 do
            now <- now.Plus 10
            for place in 0..1 do
                this.Give(place, GroupInput.Tick)
            if lossy then
                pending[0].Clear()
                pending[1].Clear()
            else
                this.Settle()

    /// Time passes, and both nodes are told; what was said before waits.
    member this.Elapse(milliseconds: int) =
        now <- now.Plus milliseconds
        for place in 0..1 do
            this.Give(place, GroupInput.Tick)

    member _.Now = now
    member _.State(place: int) = states[place]
    member _.Closed = List.ofSeq closed

    /// The formed bonds of a node, by link.
    member _.Bonds(place: int) =
        states[place].Links |> Map.toList |> List.map snd

    /// A node begins a new life, as after a crash without a disk; its links are gone for it, not for the other.
    member _.Restart(place: int, life: int) =
        let state = states[place]
        let hard: HardState =
            { Member = Naming.memberOf (place + 1) life
              Session = 1UL
              Lineage = Lineage.None
              CurrentTerm = Term.Zero
              VotedFor = null
              Acknowledged = LogPosition.Zero }
        states[place] <-
            Group.restore
                config
                { Now = now; Wall = 0L }
                99UL
                state.Identity.Network
                state.Identity.Group
                (State.fresh hard)

[<RequireQualifiedAccess>]
module Peers =

    /// Two nodes that have every right to bond.
    let friendly () =
        Peers((fun _ identity -> identity), (fun _ -> Credentials.Good Instant.Never))

    /// Two nodes of which one finds this of the other.
    let judged (place: int) (credentials: Credentials) =
        Peers(
            (fun _ identity -> identity),
            (fun judge ->
                if judge = place then
                    credentials
                else
                    Credentials.Good Instant.Never)
        )

    /// Two nodes of which the second says something else of itself.
    let differing (change: BondIdentity -> BondIdentity) =
        Peers(
            (fun place identity -> if place = 1 then change identity else identity),
            (fun _ -> Credentials.Good Instant.Never)
        )
