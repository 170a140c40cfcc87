using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Mosaik.Hybrid.Discovery;

/// <summary>Spreads events to readers, each with a bounded backlog of its own; never waits for any of them.</summary>
internal sealed class PeerEventHub(int backlog, Action onDropped)
{
    private readonly Lock _gate = new();
    private readonly List<Channel<PeerEvent>> _readers = [];
    private bool _ended;

    /// <summary>Events from now on; ends when discovery ends, or with the token.</summary>
    public IAsyncEnumerable<PeerEvent> Subscribe(CancellationToken cancellationToken)
    {
        var options = new BoundedChannelOptions(backlog) { FullMode = BoundedChannelFullMode.DropOldest };
        var channel = Channel.CreateBounded<PeerEvent>(options, _ => onDropped());
        lock (_gate)
        {
            if (_ended)
            {
                channel.Writer.Complete();
            }
            else
            {
                _readers.Add(channel);
            }
        }

        return ReadAsync(channel, cancellationToken);
    }

    /// <summary>Hands an event to every reader.</summary>
    public void Publish(PeerEvent change)
    {
        lock (_gate)
        {
            foreach (var reader in _readers)
            {
                reader.Writer.TryWrite(change);
            }
        }
    }

    /// <summary>Ends all readers after what they have not read yet.</summary>
    public void End()
    {
        lock (_gate)
        {
            _ended = true;
            foreach (var reader in _readers)
            {
                reader.Writer.TryComplete();
            }

            _readers.Clear();
        }
    }

    private async IAsyncEnumerable<PeerEvent> ReadAsync(
        Channel<PeerEvent> channel,
        CancellationToken subscription,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(subscription, cancellationToken);
        try
        {
            await foreach (var change in channel.Reader.ReadAllAsync(both.Token).ConfigureAwait(false))
            {
                yield return change;
            }
        }
        finally
        {
            lock (_gate)
            {
                _readers.Remove(channel);
            }
        }
    }
}
