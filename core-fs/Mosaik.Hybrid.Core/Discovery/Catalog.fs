namespace Mosaik.Hybrid.Core

open Mosaik.Hybrid

/// What discovery runs with. Times in milliseconds.
type DiscoveryConfig =
    {
        /// Between announcements of the own record and exchanges with a random peer; 45,000.
        AnnounceInterval: int
        /// The most that is taken off or added to that at random; 22,500.
        AnnounceJitter: int
        /// Records that were not renewed for so long are dropped; 300,000.
        PurgeAfter: int
        /// How far ahead of this node's wall clock a record may be; 50,000.
        MaxTimeDrift: int
        /// The most records of others that are kept; 10,000.
        EntriesMax: int
        /// The most bytes of signed records that are kept; 64 MiB.
        CatalogBytesMax: int64
        /// The first and the longest wait before an address is dialled again while there is no link; 100, 5,000.
        RedialMin: int
        RedialMax: int
        /// The longest wait when there are other links; 30,000.
        RedialSlow: int
        /// Up to so many known peers, a link is kept to each; 16.
        FullMeshMax: int
        /// With more peers, so many links are kept, to random ones; 8.
        FanOut: int
        /// The most links in all, accepted ones too; more are refused; 256.
        LinksMax: int
        /// How long a new link may be silent; 10,000.
        HelloTimeout: int
        /// The most bytes of records in one message, but for a single larger one; 256 KiB.
        BatchBytesMax: int
        /// The most peers in one page of a digest; 512.
        DigestPageMax: int
    }

[<RequireQualifiedAccess>]
module DiscoveryConfig =

    [<CompiledName "Defaults">]
    let defaults =
        { AnnounceInterval = 45_000
          AnnounceJitter = 22_500
          PurgeAfter = 300_000
          MaxTimeDrift = 50_000
          EntriesMax = 10_000
          CatalogBytesMax = 67_108_864L
          RedialMin = 100
          RedialMax = 5_000
          RedialSlow = 30_000
          FullMeshMax = 16
          FanOut = 8
          LinksMax = 256
          HelloTimeout = 10_000
          BatchBytesMax = 262_144
          DigestPageMax = 512 }

/// Why a record was not taken.
[<RequireQualifiedAccess; Struct>]
type Refusal =
    | DifferentNetwork
    /// Not renewed for longer than `PurgeAfter`.
    | Outdated
    /// Further ahead of our clock than `MaxTimeDrift`.
    | TooFarAhead
    /// Of this node itself: only it may say who it is.
    | Own
    | NotNewer
    /// The catalogue holds as much as it may.
    | Full

/// What a record that was taken changed.
[<RequireQualifiedAccess; Struct>]
type CatalogChange =
    /// A peer that was not known, or had departed.
    | Discovered
    /// A known peer says something new of itself.
    | Updated
    /// Only the time is new.
    | Refreshed
    /// A known peer left.
    | Departed
    /// A peer that was not known is not to be believed alive.
    | Buried

/// The newest record of every other peer, tombstones included.
[<NoEquality; NoComparison>]
type Catalog =
    {
        Entries: Map<PeerId, SignedRecord>
        /// The number of records that are not tombstones, and of those that are.
        Live: int
        Tombstones: int
        /// The sum of the signed sizes; never above `CatalogBytesMax`.
        Bytes: int64
    }

