using System.Diagnostics.Metrics;

namespace Mosaik.Hybrid.Diagnostics;

/// <summary>The instruments of networks and their discovery. Names, units and tags: docs/telemetry.md.</summary>
internal sealed class NetworkInstruments
{
    /// <summary>Creates the instruments.</summary>
    public NetworkInstruments(Meter meter)
    {
        Running = new Observed<NetworkMeter>(meter);
        ObserveLinks();
        ObservePeers();
        ObserveFaults();
    }

    /// <summary>The networks that run.</summary>
    public Observed<NetworkMeter> Running { get; }

    private void ObserveLinks()
    {
        Running.Level(
            "mosaik.network.groups",
            "{group}",
            "Groups that this node is in.",
            static network => network.Groups
        );
        Running.Count(
            "mosaik.network.links.opened",
            "{link}",
            "Links that were opened, for groups and for discovery.",
            "mosaik.link.side",
            static network => [("dialled", network.Traffic.Dialled), ("accepted", network.Traffic.Accepted)]
        );
        Running.Count(
            "mosaik.network.io",
            "By",
            "Bytes over all links, before encryption.",
            "network.io.direction",
            static network => [("transmit", network.Traffic.Sent), ("receive", network.Traffic.Received)]
        );
        Running.Count(
            "mosaik.network.links.refused",
            "{link}",
            "Accepted links that were refused before they found a group, by close reason.",
            "mosaik.reason",
            static network => network.Refused
        );
    }

    private void ObservePeers()
    {
        Running.Level(
            "mosaik.discovery.catalog.size",
            "{peer}",
            "Other peers that are known.",
            static network => network.Discovery.Catalog.Count
        );
        Running.Level(
            "mosaik.discovery.links",
            "{link}",
            "Links over which this node gossips.",
            static network => network.Discovery.Counters.Links
        );
        Running.Count(
            "mosaik.discovery.peers.discovered",
            "{peer}",
            "Peers that became known.",
            static network => network.Discovery.Counters.Discovered
        );
        Running.Count(
            "mosaik.discovery.peers.updated",
            "{peer}",
            "Newer entries of known peers that say something else.",
            static network => network.Discovery.Counters.Updated
        );
        Running.Count(
            "mosaik.discovery.peers.departed",
            "{peer}",
            "Peers that left, or were silent for too long.",
            static network => network.Discovery.Counters.Departed
        );
        Running.Count(
            "mosaik.discovery.catalog.syncs",
            "{exchange}",
            "Answered pages of exchanges, by which two peers compare what they know.",
            static network => network.Discovery.Counters.Exchanges
        );
    }

    private void ObserveFaults()
    {
        Running.Count(
            "mosaik.discovery.violations",
            "{link}",
            "Discovery links closed because the peer broke the protocol.",
            static network => network.Discovery.Counters.Violations
        );
        Running.Count(
            "mosaik.discovery.links.refused",
            "{link}",
            "Discovery links refused because too many wait.",
            static network => network.Discovery.Counters.LinksRefused
        );
        Running.Count(
            "mosaik.discovery.links.slow",
            "{link}",
            "Discovery links aborted because the peer read too slowly.",
            static network => network.Discovery.Counters.SlowLinks
        );
        Running.Count(
            "mosaik.discovery.entries.untimely",
            "{entry}",
            "Entries ignored because they were too old, or too far ahead of this node's clock.",
            static network => network.Discovery.Counters.UntimelyEntries
        );
        Running.Count(
            "mosaik.discovery.entries.dropped",
            "{entry}",
            "Entries from bonds that were not merged because too many wait; they come again.",
            static network => network.Discovery.Counters.MergesDropped
        );
        Running.Count(
            "mosaik.discovery.events.dropped",
            "{event}",
            "Events that slow readers of discovery missed.",
            static network => network.Discovery.Counters.EventsDropped
        );
    }
}
