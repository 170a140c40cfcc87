using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Lifecycle;

/// <summary>Joining is idempotent, handles are counted, and leaving is told.</summary>
public sealed class JoinTests
{
    [Fact]
    public async Task JoiningAgain_GivesTheSameGroup_AndDisposesTheSecondMachineAndStore()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 1);
        var node = cluster.Nodes[0];
        var second = new Journal();
        var store = new FaultyStore();

        await using var again = node
            .Network.Groups.WithKey(cluster.Key)
            .WithConsensusConfig(cluster.Config)
            .WithStateMachine(second)
            .WithLogStorage(store)
            .Join();

        await cluster.AwaitAsync(again.ExecuteAsync("through the second handle"), "the command takes effect");
        Assert.Equal(["through the second handle"], node.Machine.Commands);
        Assert.Empty(second.Commands);
        Assert.Equal(node.Group.Id, again.Id);
        Assert.True(again.IsLeader && node.Group.IsLeader);
        Assert.Single(node.Network.Groups.Joined);
        await cluster.UntilAsync(() => second.IsDisposed && store.IsDisposed, "the second ones are disposed");
        Assert.False(node.Machine.IsDisposed);
    }

    [Fact]
    public async Task JoiningAgain_WithTheSameMachine_DisposesNothing()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 1);
        var node = cluster.Nodes[0];

        var again = Join(node, cluster, node.Machine);
        await again.DisposeAsync();

        await cluster.ExecuteAsync(node, "still here");
        Assert.False(node.Machine.IsDisposed);
    }

    [Fact]
    public async Task JoiningAgain_WithAnotherTypeOfMachine_Throws()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 1);
        var node = cluster.Nodes[0];
        var builder = node.Network.Groups.WithKey(cluster.Key).WithConsensusConfig(cluster.Config);

        var refused = Assert.Throws<InvalidOperationException>(() =>
            builder.WithStateMachine(new OtherJournal()).Join()
        );

        Assert.Contains("another type of state machine", refused.Message, StringComparison.Ordinal);
        await cluster.ExecuteAsync(node, "unharmed");
    }

    [Fact]
    public async Task TheLastHandle_Leaves()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 1);
        var node = cluster.Nodes[0];
        var second = Join(node, cluster, new Journal());
        var third = Join(node, cluster, new Journal());

        await second.DisposeAsync().Soon("a handle is given up");
        await second.DisposeAsync().Soon("twice is once");
        await cluster.ExecuteAsync(node, "one gone");
        await node.Group.DisposeAsync().Soon("a handle is given up");
        await cluster.AwaitAsync(third.ExecuteAsync("two gone"), "the last handle works");
        await third.DisposeAsync().Soon("the group is left");

        Assert.Equal(["one gone", "two gone"], node.Machine.Commands);
        Assert.Empty(node.Network.Groups.Joined);
        await Assert.ThrowsAsync<GroupTerminatedException>(() => third.When.Online().Soon("the end"));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => third.ExecuteAsync("nobody"));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => third.QueryAsync(0, Consistency.Weak));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => third.OutcomeAsync(default));
    }

    [Theory]
    [InlineData(Carrier.InProcess)]
    [InlineData(Carrier.Tls)]
    public async Task JoiningRightAfterLeaving_IsANewLife(Carrier carrier)
    {
        await using var cluster = await TestCluster.StartAsync(carrier, 3);
        var node = cluster.Nodes.First(node => !node.Group.IsLeader);
        await cluster.ExecuteAsync(node, "before");
        for (var round = 0; round < 3; round++)
        {
            var left = node.Group.DisposeAsync();
            node.Join(cluster.Key, cluster.Config);
            await left.Soon("the group is left");
            await cluster.AwaitAsync(node.Group.When.Online(), "the new life is online");
            await cluster.ExecuteAsync(node, $"round {round}");
        }

        await cluster.ConvergedAsync(
            static all => all is ["before", "round 0", "round 1", "round 2"],
            "everybody has all, the new life too"
        );
    }

    [Theory]
    [InlineData(Carrier.InProcess)]
    [InlineData(Carrier.Tls)]
    public async Task LeavingIsTold_AndTheOthersElect(Carrier carrier)
    {
        await using var cluster = await TestCluster.StartAsync(carrier, 3);
        var leader = await cluster.LeaderAsync();
        var others = cluster.Nodes.Where(node => node != leader).ToArray();
        await cluster.ExecuteAsync(leader, "before");

        await leader.Group.DisposeAsync().Soon("the leader leaves");

        Assert.Empty(leader.Group.Bonds);
        await cluster.LeaderAsync(others);
        await cluster.ExecuteAsync(others[0], "after");
        foreach (var other in others)
        {
            await cluster.UntilAsync(
                () => other.Group.Bonds.All(bond => bond.Peer != leader.Id),
                "the bond has ended"
            );
            Assert.True(other.Group.Loop.Refusals.Counts.ContainsKey(CloseReason.GracefulShutdown));
            await cluster.UntilAsync(
                () => other.Network.Discovery.Catalog.Get(leader.Id) is { Groups: [] },
                "the leader's entry names no group"
            );
        }
    }

    [Fact]
    public async Task AGroupWithoutAMachine_ElectsALeader()
    {
        await using var cluster = await TestCluster.OfNodesAsync(Carrier.InProcess, 3, TestCluster.Steady);
        var groups = cluster
            .Nodes.Select(node =>
                node.Network.Groups.WithKey(cluster.Key).WithConsensusConfig(cluster.Config).Join()
            )
            .ToArray();
        await cluster.AwaitAsync(
            Task.WhenAll(groups.Select(static group => group.When.Online())),
            "all are online"
        );

        var index = await cluster.AwaitAsync(groups[1].ExecuteAsync(default), "a command that does nothing");

        Assert.NotEqual(LogIndex.Zero, index);
        Assert.NotNull(groups[2].Leader);
    }

    private static Group<string, int, string[]> Join(TestNode node, TestCluster cluster, Journal machine) =>
        node
            .Network.Groups.WithKey(cluster.Key)
            .WithConsensusConfig(cluster.Config)
            .WithStateMachine(machine)
            .Join();
}
