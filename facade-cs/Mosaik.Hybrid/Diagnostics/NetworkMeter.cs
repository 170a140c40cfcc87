namespace Mosaik.Hybrid.Diagnostics;

/// <summary>What is measured of one node's network.</summary>
internal sealed class NetworkMeter(
    string network,
    MosaikMeter meter,
    PeerDiscovery discovery,
    LinkTraffic traffic
) : IObserved
{
    private Groups? _groups;

    /// <inheritdoc/>
    public KeyValuePair<string, object?>[] Tags { get; } = [new("mosaik.network", network)];

    /// <summary>The network's name.</summary>
    public string Name => network;

    /// <summary>What is known of peers.</summary>
    public PeerDiscovery Discovery => discovery;

    /// <summary>What all links carry.</summary>
    public LinkTraffic Traffic => traffic;

    /// <summary>The instruments of groups.</summary>
    public GroupInstruments GroupInstruments => meter.Groups;

    /// <summary>How many groups this node is in.</summary>
    public long Groups => _groups?.Joined.Count ?? 0;

    /// <summary>Why links were refused before they found a group.</summary>
    public IEnumerable<(string Reason, long Count)> Refused => _groups?.Refusals.Named ?? [];

    /// <summary>The network has started.</summary>
    public void Begin(Groups groups)
    {
        _groups = groups;
        meter.Networks.Running.Add(this);
    }

    /// <summary>The network has stopped.</summary>
    public void End() => meter.Networks.Running.Remove(this);
}
