namespace Mosaik.Hybrid.Discovery;

/// <summary>What went wrong, and how often, since the start. Any thread may read it.</summary>
internal sealed class DiscoveryCounters
{
    private long _violations;
    private long _eventsDropped;
    private long _linksRefused;
    private long _slowLinks;
    private long _untimelyEntries;
    private long _mergesDropped;

    /// <summary>Links closed because the peer sent something malformed, oversized, forged or of another network.</summary>
    public long Violations => Interlocked.Read(ref _violations);

    /// <summary>Events that slow readers missed.</summary>
    public long EventsDropped => Interlocked.Read(ref _eventsDropped);

    /// <summary>Accepted links refused because too many wait.</summary>
    public long LinksRefused => Interlocked.Read(ref _linksRefused);

    /// <summary>Links aborted because the peer read too slowly.</summary>
    public long SlowLinks => Interlocked.Read(ref _slowLinks);

    /// <summary>Entries ignored because they were too old or too far ahead of this node's clock.</summary>
    public long UntimelyEntries => Interlocked.Read(ref _untimelyEntries);

    /// <summary>Entries from bonds that were not merged because too many wait.</summary>
    public long MergesDropped => Interlocked.Read(ref _mergesDropped);

    public void CountViolation() => Interlocked.Increment(ref _violations);

    public void CountEventDropped() => Interlocked.Increment(ref _eventsDropped);

    public void CountLinkRefused() => Interlocked.Increment(ref _linksRefused);

    public void CountSlowLink() => Interlocked.Increment(ref _slowLinks);

    public void CountUntimelyEntry() => Interlocked.Increment(ref _untimelyEntries);

    public void CountMergeDropped() => Interlocked.Increment(ref _mergesDropped);
}
