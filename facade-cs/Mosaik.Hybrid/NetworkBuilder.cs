using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Mosaik.Hybrid.Diagnostics;
using Mosaik.Hybrid.Runtime;
using Mosaik.Hybrid.Transport;

namespace Mosaik.Hybrid;

/// <summary>Prepares a node of a network. Every setting has a default.</summary>
/// <remarks>Not thread-safe; each call changes this builder and returns it.</remarks>
public sealed class NetworkBuilder
{
    private const int NameLengthMax = 256;

    private readonly string _name;
    private readonly PeerDiscoveryOptions _discovery = new();
    private NodeIdentity? _identity;
    private string? _identityFile;
    private PeerAddress[]? _listen;
    private PeerAddress[] _advertised = [];
    private Func<NodeIdentity, ITransport>? _transport;
    private TimeProvider _timeProvider = TimeProvider.System;
    private ILoggerFactory _loggers = NullLoggerFactory.Instance;
    private IMeterFactory? _meters;

    internal NetworkBuilder(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (name.Length > NameLengthMax)
        {
            throw new ArgumentException(
                $"A network's name has at most {NameLengthMax} characters.",
                nameof(name)
            );
        }

        _name = name;
    }

    /// <summary>This node's identity key. The caller keeps it and disposes it after the network.</summary>
    /// <value>A fresh one at every start, so that a restarted process is a new peer.</value>
    public NetworkBuilder WithIdentity(NodeIdentity identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        _identity = identity;
        return this;
    }

    /// <summary>The PEM file of this node's identity key; made at the first start.</summary>
    public NetworkBuilder WithIdentityFile(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        _identityFile = path;
        return this;
    }

    /// <summary>Where to listen, as <c>host:port</c>; port 0 is any free one, host <c>*</c> every interface.</summary>
    /// <value>Any free port on every interface.</value>
    /// <exception cref="FormatException">An address is malformed.</exception>
    public NetworkBuilder ListenOn(params IReadOnlyList<string> addresses)
    {
        _listen = [.. addresses.Select(PeerAddress.Parse)];
        return this;
    }

    /// <summary>What to tell others to dial, when it is not where this node listens (behind a port forward, say).</summary>
    /// <exception cref="FormatException">An address is malformed.</exception>
    public NetworkBuilder AdvertiseAs(params IReadOnlyList<string> addresses)
    {
        _advertised = [.. addresses.Select(PeerAddress.Parse)];
        return this;
    }

    /// <summary>Peers to dial first, as <c>host:port</c>; names may stand for several addresses. Adds to earlier ones.</summary>
    /// <exception cref="FormatException">An address is malformed.</exception>
    public NetworkBuilder WithBootstrapPeers(params IReadOnlyList<string> addresses) =>
        WithBootstrapPeers([.. addresses.Select(PeerAddress.Parse)]);

    /// <summary>Peers to dial first. Adds to earlier ones.</summary>
    public NetworkBuilder WithBootstrapPeers(IEnumerable<PeerAddress> addresses)
    {
        foreach (var address in addresses)
        {
            _discovery.BootstrapPeers.Add(address);
        }

        return this;
    }

    /// <summary>Sets discovery's intervals, tags and bounds.</summary>
    public NetworkBuilder WithDiscovery(Action<PeerDiscoveryOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        configure(_discovery);
        return this;
    }

    /// <summary>Another transport than TLS over TCP. The network owns and disposes what the function makes.</summary>
    public NetworkBuilder WithTransport(Func<NodeIdentity, ITransport> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        _transport = create;
        return this;
    }

    /// <summary>The clock and timers.</summary>
    /// <value><see cref="TimeProvider.System"/>.</value>
    public NetworkBuilder WithTimeProvider(TimeProvider timeProvider)
    {
        ArgumentNullException.ThrowIfNull(timeProvider);
        _timeProvider = timeProvider;
        return this;
    }

    /// <summary>Where diagnostics go.</summary>
    /// <value>Nowhere.</value>
    public NetworkBuilder WithLoggerFactory(ILoggerFactory loggers)
    {
        ArgumentNullException.ThrowIfNull(loggers);
        _loggers = loggers;
        return this;
    }

    /// <summary>Who makes the meter <c>Mosaik.Hybrid</c>; a container's, say.</summary>
    /// <value>One meter that all networks of the process share.</value>
    public NetworkBuilder WithMeterFactory(IMeterFactory meters)
    {
        ArgumentNullException.ThrowIfNull(meters);
        _meters = meters;
        return this;
    }

    /// <summary>Starts the node: it listens, and looks for its peers.</summary>
    /// <exception cref="IOException">An address can't be listened on, or the identity file can't be read.</exception>
    /// <exception cref="ArgumentException">A discovery option is out of range.</exception>
    public async Task<Network> StartAsync(CancellationToken cancellationToken = default)
    {
        var identity =
            _identity
            ?? (_identityFile is null ? NodeIdentity.Generate() : NodeIdentity.LoadOrCreate(_identityFile));
        var transport = _transport?.Invoke(identity) ?? CreateTls(identity);
        var id = NetworkId.FromBytes(SHA256.HashData(Encoding.UTF8.GetBytes(_name)));
        try
        {
            var traffic = new LinkTraffic();
            var discovery = new PeerDiscovery(
                id,
                identity,
                transport,
                _discovery,
                _timeProvider,
                _loggers,
                traffic
            );
            var node = new NodeServices(
                id,
                identity,
                transport,
                discovery,
                _timeProvider,
                _loggers,
                new NetworkMeter(_name, MosaikMeter.Of(_meters), discovery, traffic)
            );
            return await Network
                .StartAsync(_name, node, _identity is null, cancellationToken)
                .ConfigureAwait(false);
        }
        catch
        {
            await transport.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private TlsTransport CreateTls(NodeIdentity identity)
    {
        var options = new TlsTransportOptions { AdvertisedAddresses = _advertised };
        if (_listen is not null)
        {
            options.ListenAddresses = _listen;
        }

        return new TlsTransport(identity, options, _timeProvider, _loggers.CreateLogger<TlsTransport>());
    }
}
