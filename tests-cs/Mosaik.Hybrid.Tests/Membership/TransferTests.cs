using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Membership;

/// <summary>Leadership goes where it is told to, or an exception says why not.</summary>
public sealed class TransferTests
{
    [Theory]
    [InlineData(Carrier.InProcess)]
    [InlineData(Carrier.Tls)]
    public async Task AnyMember_HandsLeadership_ToAnyOther_WhileCommandsGoOn(Carrier carrier)
    {
        await using var cluster = await TestCluster.StartAsync(carrier, 3, TestCluster.Steady);
        using var enough = new CancellationTokenSource();
        var load = cluster.Nodes.Select(node => LoadAsync(cluster, node, enough.Token)).ToArray();

        foreach (var asked in cluster.Nodes)
        {
            foreach (var target in cluster.Nodes)
            {
                await cluster.AwaitAsync(
                    asked.Group.TransferLeadershipAsync(target.Id),
                    $"{target.Id.Short} leads, as {asked.Id.Short} was told"
                );
                Assert.Equal(target.Id, asked.Group.Leader);
            }
        }

        await enough.CancelAsync();
        var counts = await cluster.AwaitAsync(Task.WhenAll(load), "all commands have taken effect");
        Assert.All(counts, static count => Assert.True(count > 0));
        var all = await cluster.ConvergedAsync(
            commands => commands.Length >= counts.Sum(),
            "every command has taken effect everywhere"
        );
        Assert.Equal(counts.Sum(), all.Length);
        Assert.Equal(all.Length, all.Distinct().Count());
    }

    [Fact]
    public async Task WithoutATarget_AnotherVoterLeads_WhoeverIsAsked()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 3, TestCluster.Steady);
        foreach (var asked in cluster.Nodes)
        {
            var former = await cluster.LeaderAsync();
            await cluster.AwaitAsync(asked.Group.TransferLeadershipAsync(), "another one leads");
            Assert.NotEqual(former.Id, asked.Group.Leader);
        }
    }

    [Fact]
    public async Task APeerThatIsNoVoter_IsRefused_AtOnce()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 1);
        var refusal = await Assert.ThrowsAsync<LeadershipTransferException>(() =>
            cluster.Nodes[0].Group.TransferLeadershipAsync(default(PeerId)).Soon("a refusal")
        );
        Assert.Equal(LeadershipTransferFault.NotAVoter, refusal.Fault);
        Assert.Equal(default(PeerId), refusal.Target);
        Assert.Contains("group.Members.Voters", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhenNobodyElseCanLead_ItIsSaid()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 1);
        var refusal = await Assert.ThrowsAsync<LeadershipTransferException>(() =>
            cluster.Nodes[0].Group.TransferLeadershipAsync().Soon("a refusal")
        );
        Assert.Equal(LeadershipTransferFault.NotReachable, refusal.Fault);
        await cluster.ExecuteAsync(cluster.Nodes[0], "goes on");
    }

    [Fact]
    public async Task AVoterWithoutABond_IsRefusedByTheLeader()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 3, TestCluster.Steady);
        var leader = await cluster.LeaderAsync();
        var dead = cluster.Nodes.First(node => node != leader);
        await dead.KillAsync();
        await cluster.UntilAsync(
            () => leader.Group.Bonds.All(bond => bond.Peer != dead.Id),
            "the leader knows that it is gone"
        );

        var refusal = await Assert.ThrowsAsync<LeadershipTransferException>(() =>
            leader.Group.TransferLeadershipAsync(dead.Id).Soon("a refusal")
        );

        Assert.Equal(LeadershipTransferFault.NotReachable, refusal.Fault);
        Assert.True(leader.Group.IsLeader);
    }

    [Fact]
    public async Task WithoutALeader_ItEnds_AfterTwoElectionTimeouts()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 3);
        var last = cluster.Nodes[0];
        await cluster.Nodes[1].KillAsync();
        await cluster.Nodes[2].KillAsync();
        await cluster.AwaitAsync(last.Group.When.Offline(), "there is no quorum");
        await cluster.UntilAsync(() => last.Group.Leader is null, "there is no leader");

        var refusal = await Assert.ThrowsAsync<LeadershipTransferException>(() =>
            last.Group.TransferLeadershipAsync(last.Id).Soon("a refusal")
        );

        Assert.Equal(LeadershipTransferFault.NoLeader, refusal.Fault);
        Assert.Equal(0, last.Group.Loop.Status.Waiting);
    }

    [Fact]
    public async Task AGroupThatHasEnded_SaysSo()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 1);
        var group = cluster.Nodes[0].Group;
        await cluster.Nodes[0].Network.DisposeAsync().Soon("the network ends");
        await Assert.ThrowsAsync<GroupTerminatedException>(() =>
            group.TransferLeadershipAsync().Soon("the end")
        );
        await Assert.ThrowsAsync<GroupTerminatedException>(() => group.GetStatusAsync().Soon("the end"));
        await Assert.ThrowsAsync<GroupTerminatedException>(() => group.ResetAsync().Soon("the end"));
    }

    private static async Task<int> LoadAsync(TestCluster cluster, TestNode node, CancellationToken enough)
    {
        var count = 0;
        while (!enough.IsCancellationRequested || count == 0)
        {
            await cluster.ExecuteAsync(node, $"{node.Id.Short} {count}");
            count++;
        }

        return count;
    }
}
