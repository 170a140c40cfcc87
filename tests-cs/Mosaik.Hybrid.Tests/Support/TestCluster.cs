using System.Security.Cryptography;
using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Transport;

namespace Mosaik.Hybrid.Tests.Support;

/// <summary>Over what the nodes of a cluster talk.</summary>
public enum Carrier
{
    /// <summary>Queues in memory.</summary>
    InProcess,

    /// <summary>TLS over TCP on loopback.</summary>
    Tls,
}

/// <summary>Some nodes of one group in this process, with short timeouts, over either transport.</summary>
/// <remarks>
/// Conditions are awaited with a deadline that only a hang reaches; its message then shows every node. Elections
/// that a busy machine provokes are legal at any time: tests that speak of a leader say which one.
/// </remarks>
internal sealed class TestCluster : IAsyncDisposable
{
    private readonly Carrier _carrier;
    private readonly InProcessNetwork _hub = new();
    private readonly string _name = "test-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6));
    private readonly Dictionary<PeerId, NodeIdentity> _identities = [];
    private readonly List<TestNode> _nodes = [];

    private TestCluster(Carrier carrier, ConsensusConfig config) => (_carrier, Config) = (carrier, config);

    public GroupKey Key { get; } = GroupKey.Generate();

    public ConsensusConfig Config { get; }

    public TimeProvider TimeProvider { get; private init; } = TimeProvider.System;

    /// <summary>Every node that was ever started, the dead ones too.</summary>
    public IReadOnlyList<TestNode> Nodes => _nodes;

    public IEnumerable<TestNode> Living => _nodes.Where(static node => !node.IsDead);

    /// <summary>The network's name.</summary>
    public string Name => _name;

    /// <summary>The parameters of tests: ten times as quick as the defaults.</summary>
    public static ConsensusConfigBuilder Quick(int foundingMembers) =>
        ConsensusConfig
            .Builder()
            .WithHeartbeatInterval(TimeSpan.FromMilliseconds(50))
            .WithHeartbeatJitter(TimeSpan.FromMilliseconds(10))
            .WithMaxMissedHeartbeats(20)
            .WithElectionTimeout(TimeSpan.FromMilliseconds(300))
            .WithElectionTimeoutJitter(TimeSpan.FromMilliseconds(150))
            .WithBootstrapDelay(TimeSpan.FromMilliseconds(200))
            .WithForwardTimeout(TimeSpan.FromMilliseconds(400))
            .WithQueryTimeout(TimeSpan.FromSeconds(1))
            .WithFoundingMembers(foundingMembers);

    /// <summary>For tests that hold elections for a fault: a machine that stalls for seconds provokes none.</summary>
    public static ConsensusConfigBuilder Steady(ConsensusConfigBuilder quick) =>
        quick.WithElectionTimeout(TimeSpan.FromSeconds(4)).WithMaxMissedHeartbeats(100);

    /// <summary>A cluster whose nodes have started and not joined anything.</summary>
    public static async Task<TestCluster> OfNodesAsync(
        Carrier carrier,
        int nodes,
        Func<ConsensusConfigBuilder, ConsensusConfigBuilder>? tune = null,
        TimeProvider? timeProvider = null
    )
    {
        var config = tune?.Invoke(Quick(nodes)) ?? Quick(nodes);
        var cluster = new TestCluster(carrier, config.Build())
        {
            TimeProvider = timeProvider ?? TimeProvider.System,
        };
        while (cluster._nodes.Count < nodes)
        {
            await cluster.StartNodeAsync();
        }

        return cluster;
    }

    /// <summary>A cluster whose nodes have joined, are all online and all vote.</summary>
    /// <param name="carrier">Over what they talk.</param>
    /// <param name="nodes">How many.</param>
    /// <param name="tune">Changes the parameters.</param>
    /// <param name="machines">The machine of each node; a plain one unless given.</param>
    /// <param name="stores">The store of each node; one in memory unless given.</param>
    /// <param name="join">How each node joins; overrides machines and stores.</param>
    public static async Task<TestCluster> StartAsync(
        Carrier carrier,
        int nodes,
        Func<ConsensusConfigBuilder, ConsensusConfigBuilder>? tune = null,
        Func<int, Journal>? machines = null,
        Func<int, ILogStorage>? stores = null,
        Action<TestCluster, TestNode>? join = null
    )
    {
        while (true)
        {
            var cluster = await OfNodesAsync(carrier, nodes, tune);
            for (var place = 0; place < nodes; place++)
            {
                var node = cluster.Nodes[place];
                if (join is not null)
                {
                    join(cluster, node);
                }
                else
                {
                    node.Join(cluster.Key, cluster.Config, machines?.Invoke(place), stores?.Invoke(place));
                }
            }

            await cluster.OnlineAsync();
            if (
                cluster.Nodes.All(node =>
                    node.Group.Members is { Learners: [] } members && members.Voters.Count == nodes
                )
            )
            {
                return cluster;
            }

            // A busy machine may split the founding: then a founder began anew, and without its vote a test that
            // takes away another node has no majority left.
            await cluster.DisposeAsync();
        }
    }

    /// <summary>A transport of this cluster's network; started by whoever uses it.</summary>
    public ITransport Connect(NodeIdentity identity)
    {
        if (_carrier == Carrier.InProcess)
        {
            return _hub.CreateTransport(identity);
        }

        var options = new TlsTransportOptions { ListenAddresses = [new PeerAddress("127.0.0.1", 0)] };
        return new CuttableTransport(new TlsTransport(identity, options, TimeProvider));
    }

