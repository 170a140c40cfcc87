using System.Threading.Channels;

namespace Mosaik.Hybrid.Transport;

/// <summary>A transport whose links are queues in memory, for tests and demos; made by <see cref="InProcessNetwork"/>.</summary>
/// <remarks>
/// Identities are those of the transports, so they need no proof; nothing is encrypted. Links have bounded
/// buffers and make a fast writer wait, as sockets do. Disposing it breaks its links.
/// </remarks>
public sealed class InProcessTransport : ITransport
{
    private const int UnacceptedLinksMax = 1024;

    private readonly InProcessNetwork _network;
    private readonly Channel<ILink> _unaccepted = Channel.CreateBounded<ILink>(UnacceptedLinksMax);
    private bool _disposed;

    internal InProcessTransport(InProcessNetwork network, NodeIdentity identity)
    {
        _network = network;
        LocalPeer = identity.Id;
        PublicKey = identity.PublicKey;
        Address = new PeerAddress($"inprocess-{LocalPeer.Short}", 1);
    }

    /// <inheritdoc/>
    public PeerId LocalPeer { get; }

    /// <inheritdoc/>
    public IReadOnlyList<PeerAddress> Addresses { get; private set; } = [];

    internal ReadOnlyMemory<byte> PublicKey { get; }

    internal PeerAddress Address { get; }

    /// <inheritdoc/>
    public ValueTask StartAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _network.Listen(this);
        Addresses = [Address];
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public async ValueTask<ILink> AcceptAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return await _unaccepted.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            throw new ObjectDisposedException(nameof(InProcessTransport));
        }
    }

    /// <inheritdoc/>
    public ValueTask<ILink> DialAsync(
        PeerAddress address,
        string protocol,
        PeerId? expected,
        CancellationToken cancellationToken = default
    )
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _network.DialAsync(this, address, protocol, expected, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _disposed = true;
        _unaccepted.Writer.TryComplete();
        _network.Leave(this);
        return ValueTask.CompletedTask;
    }

    internal bool Offer(ILink link) => _unaccepted.Writer.TryWrite(link);
}
