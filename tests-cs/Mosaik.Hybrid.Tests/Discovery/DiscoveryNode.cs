using Mosaik.Hybrid.Transport;

namespace Mosaik.Hybrid.Tests.Discovery;

/// <summary>One node that runs discovery alone: an identity, a transport and an accept loop.</summary>
internal sealed class DiscoveryNode : IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _changed = new(0);
    private volatile PeerCatalog _seen = PeerCatalog.Empty;
    private Task _accepting = Task.CompletedTask;

    private DiscoveryNode(NodeIdentity identity, ITransport transport, PeerDiscovery discovery)
    {
        Identity = identity;
        Transport = transport;
        Discovery = discovery;
        // Armed before anything can change: no wait of a test can miss its event.
        discovery.EntryChanged += _ =>
        {
            _seen = discovery.Catalog;
            _changed.Release();
        };
    }

    public static NetworkId NetworkOf(byte name) =>
        NetworkId.FromBytes(Enumerable.Repeat(name, 32).ToArray());

    public NodeIdentity Identity { get; }

    public ITransport Transport { get; }

    public PeerDiscovery Discovery { get; }

    public PeerId Id => Identity.Id;

    public PeerAddress Address => Transport.Addresses[0];

    public static async Task<DiscoveryNode> StartAsync(
        Func<NodeIdentity, ITransport> connect,
        PeerAddress? bootstrap = null,
        byte network = 1,
        Action<PeerDiscoveryOptions>? configure = null
    )
    {
        var identity = NodeIdentity.Generate();
        var transport = connect(identity);
        await transport.StartAsync();
        var options = new PeerDiscoveryOptions();
        if (bootstrap is not null)
        {
            options.BootstrapPeers.Add(bootstrap);
        }

        configure?.Invoke(options);
        var discovery = new PeerDiscovery(
            NetworkOf(network),
            identity,
            transport,
            options,
            TimeProvider.System,
            loggers: null
        );
        var node = new DiscoveryNode(identity, transport, discovery);
        await discovery.StartAsync();
        node._accepting = node.AcceptAsync();
        return node;
    }

    /// <summary>Waits until the condition holds; looks again after each change of an entry.</summary>
    /// <remarks>What made it hold has been told to all readers of events by then.</remarks>
    public async Task UntilAsync(Func<PeerCatalog, bool> condition, string what)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!condition(_seen))
        {
            try
            {
                await _changed.WaitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException(
                    $"{Id.Short} waited for: {what}. It knows {string.Join(", ", Discovery.Catalog.Peers)}."
                );
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Discovery.DisposeAsync();
        await _stopping.CancelAsync();
        await Transport.DisposeAsync();
        await _accepting;
        Identity.Dispose();
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Discovery.AcceptLink(await Transport.AcceptAsync(_stopping.Token));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
        {
            // The node ends.
        }
    }
}