    /// <summary>Starts one more node, of a new peer unless one is given; it joins nothing.</summary>
    public async Task<TestNode> StartNodeAsync(PeerId? peer = null)
    {
        var identity = peer is { } known ? _identities[known] : NodeIdentity.Generate();
        _identities[identity.Id] = identity;
        var others = Living.Select(static node => node.Address).ToArray();
        var node = await TestNode.StartAsync(identity, Connect(identity), others, _name, TimeProvider);
        _nodes.Add(node);
        return node;
    }

    /// <summary>Starts one more node that joins the group.</summary>
    public async Task<TestNode> AddAsync(PeerId? peer = null)
    {
        var node = await StartNodeAsync(peer);
        node.Join(Key, Config);
        return node;
    }

    /// <summary>Starts a peer's next life, over a store that may hold its log.</summary>
    public async Task<TestNode> RestartAsync(PeerId peer, ILogStorage storage)
    {
        var node = await StartNodeAsync(peer);
        node.Join(Key, Config, storage: storage);
        return node;
    }

    /// <summary>Cuts a node from all others without telling anybody.</summary>
    public void Cut(TestNode node)
    {
        if (node.Transport is CuttableTransport cuttable)
        {
            cuttable.Cut();
        }
        else
        {
            _hub.Isolate(node.Id);
        }
    }

    /// <summary>Undoes <see cref="Cut"/>.</summary>
    public void Heal(TestNode node)
    {
        if (node.Transport is CuttableTransport cuttable)
        {
            cuttable.Heal();
        }
        else
        {
            _hub.Rejoin(node.Id);
        }
    }

    /// <summary>Resets the links between two nodes, which dial again. In process only.</summary>
    public void Break(TestNode one, TestNode other) => _hub.Break(one.Id, other.Id);

    /// <summary>Waits until every living node is online.</summary>
    public Task OnlineAsync() =>
        AwaitAsync(
            Task.WhenAll(Living.Select(static node => node.Group.When.Online())),
            "every node is online"
        );

    /// <summary>Waits until one of the nodes leads and the others of them follow it.</summary>
    public async Task<TestNode> LeaderAsync(IEnumerable<TestNode>? among = null)
    {
        TestNode[] nodes = [.. among ?? Living];
        TestNode? leader = null;
        await UntilAsync(
            () =>
            {
                leader = nodes.FirstOrDefault(static node => node.Group.IsLeader && node.Group.IsOnline);
                return leader is not null
                    && nodes.All(node => node.Group.IsOnline && node.Group.Leader == leader.Id);
            },
            "one node leads and the others follow"
        );
        return leader!;
    }

    /// <summary>Waits until every living node knows these voters, and no other member.</summary>
    public Task VotersAreAsync(IReadOnlyList<MemberId> voters) =>
        UntilAsync(
            () => Living.All(node => node.Group.Members.All.SequenceEqual(voters)),
            $"the voters are {string.Join(", ", voters)} and nobody else is a member"
        );

    /// <summary>Executes through a node as a careful user does: offline means again, unknown means ask.</summary>
    public async Task ExecuteAsync(TestNode node, string command)
    {
        using var patience = new CancellationTokenSource(Waiting.Patience);
        while (true)
        {
            try
            {
                await AwaitAsync(
                    node.Group.ExecuteAsync(command, patience.Token),
                    $"'{command}' takes effect"
                );
                return;
            }
            catch (GroupOfflineException)
            {
                await AwaitAsync(node.Group.When.Online(patience.Token), "the node is online again");
            }
            catch (OutcomeUnknownException unknown)
            {
                await AwaitAsync(
                    node.Group.OutcomeAsync(unknown.Id, patience.Token),
                    $"the fate of '{command}'"
                );
                return;
            }
        }
    }

    /// <summary>Asks strongly as a careful user does: an election in between means again.</summary>
    public async Task<QueryAnswer<string[]>> AskStronglyAsync(TestNode node, int from = 0)
    {
        while (true)
        {
            try
            {
                return await AwaitAsync(node.Group.QueryAsync(from, Consistency.Strong), "a strong answer");
            }
            catch (QueryFailedException failed) when (failed.TimedOut)
            {
                await AwaitAsync(node.Group.When.Online(), "the node is online again");
            }
        }
    }

    /// <summary>Waits until all living machines hold the same commands, and these.</summary>
    public async Task<string[]> ConvergedAsync(Func<string[], bool> holds, string what)
    {
        string[] first = [];
        await UntilAsync(
            () =>
            {
                var all = Living.Select(static node => node.Machine.Commands).ToArray();
                first = all[0];
                return holds(first) && all.All(other => other.AsSpan().SequenceEqual(first));
            },
            what
        );
        return first;
    }

    /// <summary>Waits until a condition that nothing announces becomes true.</summary>
    public async Task UntilAsync(Func<bool> condition, string what)
    {
        try
        {
            await Waiting.Until(condition, what);
        }
        catch (TimeoutException timeout)
        {
            throw Explained(timeout);
        }
    }

    /// <summary>Waits for a task that is sure to complete.</summary>
    public async Task AwaitAsync(Task task, string what)
    {
        try
        {
            await task.Soon(what);
        }
        catch (TimeoutException timeout)
        {
            throw Explained(timeout);
        }
    }

    /// <summary>Waits for a task that is sure to complete.</summary>
    public async Task<T> AwaitAsync<T>(Task<T> task, string what)
    {
        await AwaitAsync((Task)task, what);
        return await task;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            Heal(node);
        }

        var ended = _nodes.Select(static node => node.DisposeAsync().AsTask());
        await AwaitAsync(Task.WhenAll(ended), "every node ends");
        foreach (var identity in _identities.Values)
        {
            identity.Dispose();
        }
    }

    private TimeoutException Explained(TimeoutException timeout) =>
        new($"{timeout.Message}\n{string.Join('\n', _nodes)}", timeout);
}
