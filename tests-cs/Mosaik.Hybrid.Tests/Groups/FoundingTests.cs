using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Groups;

/// <summary>Nodes that share a key become one group.</summary>
public sealed class FoundingTests
{
    [Theory]
    [InlineData(Carrier.InProcess, 1)]
    [InlineData(Carrier.InProcess, 3)]
    [InlineData(Carrier.InProcess, 5)]
    [InlineData(Carrier.Tls, 3)]
    [InlineData(Carrier.Tls, 5)]
    public async Task Nodes_BecomeOneGroup_AndReplicate(Carrier carrier, int nodes)
    {
        await using var cluster = await TestCluster.StartAsync(carrier, nodes);
        for (var place = 0; place < nodes; place++)
        {
            await cluster.ExecuteAsync(cluster.Nodes[place], $"from {place}");
        }

        var commands = await cluster.ConvergedAsync(all => all.Length == nodes, "everybody has all commands");

        Assert.Equal(Enumerable.Range(0, nodes).Select(static place => $"from {place}"), commands);
        var leader = await cluster.LeaderAsync();
        Assert.Equal(
            cluster.Nodes.Select(static node => node.Id).Order(),
            leader.Group.Members.Voters.Select(static member => member.Peer)
        );
        await cluster.UntilAsync(
            () => cluster.Nodes.All(node => node.Group.Bonds.Count == nodes - 1),
            "a full mesh of bonds"
        );
    }

    [Fact]
    public async Task ANodeAlone_FoundsAGroup_WithDefaultFoundingMembers()
    {
        await using var cluster = await TestCluster.StartAsync(
            Carrier.InProcess,
            1,
            static config => config.WithFoundingMembers(1)
        );

        await cluster.ExecuteAsync(cluster.Nodes[0], "alone");

        var answer = await cluster.Nodes[0].Group.QueryAsync(0, Consistency.Strong).Soon("the answer");
        Assert.Equal(["alone"], answer.Result);
        Assert.True(answer.Position.Index >= cluster.Nodes[0].Group.Committed);
    }

    [Theory]
    [InlineData(Carrier.InProcess)]
    [InlineData(Carrier.Tls)]
    public async Task ALateJoiner_CatchesUp_AppliesAndAnswers(Carrier carrier)
    {
        await using var cluster = await TestCluster.StartAsync(carrier, 3);
        for (var number = 0; number < 50; number++)
        {
            await cluster.ExecuteAsync(cluster.Nodes[number % 3], $"{number}");
        }

        var late = await cluster.AddAsync();
        await cluster.AwaitAsync(late.Group.When.Online(), "the late joiner is online");

        await cluster.ExecuteAsync(late, "late");
        var strong = await cluster.AskStronglyAsync(late);
        Assert.Equal(
            [.. Enumerable.Range(0, 50).Select(static number => $"{number}"), "late"],
            strong.Result
        );
        var weak = await cluster.AwaitAsync(late.Group.QueryAsync(50, Consistency.Weak), "a weak answer");
        Assert.Equal(["late"], weak.Result);
        await cluster.UntilAsync(
            () => cluster.Living.All(node => node.Group.Members.Voters.Any(voter => voter.Peer == late.Id)),
            "the late joiner votes, as everybody knows"
        );
    }

    [Fact]
    public async Task TwoGroups_OnOneNetwork_KeepApart()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 3, TestCluster.Steady);
        var otherKey = GroupKey.Generate();
        var machines = cluster.Nodes.Select(static _ => new Journal()).ToArray();
        var others = cluster
            .Nodes.Zip(machines)
            .Select(pair =>
                pair.First.Network.Groups.WithKey(otherKey)
                    .WithConsensusConfig(cluster.Config)
                    .WithStateMachine(pair.Second)
                    .Join()
            )
            .ToArray();
        await cluster.AwaitAsync(
            Task.WhenAll(others.Select(static group => group.When.Online())),
            "the second group is online"
        );

        await cluster.ExecuteAsync(cluster.Nodes[0], "one");
        await cluster.AwaitAsync(others[1].ExecuteAsync("two"), "a command of the second group");

        await cluster.ConvergedAsync(static all => all is ["one"], "the first group has its command");
        await cluster.UntilAsync(
            () => machines.All(static machine => machine.Commands is ["two"]),
            "the second group has its command"
        );
        Assert.NotEqual(cluster.Nodes[0].Group.Id, others[0].Id);
        Assert.Equal(2, cluster.Nodes[0].Network.Groups.Joined.Count);
    }

    [Fact]
    public async Task OtherParameters_MakeAnotherGroup_WithoutABond()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 1);
        var other = await cluster.StartNodeAsync();
        other.Join(cluster.Key, TestCluster.Quick(1).WithMaxVoters(3).Build());

        await cluster.AwaitAsync(other.Group.When.Online(), "the other group is founded");

        Assert.NotEqual(cluster.Nodes[0].Group.Id, other.Group.Id);
        await cluster.UntilAsync(
            () => other.Network.Discovery.Catalog.Get(cluster.Nodes[0].Id) is not null,
            "the nodes know each other"
        );
        Assert.Empty(other.Group.Bonds);
        Assert.Empty(cluster.Nodes[0].Group.Bonds);
    }
}
