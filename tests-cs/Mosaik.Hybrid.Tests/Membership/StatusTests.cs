using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Membership;

/// <summary>What a group says of itself to people.</summary>
public sealed class StatusTests
{
    [Theory]
    [InlineData(Carrier.InProcess)]
    [InlineData(Carrier.Tls)]
    public async Task EveryMember_LearnsFromTheLeader_HowAllAre(Carrier carrier)
    {
        await using var cluster = await TestCluster.StartAsync(carrier, 3, TestCluster.Steady);
        await cluster.ExecuteAsync(cluster.Nodes[0], "something");
        await cluster.ConvergedAsync(static all => all.Length == 1, "everybody has it");
        var leader = await cluster.LeaderAsync();
        foreach (var node in cluster.Nodes)
        {
            GroupStatus status = null!;
            await cluster.UntilAsync(
                () =>
                {
                    status = node.Group.GetStatusAsync().Result;
                    return status.IsComplete && status.Members.All(static member => member.Lag == 0);
                },
                "the leader says that nobody lags"
            );

            Assert.Equal(node.Id, status.Self?.Peer);
            Assert.Equal(leader.Id, status.Leader?.Peer);
            Assert.Equal(node == leader ? GroupRole.Leader : GroupRole.Follower, status.Role);
            Assert.Equal(3, status.Members.Count);
            Assert.Equal(node.Id, status.Members.Single(static member => member.IsSelf).Member.Peer);
            Assert.Equal(leader.Id, status.Members.Single(static member => member.IsLeader).Member.Peer);
            Assert.All(status.Members, member => Assert.Equal(status.Last.Index, member.Match));
            Assert.All(
                status.Members,
                static member => Assert.True(member.IsReachable && member.IsCaughtUp == true)
            );
            Assert.All(status.Members, static member => Assert.Equal(MemberRole.Voter, member.Role));
            Assert.False(status.Lineage.IsNone);
            Assert.True(status.CanProgress);
            Assert.Equal("3 of 3 voters reachable, quorum 2: one loss can be borne", status.Explanation);
        }

        Assert.True(leader.Group.Status.IsComplete);
        Assert.All(cluster.Nodes, node => Assert.Equal(node == leader, node.Group.Status.IsComplete));
    }

    [Fact]
    public async Task WithoutAMajority_TheSentenceSaysHowManyAreMissing()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 3);
        var last = cluster.Nodes[0];
        await cluster.Nodes[1].KillAsync();
        await cluster.Nodes[2].KillAsync();
        await cluster.UntilAsync(
            () => last.Group.Leader is null && last.Group.Bonds.Count == 0,
            "it is alone"
        );

        var status = await cluster.AwaitAsync(last.Group.GetStatusAsync(), "an answer without a leader");

        Assert.False(status.IsComplete || status.CanProgress || status.IsOnline);
        Assert.Equal("no leader: 1 of 3 voters reachable from this node, 2 needed", status.Explanation);
        Assert.Equal(status.Explanation, last.Group.Status.Explanation);
        Assert.All(status.Members, static member => Assert.Equal(member.IsSelf, member.IsReachable));
        Assert.All(status.Members, static member => Assert.Null(member.Match));
    }

    [Fact]
    public async Task TheLossOfAVoter_IsSeen_AndTheNextLossIsWarnedOf()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 3, TestCluster.Steady);
        var leader = await cluster.LeaderAsync();
        var dead = cluster.Nodes.First(node => node != leader);
        await dead.KillAsync();
        await cluster.UntilAsync(
            () =>
                leader.Group.Status.Explanation
                == "2 of 3 voters reachable, quorum 2: one more loss stops the group",
            "the leader says so"
        );
        var lost = leader.Group.Status.Members.Single(member => member.Member.Peer == dead.Id);
        Assert.False(lost.IsReachable);
        Assert.NotNull(lost.Silence);
    }

    [Fact]
    public async Task AnObserver_AndAReluctantMember_AreShownAsWhatTheyAre()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 1, TestCluster.Steady);
        var observer = await cluster.StartNodeAsync();
        observer.Join(cluster.Key, cluster.Config.AsObserver());
        var reluctant = await cluster.StartNodeAsync();
        reluctant.Join(cluster.Key, cluster.Config.DeprioritizeLeadership());
        await cluster.OnlineAsync();
        await cluster.UntilAsync(
            () => cluster.Nodes[0].Group.Members.Voters.Any(voter => voter.Peer == reluctant.Id),
            "the reluctant one votes"
        );

        var members = (
            await cluster.AwaitAsync(observer.Group.GetStatusAsync(), "the leader's answer")
        ).Members.ToDictionary(static member => member.Member.Peer);

        Assert.Equal(MemberRole.Observer, members[observer.Id].Role);
        Assert.Equal(LeadershipPreference.Observer, members[observer.Id].Preference);
        Assert.Equal(MemberRole.Voter, members[reluctant.Id].Role);
        Assert.Equal(LeadershipPreference.Reluctant, members[reluctant.Id].Preference);
        Assert.Equal(LeadershipPreference.Normal, members[cluster.Nodes[0].Id].Preference);
    }
}
