namespace Mosaik.Hybrid;

/// <summary>Something changed about a peer: <see cref="PeerDiscovered"/>, <see cref="PeerUpdated"/> or <see cref="PeerDeparted"/>.</summary>
/// <param name="Entry">The peer's entry; of a departed one, the last that was known.</param>
public abstract record PeerEvent(PeerEntry Entry);

/// <summary>A peer that was not known, or had departed, is there.</summary>
/// <param name="Entry">Its entry.</param>
public sealed record PeerDiscovered(PeerEntry Entry) : PeerEvent(Entry);

/// <summary>A known peer changed its addresses, tags, groups or tickets, or started anew.</summary>
/// <param name="Entry">The new entry.</param>
/// <remarks>An entry that was only renewed in time makes no event.</remarks>
public sealed record PeerUpdated(PeerEntry Entry) : PeerEvent(Entry);

/// <summary>A peer left in good order, or did not renew its entry for too long.</summary>
/// <param name="Entry">The last entry that was known.</param>
public sealed record PeerDeparted(PeerEntry Entry) : PeerEvent(Entry);
