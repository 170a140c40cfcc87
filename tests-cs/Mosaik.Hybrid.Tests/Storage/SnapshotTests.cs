using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Storage;

/// <summary>Machines that can be saved: the log forgets its beginning, and nothing is missing anywhere.</summary>
public sealed class SnapshotTests : IDisposable
{
    private static readonly SnapshotOptions s_often = SnapshotOptions.Manual with
    {
        EveryEntries = 20,
        EntriesKept = 0,
    };

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("mosaik-snapshots-");

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public async Task ByEntries_ASnapshotIsTaken_AndTheLogForgetsWhatIsBeforeIt()
    {
        await using var cluster = await StartAsync(1, s_often with { EntriesKept = 5 });
        var group = cluster.Nodes[0].Group;
        await SubmitAsync(cluster, 0, 50);
        await cluster.UntilAsync(
            () => group.Storage.Snapshot.Index.Value >= 20 && group.Storage.FirstIndex.Value > 1,
            "a snapshot, and a shorter log"
        );
        var storage = group.Storage;
        Assert.True(storage.FirstIndex.Value + 4 <= storage.Snapshot.Index.Value);
    }

    [Fact]
    public async Task ByBytes_ASnapshotIsTaken()
    {
        await using var cluster = await StartAsync(1, SnapshotOptions.Manual with { EveryBytes = 1_000 });
        var group = cluster.Nodes[0].Group;
        await SubmitAsync(cluster, 0, 5);
        Assert.Equal(LogIndex.Zero, group.Storage.Snapshot.Index);
        await cluster.ExecuteAsync(cluster.Nodes[0], new string('x', 2_000));
        await cluster.UntilAsync(() => group.Storage.Snapshot.Index != LogIndex.Zero, "a snapshot");
    }

    [Fact]
    public async Task OnRequest_ASnapshotIsTaken_WhichHoldsWhatWasApplied_WhileApplyingGoesOn()
    {
        var gate = new TaskCompletionSource();
        var store = new FileLogStore(PathOf(0));
        var machine = new SavedJournal(beforeWrite: () => gate.Task);
        await using var cluster = await StartAsync(1, SnapshotOptions.Manual, _ => machine, _ => store);
        var node = cluster.Nodes[0];
        await SubmitAsync(cluster, 0, 10);
        var saving = node.Group.TakeSnapshotAsync();
        await SubmitAsync(cluster, 10, 10);
        Assert.Equal(20, machine.Commands.Length);
        Assert.False(saving.IsCompleted);
        gate.SetResult();
        var position = await saving.Soon("the snapshot is durable");
        await cluster.UntilAsync(() => node.Group.Storage.Snapshot == position, "the group knows it");

        await using var stored = await store.Snapshots.OpenAsync();
        Assert.NotNull(stored);
        Assert.Equal(position, stored.Info.Position);
        var restored = new SavedJournal();
        // After the head of a table with one proposer.
        stored.Content.Position = 13 + 72;
        await restored.RestoreSnapshotAsync(stored.Content, CancellationToken.None);
        Assert.Equal(machine.Commands[..10], restored.Commands);
    }

    [Fact]
    public async Task WhereNothingIsNew_TheLastSnapshotIsTheAnswer()
    {
        await using var cluster = await StartAsync(1, SnapshotOptions.Manual);
        var group = cluster.Nodes[0].Group;
        await SubmitAsync(cluster, 0, 3);
        var first = await group.TakeSnapshotAsync().Soon("a snapshot");
        Assert.Equal(first, await group.TakeSnapshotAsync().Soon("the same again"));
    }

