namespace Mosaik.Hybrid.Core

open System
open System.Collections.Generic

open Mosaik.Hybrid

/// One node's whole knowledge of its group: bonds and consensus.
[<NoComparison>]
type GroupState =
    {
        Identity: BondIdentity
        Raft: State
        Bonds: Map<LinkId, Bond>
        /// The formed bonds, by member. At most one to a peer.
        Links: Map<MemberId, LinkId>
        /// Draws heartbeat jitter.
        Rng: Rng
        /// When consensus wants its next tick.
        RaftDeadline: Instant
        Deadline: Instant
        Leaving: bool
    }

/// What one step of the group makes.
[<Struct; NoEquality; NoComparison>]
type GroupTransition =
    {
        State: GroupState
        Outputs: GroupOutput list
        /// Words of consensus wait until the write of this sequence is durable; 0: for none.
        SendAfter: uint64
    }

/// The one function that the runtime calls: bonds feed consensus, and consensus speaks over bonds.
[<RequireQualifiedAccess>]
module Group =

    /// What one step gathers. Local to it; states stay values.
    [<Sealed; AllowNullLiteral(false)>]
    type private Gathering(state: GroupState) =
        member val State = state with get, set
        member val Inputs = List<Input>()
        member val Outputs = List<GroupOutput>()

    let private sayAll (gathering: Gathering) (outputs: BondOutput list) =
        for output in outputs do
            gathering.Outputs.Add(
                match output with
                | BondOutput.Say(link, message) -> GroupOutput.SendBond(link, message)
                | BondOutput.Prove(link, mine, theirs, isDialler) ->
                    GroupOutput.Prove(link, mine, theirs, isDialler)
                | BondOutput.Check(link, mine, theirs, isDialler, proof) ->
                    GroupOutput.Check(link, mine, theirs, isDialler, proof)
                | BondOutput.Recheck(link, entry) -> GroupOutput.Recheck(link, entry)
                | BondOutput.Close(link, reason) -> GroupOutput.CloseLink(link, reason, "")
            )

    let private keep (gathering: Gathering) (bond: Bond) =
        let state = gathering.State
        match state.Bonds.TryFind bond.Link with
        | Some former when Object.ReferenceEquals(former, bond) -> ()
        | Some _
        | None -> gathering.State <- { state with Bonds = state.Bonds.Add(bond.Link, bond) }

    /// Forgets a link; if it was the bond to its member, consensus can't reach the member any more.
    let private forget (gathering: Gathering) (bond: Bond) (reason: CloseReason) =
        let state = { gathering.State with Bonds = gathering.State.Bonds.Remove bond.Link }
        gathering.State <- state
        match bond.Theirs with
        | ValueSome theirs when state.Links.TryFind theirs.Member = Some bond.Link ->
            gathering.State <- { state with Links = state.Links.Remove theirs.Member }
            gathering.Inputs.Add(Input.PeerDown theirs.Member)
            gathering.Outputs.Add(GroupOutput.BondEnded(bond.Link, theirs.Member, reason))
        | ValueSome _
        | ValueNone -> ()

    let private refuse (gathering: Gathering) (bond: Bond) (reason: CloseReason) (evidence: string) =
        gathering.Outputs.Add(GroupOutput.CloseLink(bond.Link, reason, evidence))
        forget gathering bond reason

    /// The lineage as far as it is durable: what has not reached the disk is told to nobody. A vote that is on its way
    /// there is no reason to hide it: whoever took this member for one without a log would found a lineage beside its own.
    let private durableLineage (raft: State) =
        if raft.LineageSequence > raft.PersistedSequence then
            Lineage.None
        else
            raft.Lineage

    /// The formed bond to a peer, in whichever life of it.
    let private bondTo (state: GroupState) (peer: PeerId) =
        state.Links
        |> Map.tryPick (fun id link -> if id.Peer = peer then state.Bonds.TryFind link else None)

    let private introduce
        (gathering: Gathering)
        (config: NodeConfig)
        (clock: Clock)
        (bond: Bond)
        (theirs: Hello)
        =
        let struct (bond, rng) = Liveness.start config.Consensus clock.Now bond gathering.State.Rng
        let state = gathering.State
        gathering.State <-
            { state with
                Rng = rng
                Bonds = state.Bonds.Add(bond.Link, bond)
                Links = state.Links.Add(theirs.Member, bond.Link) }
        gathering.Outputs.Add(GroupOutput.BondFormed(bond.Link, theirs.Member))
        gathering.Inputs.Add(
            Input.PeerUp(
                theirs.Member,
                { Lineage = theirs.Lineage; Preference = theirs.Preference; HasCommands = theirs.HasCommands }
            )
        )
        // The log may have found its lineage since the hello.
        if state.Raft.Lineage <> bond.Mine.Lineage then
            gathering.Outputs.Add(GroupOutput.SendAffiliated(bond.Link, state.Raft.Lineage))

    /// The peer is who it says and may come in: the last checks are time, lineage and duplicate.
    let private onFormed (gathering: Gathering) config (clock: Clock) (bond: Bond) (theirs: Hello) =
        let state = gathering.State
        let existing = bondTo state theirs.Member.Peer
        let isDuplicate =
            match existing with
            | Some existing -> not (Handshake.replaces state.Identity.Member.Peer existing bond)
            | None -> false
        if clock.Now >= bond.TicketsDueAt then
            // Good when they were looked at, and no longer: the peer took its time to welcome us.
            refuse gathering bond CloseReason.NotAllowed ""
        elif Handshake.isForeign state.Raft.Lineage theirs.Lineage then
            refuse gathering bond CloseReason.DifferentLineage ""
            gathering.Inputs.Add(Input.PeerAffiliated(theirs.Member, theirs.Lineage, theirs.HasCommands))
        elif isDuplicate then
            refuse gathering bond CloseReason.AlreadyBonded ""
        else
            let welcomed = bond.Phase = BondPhase.Welcoming
            let struct (bond, outputs) =
                if welcomed then
                    struct ({ bond with Phase = BondPhase.Bonded }, [])
                else
                    Bonds.form bond theirs
            sayAll gathering outputs
            if bond.Phase = BondPhase.Bonded then
                match existing with
                | Some existing -> refuse gathering existing CloseReason.AlreadyBonded ""
                | None -> ()
                introduce gathering config clock bond theirs
            else
                keep gathering bond

    let private onAffiliated (gathering: Gathering) (bond: Bond) (lineage: Lineage) =
        keep gathering bond
        match bond.Theirs with
        | ValueSome theirs ->
            gathering.Inputs.Add(Input.PeerAffiliated(theirs.Member, lineage, false))
            if Handshake.isForeign gathering.State.Raft.Lineage lineage then
                refuse gathering bond CloseReason.DifferentLineage ""
        | ValueNone -> ()

    let private onResult
        (gathering: Gathering)
        config
        clock
        (bond: Bond)
        struct (result: BondResult, outputs)
        =
        sayAll gathering outputs
        match result, bond.Theirs with
        | BondResult.Open bond, _ -> keep gathering bond
        | BondResult.Formed bond, ValueSome theirs -> onFormed gathering config clock bond theirs
        | BondResult.Formed bond, ValueNone -> refuse gathering bond CloseReason.InvalidHandshake ""
        | BondResult.Raft(bond, message), ValueSome theirs ->
            keep gathering bond
            gathering.Inputs.Add(Input.Received(theirs.Member, message))
        | BondResult.Raft(bond, _), ValueNone -> refuse gathering bond CloseReason.ProtocolViolation ""
        | BondResult.Affiliated(bond, lineage), _ -> onAffiliated gathering bond lineage
        | BondResult.Ended reason, _ -> forget gathering bond reason

    let private withBond (gathering: Gathering) (link: LinkId) (action: Bond -> unit) =
        match gathering.State.Bonds.TryFind link with
        | Some bond -> action bond
        | None -> ()

    let private onOpened (gathering: Gathering) (clock: Clock) link peer isDialler nonce =
        let state = gathering.State
        let handshakes = state.Bonds.Count - state.Links.Count
        if
            state.Leaving
            || peer = state.Identity.Member.Peer
            || handshakes >= BondLimits.handshakesMax
        then
            gathering.Outputs.Add(GroupOutput.CloseLink(link, CloseReason.GracefulShutdown, ""))
        else
            let lineage = durableLineage state.Raft
            let hasCommands = Lineages.hasCommands state.Raft
            let struct (bond, outputs) =
                Bonds.opened state.Identity clock.Now lineage hasCommands link peer isDialler nonce
            keep gathering bond
            sayAll gathering outputs

    let private tickBonds (gathering: Gathering) (config: NodeConfig) (clock: Clock) =
        for KeyValue(_, bond) in gathering.State.Bonds do
            if clock.Now >= Liveness.deadline bond then
                let struct (after, rng, outputs) =
                    Liveness.tick config.Consensus clock.Now bond gathering.State.Rng
                gathering.State <- { gathering.State with Rng = rng }
                sayAll gathering outputs
                match after with
                | ValueSome bond -> keep gathering bond
                | ValueNone ->
                    let reason =
                        if bond.Rechecking && clock.Now >= bond.TicketsDueAt then
                            CloseReason.NotAllowed
                        else
                            CloseReason.Timeout
                    forget gathering bond reason

    let private close (gathering: Gathering) =
        gathering.State <- { gathering.State with Leaving = true }
        for KeyValue(_, bond) in gathering.State.Bonds do
            if bond.Phase = BondPhase.Bonded then
                gathering.Outputs.Add(GroupOutput.SendBond(bond.Link, BondMessage.Departing))
            refuse gathering bond CloseReason.GracefulShutdown ""

    let private onInput (gathering: Gathering) (config: NodeConfig) (clock: Clock) (input: GroupInput) =
        match input with
        | GroupInput.Tick ->
            tickBonds gathering config clock
            gathering.Inputs.Add Input.Tick
        | GroupInput.LinkOpened(link, peer, isDialler, nonce) ->
            onOpened gathering clock link peer isDialler nonce
        | GroupInput.Received(link, message) ->
            withBond gathering link (fun bond ->
                onResult gathering config clock bond (Bonds.onReceived gathering.State.Identity message bond))
        | GroupInput.Checked(link, credentials) ->
            withBond gathering link (fun bond ->
                onResult gathering config clock bond (Bonds.onChecked credentials bond))
        | GroupInput.LinkLost(link, reason) ->
            withBond gathering link (fun bond -> refuse gathering bond reason "")
        | GroupInput.Propose commands -> gathering.Inputs.Add(Input.Propose commands)
        | GroupInput.Read id -> gathering.Inputs.Add(Input.Read id)
        | GroupInput.ReadsExpired upTo -> gathering.Inputs.Add(Input.ReadsExpired upTo)
        | GroupInput.Persisted sequence -> gathering.Inputs.Add(Input.Persisted sequence)
        | GroupInput.Applied(index, own, gap) -> gathering.Inputs.Add(Input.Applied(index, own, gap))
        | GroupInput.SnapshotSaved(snapshot, kept) ->
            gathering.Inputs.Add(Input.SnapshotSaved(snapshot, kept))
        | GroupInput.SnapshotGrew(position, offset) ->
            gathering.Inputs.Add(Input.SnapshotGrew(position, offset))
        | GroupInput.SnapshotReceived(snapshot, timestamp, hasCommands) ->
            gathering.Inputs.Add(Input.SnapshotReceived(snapshot, timestamp, hasCommands))
        | GroupInput.Survey id -> gathering.Inputs.Add(Input.Survey id)
        | GroupInput.HandOver target -> gathering.Inputs.Add(Input.HandOver(ValueOption.ofNullable target))
        | GroupInput.Reset -> gathering.Inputs.Add Input.Reset
        | GroupInput.Leave -> gathering.Inputs.Add Input.Leave
        | GroupInput.Close -> close gathering

    /// Consensus speaks to members; bonds know their links. Words to a member without a bond are lost, as on a
    /// network.
    let private translate (gathering: Gathering) (output: Output) =
        let add (output: GroupOutput) = gathering.Outputs.Add output
        let over (recipient: MemberId) (make: LinkId -> GroupOutput) =
            match gathering.State.Links.TryFind recipient with
            | Some link -> add (make link)
            | None -> ()
        match output with
        | Output.Install through -> add (GroupOutput.Install through)
        | Output.Compact through -> add (GroupOutput.Compact through)
        | Output.Write write -> add (GroupOutput.Write write)
        | Output.SetDeadline at -> gathering.State <- { gathering.State with RaftDeadline = at }
        | Output.Apply range -> add (GroupOutput.Apply range)
        | Output.Notify notice -> add (GroupOutput.Notify notice)
        | Output.Halt violation -> add (GroupOutput.Halt violation)
        | Output.Send(recipient, message) -> over recipient (fun link -> GroupOutput.SendRaft(link, message))
        | Output.SendEntries(recipient, header, range) ->
            over recipient (fun link -> GroupOutput.SendEntries(link, header, range))
        | Output.ServeEntries(recipient, header, range) ->
            over recipient (fun link -> GroupOutput.ServeEntries(link, header, range))
        | Output.SendSnapshot(recipient, header, snapshot, offset, count) ->
            over recipient (fun link -> GroupOutput.SendSnapshot(link, header, snapshot, offset, count))
        | Output.SendCommands(recipient, header, first, last) ->
            over recipient (fun link -> GroupOutput.SendCommands(link, header, first, last))
        | Output.Keep(snapshot, chunk) -> add (GroupOutput.Keep(snapshot, chunk))
        | Output.Resubmit(first, last) -> add (GroupOutput.Resubmit(first, last))
        | Output.Assigned(first, last, index) -> add (GroupOutput.Assigned(first, last, index))
        | Output.ReadReady(ids, index) -> add (GroupOutput.ReadReady(ids, index))
        | Output.ReadRefused id -> add (GroupOutput.ReadRefused id)
        | Output.Surveyed(ids, reply) -> add (GroupOutput.Surveyed(ids, reply))
        | Output.Reset -> add GroupOutput.Reset
        | Output.Blame(peer, evidence) ->
            match gathering.State.Links.TryFind peer with
            | Some link ->
                withBond gathering link (fun bond ->
                    refuse gathering bond CloseReason.ProtocolViolation evidence)
            | None -> ()

    /// A log that found its lineage says so, and parts from those that belong to another.
    let private announceLineage (gathering: Gathering) (lineage: Lineage) =
        for KeyValue(_, link) in gathering.State.Links do
            match gathering.State.Bonds.TryFind link with
            | Some { Theirs = ValueSome theirs } & Some bond ->
                match gathering.State.Raft.Bonded.TryFind theirs.Member with
                | Some facts when Handshake.isForeign lineage facts.Lineage ->
                    refuse gathering bond CloseReason.DifferentLineage ""
                | Some _
                | None -> gathering.Outputs.Add(GroupOutput.SendAffiliated(link, lineage))
            | Some _
            | None -> ()

    let private runRaft (gathering: Gathering) (config: NodeConfig) (clock: Clock) : uint64 =
        let before = gathering.State.Raft
        let inputs = gathering.Inputs.ToArray()
        gathering.Inputs.Clear()
        let transition = Raft.stepAll config clock inputs before
        gathering.State <- { gathering.State with Raft = transition.State }
        for output in transition.Outputs do
            translate gathering output
        if transition.State.Lineage <> before.Lineage then
            announceLineage gathering transition.State.Lineage
        transition.SendAfter

    let private deadline (state: GroupState) =
        (state.RaftDeadline, state.Bonds)
        ||> Map.fold (fun first _ bond -> min first (Liveness.deadline bond))

    /// Advances the group by several inputs at once. Same arguments, same result, always.
    [<CompiledName "StepAll">]
    let stepAll
        (config: NodeConfig)
        (clock: Clock)
        (inputs: GroupInput seq)
        (state: GroupState)
        : GroupTransition =
        let gathering = Gathering state
        for input in inputs do
            onInput gathering config clock input
        let mutable sendAfter = runRaft gathering config clock
        // Parting from a member of another lineage, or one that broke the protocol, is news for consensus.
        while gathering.Inputs.Count > 0 do
            sendAfter <- max sendAfter (runRaft gathering config clock)
        let at = deadline gathering.State
        if at <> state.Deadline then
            gathering.State <- { gathering.State with Deadline = at }
            gathering.Outputs.Add(GroupOutput.SetDeadline at)
        { State = gathering.State; Outputs = List.ofSeq gathering.Outputs; SendAfter = sendAfter }

    /// Advances the group by one input.
    [<CompiledName "Step">]
    let step (config: NodeConfig) (clock: Clock) (input: GroupInput) (state: GroupState) : GroupTransition =
        stepAll config clock [ input ] state

    /// A node of the group, as its store describes it. Give it a `Tick` first: it answers with its deadline.
    [<CompiledName "Restore">]
    let restore (config: NodeConfig) clock (seed: uint64) network group (stored: StoredState) : GroupState =
        let struct (jitterSeed, rng) = Rng.next (Rng.ofSeed seed)
        let raft = State.restore config clock rng.State stored
        { Identity =
            { Network = network
              Group = group
              Member = stored.Hard.Member
              Preference = config.Preference.Preference }
          Raft = raft
          Bonds = Map.empty
          Links = Map.empty
          Rng = Rng.ofSeed jitterSeed
          RaftDeadline = raft.ElectionAt
          Deadline = Instant.Zero
          Leaving = false }
