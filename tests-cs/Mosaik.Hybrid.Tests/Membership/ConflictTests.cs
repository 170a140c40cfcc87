using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Membership;

/// <summary>Two lineages of one group: told, and ended by rules or by the operator; never mixed.</summary>
public sealed class ConflictTests
{
    [Fact]
    public async Task LineagesWithCommands_AreInConflict_UntilOneSideIsReset()
    {
        await using var cluster = await TwoLineagesAsync(commands: true);
        var (kept, given) = (cluster.Nodes[0], cluster.Nodes[1]);
        var lineage = kept.Group.Status.Lineage;
        cluster.Heal(given);

        Assert.Equal(
            [given.Group.Status.Lineage],
            await cluster.AwaitAsync(kept.Group.When.LineageConflict(), "one side knows")
        );
        Assert.Equal(
            [lineage],
            await cluster.AwaitAsync(given.Group.When.LineageConflict(), "the other side knows")
        );
        Assert.Equal([lineage], given.Group.Status.Conflict);
        await cluster.ExecuteAsync(kept, "both go on");
        await cluster.ExecuteAsync(given, "apart");

        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            given.Group.ResetAsync().Soon("a refusal")
        );
        Assert.Contains("a fresh machine", refusal.Message, StringComparison.Ordinal);
        await cluster.ExecuteAsync(given, "unharmed");
        await Assert.ThrowsAsync<ArgumentException>(() => given.Group.ResetAsync(given.Machine));

        var former = given.Group.Status.Self;
        var fresh = new Journal();
        await given.Group.ResetAsync(fresh).Soon("the log is forgotten");
        await cluster.AwaitAsync(given.Group.When.LeaderIs(kept.Id), "it follows the other side");
        await cluster.ExecuteAsync(given, "together");

        await cluster.UntilAsync(
            () => fresh.Commands is ["of 0", "both go on", "together"],
            "it has the other log"
        );
        Assert.Equal(["of 0", "both go on", "together"], kept.Machine.Commands);
        Assert.Equal(lineage, given.Group.Status.Lineage);
        Assert.NotEqual(former, given.Group.Status.Self);
        await cluster.UntilAsync(
            () => kept.Group.Status.Conflict.Count == 0 && given.Group.Status.Conflict.Count == 0,
            "the conflict is over"
        );
        var weak = await cluster.AwaitAsync(
            given.Group.QueryAsync(0, Consistency.Weak),
            "the fresh machine answers"
        );
        Assert.Equal(3, weak.Result.Length);
    }

    [Fact]
    public async Task LineagesWithoutCommands_BecomeOne_ByThemselves()
    {
        await using var cluster = await TwoLineagesAsync(commands: false);
        cluster.Heal(cluster.Nodes[1]);
        await cluster.UntilAsync(
            () => cluster.Nodes[0].Group.Status.Lineage == cluster.Nodes[1].Group.Status.Lineage,
            "one lineage is left"
        );
        await cluster.LeaderAsync();
        foreach (var node in cluster.Nodes)
        {
            await cluster.ExecuteAsync(node, "one");
        }

        await cluster.ConvergedAsync(
            static all => all is ["one", "one"],
            "both have everything, from the beginning"
        );
    }

    [Fact]
    public async Task ALineageWithoutCommands_EndsInTheOneThatHasSome()
    {
        await using var cluster = await TwoLineagesAsync(commands: false);
        await cluster.ExecuteAsync(cluster.Nodes[1], "kept");
        var lineage = cluster.Nodes[1].Group.Status.Lineage;
        cluster.Heal(cluster.Nodes[1]);

        await cluster.ConvergedAsync(static all => all is ["kept"], "both have the command");

        Assert.All(cluster.Nodes, node => Assert.Equal(lineage, node.Group.Status.Lineage));
    }

    /// <summary>Two nodes that were apart at birth, and found a lineage each.</summary>
    private static async Task<TestCluster> TwoLineagesAsync(bool commands)
    {
        var cluster = await TestCluster.OfNodesAsync(
            Carrier.InProcess,
            2,
            static quick => quick.WithFoundingMembers(1)
        );
        cluster.Cut(cluster.Nodes[1]);
        foreach (var node in cluster.Nodes)
        {
            node.Join(cluster.Key, cluster.Config);
        }

        for (var place = 0; place < 2; place++)
        {
            await cluster.AwaitAsync(
                cluster.Nodes[place].Group.When.IsLeader(),
                "each leads a lineage of its own"
            );
            if (commands)
            {
                await cluster.ExecuteAsync(cluster.Nodes[place], $"of {place}");
            }
        }

        return cluster;
    }
}