[<RequireQualifiedAccess>]
module Catalog =

    let empty = { Entries = Map.empty; Live = 0; Tombstones = 0; Bytes = 0L }

    /// The record of a peer, be it a tombstone.
    let tryFind (peer: PeerId) (catalog: Catalog) : SignedRecord voption =
        match catalog.Entries.TryGetValue peer with
        | true, entry -> ValueSome entry
        | false, _ -> ValueNone

    /// True when the peer is known and has not departed.
    let isLive (peer: PeerId) (catalog: Catalog) : bool =
        match tryFind peer catalog with
        | ValueSome entry -> not entry.Record.Departed
        | ValueNone -> false

    /// True when a record of this age may be kept at all.
    [<CompiledName "IsTimely">]
    let isTimely (config: DiscoveryConfig) (wall: int64) (version: PeerVersion) : bool =
        version.UpdatedAt + int64 config.PurgeAfter > wall
        && max version.UpdatedAt version.StartedAt <= wall + int64 config.MaxTimeDrift

    /// True for a record of another network: whoever hands it on is at fault.
    /// Otherwise, whether the record may be kept at all is only a matter of clocks (`isTimely`).
    [<CompiledName "IsForeign">]
    let isForeign (network: NetworkId) (record: PeerRecord) : bool = record.Network <> network

    /// Why a record is refused whatever the catalogue holds: other network, too old, too far ahead.
    let refusal (config: DiscoveryConfig) (wall: int64) (network: NetworkId) (record: PeerRecord) =
        if record.Network <> network then
            ValueSome Refusal.DifferentNetwork
        elif record.Version.UpdatedAt + int64 config.PurgeAfter <= wall then
            ValueSome Refusal.Outdated
        elif not (isTimely config wall record.Version) then
            ValueSome Refusal.TooFarAhead
        else
            ValueNone

    /// The catalogue without a peer.
    let remove (peer: PeerId) (catalog: Catalog) : Catalog =
        match tryFind peer catalog with
        | ValueNone -> catalog
        | ValueSome entry ->
            let buried = if entry.Record.Departed then 1 else 0
            { Entries = catalog.Entries.Remove peer
              Live = catalog.Live - (1 - buried)
              Tombstones = catalog.Tombstones - buried
              Bytes = catalog.Bytes - int64 entry.Signed.Length }

    let private put (entry: SignedRecord) (catalog: Catalog) : Catalog =
        let catalog = remove entry.Record.Peer catalog
        let buried = if entry.Record.Departed then 1 else 0
        { Entries = catalog.Entries.Add(entry.Record.Peer, entry)
          Live = catalog.Live + (1 - buried)
          Tombstones = catalog.Tombstones + buried
          Bytes = catalog.Bytes + int64 entry.Signed.Length }

    let private fits (config: DiscoveryConfig) (catalog: Catalog) =
        catalog.Live + catalog.Tombstones <= config.EntriesMax
        && catalog.Bytes <= config.CatalogBytesMax

    /// Makes room by giving up the oldest tombstone: a live record is never driven out by a newcomer.
    let private withRoom (config: DiscoveryConfig) (entry: SignedRecord) (catalog: Catalog) =
        let next = put entry catalog
        if fits config next then
            ValueSome next
        elif catalog.Tombstones = 0 then
            ValueNone
        else
            let oldest =
                catalog.Entries
                |> Map.toSeq
                |> Seq.filter (fun (peer, other) -> other.Record.Departed && peer <> entry.Record.Peer)
                |> Seq.map (fun (peer, other) -> struct (other.Record.Version.UpdatedAt, peer))
                |> Seq.sort
                |> Seq.tryHead
            match oldest with
            | None -> ValueNone
            | Some(struct (_, peer)) ->
                let next = remove peer next
                if fits config next then ValueSome next else ValueNone

    let private changeOf (before: SignedRecord voption) (entry: SignedRecord) : CatalogChange =
        match before with
        | ValueSome before when not before.Record.Departed ->
            if entry.Record.Departed then
                CatalogChange.Departed
            elif PeerRecord.sameContent before.Record entry.Record then
                CatalogChange.Refreshed
            else
                CatalogChange.Updated
        | ValueSome _
        | ValueNone ->
            if entry.Record.Departed then
                CatalogChange.Buried
            else
                CatalogChange.Discovered

    /// Takes one record whose signature was checked. The newer version wins; `self` speaks for itself.
    let merge
        (config: DiscoveryConfig)
        (wall: int64)
        (self: PeerRecord)
        (entry: SignedRecord)
        (catalog: Catalog)
        : Result<struct (Catalog * CatalogChange), Refusal> =
        let record = entry.Record
        let before = tryFind record.Peer catalog
        match refusal config wall self.Network record with
        | ValueSome reason -> Error reason
        | ValueNone when record.Peer = self.Peer -> Error Refusal.Own
        | ValueNone ->
            match before with
            | ValueSome before when before.Record.Version >= record.Version -> Error Refusal.NotNewer
            | ValueSome _
            | ValueNone ->
                match withRoom config entry catalog with
                | ValueSome next -> Ok(struct (next, changeOf before entry))
                | ValueNone -> Error Refusal.Full

    /// Drops what was not renewed in time; gives the live ones among them, and how long until the next is due.
    let purge
        (config: DiscoveryConfig)
        (wall: int64)
        (catalog: Catalog)
        : struct (Catalog * SignedRecord list * int64) =
        let folder struct (kept, gone, wait) peer (entry: SignedRecord) =
            let left = entry.Record.Version.UpdatedAt + int64 config.PurgeAfter - wall
            if left > 0L then
                struct (kept, gone, min wait left)
            elif entry.Record.Departed then
                struct (remove peer kept, gone, wait)
            else
                struct (remove peer kept, entry :: gone, wait)
        let struct (kept, gone, wait) =
            Map.fold folder (struct (catalog, [], int64 config.PurgeAfter)) catalog.Entries
        struct (kept, List.rev gone, wait)
