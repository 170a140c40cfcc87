using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Leader;

/// <summary>A leadership has a term, and an end.</summary>
public sealed class LeadershipTests
{
    [Fact]
    public async Task ALeadershipEndsWhenTheLeaderIsCutOff_AndTheNextHasAGreaterTerm()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 3, TestCluster.Steady);
        var leader = await cluster.LeaderAsync();
        var term = await cluster.AwaitAsync(leader.Group.When.Leads(), "the leader leads");
        Assert.Equal(leader.Group.Term, term);
        var lost = leader.Group.When.LeadsNoMore(term);
        Assert.False(lost.IsCompleted);
        Assert.True(leader.Group.When.LeadsNoMore(term.Next).IsCompletedSuccessfully);

        cluster.Cut(leader);
        await cluster.AwaitAsync(lost, "the leadership ends");
        var others = cluster.Living.Where(node => node != leader).Select(node => node.Group.When.Leads());
        var next = await cluster.AwaitAsync(await Task.WhenAny(others), "another leads");
        Assert.True(next > term, $"{next} after {term}");
    }
}
