using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Transport;

namespace Mosaik.Hybrid;

/// <summary>How a node finds others.</summary>
public sealed class PeerDiscoveryOptions
{
    /// <summary>The most addresses that a node looks for peers at: 256.</summary>
    public const int BootstrapPeersMax = 256;

    /// <summary>Where to look for the first peers; one that answers is enough.</summary>
    /// <value>None. At most <see cref="BootstrapPeersMax"/>.</value>
    public IList<PeerAddress> BootstrapPeers { get; } = [];

    /// <summary>Labels that the entry carries from the start.</summary>
    /// <value>None. At most 32 of 1 to 64 bytes of UTF-8.</value>
    public IList<string> Tags { get; } = [];

    /// <summary>How often, give or take half of it, the own entry is renewed and compared with a random peer's catalogue.</summary>
    /// <value>45 s. 100 ms to 1 h.</value>
    public TimeSpan AnnounceInterval { get; set; } = TimeSpan.FromSeconds(45);

    /// <summary>How long a peer's entry is believed without being renewed.</summary>
    /// <value>300 s. At least twice <see cref="AnnounceInterval"/>, at most 24 h.</value>
    public TimeSpan PurgeAfter { get; set; } = TimeSpan.FromSeconds(300);

    /// <summary>How far an entry may be ahead of this node's wall clock.</summary>
    /// <value>50 s. 0 to 24 h.</value>
    public TimeSpan MaxTimeDrift { get; set; } = TimeSpan.FromSeconds(50);

    /// <summary>How many events wait for a slow reader of <see cref="PeerDiscovery.Events"/> before the oldest are dropped.</summary>
    /// <value>256. 1 to 65,536.</value>
    public int EventBacklog { get; set; } = 256;

    /// <summary>Every fault of the options, in words for people; empty when they may be used.</summary>
    public IReadOnlyList<string> Validate()
    {
        var day = TimeSpan.FromDays(1);
        List<string> faults = [];
        Check(
            BootstrapPeers.Count <= BootstrapPeersMax,
            $"BootstrapPeers has {BootstrapPeers.Count}; at most {BootstrapPeersMax}."
        );
        foreach (var address in BootstrapPeers.Where(static address => address.Port is < 1 or > 65_535))
        {
            Check(false, $"BootstrapPeers: '{address}' can't be dialled; its port must be 1 to 65535.");
        }

        var interval = AnnounceInterval;
        Check(
            interval >= TimeSpan.FromMilliseconds(100) && interval <= TimeSpan.FromHours(1),
            $"AnnounceInterval is {interval}; 100 ms to 1 h."
        );
        Check(
            PurgeAfter >= 2 * interval && PurgeAfter <= day,
            $"PurgeAfter is {PurgeAfter}; at least twice AnnounceInterval ({interval}), at most 24 h."
        );
        Check(
            MaxTimeDrift >= TimeSpan.Zero && MaxTimeDrift <= day,
            $"MaxTimeDrift is {MaxTimeDrift}; 0 to 24 h."
        );
        Check(EventBacklog is >= 1 and <= 65_536, $"EventBacklog is {EventBacklog}; 1 to 65,536.");
        return faults;

        void Check(bool holds, string fault)
        {
            if (!holds)
            {
                faults.Add(fault);
            }
        }
    }

    internal DiscoveryConfig ToConfig()
    {
        var defaults = DiscoveryConfigModule.Defaults;
        var interval = (int)AnnounceInterval.TotalMilliseconds;
        return new DiscoveryConfig(
            announceInterval: interval,
            announceJitter: interval / 2,
            purgeAfter: (int)PurgeAfter.TotalMilliseconds,
            maxTimeDrift: (int)MaxTimeDrift.TotalMilliseconds,
            entriesMax: defaults.EntriesMax,
            catalogBytesMax: defaults.CatalogBytesMax,
            redialMin: defaults.RedialMin,
            redialMax: defaults.RedialMax,
            redialSlow: defaults.RedialSlow,
            fullMeshMax: defaults.FullMeshMax,
            fanOut: defaults.FanOut,
            linksMax: defaults.LinksMax,
            helloTimeout: defaults.HelloTimeout,
            batchBytesMax: defaults.BatchBytesMax,
            digestPageMax: defaults.DigestPageMax
        );
    }
}
