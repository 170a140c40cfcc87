namespace Mosaik.Hybrid.Core

open Mosaik.Hybrid

/// Discovery as a function: who is there, whom to tell, whom to dial. Changes are pushed to all links at once
/// and passed on by whoever learns something from them; the periodic exchange repairs what was lost.
[<RequireQualifiedAccess>]
module Gossip =

    /// A step that learned more than this tells others by a digest instead: they mostly know it already.
    [<Literal>]
    let private PushedMax = 64

    /// How long the own record waits for more news of a former life before it is signed again.
    [<Literal>]
    let private ReviseDelay = 1_000

    let private silenceMax (config: DiscoveryConfig) =
        3 * (config.AnnounceInterval + config.AnnounceJitter)

    let private combine (first: GossipOutput list) (struct (state: GossipState, more)) =
        struct (state, first @ more)

    let private over items start folder : struct (GossipState * GossipOutput list) =
        let accumulate struct (state, outputs) item =
            let struct (state, more) = folder item state
            struct (state, List.rev more @ outputs)
        let struct (state, outputs) = List.fold accumulate struct (start, []) items
        struct (state, List.rev outputs)

    let private linksOf (state: GossipState) =
        state.Links |> Map.toList |> List.map fst

    /// Sends records on all links but the one they came from, to nobody its own.
    let private push (source: int64 voption) (entries: SignedRecord list) (state: GossipState) =
        [ for KeyValue(id, link) in state.Links do
              if source <> ValueSome id then
                  let news = entries |> List.filter (fun entry -> entry.Record.Peer <> link.Peer)
                  if not news.IsEmpty then
                      GossipOutput.Send(id, GossipMessage.Records(Array.ofList news)) ]

    let private forget (id: int64) (state: GossipState) =
        { state with Links = state.Links.Remove id }

    /// A link that never was good for anything is no reason to hurry: two such would chase each other.
    let private hurryIfAlone now (lost: GossipLink) (state: GossipState) =
        if state.Links.IsEmpty && lost.Heard then
            Dialing.hurry now state
        else
            state

    let private onLinkDown config (now: Instant) id (state: GossipState) =
        match state.Links.TryGetValue id with
        | false, _ -> struct (state, [])
        | true, link ->
            let state = forget id state |> hurryIfAlone now link
            match link.Target with
            | ValueNone -> struct (state, [])
            | ValueSome target -> struct (Dialing.postpone config now (not link.Heard) target state, [])

    let private close config now reason id (state: GossipState) =
        onLinkDown config now id state |> combine [ GossipOutput.Close(id, reason) ]

    /// Which of two links between the same peers goes, if both ends can tell the same. Of a crossing pair, the
    /// one that the higher id dialled. Of two that we dialled, the newer; of two that the peer dialled, it decides.
    let private surplus (state: GossipState) peer isDialled id : int64 list =
        let weAreLower = state.Self.Record.Peer < peer
        [ for KeyValue(other, link) in state.Links do
              if link.Peer = peer && other <> id then
                  match link.Target.IsSome, isDialled with
                  | true, true -> id
                  | false, false -> ()
                  | true, false -> if weAreLower then id else other
                  | false, true -> if weAreLower then other else id ]
        |> List.distinct

    let private noteAddress peer target (state: GossipState) =
        match target with
        | ValueSome(DialTarget.Address address) ->
            { state with Addresses = state.Addresses.Add(address, ValueSome peer) }
        | ValueSome(DialTarget.Peer _)
        | ValueNone -> state

    let private greet (config: DiscoveryConfig) (now: Instant) id peer target (state: GossipState) =
        let link =
            { Peer = peer
              Target = target
              Heard = false
              Deadline = now.Plus config.HelloTimeout
              Exchange = Exchange.Idle }
        let state = { state with Links = state.Links.Add(id, link) }
        let hello = GossipOutput.Send(id, GossipMessage.Records [| state.Self |])
        let exchange =
            if target.IsSome then
                AntiEntropy.start config id state
            else
                struct (state, [])
        combine [ hello ] exchange

    let private onLinkUp
        (config: DiscoveryConfig)
        now
        id
        peer
        (target: DialTarget voption)
        (state: GossipState)
        =
        let state =
            match target with
            | ValueSome target -> Dialing.connected target state
            | ValueNone -> state
        let state = noteAddress peer target state
        let refuse reason =
            let state =
                match target with
                | ValueSome target -> Dialing.postpone config now true target state
                | ValueNone -> state
            struct (state, [ GossipOutput.Close(id, reason) ])
        if peer = state.Self.Record.Peer || state.Links.Count >= config.LinksMax then
            refuse CloseReason.NotAllowed
        elif state.Leaving then
            refuse CloseReason.GracefulShutdown
        else
            let surplus = surplus state peer target.IsSome id
            if List.contains id surplus then
                refuse CloseReason.AlreadyBonded
            else
                let struct (state, greetings) = greet config now id peer target state
                over surplus state (close config now CloseReason.AlreadyBonded)
                |> combine greetings

    /// The network holds a record of ours that is newer than our own: of a former life whose clock was ahead.
    let private supersede (now: Instant) (entry: SignedRecord) (state: GossipState) =
        let version = entry.Record.Version
        if
            version > state.Self.Record.Version
            && version > state.Floor
            && not state.Leaving
        then
            let revise = now.Plus ReviseDelay
            { state with
                Floor = version
                ReviseAt = if revise < state.ReviseAt then revise else state.ReviseAt }
        else
            state

    /// Takes records; gives those that were news, oldest last, with what they changed.
    let private mergeAll
        (config: DiscoveryConfig)
        (now: Instant)
        wall
        (entries: SignedRecord seq)
        (state: GossipState)
        =
        let folder struct (state: GossipState, news) (entry: SignedRecord) =
            match Catalog.merge config wall state.Self.Record entry state.Catalog with
            | Ok(struct (catalog, change)) ->
                let due =
                    now.Plus(int (max 1L (entry.Record.Version.UpdatedAt + int64 config.PurgeAfter - wall)))
                let state =
                    { state with
                        Catalog = catalog
                        PurgeAt = if due < state.PurgeAt then due else state.PurgeAt }
                struct (state, struct (change, entry) :: news)
            | Error Refusal.Own -> struct (supersede now entry state, news)
            | Error Refusal.DifferentNetwork
            | Error Refusal.Outdated
            | Error Refusal.TooFarAhead
            | Error Refusal.NotNewer
            | Error Refusal.Full -> struct (state, news)
        Seq.fold folder struct (state, []) entries

    /// Links to peers that just said goodbye: they wait for the close to know that they were heard.
    let private linksOfDeparted (entries: SignedRecord list) (state: GossipState) =
        let gone = entries |> List.filter _.Record.Departed |> List.map _.Record.Peer |> Set.ofList
        [ for KeyValue(id, link) in state.Links do
              if gone.Contains link.Peer then
                  id ]

    let private isOneBatch (config: DiscoveryConfig) (entries: SignedRecord list) =
        let struct (_, isAll) = AntiEntropy.fitting config entries
        isAll

    let private learn config now wall source (entries: SignedRecord seq) (state: GossipState) =
        let struct (state, news) = mergeAll config now wall entries state
        let news = List.rev news
        let learned = [ for struct (_, entry) in news -> entry ]
        let changes = [ for struct (change, entry) in news -> GossipOutput.Changed(change, entry) ]
        let told =
            if learned.Length <= PushedMax && isOneBatch config learned then
                struct (state, push source learned state)
            else
                let others = linksOf state |> List.filter (fun id -> source <> ValueSome id)
                over others state (AntiEntropy.start config)
        let struct (state, words) = combine changes told
        over (linksOfDeparted learned state) state (close config now CloseReason.GracefulShutdown)
        |> combine words

    let private heard (config: DiscoveryConfig) (now: Instant) id (link: GossipLink) (state: GossipState) =
        let link = { link with Heard = true; Deadline = now.Plus(silenceMax config) }
        { state with Links = state.Links.Add(id, link) }

    let private onDifference config now wall id covered wanted records (state: GossipState) =
        let struct (state, words) = learn config now wall (ValueSome id) (Seq.ofArray records) state
        if not (state.Links.ContainsKey id) then
            struct (state, words)
        else
            match AntiEntropy.onDifference config id covered wanted state with
            | ValueSome next -> combine words next
            | ValueNone -> close config now CloseReason.ProtocolViolation id state |> combine words

    let private onReceived config now wall id (message: GossipMessage<SignedRecord>) (state: GossipState) =
        match state.Links.TryGetValue id with
        | false, _ -> struct (state, [])
        | true, link ->
            let state = heard config now id link state
            match message with
            | GossipMessage.Records entries ->
                learn config now wall (ValueSome id) (Seq.ofArray entries) state
            | GossipMessage.Digest page -> struct (state, AntiEntropy.onDigest config wall id page state)
            | GossipMessage.Difference(covered, wanted, entries) ->
                onDifference config now wall id covered wanted entries state
            | GossipMessage.Close reason -> close config now reason id state

    let private onOwnChanged (entry: SignedRecord) (state: GossipState) =
        let state = { state with Self = entry; Leaving = state.Leaving || entry.Record.Departed }
        struct (state, push ValueNone [ entry ] state)

    let private announce (config: DiscoveryConfig) (now: Instant) (state: GossipState) =
        let struct (jitter, rng) = Rng.upTo (2 * config.AnnounceJitter) state.Rng
        let wait = max 1 (config.AnnounceInterval - config.AnnounceJitter + jitter)
        let state = { state with Rng = rng; AnnounceAt = now.Plus wait }
        let revise = GossipOutput.Revise state.Floor
        match linksOf state with
        | [] -> struct (state, [ revise ])
        | links ->
            let struct (index, rng) = Rng.upTo (links.Length - 1) state.Rng
            AntiEntropy.start config links[index] { state with Rng = rng }
            |> combine [ revise ]

    let private purge (config: DiscoveryConfig) (now: Instant) wall (state: GossipState) =
        let struct (catalog, gone, wait) = Catalog.purge config wall state.Catalog
        let wait = int (min (int64 config.PurgeAfter) (max 1_000L wait))
        let state = Dialing.prune { state with Catalog = catalog; PurgeAt = now.Plus wait }
        struct (state, [ for entry in gone -> GossipOutput.Changed(CatalogChange.Departed, entry) ])

    let private onTick (config: DiscoveryConfig) (now: Instant) wall (state: GossipState) =
        let silent =
            [ for KeyValue(id, link) in state.Links do
                  if link.Deadline <= now then
                      id ]
        let struct (state, closes) = over silent state (close config now CloseReason.Timeout)
        let struct (state, departures) =
            if state.PurgeAt <= now then
                purge config now wall state
            else
                struct (state, [])
        let struct (state, revisions) =
            if state.Leaving then
                struct (state, [])
            elif state.AnnounceAt <= now then
                announce config now { state with ReviseAt = Instant.Never }
            elif state.ReviseAt <= now then
                struct ({ state with ReviseAt = Instant.Never }, [ GossipOutput.Revise state.Floor ])
            else
                struct (state, [])
        struct (state, closes @ departures @ revisions)

    let private addAddresses (hosts: PeerHost[]) (state: GossipState) =
        let add (addresses: Map<PeerHost, PeerId voption>) host =
            if addresses.ContainsKey host then
                addresses
            else
                addresses.Add(host, ValueNone)
        { state with Addresses = Array.fold add state.Addresses hosts }

    let private handle config now wall (state: GossipState) input =
        match input with
        | GossipInput.Tick -> onTick config now wall state
        | GossipInput.OwnChanged entry -> onOwnChanged entry state
        | GossipInput.AddAddresses hosts -> struct (addAddresses hosts state, [])
        | GossipInput.LinkUp(id, peer, target) -> onLinkUp config now id peer target state
        | GossipInput.LinkDown id -> onLinkDown config now id state
        | GossipInput.DialFailed target -> struct (Dialing.postpone config now true target state, [])
        | GossipInput.FoundSelf target ->
            let found = noteAddress state.Self.Record.Peer (ValueSome target) state
            struct (Dialing.postpone config now true target found, [])
        | GossipInput.Received(id, message) -> onReceived config now wall id message state
        | GossipInput.Learned entry -> learn config now wall ValueNone [ entry ] state

    let private isTick input =
        match input with
        | GossipInput.Tick -> true
        | GossipInput.OwnChanged _
        | GossipInput.AddAddresses _
        | GossipInput.LinkUp _
        | GossipInput.LinkDown _
        | GossipInput.DialFailed _
        | GossipInput.FoundSelf _
        | GossipInput.Received _
        | GossipInput.Learned _ -> false

    /// Advances discovery by one input. `now` is the monotonic clock, `wall` milliseconds since 1970.
    /// Same arguments, same result, always.
    [<CompiledName "Step">]
    let step
        (config: DiscoveryConfig)
        (now: Instant)
        (wall: int64)
        (state: GossipState)
        (input: GossipInput)
        : GossipTransition =
        let struct (after, words) = handle config now wall state input
        let struct (after, dials) = Dialing.maintain config now after
        let deadline = GossipState.deadline after
        // A timer that fired is armed again even for the same deadline: it may have fired early.
        let timer =
            if isTick input || deadline <> GossipState.deadline state then
                [ GossipOutput.SetDeadline deadline ]
            else
                []
        { State = after; Outputs = words @ dials @ timer }
