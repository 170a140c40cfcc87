using Microsoft.Extensions.Logging;
using Mosaik.Hybrid.Diagnostics;
using Mosaik.Hybrid.Runtime;
using Mosaik.Hybrid.Transport;

namespace Mosaik.Hybrid;

/// <summary>This process's node in a network: its identity, its transport, the peers it knows and the groups it is in.</summary>
/// <remarks>Safe from any thread. Peers of different networks never talk.</remarks>
public sealed class Network : IAsyncDisposable
{
    private readonly NodeServices _node;
    private readonly ILogger _logger;
    private readonly bool _ownsIdentity;
    private readonly CancellationTokenSource _stopping = new();
    private Task _accepting = Task.CompletedTask;
    private int _isDisposed;

    private Network(string name, NodeServices node, bool ownsIdentity)
    {
        Name = name;
        _node = node;
        _ownsIdentity = ownsIdentity;
        _logger = node.Loggers.CreateLogger<Network>();
        Groups = new Groups(node);
    }

    /// <summary>The network's name.</summary>
    public string Name { get; }

    /// <summary>SHA-256 of the name.</summary>
    public NetworkId Id => _node.Network;

    /// <summary>This node.</summary>
    public PeerId LocalPeer => _node.Identity.Id;

    /// <summary>Where others may dial this node.</summary>
    public IReadOnlyList<PeerAddress> Addresses => _node.Transport.Addresses;

    /// <summary>What is known of other peers, and what this node says of itself.</summary>
    public PeerDiscovery Discovery => _node.Discovery;

    /// <summary>The groups of this node; begin here to join one.</summary>
    public Groups Groups { get; }

    /// <summary>Starts a node with defaults: a fresh identity, TLS on any free port of every interface.</summary>
    /// <param name="name">The network's name: 1 to 256 characters, the same on all its nodes.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <exception cref="IOException">The node can't listen.</exception>
    public static Task<Network> StartAsync(string name, CancellationToken cancellationToken = default) =>
        Builder(name).StartAsync(cancellationToken);

    /// <summary>Prepares a node with identity, addresses, bootstrap peers and the rest of one's own.</summary>
    /// <param name="name">The network's name: 1 to 256 characters, the same on all its nodes.</param>
    public static NetworkBuilder Builder(string name) => new(name);

    internal static async Task<Network> StartAsync(
        string name,
        NodeServices node,
        bool ownsIdentity,
        CancellationToken cancellationToken
    )
    {
        Rehearsal.BeginOnce();
        await node.Transport.StartAsync(cancellationToken).ConfigureAwait(false);
        var network = new Network(name, node, ownsIdentity);
        await node.Discovery.StartAsync(cancellationToken).ConfigureAwait(false);
        node.Meter.Begin(network.Groups);
        network._accepting = Task.Run(network.AcceptAsync, CancellationToken.None);
        return network;
    }

    private async Task AcceptAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                Dispatch(await _node.Transport.AcceptAsync(_stopping.Token).ConfigureAwait(false));
            }
            catch (Exception exception)
                when (exception is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (IOException exception)
            {
                GroupEvents.AcceptFailed(_logger, Name, exception.Message);
            }
        }
    }

    private void Dispatch(ILink link)
    {
        switch (link.Protocol)
        {
            case LinkProtocols.Groups:
                Groups.Accept(link);
                break;
            case LinkProtocols.Discovery:
                Discovery.AcceptLink(link);
                break;
            default:
                link.Abort();
                break;
        }
    }

    /// <summary>Leaves all groups in good order, tells the other peers, and stops. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        await Groups.StopAsync().ConfigureAwait(false);
        _node.Meter.End();
        await _node.Discovery.DisposeAsync().ConfigureAwait(false);
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _accepting.ConfigureAwait(false);
        await _node.Transport.DisposeAsync().ConfigureAwait(false);
        _stopping.Dispose();
        if (_ownsIdentity)
        {
            _node.Identity.Dispose();
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Name}, node {LocalPeer.Short}";
}
