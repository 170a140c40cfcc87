using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Tickets;
using Mosaik.Hybrid.Transport;

namespace Mosaik.Hybrid.Tests.Support;

/// <summary>One node of a <see cref="TestCluster"/>: a network, a group and its machine.</summary>
internal sealed class TestNode : IAsyncDisposable
{
    private TestNode(ITransport transport, Network network, RecentLog log) =>
        (Transport, Network, Log) = (transport, network, log);

    public ITransport Transport { get; }

    public Network Network { get; }

    public RecentLog Log { get; }

    public PeerId Id => Network.LocalPeer;

    public PeerAddress Address => Network.Addresses[0];

    /// <summary>The machine of <see cref="Group"/>.</summary>
    public Journal Machine { get; private set; } = null!;

    public Group<string, int, string[]> Group { get; private set; } = null!;

    /// <summary>True after <see cref="KillAsync"/>.</summary>
    public bool IsDead { get; private set; }

    public static async Task<TestNode> StartAsync(
        NodeIdentity identity,
        ITransport transport,
        IEnumerable<PeerAddress> others,
        string network,
        TimeProvider timeProvider
    )
    {
        var log = new RecentLog();
        var started = await Network
            .Builder(network)
            .WithIdentity(identity)
            .WithTransport(_ => transport)
            .WithBootstrapPeers(others)
            .WithTimeProvider(timeProvider)
            .WithLoggerFactory(log)
            .StartAsync();
        return new TestNode(transport, started, log);
    }

    /// <summary>Joins with a fresh machine; what <see cref="Group"/> and <see cref="Machine"/> are from now on.</summary>
    public void Join(
        GroupKey key,
        ConsensusConfig config,
        Journal? machine = null,
        ILogStorage? storage = null,
        ITicketValidator? validator = null,
        IReadOnlyList<ITicketValidator>? validators = null,
        SnapshotOptions? snapshots = null
    )
    {
        Machine = machine ?? new Journal();
        var builder = Network
            .Groups.WithKey(key)
            .WithConsensusConfig(config)
            .WithSnapshots(snapshots ?? SnapshotOptions.Default);
        Group = (validators ?? (validator is null ? [] : [validator]))
            .Aggregate(builder, static (builder, next) => builder.RequireTicket(next))
            .WithStateMachine(Machine)
            .WithLogStorage(storage ?? new InMemoryLogStore())
            .Join();
    }

    /// <summary>Dies as a process does: connections are reset, nobody is told, nobody answers any more.</summary>
    public async Task KillAsync()
    {
        IsDead = true;
        await Transport.DisposeAsync();
    }

    /// <summary>Leaves in good order, as a process does that is told to stop.</summary>
    public async Task StopAsync()
    {
        IsDead = true;
        await DisposeAsync();
    }

    public override string ToString()
    {
        var bonds = string.Join(", ", Group.Bonds.Select(static bond => bond.Peer.Short));
        return $"{Id.Short}{(IsDead ? " (dead)" : "")}: leader {Group.Leader?.Short ?? "none"}, term {Group.Term}, "
            + $"online {Group.IsOnline}, log {Group.LogPosition}, committed {Group.Committed}, bonds [{bonds}], "
            + $"{Group.Members}, {Machine.Commands.Length} commands\n    {Log}";
    }

    public ValueTask DisposeAsync() => Network.DisposeAsync();
}
