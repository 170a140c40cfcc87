using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Query;

/// <summary>Strong answers reflect everything that was acknowledged before; weak ones are always to be had.</summary>
public sealed class QueryTests
{
    [Theory]
    [InlineData(Carrier.InProcess)]
    [InlineData(Carrier.Tls)]
    public async Task AStrongAnswer_ReflectsWhatWasAcknowledgedElsewhere(Carrier carrier)
    {
        await using var cluster = await TestCluster.StartAsync(carrier, 3);
        for (var number = 0; number < 60; number++)
        {
            await cluster.ExecuteAsync(cluster.Nodes[number % 3], $"{number}");

            var answer = await cluster.AskStronglyAsync(cluster.Nodes[(number + 1) % 3]);

            Assert.Equal($"{number}", answer.Result[^1]);
        }
    }

    [Fact]
    public async Task ManyStrongQueries_AreAnswered()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 3);
        await cluster.ExecuteAsync(cluster.Nodes[0], "one");

        var answers = await cluster.AwaitAsync(
            Task.WhenAll(
                Enumerable
                    .Range(0, 3_000)
                    .Select(number => cluster.AskStronglyAsync(cluster.Nodes[number % 3]))
            ),
            "all are answered"
        );

        Assert.All(answers, static answer => Assert.Equal(["one"], answer.Result));
    }

    [Fact]
    public async Task AQueryThatThrows_FailsAlone()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 1);
        var group = cluster.Nodes[0].Group;
        foreach (var consistency in new[] { Consistency.Weak, Consistency.Strong })
        {
            var failed = await Assert.ThrowsAsync<QueryFailedException>(() =>
                group.QueryAsync(Journal.BadQuestion, consistency).Soon("the failure")
            );
            Assert.False(failed.TimedOut);
            Assert.IsType<InvalidOperationException>(failed.InnerException);
        }

        await cluster.ExecuteAsync(cluster.Nodes[0], "goes on");
        Assert.Equal(["goes on"], (await cluster.AskStronglyAsync(cluster.Nodes[0])).Result);
    }

    [Theory]
    [InlineData(Carrier.InProcess)]
    [InlineData(Carrier.Tls)]
    public async Task WhileOffline_WeakQueriesAreAnswered_AndStrongOnesFail(Carrier carrier)
    {
        await using var cluster = await TestCluster.StartAsync(carrier, 3);
        await cluster.ExecuteAsync(cluster.Nodes[0], "before");
        await cluster.ConvergedAsync(static all => all is ["before"], "everybody has it");
        var alone = cluster.Nodes[1];
        cluster.Cut(alone);
        await cluster.AwaitAsync(alone.Group.When.Offline(), "the cut is noticed");

        var weak = await cluster.AwaitAsync(alone.Group.QueryAsync(0, Consistency.Weak), "a weak answer");
        var failed = await Assert.ThrowsAsync<QueryFailedException>(() =>
            alone.Group.QueryAsync(0, Consistency.Strong).Soon("the failure")
        );

        Assert.Equal(["before"], weak.Result);
        Assert.True(failed.TimedOut);
    }

    [Fact]
    public async Task BeforeTheGroupExists_WeakQueriesAreAnswered()
    {
        await using var cluster = await TestCluster.OfNodesAsync(Carrier.InProcess, 3);
        cluster.Nodes[0].Join(cluster.Key, cluster.Config);

        var answer = await cluster.Nodes[0].Group.QueryAsync(0, Consistency.Weak).Soon("a weak answer");

        Assert.Empty(answer.Result);
        Assert.Equal(LogPosition.Zero, answer.Position);
    }

    [Fact]
    public async Task AStrongQuery_TimesOut_WhenTheMachineDoesNotGetThere()
    {
        using var gate = new ManualResetEventSlim();
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var cluster = await TestCluster.StartAsync(
            Carrier.InProcess,
            1,
            machines: _ => new Journal(_ =>
            {
                begun.TrySetResult();
                gate.Wait();
            })
        );
        var group = cluster.Nodes[0].Group;
        var stuck = group.ExecuteAsync("stuck");
        await cluster.AwaitAsync(begun.Task, "the machine is busy");

        var failed = await Assert.ThrowsAsync<QueryFailedException>(() =>
            group.QueryAsync(0, Consistency.Strong).Soon("the failure")
        );

        Assert.True(failed.TimedOut);
        gate.Set();
        await cluster.AwaitAsync(stuck, "the command takes effect");
    }

    [Fact]
    public async Task AnUnknownConsistency_IsRefused()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 1);

        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() =>
            cluster.Nodes[0].Group.QueryAsync(0, (Consistency)7)
        );
    }
}
