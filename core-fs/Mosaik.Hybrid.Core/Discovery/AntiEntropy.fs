namespace Mosaik.Hybrid.Core

open Mosaik.Hybrid

/// The periodic exchange: a page of (peer, version) first, then what differs. One page at a time on a link, and
/// every answer bounded in bytes, so that a slow or a hostile peer costs no more than one page.
[<RequireQualifiedAccess>]
module AntiEntropy =

    /// As many records, in order, as fit into one message; at least one if there is any. And whether all did.
    let fitting (config: DiscoveryConfig) (entries: SignedRecord list) : struct (SignedRecord list * bool) =
        let rec take kept bytes (entries: SignedRecord list) =
            match entries with
            | [] -> struct (List.rev kept, true)
            | entry :: rest ->
                let bytes = bytes + entry.Signed.Length
                if bytes > config.BatchBytesMax && not (List.isEmpty kept) then
                    struct (List.rev kept, false)
                else
                    take (entry :: kept) bytes rest
        take [] 0 entries

    let private between (after: PeerId) (upTo: PeerId) (state: GossipState) =
        [ for KeyValue(peer, entry) in GossipState.records state do
              if peer > after && peer <= upTo then
                  entry ]

    let private pageAfter (config: DiscoveryConfig) (after: PeerId) (state: GossipState) : DigestPage =
        let entries = between after GossipState.lastId state
        let page = List.truncate config.DigestPageMax entries
        let upTo =
            if List.length entries > config.DigestPageMax then
                (List.last page).Record.Peer
            else
                GossipState.lastId
        let items = [| for entry in page -> struct (entry.Record.Peer, entry.Record.Version) |]
        { After = after; UpTo = upTo; Items = items }

    let private ask config (id: int64) (link: GossipLink) after again (state: GossipState) =
        let page = pageAfter config after state
        let link = { link with Exchange = Exchange.Waiting(after, page.UpTo, again) }
        struct ({ state with Links = state.Links.Add(id, link) },
                [ GossipOutput.Send(id, GossipMessage.Digest page) ])

    /// Begins an exchange on a link, or, if one is under way, has it begin again when it is done.
    let start
        (config: DiscoveryConfig)
        (id: int64)
        (state: GossipState)
        : struct (GossipState * GossipOutput list) =
        match state.Links.TryGetValue id with
        | false, _ -> struct (state, [])
        | true, link ->
            match link.Exchange with
            | Exchange.Idle -> ask config id link GossipState.firstId false state
            | Exchange.Waiting(after, upTo, _) ->
                let link = { link with Exchange = Exchange.Waiting(after, upTo, true) }
                struct ({ state with Links = state.Links.Add(id, link) }, [])

    /// What the sender of a digest lacks, and what we want of it, by id. What we would refuse is not wanted.
    let private differences config wall (page: DigestPage) (state: GossipState) =
        let theirs = page.Items |> Seq.map (fun struct (peer, version) -> peer, version) |> Map.ofSeq
        let ours = between page.After page.UpTo state
        let lacks (entry: SignedRecord) =
            match theirs.TryGetValue entry.Record.Peer with
            | true, version -> entry.Record.Version > version
            | false, _ -> true
        let known = GossipState.records state
        let wants peer version =
            Catalog.isTimely config wall version
            && (match known.TryGetValue peer with
                | true, entry -> version > entry.Record.Version
                | false, _ -> true)
        let wanted =
            theirs
            |> Map.toList
            |> List.filter (fun (peer, version) -> wants peer version)
            |> List.map fst
        struct (List.filter lacks ours, wanted)

    /// The answer to a digest.
    let onDigest (config: DiscoveryConfig) (wall: int64) (id: int64) (page: DigestPage) (state: GossipState) =
        let struct (lacking, wanted) = differences config wall page state
        let struct (records, isAll) = fitting config lacking
        let covered = if isAll then page.UpTo else (List.last records).Record.Peer
        let wanted = wanted |> List.filter (fun peer -> peer <= covered)
        let answer = GossipMessage.Difference(covered, Array.ofList wanted, Array.ofList records)
        [ GossipOutput.Send(id, answer) ]

    let private finish config id (link: GossipLink) again (state: GossipState) =
        let link = { link with Exchange = Exchange.Idle }
        let state = { state with Links = state.Links.Add(id, link) }
        if again then start config id state else struct (state, [])

    let private isWithin (after: PeerId) (upTo: PeerId) (sorted: PeerId[]) =
        sorted.Length = 0 || (sorted[0] > after && sorted[sorted.Length - 1] <= upTo)

    /// Sends what the peer wants and goes on with the next page. An answer that nobody asked for, or that does
    /// not advance, breaks the protocol: none.
    let onDifference
        (config: DiscoveryConfig)
        (id: int64)
        (covered: PeerId)
        (wanted: PeerId[])
        (state: GossipState)
        =
        let link = state.Links[id]
        match link.Exchange with
        | Exchange.Waiting(after, upTo, again) when
            covered > after && covered <= upTo && isWithin after covered wanted
            ->
            let known = GossipState.records state
            let entries =
                [ for peer in wanted do
                      match known.TryGetValue peer with
                      | true, entry -> entry
                      | false, _ -> () ]
            let struct (records, isAll) = fitting config entries
            // What did not fit is asked for again with the next page, which starts right after what did.
            let covered = if isAll then covered else (List.last records).Record.Peer
            let sends =
                if records.IsEmpty then
                    []
                else
                    [ GossipOutput.Send(id, GossipMessage.Records(Array.ofList records)) ]
            let struct (state, more) =
                if covered = GossipState.lastId then
                    finish config id link again state
                else
                    ask config id link covered again state
            ValueSome(struct (state, sends @ more))
        | Exchange.Waiting _
        | Exchange.Idle -> ValueNone
