namespace Mosaik.Hybrid.Runtime;

/// <summary>Bounds what callers of this node have on its way: commands by count and bytes, queries by count.</summary>
/// <remarks>Any thread: callers take room before they enqueue; whoever completes them gives it back.</remarks>
internal sealed class SubmitWindow
{
    /// <summary>How many commands may be on their way.</summary>
    public const int CountMax = 65_536;

    /// <summary>How many payload bytes may be on their way.</summary>
    public const long BytesMax = 64L * 1024 * 1024;

    /// <summary>How many queries may wait.</summary>
    public const int QueriesMax = 65_536;

    private long _count;
    private long _bytes;
    private int _queries;

    /// <summary>How many commands are on their way.</summary>
    public long Count => Interlocked.Read(ref _count);

    /// <summary>Takes room for commands.</summary>
    /// <returns>False when too much is on its way already.</returns>
    public bool TryReserve(int count, int bytes)
    {
        var counted = Interlocked.Add(ref _count, count);
        var weighed = Interlocked.Add(ref _bytes, bytes);
        if (counted <= CountMax && weighed <= BytesMax)
        {
            return true;
        }

        Release(count, bytes);
        return false;
    }

    /// <summary>Gives room back.</summary>
    public void Release(int count, int bytes)
    {
        Interlocked.Add(ref _count, -count);
        Interlocked.Add(ref _bytes, -bytes);
    }

    /// <summary>Takes room for a query.</summary>
    /// <returns>False when too many wait already.</returns>
    public bool TryReserveQuery()
    {
        if (Interlocked.Increment(ref _queries) <= QueriesMax)
        {
            return true;
        }

        ReleaseQuery();
        return false;
    }

    /// <summary>A query has its answer or its error.</summary>
    public void ReleaseQuery() => Interlocked.Decrement(ref _queries);
}
