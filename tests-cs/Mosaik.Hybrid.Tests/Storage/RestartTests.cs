using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Storage;

/// <summary>Nodes with their logs on disk: whoever comes back is the member that it was, and nothing is missing.</summary>
public sealed class RestartTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("mosaik-restart-");

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public async Task AnyMember_ThatLeavesAndComesBack_IsTheMemberThatItWas()
    {
        await using var cluster = await StartAsync();
        var founders = cluster.Nodes[0].Group.Members.Voters;
        for (var place = 0; place < 3; place++)
        {
            var victim = cluster.Nodes[place];
            await cluster.ExecuteAsync(victim, $"before {place}");
            var before = await StopAsync(victim, place);
            var others = cluster.Living.ToArray();
            await cluster.LeaderAsync(others);
            await cluster.ExecuteAsync(others[0], $"without {place}");

            var back = await cluster.RestartAsync(victim.Id, Store(place));
            await cluster.OnlineAsync();
            await cluster.ExecuteAsync(back, $"after {place}");

            await cluster.VotersAreAsync(founders);
            await cluster.ConvergedAsync(
                commands => commands.Length == (place + 1) * 3,
                "every node has every command"
            );
            Assert.True(back.Group.Term >= before.CurrentTerm);
        }
    }

    [Theory]
    [InlineData(new[] { 0, 1, 2 }, new[] { 0, 1, 2 })]
    [InlineData(new[] { 2, 0, 1 }, new[] { 1, 0, 2 })]
    [InlineData(new[] { 1, 2, 0 }, new[] { 2, 1, 0 })]
    public async Task AllMembers_StoppedAndStarted_InAnyOrder_GoOn(int[] stops, int[] starts)
    {
        await using var cluster = await StartAsync();
        var founders = cluster.Nodes[0].Group.Members.Voters;
        for (var count = 0; count < 20; count++)
        {
            await cluster.ExecuteAsync(cluster.Nodes[count % 3], $"{count}");
        }

        var expected = await cluster.ConvergedAsync(static commands => commands.Length == 20, "all have all");
        var peers = cluster.Nodes.Select(static node => node.Id).ToArray();
        var before = new HardState[3];
        foreach (var place in stops)
        {
            before[place] = await StopAsync(cluster.Nodes[place], place);
        }

        foreach (var place in starts)
        {
            await cluster.RestartAsync(peers[place], Store(place));
        }

        await cluster.OnlineAsync();
        var leader = await cluster.LeaderAsync();
        await cluster.VotersAreAsync(founders);
        await cluster.ExecuteAsync(leader, "again");
        var after = await cluster.ConvergedAsync(
            static commands => commands.Length == 21,
            "all have all again"
        );
        Assert.Equal([.. expected, "again"], after);
        foreach (var node in cluster.Living.ToArray())
        {
            var place = Array.IndexOf(peers, node.Id);
            var now = await StopAsync(node, place);
            Assert.Equal(before[place].Member, now.Member);
            Assert.Equal(before[place].Lineage, now.Lineage);
            Assert.Equal(before[place].Session + 1, now.Session);
            Assert.True(now.CurrentTerm > before[place].CurrentTerm);
        }
    }

    [Fact]
    public async Task AWipedDisk_IsANewMember_InThePlaceOfTheOldOne()
    {
        await using var cluster = await StartAsync();
        var victim = cluster.Nodes[1];
        await cluster.ExecuteAsync(victim, "kept by the others");
        var before = await StopAsync(victim, 1);
        Directory.Delete(PathOf(1), recursive: true);
        var back = await cluster.RestartAsync(victim.Id, Store(1));
        await cluster.OnlineAsync();
        await cluster.UntilAsync(
            () => back.Group.Members.Voters.Any(member => member.Peer == back.Id),
            "the others take it in, and give it a vote once it has the log"
        );
        var voter = Assert.Single(back.Group.Members.Voters, member => member.Peer == back.Id);
        Assert.NotEqual(before.Member.Incarnation, voter.Incarnation);
        Assert.DoesNotContain(before.Member, back.Group.Members.All);
        await cluster.ConvergedAsync(static commands => commands is ["kept by the others"], "it has the log");
    }

    [Fact]
    public async Task AStoreOfAnotherPeer_IsRefused_WithASentence()
    {
        await using var cluster = await StartAsync();
        await StopAsync(cluster.Nodes[0], 0);
        var stranger = await cluster.StartNodeAsync();
        stranger.Join(cluster.Key, cluster.Config, storage: Store(0));
        var refusal = await RefusalAsync(stranger);
        Assert.Equal(StorageFault.Foreign, refusal.Fault);
        Assert.Contains(
            "Start the node with the identity file that it had",
            refusal.Message,
            StringComparison.Ordinal
        );
        await stranger.StopAsync();
    }

    [Fact]
    public async Task AStoreOfAnotherGroup_IsRefused_WithASentence()
    {
        await using var cluster = await StartAsync();
        var peer = cluster.Nodes[0].Id;
        await StopAsync(cluster.Nodes[0], 0);
        var node = await cluster.StartNodeAsync(peer);
        node.Join(GroupKey.Generate(), cluster.Config, storage: Store(0));
        var refusal = await RefusalAsync(node);
        Assert.Equal(StorageFault.Foreign, refusal.Fault);
        Assert.Contains("a directory of its own", refusal.Message, StringComparison.Ordinal);
        await node.StopAsync();
    }

    [Fact]
    public async Task AStoreInUse_IsRefused_WithASentence()
    {
        await using var cluster = await StartAsync();
        var node = await cluster.StartNodeAsync();
        node.Join(cluster.Key, cluster.Config, storage: Store(0));
        var refusal = await RefusalAsync(node);
        Assert.Equal(StorageFault.Locked, refusal.Fault);
        Assert.Contains("Stop it", refusal.Message, StringComparison.Ordinal);
        await node.StopAsync();
    }

    [Fact]
    public async Task ALogShorterThanWasAcknowledged_IsRefused_ByAnyStore()
    {
        await using var cluster = await TestCluster.OfNodesAsync(Carrier.InProcess, 1);
        var node = cluster.Nodes[0];
        var hard = new HardState(
            new MemberId(node.Id, new Incarnation(new Bytes16(1, 2))),
            4,
            new Lineage(new Bytes16(3, 4)),
            new Term(7),
            null,
            new LogPosition(new Term(7), new LogIndex(9))
        );
        node.Join(cluster.Key, cluster.Config, storage: new ForgetfulStore(hard));
        var refusal = await RefusalAsync(node);
        Assert.Equal(StorageFault.Lost, refusal.Fault);
        Assert.Contains("had acknowledged 7/9", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("give the node an empty store", refusal.Message, StringComparison.Ordinal);
    }

    private static async Task<StorageException> RefusalAsync(TestNode node)
    {
        var end = await Assert.ThrowsAsync<GroupTerminatedException>(() =>
            node.Group.When.Online().Soon("the group ends")
        );
        Assert.Equal(TerminationReason.StorageFailed, end.Reason);
        return Assert.IsType<StorageException>(end.InnerException);
    }

    private string PathOf(int place) =>
        Path.Combine(_root.FullName, FormattableString.Invariant($"node-{place}"));

    private FileLogStore Store(int place) =>
        new(PathOf(place), new FileLogOptions { SegmentBytes = 1 << 20 });

    /// <summary>Stops a node, and says what its store holds then.</summary>
    private async Task<HardState> StopAsync(TestNode node, int place)
    {
        await node.StopAsync().Soon("the node stops");
        var report = await FileLogStore.InspectAsync(PathOf(place));
        Assert.Empty(report.Damages);
        Assert.True(report.IsClosed);
        Assert.NotNull(report.Hard);
        return report.Hard;
    }

    private Task<TestCluster> StartAsync() => TestCluster.StartAsync(Carrier.InProcess, 3, stores: NewStore);

    /// <summary>A founding that a busy machine has split is begun anew, with empty directories.</summary>
    private FileLogStore NewStore(int place)
    {
        if (Directory.Exists(PathOf(place)))
        {
            Directory.Delete(PathOf(place), recursive: true);
        }

        return Store(place);
    }

    /// <summary>Remembers its hard state, and has lost its log.</summary>
    private sealed class ForgetfulStore(HardState hard) : ILogStorage
    {
        private readonly InMemoryLogStore _inner = new();

        public bool IsVolatile => false;

        public ISnapshotStorage Snapshots => _inner.Snapshots;

        public StorageHealth Health => _inner.Health;

        public async ValueTask<StoredLog> OpenAsync(
            PeerId peer,
            GroupId group,
            CancellationToken cancellationToken = default
        )
        {
            await _inner.OpenAsync(peer, group, cancellationToken);
            return new StoredLog(hard, LogPosition.Zero, LogPosition.Zero, [], [], []);
        }

        public ValueTask WriteAsync(LogWriteBatch batch, CancellationToken cancellationToken = default) =>
            _inner.WriteAsync(batch, cancellationToken);

        public ValueTask<ReadOnlyMemory<LogEntry>> ReadAsync(
            LogRange range,
            int bytesMax,
            CancellationToken cancellationToken = default
        ) => _inner.ReadAsync(range, bytesMax, cancellationToken);

        public ValueTask CompactAsync(LogPosition through, CancellationToken cancellationToken = default) =>
            _inner.CompactAsync(through, cancellationToken);

        public ValueTask DisposeAsync() => _inner.DisposeAsync();
    }
}
