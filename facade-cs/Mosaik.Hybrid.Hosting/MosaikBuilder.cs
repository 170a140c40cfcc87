using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Mosaik.Hybrid.Hosting.Runtime;
using Mosaik.Hybrid.Transport;

namespace Mosaik.Hybrid.Hosting;

/// <summary>Adds groups, and what belongs to them, to the node of a host.</summary>
public sealed class MosaikBuilder
{
    private readonly GroupCatalog _catalog;

    internal MosaikBuilder(IServiceCollection services, GroupCatalog catalog)
    {
        Services = services;
        _catalog = catalog;
    }

    /// <summary>The host's services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>Adds a group, joined when the host starts and left when it stops.</summary>
    /// <param name="name">
    /// 1 to 64 letters, digits, '-', '_' or '.': this program's own name for the group. It is the key under which
    /// services get it, and its settings are in section <c>Mosaik:Groups:&lt;name&gt;</c>.
    /// </param>
    /// <param name="machine">Makes the state machine; called at each start of the host.</param>
    /// <param name="configure">What is said of the group in code.</param>
    /// <remarks>
    /// Services get a <see cref="HostedGroup{TCommand, TQuery, TResult}"/> by
    /// <c>[FromKeyedServices("name")]</c>, at any time, and a <see cref="Group{TCommand, TQuery, TResult}"/> once the
    /// host has started.
    /// </remarks>
    /// <exception cref="ArgumentException">The name is malformed, or another group has it.</exception>
    public MosaikBuilder AddGroup<TCommand, TQuery, TResult>(
        string name,
        Func<IServiceProvider, IStateMachine<TCommand, TQuery, TResult>> machine,
        Action<HostedGroupBuilder<TCommand, TQuery, TResult>>? configure = null
    )
    {
        ArgumentNullException.ThrowIfNull(machine);
        var group = new GroupRegistration<TCommand, TQuery, TResult>(name, machine);
        _catalog.Add(group);
        configure?.Invoke(new HostedGroupBuilder<TCommand, TQuery, TResult>(group));
        group.AddTo(Services);
        return this;
    }

    /// <summary>Adds a group whose state machine is a service: one with the group's name as key, else one without key.</summary>
    /// <param name="name">1 to 64 letters, digits, '-', '_' or '.'; see the other overload.</param>
    /// <param name="configure">What is said of the group in code.</param>
    /// <exception cref="ArgumentException">The name is malformed, or another group has it.</exception>
    public MosaikBuilder AddGroup<TCommand, TQuery, TResult>(
        string name,
        Action<HostedGroupBuilder<TCommand, TQuery, TResult>>? configure = null
    ) =>
        AddGroup(
            name,
            provider =>
                provider.GetKeyedService<IStateMachine<TCommand, TQuery, TResult>>(name)
                ?? provider.GetRequiredService<IStateMachine<TCommand, TQuery, TResult>>(),
            configure
        );

    /// <summary>Adds a group without a state machine: for the election of a leader alone.</summary>
    /// <param name="name">1 to 64 letters, digits, '-', '_' or '.'; see the other overload.</param>
    /// <param name="configure">What is said of the group in code.</param>
    /// <exception cref="ArgumentException">The name is malformed, or another group has it.</exception>
    public MosaikBuilder AddGroup(
        string name,
        Action<HostedGroupBuilder<NoOpCommand, NoOpQuery, NoOpResult>>? configure = null
    ) => AddGroup(name, static _ => new NoOpMachine(), configure);

    /// <summary>Runs a job on the group's leader only, one run for each time that this node is elected.</summary>
    /// <typeparam name="TService">The job; a singleton unless it is registered otherwise.</typeparam>
    /// <param name="group">The name of a group of this node.</param>
    /// <exception cref="ArgumentException">There is no such group; add it first.</exception>
    public MosaikBuilder AddLeaderService<TService>(string group)
        where TService : class, ILeaderService
    {
        _ = _catalog.Named(group);
        Services.TryAddSingleton<TService>();
        Services.AddSingleton<IHostedService>(provider => new LeaderServiceRunner(
            provider.GetRequiredKeyedService<HostedGroup>(group),
            provider.GetRequiredService<TService>(),
            provider.GetRequiredService<ILoggerFactory>().CreateLogger<LeaderServiceRunner>()
        ));
        return this;
    }

    /// <summary>Measures for Prometheus from the start of the host on: services get the <see cref="PrometheusPage"/>.</summary>
    /// <param name="furtherMeters">Names of meters besides this library's: <c>System.Runtime</c>, say, or your own.</param>
    /// <remarks>
    /// Show the page by a route of your own web server, or let the node answer at <see cref="MosaikOptions.MetricsAddress"/>,
    /// which needs no call of this.
    /// </remarks>
    public MosaikBuilder AddPrometheus(params IReadOnlyList<string> furtherMeters)
    {
        ArgumentNullException.ThrowIfNull(furtherMeters);
        _catalog.HasPage = true;
        _catalog.FurtherMeters.UnionWith(furtherMeters);
        return this;
    }

    /// <summary>This node's identity key, in the place of <see cref="MosaikOptions.IdentityFile"/>.</summary>
    /// <param name="identity">Gives the key, which stays its owner's to dispose of.</param>
    public MosaikBuilder UseIdentity(Func<IServiceProvider, NodeIdentity> identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        _catalog.Identity = identity;
        return this;
    }

    /// <summary>Another transport than TLS over TCP; addresses to listen on are then ignored.</summary>
    /// <param name="transport">Makes it; the node disposes of it.</param>
    public MosaikBuilder UseTransport(Func<IServiceProvider, NodeIdentity, ITransport> transport)
    {
        ArgumentNullException.ThrowIfNull(transport);
        _catalog.Transport = transport;
        return this;
    }
}
