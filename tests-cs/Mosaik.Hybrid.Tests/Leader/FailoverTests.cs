using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Leader;

/// <summary>Leaders die, are cut off and come back; what was acknowledged stays, and nothing happens twice.</summary>
public sealed class FailoverTests
{
    [Theory]
    [InlineData(Carrier.InProcess, 3)]
    [InlineData(Carrier.InProcess, 5)]
    [InlineData(Carrier.Tls, 3)]
    [InlineData(Carrier.Tls, 5)]
    public async Task WhenTheLeaderDies_TheOthersElect_AndNothingIsLost(Carrier carrier, int nodes)
    {
        await using var cluster = await TestCluster.StartAsync(carrier, nodes);
        var leader = await cluster.LeaderAsync();
        var survivor = cluster.Nodes.First(node => node != leader);
        await cluster.ExecuteAsync(leader, "before");
        var changed = survivor.Group.When.LeaderChanged();

        await leader.KillAsync();

        Assert.NotEqual(leader.Id, await cluster.AwaitAsync(changed, "another leads"));
        await cluster.ExecuteAsync(survivor, "after");
        await cluster.ConvergedAsync(
            static all => all is ["before", "after"],
            "the survivors have both commands, once"
        );
    }

    [Theory]
    [InlineData(Carrier.InProcess)]
    [InlineData(Carrier.Tls)]
    public async Task ALeaderThatIsCutOff_CommitsNothing_StepsDown_AndComesBack(Carrier carrier)
    {
        await using var cluster = await TestCluster.StartAsync(carrier, 3);
        var old = await cluster.LeaderAsync();
        var others = cluster.Nodes.Where(node => node != old).ToArray();
        await cluster.ExecuteAsync(old, "before");
        await cluster.ConvergedAsync(static all => all is ["before"], "everybody has it");
        var steppedDown = old.Group.When.IsFollower();

        cluster.Cut(old);
        var call = old.Group.ExecuteAsync("lost or late");
        var read = old.Group.QueryAsync(0, Consistency.Strong);

        await cluster.AwaitAsync(steppedDown, "the leader that is cut off steps down");
        var successor = await cluster.LeaderAsync(others);
        await cluster.ExecuteAsync(successor, "meanwhile");
        Assert.True(
            (await Assert.ThrowsAsync<QueryFailedException>(() => read.Soon("the read fails"))).TimedOut
        );
        Assert.Equal(["before"], old.Machine.Commands);
        Assert.DoesNotContain("lost or late", successor.Machine.Commands);
        Assert.Null(old.Group.Leader);
        var failure = await Record.ExceptionAsync(() => call.Soon("an outcome"));

        cluster.Heal(old);
        await cluster.AwaitAsync(old.Group.When.Online(), "the former leader is online again");
        switch (failure)
        {
            case OutcomeUnknownException unknown:
                var place = await cluster.AwaitAsync(
                    old.Group.OutcomeAsync(unknown.Id),
                    "the fate of the command"
                );
                Assert.True(place.Count == 1 && place.First <= old.Group.Committed);
                await cluster.ConvergedAsync(
                    static all => all is ["before", "meanwhile", "lost or late"],
                    "the command took effect once, late"
                );
                break;
            default:
                Assert.IsType<GroupOfflineException>(failure);
                await cluster.ConvergedAsync(
                    static all => all is ["before", "meanwhile"],
                    "it never took effect"
                );
                break;
        }
    }

    [Theory]
    [InlineData(Carrier.InProcess)]
    [InlineData(Carrier.Tls)]
    public async Task AFollowerThatWasCutOff_CatchesUp(Carrier carrier)
    {
        await using var cluster = await TestCluster.StartAsync(carrier, 3);
        var leader = await cluster.LeaderAsync();
        var follower = cluster.Nodes.First(node => node != leader);
        cluster.Cut(follower);
        await cluster.AwaitAsync(follower.Group.When.Offline(), "the cut is noticed");
        for (var number = 0; number < 100; number++)
        {
            await cluster.ExecuteAsync(leader, $"{number}");
        }

        Assert.Empty(follower.Machine.Commands);
        cluster.Heal(follower);

        await cluster.ConvergedAsync(static all => all.Length == 100, "the follower has caught up");
        await cluster.ExecuteAsync(follower, "back");
    }

    [Fact]
    public async Task WithoutAMajority_NothingIsAccepted_AndWithOneItGoesOn()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 5);
        await cluster.ExecuteAsync(cluster.Nodes[0], "all five");
        var cut = cluster.Nodes.Take(3).ToArray();
        var rest = cluster.Nodes.Skip(3).ToArray();
        foreach (var node in cut)
        {
            cluster.Cut(node);
        }

        await cluster.AwaitAsync(
            Task.WhenAll(cluster.Nodes.Select(static node => node.Group.When.Offline())),
            "nobody is online"
        );
        await Assert.ThrowsAsync<GroupOfflineException>(() =>
            rest[0].Group.ExecuteAsync("no").Soon("the refusal")
        );

        cluster.Heal(cut[0]);
        TestNode[] majority = [cut[0], .. rest];
        await cluster.LeaderAsync(majority);
        await cluster.ExecuteAsync(cut[0], "three of five");
        cluster.Heal(cut[1]);
        cluster.Heal(cut[2]);

        await cluster.ConvergedAsync(
            static all => all is ["all five", "three of five"],
            "all are together again"
        );
    }

    [Theory]
    [InlineData(Carrier.InProcess)]
    [InlineData(Carrier.Tls)]
    public async Task ANodeThatLostItsLog_ComesBackAsAnotherMember_AndServes(Carrier carrier)
    {
        await using var cluster = await TestCluster.StartAsync(carrier, 3);
        var victim = await cluster.LeaderAsync();
        await cluster.ExecuteAsync(victim, "before");
        var former = victim.Group.Members.Voters.Single(member => member.Peer == victim.Id);
        await victim.KillAsync();
        await cluster.LeaderAsync();
        await cluster.ExecuteAsync(cluster.Living.First(), "without it");

        var reborn = await cluster.AddAsync(victim.Id);
        await cluster.AwaitAsync(reborn.Group.When.Online(), "it is back");

        Assert.Equal(victim.Id, reborn.Id);
        await cluster.ExecuteAsync(reborn, "with it");
        var strong = await cluster.AskStronglyAsync(reborn);
        Assert.Equal(["before", "without it", "with it"], strong.Result);
        var weak = await cluster.AwaitAsync(reborn.Group.QueryAsync(0, Consistency.Weak), "a weak answer");
        Assert.Equal(strong.Result, weak.Result);
        await cluster.UntilAsync(
            () => reborn.Group.Members.Voters.Any(member => member.Peer == reborn.Id && member != former),
            "it votes in its new life"
        );
        Assert.DoesNotContain(former, reborn.Group.Members.All);
    }
}
