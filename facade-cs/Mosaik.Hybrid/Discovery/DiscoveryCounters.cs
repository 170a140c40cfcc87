namespace Mosaik.Hybrid.Discovery;

/// <summary>What happened, and how often, since the start. Any thread may read it.</summary>
internal sealed class DiscoveryCounters
{
    private long _violations;
    private long _eventsDropped;
    private long _linksRefused;
    private long _slowLinks;
    private long _untimelyEntries;
    private long _mergesDropped;
    private long _discovered;
    private long _updated;
    private long _departed;
    private long _exchanges;
    private int _links;

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

    /// <summary>Links that are open.</summary>
    public int Links
    {
        get => Volatile.Read(ref _links);
        set => Volatile.Write(ref _links, value);
    }

    /// <summary>Peers that became known.</summary>
    public long Discovered => Interlocked.Read(ref _discovered);

    /// <summary>Newer entries of known peers that say something else.</summary>
    public long Updated => Interlocked.Read(ref _updated);

    /// <summary>Peers that left, or were silent for too long.</summary>
    public long Departed => Interlocked.Read(ref _departed);

    /// <summary>Answered pages of exchanges that this node began.</summary>
    public long Exchanges => Interlocked.Read(ref _exchanges);

    public void CountDiscovered() => Interlocked.Increment(ref _discovered);

    public void CountUpdated() => Interlocked.Increment(ref _updated);

    public void CountDeparted() => Interlocked.Increment(ref _departed);

    public void CountExchange() => Interlocked.Increment(ref _exchanges);

    public void CountViolation() => Interlocked.Increment(ref _violations);

    public void CountEventDropped() => Interlocked.Increment(ref _eventsDropped);

    public void CountLinkRefused() => Interlocked.Increment(ref _linksRefused);

    public void CountSlowLink() => Interlocked.Increment(ref _slowLinks);

    public void CountUntimelyEntry() => Interlocked.Increment(ref _untimelyEntries);

    public void CountMergeDropped() => Interlocked.Increment(ref _mergesDropped);
}
