namespace Mosaik.Hybrid.Runtime;

/// <summary>Requests in the order of their numbers, which leave no gap: first in, first out, and found by number.</summary>
/// <remarks>Used by the group loop only.</remarks>
internal sealed class RequestQueue
{
    private readonly List<SubmitRequest?> _requests = [];
    private int _head;

    /// <summary>How many requests there are.</summary>
    public int Count => _requests.Count - _head;

    /// <summary>The request at a place, the oldest at 0.</summary>
    public SubmitRequest this[int place] => _requests[_head + place]!;

    /// <summary>Adds the newest.</summary>
    public void Add(SubmitRequest request) => _requests.Add(request);

    /// <summary>Removes the oldest.</summary>
    public void RemoveFirst()
    {
        _requests[_head++] = null;
        if (_head > 1_024 && _head > _requests.Count / 2)
        {
            _requests.RemoveRange(0, _head);
            _head = 0;
        }
    }

    /// <summary>The place of the first request that reaches a number; <see cref="Count"/> when none does.</summary>
    public int Find(ulong number)
    {
        var low = 0;
        var high = Count;
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (this[middle].Last < number)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
