using System.Collections.Immutable;

namespace Mosaik.Hybrid;

/// <summary>The other peers of the network, as this node knew them at one moment.</summary>
/// <remarks>Immutable. This node itself and peers that departed are not in it.</remarks>
public sealed class PeerCatalog
{
    private readonly ImmutableSortedDictionary<PeerId, PeerEntry> _entries;

    internal PeerCatalog(ImmutableSortedDictionary<PeerId, PeerEntry> entries) => _entries = entries;

    /// <summary>The number of peers.</summary>
    public int Count => _entries.Count;

    /// <summary>All peers, by id.</summary>
    public IEnumerable<PeerEntry> Peers => _entries.Values;

    /// <summary>The entry of a peer; null if it is not known.</summary>
    public PeerEntry? Get(PeerId id) => _entries.GetValueOrDefault(id);

    /// <summary>The peers that say that they joined the group, by id. Not proved: bonds check that.</summary>
    public IEnumerable<PeerEntry> PeersIn(GroupId group) =>
        _entries.Values.Where(entry => entry.Groups.Contains(group));

    /// <summary>The peers with a tag, by id.</summary>
    public IEnumerable<PeerEntry> PeersTagged(string tag) =>
        _entries.Values.Where(entry => entry.Tags.Contains(tag, StringComparer.Ordinal));

    internal static PeerCatalog Empty { get; } = new(ImmutableSortedDictionary<PeerId, PeerEntry>.Empty);

    internal PeerCatalog With(PeerEntry entry) => new(_entries.SetItem(entry.Id, entry));

    internal PeerCatalog Without(PeerId id) => new(_entries.Remove(id));
}
