namespace Mosaik.Hybrid.Runtime;

/// <summary>Strong queries that wait for a fresh read index. Those that come together share one read.</summary>
/// <remarks>Used by the group loop only.</remarks>
internal sealed class PendingReads
{
    private readonly Dictionary<ulong, Read> _reads = [];
    private readonly Queue<(ulong Id, Instant GiveUpAt, List<PendingQuery> Queries)> _order = new();
    private List<PendingQuery> _gathered = [];
    private ulong _lastId;

    private sealed record Read(List<PendingQuery> Queries);

    /// <summary>When the oldest read is to be given up.</summary>
    public Instant NextExpiry => _order.TryPeek(out var oldest) ? oldest.GiveUpAt : Instant.Never;

    /// <summary>Adds a query to the read that <see cref="Begin"/> will make.</summary>
    public void Gather(PendingQuery query) => _gathered.Add(query);

    /// <summary>Makes one read of the gathered queries; 0 when there are none.</summary>
    public ulong Begin(Instant giveUpAt)
    {
        if (_gathered.Count == 0)
        {
            return 0;
        }

        var id = ++_lastId;
        _reads.Add(id, new Read(_gathered));
        _order.Enqueue((id, giveUpAt, _gathered));
        _gathered = [];
        return id;
    }

    /// <summary>Takes out the queries of a read, whose index is known; empty when they were given up.</summary>
    /// <remarks>They stay watched: the entries up to the index may be as long in coming as the index was.</remarks>
    public List<PendingQuery> Take(ulong id) => _reads.Remove(id, out var read) ? read.Queries : [];

    /// <summary>Gives up what has waited too long.</summary>
    /// <returns>The last id that was given up; 0 for none.</returns>
    public ulong Expire(Instant now, Action<PendingQuery> onExpired)
    {
        ulong last = 0;
        while (
            _order.TryPeek(out var oldest)
            && (oldest.GiveUpAt <= now || oldest.Queries.TrueForAll(static query => query.IsCompleted))
        )
        {
            _order.Dequeue();
            last = _reads.Remove(oldest.Id) ? oldest.Id : last;
            oldest.Queries.ForEach(onExpired);
        }

        return last;
    }

    /// <summary>Gives up everything.</summary>
    public void Drain(Action<PendingQuery> action)
    {
        foreach (var read in _reads.Values)
        {
            read.Queries.ForEach(action);
        }

        _gathered.ForEach(action);
        _reads.Clear();
        _order.Clear();
        _gathered = [];
    }
}
