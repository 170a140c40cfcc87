using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Lifecycle;

/// <summary>However a group ends on a node, whoever waits is told, and nothing else is harmed.</summary>
public sealed class EndTests
{
    [Fact]
    public async Task EveryWait_EndsWithTheGroup()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 1);
        var group = cluster.Nodes[0].Group;
        await cluster.ExecuteAsync(cluster.Nodes[0], "nothing is under way after this");
        var waits = EveryWait(group);

        await group.DisposeAsync().Soon("the group is left");

        foreach (var (name, wait) in waits.Concat(EveryWait(group)))
        {
            var end = await Assert.ThrowsAsync<GroupTerminatedException>(() => wait.Soon(name));
            Assert.Equal(TerminationReason.Left, end.Reason);
        }
    }

    [Fact]
    public async Task DisposingTheNetwork_EndsItsGroups_AndSaysSo()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 1);
        var node = cluster.Nodes[0];
        var wait = node.Group.When.Offline();

        await node.Network.DisposeAsync().Soon("the network ends");

        var end = await Assert.ThrowsAsync<GroupTerminatedException>(() => wait.Soon("the end"));
        Assert.Equal(TerminationReason.NetworkStopped, end.Reason);
        await node.Group.DisposeAsync().Soon("giving up a handle afterwards");
        Assert.Throws<ObjectDisposedException>(() => node.Join(cluster.Key, cluster.Config));
    }

    [Fact]
    public async Task APing_IsAnsweredWhileTheLoopTurns_AndFailsWhenItHasEnded()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 1);
        var node = cluster.Nodes[0];
        await node.Group.PingAsync().Soon("the loop takes a turn");

        await node.Network.DisposeAsync().Soon("the network ends");

        await Assert.ThrowsAsync<GroupTerminatedException>(() => node.Group.PingAsync().Soon("the end"));
    }

    [Fact]
    public async Task ACancelledWait_LeavesNothingBehind()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 1);
        var group = cluster.Nodes[0].Group;
        await cluster.ExecuteAsync(cluster.Nodes[0], "nothing is under way after this");
        using var cancellation = new CancellationTokenSource();
        var waits = EveryWait(group, cancellation.Token);

        await cancellation.CancelAsync();

        foreach (var (name, wait) in waits)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait.Soon(name));
        }

        Assert.Equal(0, group.Loop.Status.Waiting);
    }

    [Fact]
    public async Task AMachineThatThrows_EndsItsGroup_OnItsNodeAlone()
    {
        await using var cluster = await TestCluster.StartAsync(
            Carrier.InProcess,
            3,
            machines: static place => new Journal(text =>
            {
                if (place == 0 && text == "boom")
                {
                    throw new InvalidOperationException("the machine is broken");
                }
            })
        );
        var broken = cluster.Nodes[0];
        await using var neighbour = broken
            .Network.Groups.WithKey(GroupKey.Generate())
            .WithConsensusConfig(TestCluster.Quick(1).Build())
            .WithStateMachine(new Journal())
            .Join();
        await cluster.AwaitAsync(neighbour.When.Online(), "the other group is online");
        var wait = broken.Group.When.Committed.Reaches(new LogIndex(1_000_000));

        var end = await Assert.ThrowsAsync<GroupTerminatedException>(() =>
            cluster.ExecuteAsync(broken, "boom")
        );

        Assert.Equal(TerminationReason.MachineFailed, end.Reason);
        Assert.Equal("the machine is broken", end.InnerException?.Message);
        await AssertEndedAsync(broken.Group, TerminationReason.MachineFailed);
        Assert.Equal(
            TerminationReason.MachineFailed,
            (await Assert.ThrowsAsync<GroupTerminatedException>(() => wait.Soon("the end"))).Reason
        );
        TestNode[] others = [cluster.Nodes[1], cluster.Nodes[2]];
        await cluster.LeaderAsync(others);
        await cluster.ExecuteAsync(others[0], "after");
        await cluster.UntilAsync(
            () => others.All(static node => node.Machine.Commands is ["boom", "after"]),
            "the others go on"
        );
        await cluster.AwaitAsync(neighbour.ExecuteAsync("unharmed"), "the other group of the node goes on");
    }

    [Fact]
    public async Task AGroupThatEndedByItself_CanBeJoinedAgain_AtOnce()
    {
        await using var cluster = await TestCluster.StartAsync(
            Carrier.InProcess,
            1,
            machines: static _ => new Journal(static _ => throw new InvalidOperationException("broken"))
        );
        var node = cluster.Nodes[0];
        var former = node.Group;
        var end = await Assert.ThrowsAsync<GroupTerminatedException>(() =>
            former.ExecuteAsync("boom").Soon("the end")
        );
        Assert.Equal(["boom"], end.CommandsOf<string>());

        node.Join(cluster.Key, cluster.Config);

        await cluster.ExecuteAsync(node, "a new life");
        await former.DisposeAsync().Soon("giving up the former handle");
        await cluster.ExecuteAsync(node, "goes on");
        Assert.Equal(["a new life", "goes on"], node.Machine.Commands);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AStoreThatFails_EndsTheGroup_AndEverybodyWhoWaits(bool throwsAtOnce)
    {
        using var gate = new ManualResetEventSlim();
        var store = new FaultyStore
        {
            ThrowsAtOnce = throwsAtOnce,
            FaultOfDispose = new InvalidOperationException("the store can't be closed either"),
        };
        await using var cluster = await TestCluster.StartAsync(
            Carrier.InProcess,
            1,
            machines: _ => new Journal(_ => gate.Wait()),
            stores: _ => store
        );
        var group = cluster.Nodes[0].Group;
        // The machine is busy with this one, so the query waits behind it when the store fails.
        var applied = group.ExecuteAsync("applied");
        await cluster.AwaitAsync(group.FeedAsync("placed"), "a place");
        var query = group.QueryAsync(0, Consistency.Weak);

        store.Fault = new InvalidOperationException("the disk is gone");
        var call = group.ExecuteAsync("lost");

        var end = await Assert.ThrowsAsync<GroupTerminatedException>(() => call.Soon("the end"));
        Assert.Equal(TerminationReason.StorageFailed, end.Reason);
        Assert.IsType<StorageException>(end.InnerException);
        gate.Set();
        await Assert.ThrowsAsync<GroupTerminatedException>(() => applied.Soon("the end"));
        await Record.ExceptionAsync(() => query.Soon("an answer or the end"));
        await AssertEndedAsync(group, TerminationReason.StorageFailed);
        await group.DisposeAsync().Soon("the handle is given up, though the store can't be closed");
        await cluster.UntilAsync(
            () => cluster.Nodes[0].Network.Groups.Joined.Count == 0,
            "nothing is joined"
        );
    }

    [Fact]
    public async Task AGroup_CanBeLeft_FromItsOwnCallbacks()
    {
        await using var cluster = await TestCluster.OfNodesAsync(Carrier.InProcess, 1);
        var node = cluster.Nodes[0];
        var disposals = new List<Task>();
        node.Join(
            cluster.Key,
            cluster.Config,
            new Journal(text =>
            {
                if (text == "leave")
                {
                    disposals.Add(node.Group.DisposeAsync().AsTask());
                }
            })
        );
        await cluster.AwaitAsync(node.Group.When.Online(), "online");
        var continued = node
            .Group.When.Committed.Reaches(new LogIndex(1_000_000))
            .ContinueWith(
                _ => node.Group.DisposeAsync().AsTask(),
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default
            )
            .Unwrap();

        var call = await Record.ExceptionAsync(() => node.Group.ExecuteAsync("leave").Soon("an outcome"));

        Assert.True(call is null or GroupTerminatedException { Reason: TerminationReason.Left });
        await cluster.AwaitAsync(continued, "a continuation leaves too");
        await cluster.AwaitAsync(Task.WhenAll(disposals), "the group is left");
        Assert.Empty(node.Network.Groups.Joined);
    }

    [Fact]
    public async Task LeavingDoesNotWait_ForWhatTheMachineHasNotBegun()
    {
        using var gate = new SemaphoreSlim(0);
        await using var cluster = await TestCluster.StartAsync(
            Carrier.InProcess,
            1,
            machines: _ => new Journal(_ => gate.Wait())
        );
        var node = cluster.Nodes[0];
        await cluster.AwaitAsync(
            Task.WhenAll(Enumerable.Range(0, 1_000).Select(number => node.Group.FeedAsync($"{number}"))),
            "a thousand commands have places"
        );

        var left = node.Group.DisposeAsync();
        await Assert.ThrowsAsync<GroupTerminatedException>(() => node.Group.When.Offline().Soon("the end"));
        gate.Release(1);

        await left.Soon("the group is left");
        Assert.InRange(node.Machine.Commands.Length, 0, 1);
    }

    private static async Task AssertEndedAsync(Group<string, int, string[]> group, TerminationReason reason)
    {
        Task[] late =
        [
            group.ExecuteAsync("late"),
            group.FeedManyAsync(["late"]),
            group.QueryAsync(0, Consistency.Weak),
            group.QueryAsync(0, Consistency.Strong),
            group.OutcomeAsync(new CommandId(default, 1, 1, 1)),
            group.When.Online(),
        ];
        foreach (var task in late)
        {
            var end = await Assert.ThrowsAsync<GroupTerminatedException>(() => task.Soon("the end"));
            Assert.Equal(reason, end.Reason);
        }
    }

    // Conditions that a quiet group of one never meets.
    private static List<(string Name, Task Wait)> EveryWait(
        Group<string, int, string[]> group,
        CancellationToken token = default
    ) =>
        [
            ("leader changed", group.When.LeaderChanged(token)),
            ("leader is", group.When.LeaderIs(default, token)),
            ("is follower", group.When.IsFollower(token)),
            ("offline", group.When.Offline(token)),
            ("committed reaches", group.When.Committed.Reaches(new LogIndex(1_000_000), token)),
            ("committed advanced", group.When.Committed.Advanced(token)),
            ("committed reverted", group.When.Committed.Reverted(token)),
            ("committed changed", group.When.Committed.Changed(token)),
            ("log reaches", group.When.Log.Reaches(new LogIndex(1_000_000), token)),
            ("log advanced", group.When.Log.Advanced(token)),
            ("log reverted", group.When.Log.Reverted(token)),
            ("log changed", group.When.Log.Changed(token)),
        ];
}
