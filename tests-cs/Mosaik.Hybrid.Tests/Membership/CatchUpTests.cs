using Mosaik.Hybrid.Tests.Support;
using Mosaik.Hybrid.Tests.Telemetry;
using Xunit;

namespace Mosaik.Hybrid.Tests.Membership;

/// <summary>A long committed gap is read from several members, and the leader goes on meanwhile.</summary>
public sealed class CatchUpTests
{
    private const int Commands = 2_000;

    [Theory]
    [InlineData(Carrier.InProcess)]
    [InlineData(Carrier.Tls)]
    public async Task ANewMember_ReadsALongLog_FromOthersThanTheLeader(Carrier carrier)
    {
        await using var cluster = await TestCluster.StartAsync(
            carrier,
            3,
            static config => TestCluster.Steady(config).WithEntriesPerAppendMax(16)
        );
        using var collected = new Collected(cluster.Name);
        var leader = await cluster.LeaderAsync();
        var written = Enumerable.Range(0, Commands).Select(static number => $"{number}").ToArray();
        await cluster.AwaitAsync(leader.Group.ExecuteManyAsync(written), "a long log");
        await cluster.ConvergedAsync(static all => all.Length == Commands, "the founders have it");

        var added = await cluster.AddAsync();
        await cluster.ExecuteAsync(leader, "meanwhile");
        var all = await cluster.ConvergedAsync(
            static all => all.Length == Commands + 1,
            "the new member has everything too"
        );

        Assert.Equal([.. written, "meanwhile"], all);
        Assert.True(added.Group.Status.Committed.Value > Commands);
        // Whatever it got in the first appends, most of it came from the two others.
        Assert.True(collected.Sum("mosaik.group.catch_up.entries") >= Commands / 2);
    }
}
