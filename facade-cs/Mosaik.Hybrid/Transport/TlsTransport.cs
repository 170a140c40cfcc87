using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mosaik.Hybrid.Transport;

/// <summary>TLS 1.3 over TCP between nodes that know each other by key alone.</summary>
/// <remarks>
/// Both ends show a self-signed certificate of their ECDSA P-256 identity key; the SHA-256 digest of that key is
/// the peer's id. No authority, name or date is looked at. The protocol of a link is agreed by ALPN and compared
/// at both ends. After the handshake the accepting end sends one byte, 0x01, to say that it takes the link (a
/// TLS 1.3 client can't know otherwise whether its certificate was accepted); what follows belongs to the link.
/// Strangers can hold a bounded number of connections for a bounded time, and no more.
/// </remarks>
public sealed class TlsTransport : ITransport
{
    /// <summary>What the accepting end sends first.</summary>
    internal static readonly ReadOnlyMemory<byte> Welcome = new byte[] { 0x01 };

    private readonly TlsTransportOptions _options;
    private readonly TlsLinks _links;
    private readonly TlsListener _listener;
    private readonly TlsDialler _dialler;
    private int _started;
    private int _disposed;

    /// <summary>Creates the transport; nothing is listened on yet.</summary>
    /// <param name="identity">The node's key. It stays the caller's, who disposes it after the transport.</param>
    /// <param name="options">Where to listen, and limits; null for the defaults. Not changed afterwards.</param>
    /// <param name="timeProvider">Measures all deadlines; null for the system's.</param>
    /// <param name="logger">Where refused connections are logged, once a host and reason; null for nowhere.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the message lists all that are.</exception>
    public TlsTransport(
        NodeIdentity identity,
        TlsTransportOptions? options = null,
        TimeProvider? timeProvider = null,
        ILogger<TlsTransport>? logger = null
    )
    {
        ArgumentNullException.ThrowIfNull(identity);
        _options = options ?? new TlsTransportOptions();
        _options.Validate();
        LocalPeer = identity.Id;
        var time = timeProvider ?? TimeProvider.System;
        var log = (ILogger?)logger ?? NullLogger.Instance;
        var tls = new TlsIdentity(identity);
        _links = new TlsLinks(_options.LinksMax);
        _listener = new TlsListener(LocalPeer, tls, _options, _links, time, log);
        _dialler = new TlsDialler(LocalPeer, tls, _options, _links, time);
    }

    /// <inheritdoc/>
    public PeerId LocalPeer { get; }

    /// <inheritdoc/>
    public IReadOnlyList<PeerAddress> Addresses { get; private set; } = [];

    /// <summary>How many incoming connections were refused since the start.</summary>
    public long RefusedConnections => _listener.Refused;

    /// <inheritdoc/>
    public async ValueTask StartAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed == 1, this);
        if (Interlocked.Exchange(ref _started, 1) == 1)
        {
            throw new InvalidOperationException("The transport has been started before.");
        }

        var bound = await _listener.StartAsync(cancellationToken).ConfigureAwait(false);
        Addresses = TlsAddresses.ToAdvertise(_options.AdvertisedAddresses, bound);
    }

    /// <inheritdoc/>
    public async ValueTask<ILink> AcceptAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return await _listener.NextAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            throw new ObjectDisposedException(nameof(TlsTransport));
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
        ArgumentNullException.ThrowIfNull(address);
        ArgumentException.ThrowIfNullOrEmpty(protocol);
        ObjectDisposedException.ThrowIf(_disposed == 1, this);
        return _dialler.DialAsync(address, protocol, expected, cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await _listener.DisposeAsync().ConfigureAwait(false);
            _links.Close();
        }
    }
}
