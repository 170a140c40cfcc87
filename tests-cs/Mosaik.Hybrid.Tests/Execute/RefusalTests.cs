using System.Buffers;
using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Execute;

/// <summary>What can't be submitted is refused at once, and handed back.</summary>
public sealed class RefusalTests
{
    [Fact]
    public async Task Execute_WhileOffline_ReturnsTheCommands()
    {
        await using var cluster = await TestCluster.OfNodesAsync(Carrier.InProcess, 3);
        cluster.Nodes[0].Join(cluster.Key, cluster.Config);
        var group = cluster.Nodes[0].Group;

        var one = await Assert.ThrowsAsync<GroupOfflineException>(() =>
            group.ExecuteAsync("one").Soon("the refusal")
        );
        var many = await Assert.ThrowsAsync<GroupOfflineException>(() =>
            group.FeedManyAsync(["two", "three"]).Soon("the refusal")
        );

        Assert.Equal(["one"], one.CommandsOf<string>());
        Assert.Equal(["two", "three"], many.CommandsOf<string>());
        Assert.False(group.IsOnline);
        Assert.Null(group.Leader);
    }

    [Fact]
    public async Task TooLargeACommand_IsRefused_AndNamesTheLimit()
    {
        await using var cluster = await TestCluster.StartAsync(
            Carrier.InProcess,
            1,
            static config => config.WithCommandBytesMax(100)
        );
        var group = cluster.Nodes[0].Group;
        var large = new string('x', 99);

        var refused = await Assert.ThrowsAsync<CommandTooLargeException>(() =>
            group.ExecuteManyAsync(["small", large])
        );

        Assert.Equal(101, refused.Length);
        Assert.Equal(100, refused.LengthMax);
        Assert.Equal(["small", large], refused.CommandsOf<string>());
        await cluster.ExecuteAsync(cluster.Nodes[0], new string('x', 98));
        Assert.Single(cluster.Nodes[0].Machine.Commands);
    }

    [Fact]
    public async Task TheLargestCommands_PassThroughAFollower()
    {
        await using var cluster = await TestCluster.StartAsync(
            Carrier.Tls,
            3,
            static config => config.WithCommandBytesMax(8 * 1024 * 1024)
        );
        var leader = await cluster.LeaderAsync();
        var follower = cluster.Nodes.First(node => node != leader);

        await cluster.ExecuteAsync(follower, new string('x', (8 * 1024 * 1024) - 2));

        await cluster.ConvergedAsync(static all => all is [{ Length: 8388606 }], "everybody has it");
    }

    [Fact]
    public async Task AnEmptyBatch_IsRefused()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 1);
        var group = cluster.Nodes[0].Group;

        await Assert.ThrowsAsync<NoCommandsException>(() => group.ExecuteManyAsync([]));
        await Assert.ThrowsAsync<NoCommandsException>(() => group.FeedManyAsync([]));
    }

    [Fact]
    public async Task ABatchThatWouldNeverFit_IsRefused()
    {
        await using var cluster = await TestCluster.StartAsync(
            Carrier.InProcess,
            1,
            static config => config.WithEntriesUncommittedMax(4)
        );
        var group = cluster.Nodes[0].Group;

        await Assert.ThrowsAsync<ArgumentException>(() => group.ExecuteManyAsync(["1", "2", "3", "4", "5"]));

        var calls = Enumerable.Range(0, 50).Select(_ => group.ExecuteManyAsync(["1", "2", "3", "4"]));
        await cluster.AwaitAsync(Task.WhenAll(calls), "batches that just fit take effect");
    }

    [Fact]
    public async Task ACodecThatThrows_RefusesTheCommand()
    {
        await using var cluster = await TestCluster.OfNodesAsync(Carrier.InProcess, 1);
        var group = cluster
            .Nodes[0]
            .Network.Groups.WithKey(cluster.Key)
            .WithConsensusConfig(cluster.Config)
            .WithStateMachine(new Journal())
            .WithCommandCodec(new PickyCodec())
            .Join();
        await cluster.AwaitAsync(group.When.Online(), "online");

        var refused = await Assert.ThrowsAsync<CommandEncodingException>(() => group.ExecuteAsync("bad"));

        Assert.IsType<NotSupportedException>(refused.InnerException);
        await cluster.AwaitAsync(group.ExecuteAsync("good"), "a good command");
        var ended = group.When.Offline();
        await Assert.ThrowsAsync<GroupTerminatedException>(() =>
            group.ExecuteAsync("unreadable").Soon("the end")
        );
        var end = await Assert.ThrowsAsync<GroupTerminatedException>(() => ended.Soon("the end"));
        Assert.Equal(TerminationReason.MachineFailed, end.Reason);
    }

    private sealed class PickyCodec : ICommandCodec<string>
    {
        public string Name => "picky/1";

        public void Encode(string value, IBufferWriter<byte> output)
        {
            if (value == "bad")
            {
                throw new NotSupportedException("no bad commands");
            }

            output.Write(value == "unreadable" ? [(byte)0] : "fine"u8);
        }

        public string Decode(ReadOnlyMemory<byte> bytes) =>
            bytes.Span[0] == 0 ? throw new FormatException("no such command") : "fine";
    }
}
