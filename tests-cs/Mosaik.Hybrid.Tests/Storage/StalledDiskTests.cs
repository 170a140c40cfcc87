using Mosaik.Hybrid.Tests.Support;
using Mosaik.Hybrid.Tests.Telemetry;
using Xunit;

namespace Mosaik.Hybrid.Tests.Storage;

/// <summary>A disk that makes no progress: its node neither leads nor stands, and says so, until it does.</summary>
public sealed class StalledDiskTests
{
    [Fact]
    public async Task ALeaderWhoseDiskStalls_GivesWay_AndFollowsWhenItWorksAgain()
    {
        var stores = new FaultyStore[3];
        await using var cluster = await TestCluster.StartAsync(
            Carrier.InProcess,
            3,
            stores: place => stores[place] = new FaultyStore()
        );
        using var meters = new Collected(cluster.Name);
        var stalled = await cluster.LeaderAsync();
        var place = cluster.Nodes.ToList().IndexOf(stalled);
        Assert.False(stalled.Group.Storage.IsStalled);

        var gate = new TaskCompletionSource();
        stores[place].Gate = gate.Task;
        var others = cluster.Nodes.Where(node => node != stalled).ToArray();
        // Something to write; the others commit it without this disk.
        await cluster.ExecuteAsync(others[0], "while it stalls");
        await cluster.UntilAsync(() => stalled.Group.Storage.IsStalled, "the stall is in the status");
        Assert.False(stalled.Group.IsLeader);
        var next = await cluster.LeaderAsync(others);
        await cluster.ExecuteAsync(next, "under another leader");
        Assert.Contains("the disk has made no progress", stalled.Log.ToString(), StringComparison.Ordinal);
        meters.Observe();
        Assert.Equal(1, meters.Sum("mosaik.group.storage.stalls"));
        Assert.Equal(1, meters.Sum("mosaik.group.storage.stalled"));

        gate.SetResult();
        stores[place].Gate = Task.CompletedTask;
        await cluster.UntilAsync(() => !stalled.Group.Storage.IsStalled, "the disk works again");
        await cluster.OnlineAsync();
        await cluster.ConvergedAsync(static commands => commands.Length == 2, "all have all");
        meters.Observe();
        Assert.Equal(0, meters.Sum("mosaik.group.storage.stalled"));
    }

    [Fact]
    public async Task ANodeWhoseDiskStalls_DoesNotStand()
    {
        var store = new FaultyStore();
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 1, stores: _ => store);
        var node = cluster.Nodes[0];
        var gate = new TaskCompletionSource();
        store.Gate = gate.Task;
        var submitted = node.Group.ExecuteAsync("waits for the disk");
        await cluster.UntilAsync(() => node.Group.Storage.IsStalled, "the disk has stalled");
        await cluster.UntilAsync(() => node.Group.Leader is null, "nobody leads");
        var term = node.Group.Term;
        gate.SetResult();
        store.Gate = Task.CompletedTask;
        await cluster.AwaitAsync(submitted, "the command takes effect");
        // The one candidacy since: it did not stand while it could not write.
        Assert.Equal(term.Next, node.Group.Term);
    }
}
