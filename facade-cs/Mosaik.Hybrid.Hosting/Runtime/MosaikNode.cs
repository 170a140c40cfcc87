using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Mosaik.Hybrid.Hosting.Diagnostics;

namespace Mosaik.Hybrid.Hosting.Runtime;

/// <summary>The host's node: starts it and joins the groups, and leaves them when the host stops.</summary>
internal sealed class MosaikNode(
    GroupCatalog catalog,
    IServiceProvider services,
    IOptions<MosaikOptions> options,
    IOptionsMonitor<MosaikGroupOptions> groupOptions,
    ILoggerFactory loggers
) : IHostedService, IAsyncDisposable
{
    /// <summary>How long the end of a host that never started may take; one that has started says so itself.</summary>
    private static readonly TimeSpan s_disposeTimeMax = TimeSpan.FromSeconds(10);

    private readonly ILogger _logger = loggers.CreateLogger<MosaikNode>();
    private readonly Lock _gate = new();

    // Now, and not when they are left: a container that is disposed of gives nothing any more.
    private readonly HostedGroup[] _groups =
    [
        .. catalog.Groups.Select(group => services.GetRequiredKeyedService<HostedGroup>(group.Name)),
    ];
    private Network? _network;
    private TicketFiles? _tickets;
    private Task? _ending;

    /// <summary>The node.</summary>
    /// <exception cref="InvalidOperationException">The host has not started yet.</exception>
    public Network Network =>
        _network
        ?? throw new InvalidOperationException("The node starts with the host, which has not started yet.");

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var network = await NetworkBuilder().StartAsync(cancellationToken).ConfigureAwait(false);
        _network = network;
        HostingEvents.Started(
            _logger,
            network.LocalPeer.Short,
            network.Name,
            string.Join(", ", network.Addresses)
        );
        _tickets = new TicketFiles(
            options.Value.TicketFiles,
            network,
            services.GetRequiredService<TimeProvider>(),
            _logger
        );
        foreach (var group in _groups)
        {
            group.Join(network, groupOptions.Get(group.Name));
        }

        foreach (var group in _groups.Where(group => groupOptions.Get(group.Name).WaitUntilOnline))
        {
            HostingEvents.Waiting(_logger, group.Name);
            var conditions = await group.ConditionsAsync(cancellationToken).ConfigureAwait(false);
            await conditions.Online(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Leaves all groups and stops; gives up waiting for that when the host's time to stop is over.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        try
        {
            await EndAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
            HostingEvents.Stopped(_logger);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // A machine or a store of the user's that hangs must not keep the process alive. Peers take this node for
            // one that died, and a log on disk is as whole as after a crash.
            HostingEvents.StopCutShort(_logger);
        }
    }

    /// <summary>Ends what a host left running that failed to start. Takes ten seconds at most.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_ending is not null)
        {
            return;
        }

        using var patience = new CancellationTokenSource(s_disposeTimeMax, TimeProvider.System);
        await StopAsync(patience.Token).ConfigureAwait(false);
    }

    private Task EndAsync()
    {
        lock (_gate)
        {
            return _ending ??= Task.Run(EndOnceAsync);
        }
    }

    private async Task EndOnceAsync()
    {
        foreach (var group in _groups)
        {
            group.GiveUp();
        }

        try
        {
            if (_tickets is not null)
            {
                await _tickets.DisposeAsync().ConfigureAwait(false);
            }

            // All at once: one that hangs must not keep the others from saying farewell.
            await Task.WhenAll(_groups.Select(static group => group.LeaveAsync())).ConfigureAwait(false);
            if (_network is not null)
            {
                await _network.DisposeAsync().ConfigureAwait(false);
            }
        }
        catch (Exception exception)
        {
            // The host goes down, whatever happens here; the operator is told.
            HostingEvents.StopFailed(_logger, exception);
        }
    }

    private NetworkBuilder NetworkBuilder()
    {
        var settings = options.Value;
        var builder = Network
            .Builder(settings.Network!)
            .WithBootstrapPeers([.. settings.Peers])
            .AdvertiseAs([.. settings.AdvertisedAddresses])
            .WithTimeProvider(services.GetRequiredService<TimeProvider>())
            .WithLoggerFactory(loggers)
            .WithDiscovery(discovery =>
            {
                foreach (var tag in settings.Tags)
                {
                    discovery.Tags.Add(tag);
                }
            });
        if (settings.ListenAddresses.Count > 0)
        {
            builder.ListenOn([.. settings.ListenAddresses]);
        }

        if (catalog.Identity is not null)
        {
            builder.WithIdentity(catalog.Identity(services));
        }
        else if (!string.IsNullOrEmpty(settings.IdentityFile))
        {
            builder.WithIdentityFile(settings.IdentityFile);
        }

        if (services.GetService<IMeterFactory>() is { } meters)
        {
            builder.WithMeterFactory(meters);
        }

        return catalog.Transport is null
            ? builder
            : builder.WithTransport(identity => catalog.Transport(services, identity));
    }
}
