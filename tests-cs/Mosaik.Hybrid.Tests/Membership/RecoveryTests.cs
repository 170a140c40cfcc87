using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Membership;

/// <summary>A majority is lost for good: one store that survived is the beginning of a new lineage.</summary>
public sealed class RecoveryTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("mosaik-recovery-");

    public void Dispose() => _root.Delete(recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TheLogOfOneSurvivor_GoesOn_AndTheOldLineageIsRefused(bool hasSnapshots)
    {
        await using var cluster = await TestCluster.StartAsync(
            Carrier.InProcess,
            3,
            machines: static _ => new SavedJournal(),
            stores: NewStore
        );
        await PopulateAsync(cluster, hasSnapshots);
        var (survivor, other) = (cluster.Nodes[0], cluster.Nodes[1]);
        var former = survivor.Group.Status.Lineage;
        var group = survivor.Group.Id;
        await LoseAllAsync(cluster);

        var lineage = await BeginAsync(survivor.Id, group, former);

        var alone = await RestartAsync(cluster, survivor.Id, 0);
        await cluster.AwaitAsync(alone.Group.When.IsLeader(), "the survivor leads by itself");
        await cluster.ExecuteAsync(alone, "after");
        Assert.Equal(lineage, alone.Group.Status.Lineage);
        Assert.Equal([.. Numbers(0, 9), "after"], alone.Machine.Commands);
        Assert.Equal(
            "1 of 1 voters reachable, quorum 1: the only voter, whose loss stops the group",
            alone.Group.Status.Explanation
        );

        var fresh = await cluster.StartNodeAsync();
        fresh.Join(cluster.Key, cluster.Config, new SavedJournal());
        await cluster.AwaitAsync(fresh.Group.When.Online(), "a node with an empty store joins");
        await cluster.ConvergedAsync(static all => all.Length == 10, "it gets the whole log");

        var old = await RestartAsync(cluster, other.Id, 1);
        Assert.Equal(
            [lineage],
            await cluster.AwaitAsync(old.Group.When.LineageConflict(), "the old one knows")
        );
        Assert.Equal(
            [former],
            await cluster.AwaitAsync(alone.Group.When.LineageConflict(), "the new one knows")
        );
        Assert.Equal(former, old.Group.Status.Lineage);
        Assert.False(old.Group.IsOnline);
        await EndConflictAsync(cluster, old, hasSnapshots);
        await cluster.ExecuteAsync(cluster.Living.Last(), "together");
        await cluster.ConvergedAsync(
            static all => all is [.., "after", "together"],
            "all are of one lineage"
        );
    }

    [Fact]
    public async Task ARecoveredLog_IsRecoveredOnce_AndStartsAgain()
    {
        await using var cluster = await TestCluster.StartAsync(
            Carrier.InProcess,
            1,
            machines: static _ => new SavedJournal(),
            stores: NewStore
        );
        await PopulateAsync(cluster, hasSnapshots: true);
        var node = cluster.Nodes[0];
        var (former, group) = (node.Group.Status.Lineage, node.Group.Id);
        await LoseAllAsync(cluster);
        var lineage = await BeginAsync(node.Id, group, former);
        for (var start = 0; start < 2; start++)
        {
            var again = await RestartAsync(cluster, node.Id, 0);
            await cluster.ExecuteAsync(await cluster.LeaderAsync(), $"start {start}");
            Assert.Equal(lineage, again.Group.Status.Lineage);
            await again.Group.TakeSnapshotAsync().Soon("a snapshot of the new lineage");
            await LoseAllAsync(cluster);
        }
    }

    [Fact]
    public async Task AStoreThatWasReset_OpensAsTheNewMember_WithTheNewLog()
    {
        await using var cluster = await TestCluster.StartAsync(
            Carrier.InProcess,
            1,
            machines: static _ => new SavedJournal(),
            stores: NewStore
        );
        var node = cluster.Nodes[0];
        await PopulateAsync(cluster, hasSnapshots: false);
        var former = node.Group.Status;
        var fresh = new SavedJournal();

        await node.Group.ResetAsync(fresh).Soon("the log is forgotten");
        await cluster.AwaitAsync(node.Group.When.IsLeader(), "it founds a lineage of its own");
        await cluster.ExecuteAsync(node, "new");
        Assert.Equal(["new"], fresh.Commands);
        var after = node.Group.Status;
        Assert.NotEqual(former.Lineage, after.Lineage);
        Assert.NotEqual(former.Self, after.Self);
        await node.StopAsync().Soon("the node stops");

        var again = await RestartAsync(cluster, node.Id, 0);
        await cluster.AwaitAsync(again.Group.When.IsLeader(), "it leads again");
        await cluster.ConvergedAsync(static all => all is ["new"], "the new log is there, and nothing else");
        Assert.Equal(after.Self, again.Group.Status.Self);
        Assert.Equal(after.Lineage, again.Group.Status.Lineage);
    }

    [Fact]
    public async Task AnEmptyStore_AndOneInUse_AreRefused()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 1, stores: NewStore);
        var node = cluster.Nodes[0];
        var locked = await Assert.ThrowsAsync<StorageException>(() =>
            LogSurvivor.OpenAsync(Store(0), node.Id, node.Group.Id).Soon("a refusal")
        );
        Assert.Equal(StorageFault.Locked, locked.Fault);
        var empty = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            LogSurvivor.OpenAsync(NewStore(9), node.Id, node.Group.Id).Soon("a refusal")
        );
        Assert.Contains("holds no log", empty.Message, StringComparison.Ordinal);
    }

    private static async Task PopulateAsync(TestCluster cluster, bool hasSnapshots)
    {
        for (var number = 0; number < 9; number++)
        {
            await cluster.ExecuteAsync(cluster.Nodes[number % cluster.Nodes.Count], $"{number}");
            if (hasSnapshots && number == 5)
            {
                await cluster.ConvergedAsync(static all => all.Length == 6, "all have the first ones");
                foreach (var node in cluster.Nodes)
                {
                    await node.Group.TakeSnapshotAsync().Soon("a snapshot");
                }
            }
        }

        await cluster.ConvergedAsync(static all => all.Length == 9, "all have all");
    }

    private async Task<Lineage> BeginAsync(PeerId peer, GroupId group, Lineage former)
    {
        await using var survivor = await LogSurvivor.OpenAsync(Store(0), peer, group).Soon("the store opens");
        Assert.Equal(former, survivor.Lineage);
        Assert.Contains(survivor.Member, survivor.Configuration.Voters);
        var term = survivor.Term;
        var lineage = await survivor.BeginLineageAsync().Soon("the lineage begins");
        Assert.NotEqual(former, lineage);
        Assert.Equal(lineage, survivor.Lineage);
        Assert.True(survivor.Term > term);
        await Assert.ThrowsAsync<InvalidOperationException>(() => survivor.BeginLineageAsync());
        return lineage;
    }

    /// <summary>With a snapshot of the old lineage in it, only an empty store helps.</summary>
    private async Task EndConflictAsync(TestCluster cluster, TestNode old, bool hasSnapshots)
    {
        if (!hasSnapshots)
        {
            await old.Group.ResetAsync().Soon("the old one gives its lineage up");
            return;
        }

        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            old.Group.ResetAsync(new SavedJournal()).Soon("a refusal")
        );
        Assert.Contains("an empty store", refusal.Message, StringComparison.Ordinal);
        await old.StopAsync().Soon("it stops");
        var empty = await cluster.StartNodeAsync(old.Id);
        empty.Join(cluster.Key, cluster.Config, new SavedJournal(), NewStore(1));
        await cluster.AwaitAsync(empty.Group.When.Online(), "it joins anew");
    }

    /// <summary>As a power loss does: nobody hands over, nobody is removed.</summary>
    private static async Task LoseAllAsync(TestCluster cluster)
    {
        TestNode[] living = [.. cluster.Living];
        foreach (var node in living)
        {
            await node.KillAsync();
        }

        foreach (var node in living)
        {
            await node.DisposeAsync().Soon("its files are closed");
        }
    }

    private async Task<TestNode> RestartAsync(TestCluster cluster, PeerId peer, int place)
    {
        var node = await cluster.StartNodeAsync(peer);
        node.Join(cluster.Key, cluster.Config, new SavedJournal(), Store(place));
        return node;
    }

    private static IEnumerable<string> Numbers(int first, int count) =>
        Enumerable.Range(first, count).Select(static number => $"{number}");

    private string PathOf(int place) =>
        Path.Combine(_root.FullName, FormattableString.Invariant($"node-{place}"));

    private FileLogStore Store(int place) =>
        new(PathOf(place), new FileLogOptions { SegmentBytes = 1 << 20 });

    private FileLogStore NewStore(int place)
    {
        if (Directory.Exists(PathOf(place)))
        {
            Directory.Delete(PathOf(place), recursive: true);
        }

        return Store(place);
    }
}