    [Fact]
    public async Task AMachineThatThrows_FailsTheSnapshot_AndNothingElse()
    {
        var machine = new SavedJournal();
        await using var cluster = await StartAsync(1, SnapshotOptions.Manual, _ => machine);
        var group = cluster.Nodes[0].Group;
        await SubmitAsync(cluster, 0, 3);
        machine.Fault = new InvalidOperationException("no room");
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            group.TakeSnapshotAsync().Soon("a failure")
        );
        Assert.Equal("no room", failure.Message);
        await SubmitAsync(cluster, 3, 3);
        Assert.Equal(group.LogPosition, await group.TakeSnapshotAsync().Soon("a snapshot"));
    }

    [Fact]
    public async Task MembersRestart_FromTheirSnapshots_AndTheLogsAfterThem()
    {
        await using var cluster = await StartAsync(3, SnapshotOptions.Manual, stores: NewStore);
        await SubmitAsync(cluster, 0, 30);
        await cluster.ConvergedAsync(static commands => commands.Length == 30, "all have all");
        foreach (var node in cluster.Nodes)
        {
            await node.Group.TakeSnapshotAsync().Soon("a snapshot");
        }

        await SubmitAsync(cluster, 30, 30);
        var before = await cluster.ConvergedAsync(static commands => commands.Length == 60, "all have all");
        var peers = cluster.Nodes.Select(static node => node.Id).ToArray();
        foreach (var node in cluster.Nodes)
        {
            await node.StopAsync().Soon("the node stops");
        }

        for (var place = 0; place < 3; place++)
        {
            var node = await cluster.StartNodeAsync(peers[place]);
            Join(cluster, node, SnapshotOptions.Manual, new SavedJournal(), new FileLogStore(PathOf(place)));
        }

        await cluster.OnlineAsync();
        var after = await cluster.ConvergedAsync(
            static commands => commands.Length == 60,
            "all have all again"
        );
        Assert.Equal(before, after);
        Assert.All(cluster.Living, static node => Assert.Equal(1, ((SavedJournal)node.Machine).Restores));
        await SubmitAsync(cluster, 60, 10);
        await cluster.ConvergedAsync(static commands => commands.Length == 70, "and go on");
    }

    [Theory]
    [InlineData(Carrier.InProcess)]
    [InlineData(Carrier.Tls)]
    public async Task ANewcomer_GetsASnapshot_WhileCommandsStream(Carrier carrier)
    {
        await using var cluster = await StartAsync(3, s_often, carrier: carrier, paddingBytes: 5_000_000);
        using var stop = new CancellationTokenSource();
        var streaming = StreamAsync(cluster, stop.Token);
        await cluster.UntilAsync(
            () => cluster.Nodes.All(static node => node.Group.Storage.FirstIndex.Value > 20),
            "every log has forgotten its beginning"
        );
        var newcomer = await cluster.StartNodeAsync();
        Join(cluster, newcomer, s_often, new SavedJournal(5_000_000));
        await cluster.AwaitAsync(newcomer.Group.When.Online(), "the newcomer is online");
        await stop.CancelAsync();
        var count = await streaming;
        await cluster.ConvergedAsync(commands => commands.Length == count, "all have all");
        Assert.True(((SavedJournal)newcomer.Machine).Restores > 0);
        Assert.True(newcomer.Group.Storage.FirstIndex.Value > 1);
        await SubmitAsync(cluster, count, 5);
        await cluster.ConvergedAsync(commands => commands.Length == count + 5, "and go on");
    }

    [Fact]
    public async Task ATransferThatBreaksOff_GoesOn_WhereItWas()
    {
        const int Padding = 12_000_000;
        await using var cluster = await StartAsync(
            3,
            SnapshotOptions.Manual with
            {
                EntriesKept = 0,
            },
            paddingBytes: Padding
        );
        await SubmitAsync(cluster, 0, 10);
        foreach (var node in cluster.Nodes)
        {
            await node.Group.TakeSnapshotAsync().Soon("a snapshot");
        }

        var store = new CountingStore();
        var newcomer = await cluster.StartNodeAsync();
        Join(cluster, newcomer, SnapshotOptions.Manual, new SavedJournal(Padding), store);
        await cluster.UntilAsync(() => store.Received > 2_000_000, "a part has come");
        store.Gate = new TaskCompletionSource();
        foreach (var node in cluster.Nodes.Take(3))
        {
            cluster.Break(node, newcomer);
        }

        await cluster.UntilAsync(
            () => newcomer.Group.Bonds.Count == 0 || store.IsWaiting,
            "the links are gone"
        );
        store.Gate.SetResult();
        await cluster.AwaitAsync(newcomer.Group.When.Online(), "the newcomer is online");
        await cluster.ConvergedAsync(static commands => commands.Length == 10, "all have all");
        // Not a byte came twice.
        Assert.Equal(store.Length, store.Received);
    }

    [Fact]
    public async Task AMemberThatIsALittleBehind_CatchesUpByEntries()
    {
        var options = s_often with { EntriesKept = 1_000 };
        await using var cluster = await StartAsync(3, options);
        var leader = await cluster.LeaderAsync();
        var behind = cluster.Nodes.First(node => node != leader);
        cluster.Cut(behind);
        await SubmitAsync(cluster, 0, 60, leader);
        await cluster.UntilAsync(
            () => leader.Group.Storage.Snapshot.Index != LogIndex.Zero,
            "the leader has a snapshot"
        );
        cluster.Heal(behind);
        await cluster.ConvergedAsync(static commands => commands.Length == 60, "all have all");
        Assert.Equal(0, ((SavedJournal)behind.Machine).Restores);
    }

    [Fact]
    public async Task AMachineWithoutSnapshots_KeepsItsWholeLog()
    {
        await using var cluster = await StartAsync(1, s_often, static _ => new Journal());
        var group = cluster.Nodes[0].Group;
        await SubmitAsync(cluster, 0, 60);
        Assert.Equal(1UL, group.Storage.FirstIndex.Value);
        var refusal = await Assert.ThrowsAsync<NotSupportedException>(() => group.TakeSnapshotAsync());
        Assert.Contains(nameof(ISnapshotMachine), refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AMachineWithoutSnapshots_IsRefused_ALogThatHasForgottenItsBeginning()
    {
        var end = await RestartAfterSnapshotAsync(static () => { }, new Journal());
        Assert.Equal(TerminationReason.SnapshotsUnsupported, end.Reason);
        Assert.Contains(nameof(ISnapshotMachine), end.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AMachineWithoutSnapshots_RefusesOne_BeforeAByteOfItIsKept()
    {
        await using var cluster = await StartAsync(1, s_often);
        await SubmitAsync(cluster, 0, 30);
        await cluster.UntilAsync(
            () => cluster.Nodes[0].Group.Storage.FirstIndex.Value > 1,
            "the log has forgotten its beginning"
        );
        var store = new CountingStore();
        var newcomer = await cluster.StartNodeAsync();
        Join(cluster, newcomer, s_often, new Journal(), store);
        var end = await Assert.ThrowsAsync<GroupTerminatedException>(() =>
            newcomer.Group.When.Online().Soon("the group ends")
        );
        Assert.Equal(TerminationReason.SnapshotsUnsupported, end.Reason);
        Assert.Contains(nameof(ISnapshotMachine), end.Message, StringComparison.Ordinal);
        Assert.Equal(0, store.Received);
        await SubmitAsync(cluster, 30, 5);
    }

    [Fact]
    public async Task ADamagedSnapshot_IsRefused_WithASentence()
    {
        var end = await RestartAfterSnapshotAsync(
            () =>
            {
                foreach (var file in _root.GetFiles("snapshot-*", SearchOption.AllDirectories))
                {
                    using var stream = file.Open(FileMode.Open);
                    stream.Position = 70;
                    stream.WriteByte(0xAA);
                }
            },
            new SavedJournal()
        );
        Assert.Equal(TerminationReason.StorageFailed, end.Reason);
        var refusal = Assert.IsType<StorageException>(end.InnerException);
        Assert.Equal(StorageFault.Corrupt, refusal.Fault);
    }

    [Fact]
    public void Options_SayWhatIsOutOfRange()
    {
        var builder = new GroupBuilder(null!, GroupKey.Generate());
        SnapshotOptions[] bad =
        [
            new() { EveryEntries = 0 },
            new() { EveryBytes = -1 },
            new() { EveryAge = TimeSpan.Zero },
            new() { EntriesKept = -1 },
        ];
        Assert.All(
            bad,
            options =>
                Assert.Contains(
                    "must be",
                    Assert.Throws<ArgumentOutOfRangeException>(() => builder.WithSnapshots(options)).Message,
                    StringComparison.Ordinal
                )
        );
    }

    /// <summary>A node with a snapshot and a shorter log stops, something happens, and it starts again.</summary>
    private async Task<GroupTerminatedException> RestartAfterSnapshotAsync(Action between, Journal machine)
    {
        await using var cluster = await StartAsync(
            1,
            SnapshotOptions.Manual with
            {
                EntriesKept = 0,
            },
            stores: NewStore
        );
        var node = cluster.Nodes[0];
        await SubmitAsync(cluster, 0, 10);
        await node.Group.TakeSnapshotAsync().Soon("a snapshot");
        await cluster.UntilAsync(() => node.Group.Storage.FirstIndex.Value > 1, "a shorter log");
        await node.StopAsync().Soon("the node stops");
        between();
        var next = await cluster.StartNodeAsync(node.Id);
        Join(cluster, next, SnapshotOptions.Manual, machine, new FileLogStore(PathOf(0)));
        var end = await Assert.ThrowsAsync<GroupTerminatedException>(() =>
            next.Group.When.Online().Soon("the group ends")
        );
        await next.StopAsync();
        return end;
    }

    private static async Task SubmitAsync(TestCluster cluster, int from, int count, TestNode? through = null)
    {
        for (var number = from; number < from + count; number++)
        {
            await cluster.ExecuteAsync(through ?? cluster.Living.First(), $"command {number}");
        }
    }

    /// <summary>Commands one after the other until told to stop; how many there were.</summary>
    private static async Task<int> StreamAsync(TestCluster cluster, CancellationToken stop)
    {
        var count = 0;
        while (!stop.IsCancellationRequested)
        {
            await cluster.ExecuteAsync(cluster.Nodes[0], $"command {count}");
            count++;
        }

        return count;
    }

    private static void Join(
        TestCluster cluster,
        TestNode node,
        SnapshotOptions options,
        Journal machine,
        ILogStorage? storage = null
    ) => node.Join(cluster.Key, cluster.Config, machine, storage, snapshots: options);

    private static Task<TestCluster> StartAsync(
        int nodes,
        SnapshotOptions options,
        Func<int, Journal>? machines = null,
        Func<int, ILogStorage>? stores = null,
        Carrier carrier = Carrier.InProcess,
        int paddingBytes = 0
    ) =>
        TestCluster.StartAsync(
            carrier,
            nodes,
            // Alone, a node waits an election timeout for nobody.
            nodes == 1
                ? null
                : TestCluster.Steady,
            join: (cluster, node) =>
            {
                var place = cluster.Nodes.ToList().IndexOf(node);
                var machine = machines?.Invoke(place) ?? new SavedJournal(paddingBytes);
                Join(cluster, node, options, machine, stores?.Invoke(place));
            }
        );

    private string PathOf(int place) =>
        Path.Combine(_root.FullName, FormattableString.Invariant($"node-{place}"));

    /// <summary>A founding that a busy machine has split is begun anew, with empty directories.</summary>
    private FileLogStore NewStore(int place)
    {
        if (Directory.Exists(PathOf(place)))
        {
            Directory.Delete(PathOf(place), recursive: true);
        }

        return new FileLogStore(PathOf(place));
    }
}
