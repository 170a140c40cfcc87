using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Mosaik.Hybrid.Tests.Support;
using Mosaik.Hybrid.Transport;

namespace Mosaik.Hybrid.Hosting.Tests.Support;

/// <summary>Hosts in this process whose nodes talk through memory, each with a group named <c>ledger</c>.</summary>
internal sealed class TestHosts : IAsyncDisposable
{
    public const string Group = "ledger";

    private readonly string _key = GroupKey.Generate().Export();
    private readonly List<IHost> _hosts = [];
    private readonly Dictionary<IHost, NodeIdentity> _identities = [];
    private readonly int _nodes;

    public TestHosts(int nodes = 1) => _nodes = nodes;

    /// <summary>What carries the links of the hosts.</summary>
    public InProcessNetwork Wire { get; } = new();

    public IReadOnlyList<IHost> All => _hosts;

    /// <summary>Settings of a group that elects quickly.</summary>
    public Dictionary<string, string?> Settings() =>
        new()
        {
            ["Mosaik:Network"] = "test",
            [$"Mosaik:Groups:{Group}:Key"] = _key,
            [$"Mosaik:Groups:{Group}:Consensus:HeartbeatInterval"] = "00:00:00.050",
            [$"Mosaik:Groups:{Group}:Consensus:HeartbeatJitter"] = "00:00:00.010",
            [$"Mosaik:Groups:{Group}:Consensus:ElectionTimeout"] = "00:00:01",
            [$"Mosaik:Groups:{Group}:Consensus:ElectionTimeoutJitter"] = "00:00:00.500",
            [$"Mosaik:Groups:{Group}:Consensus:BootstrapDelay"] = "00:00:00.100",
            [$"Mosaik:Groups:{Group}:Consensus:FoundingMembers"] = $"{_nodes}",
        };

    /// <summary>Builds a host that knows the others; it is not started.</summary>
    public IHost Build(
        Action<MosaikBuilder>? more = null,
        Dictionary<string, string?>? settings = null,
        Func<IServiceProvider, IStateMachine<int, string, long>>? machine = null,
        Action<HostedGroupBuilder<int, string, long>>? group = null
    )
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection(Settings());
        builder.Configuration.AddInMemoryCollection(settings);
        var identity = NodeIdentity.Generate();
        var others = _hosts.SelectMany(static host => host.Services.GetRequiredService<Network>().Addresses);
        var mosaik = builder.Services.AddMosaik(options =>
        {
            foreach (var address in others)
            {
                options.Peers.Add(address.ToString());
            }
        });
        mosaik
            .UseIdentity(_ => identity)
            .UseTransport((_, own) => Wire.CreateTransport(own))
            .AddGroup(Group, machine ?? (_ => new Sum()), group);
        more?.Invoke(mosaik);
        var host = builder.Build();
        _identities.Add(host, identity);
        return host;
    }

    /// <summary>Builds and starts a host.</summary>
    public async Task<IHost> StartAsync(
        Action<MosaikBuilder>? more = null,
        Dictionary<string, string?>? settings = null,
        Func<IServiceProvider, IStateMachine<int, string, long>>? machine = null,
        Action<HostedGroupBuilder<int, string, long>>? group = null
    )
    {
        var host = Build(more, settings, machine, group);
        await host.StartAsync().Soon("the host starts");
        _hosts.Add(host);
        return host;
    }

    /// <summary>A host that is stopped, and gone as far as the others are concerned.</summary>
    public async Task StopAsync(IHost host)
    {
        _hosts.Remove(host);
        await host.StopAsync().Soon("the host stops");
        End(host);
    }

    public static Group<int, string, long> GroupOf(IHost host) =>
        host.Services.GetRequiredKeyedService<Group<int, string, long>>(Group);

    public static PeerId PeerOf(IHost host) => host.Services.GetRequiredService<Network>().LocalPeer;

    public async ValueTask DisposeAsync()
    {
        Wire.HealAll();
        await Task.WhenAll(_hosts.Select(static host => host.StopAsync())).Soon("every host stops");
        foreach (var host in _hosts)
        {
            End(host);
        }
    }

    private void End(IHost host)
    {
        host.Dispose();
        _identities[host].Dispose();
    }
}

/// <summary>Adds numbers up.</summary>
internal sealed class Sum : IStateMachine<int, string, long>
{
    private long _sum;

    public string Signature => "test.sum/1";

    public void Apply(int command, in ApplyContext context) => _sum += command;

    public long Query(string query) => _sum;
}
