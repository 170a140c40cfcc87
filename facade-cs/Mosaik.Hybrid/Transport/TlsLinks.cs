namespace Mosaik.Hybrid.Transport;

/// <summary>The open links of one transport, so that they can be bounded, and broken together.</summary>
internal sealed class TlsLinks(int acceptedMax)
{
    private readonly Lock _gate = new();
    private readonly HashSet<TlsLink> _open = [];
    private int _accepted;
    private bool _closed;

    /// <summary>Counts a link in; false when there is no room for another accepted one, or after closing.</summary>
    public bool TryAdd(TlsLink link)
    {
        lock (_gate)
        {
            if (_closed || (!link.IsDialler && _accepted == acceptedMax))
            {
                return false;
            }

            _open.Add(link);
            _accepted += link.IsDialler ? 0 : 1;
            return true;
        }
    }

    /// <summary>Counts a link out; links that were never counted in are ignored.</summary>
    public void Remove(TlsLink link)
    {
        lock (_gate)
        {
            _accepted -= _open.Remove(link) && !link.IsDialler ? 1 : 0;
        }
    }

    /// <summary>Breaks all links and takes no more.</summary>
    public void Close()
    {
        TlsLink[] links;
        lock (_gate)
        {
            _closed = true;
            links = [.. _open];
        }

        foreach (var link in links)
        {
            link.Abort();
        }
    }
}
