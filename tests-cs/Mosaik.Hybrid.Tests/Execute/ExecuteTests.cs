using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Execute;

/// <summary>Commands take effect exactly once, in order, whoever submits them.</summary>
public sealed class ExecuteTests
{
    private const int Many = 400;

    [Theory]
    [InlineData(Carrier.InProcess)]
    [InlineData(Carrier.Tls)]
    public async Task Commands_OfOneHandle_TakeEffectInTheOrderOfTheCalls(Carrier carrier)
    {
        await using var cluster = await TestCluster.StartAsync(carrier, 3, TestCluster.Steady);
        var leader = await cluster.LeaderAsync();
        var follower = cluster.Nodes.First(node => node != leader);

        var calls = Enumerable
            .Range(0, Many)
            .SelectMany(number =>
                new[] { follower.Group.ExecuteAsync($"f{number}"), leader.Group.ExecuteAsync($"l{number}") }
            )
            .ToArray();
        var indexes = await cluster.AwaitAsync(Task.WhenAll(calls), "all commands take effect");

        var commands = await cluster.ConvergedAsync(
            static all => all.Length == 2 * Many,
            "everybody has all commands"
        );
        Assert.Equal(Numbered('f'), commands.Where(static text => text[0] == 'f'));
        Assert.Equal(Numbered('l'), commands.Where(static text => text[0] == 'l'));
        Assert.Equal(2 * Many, indexes.Distinct().Count());
        var byIndex = calls
            .Zip(indexes)
            .OrderBy(static pair => pair.Second)
            .Select(static pair => pair.Second);
        Assert.Equal(indexes.Order(), byIndex);
    }

    [Theory]
    [InlineData(Carrier.InProcess)]
    [InlineData(Carrier.Tls)]
    public async Task Commands_KeepTheirOrder_WhenTheLeaderDies(Carrier carrier)
    {
        await using var cluster = await TestCluster.StartAsync(carrier, 3);
        var leader = await cluster.LeaderAsync();
        var follower = cluster.Nodes.First(node => node != leader);
        var calls = new List<Task<LogIndex>>();
        for (var number = 0; number < Many; number++)
        {
            calls.Add(follower.Group.ExecuteAsync($"f{number}"));
            if (number == Many / 2)
            {
                await cluster.AwaitAsync(calls[0], "the first command takes effect");
                await leader.KillAsync();
            }
        }

        var refused = await RefusedAsync(cluster, follower, calls);

        var expected = Numbered('f').Where((_, number) => !refused.Contains(number)).ToArray();
        var commands = await cluster.ConvergedAsync(
            all => all.Length >= expected.Length,
            "the survivors have what was accepted"
        );
        Assert.Equal(expected, commands);
        Assert.True(refused.Count < Many, "The first half was accepted.");
    }

    [Fact]
    public async Task Commands_TakeEffectOnce_WhileBondsBreak()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 3);
        var calls = new List<Task>();
        for (var number = 0; number < 120; number++)
        {
            var node = cluster.Nodes[number % 3];
            calls.Add(cluster.ExecuteAsync(node, $"{number % 3}:{number}"));
            if (number % 20 == 10)
            {
                cluster.Break(cluster.Nodes[number / 20 % 3], cluster.Nodes[(number / 20 + 1) % 3]);
            }
        }

        await cluster.AwaitAsync(Task.WhenAll(calls), "all commands take effect");

        var commands = await cluster.ConvergedAsync(static all => all.Length >= 120, "everybody has all");
        Assert.Equal(120, commands.Length);
        Assert.Equal(120, commands.Distinct().Count());
    }

    [Fact]
    public async Task Batches_StandTogether_OneAfterTheOther()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 3, TestCluster.Steady);
        var calls = cluster
            .Nodes.SelectMany(node =>
                Enumerable
                    .Range(0, 20)
                    .Select(batch =>
                        node.Group.ExecuteManyAsync([
                            .. Enumerable.Range(0, 7).Select(place => $"{node.Id.Short}/{batch}/{place}"),
                        ])
                    )
            )
            .ToArray();

        var ranges = await cluster.AwaitAsync(Task.WhenAll(calls), "all batches take effect");

        var commands = await cluster.ConvergedAsync(static all => all.Length == 420, "everybody has all");
        Assert.All(ranges, static range => Assert.Equal(7, range.Count));
        foreach (var batch in commands.Chunk(7))
        {
            var name = batch[0][..batch[0].LastIndexOf('/')];
            Assert.Equal(Enumerable.Range(0, 7).Select(place => $"{name}/{place}"), batch);
        }
    }

    [Fact]
    public async Task Batches_AreAllOrNone_WhenTheLeaderDies()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 3);
        var leader = await cluster.LeaderAsync();
        var follower = cluster.Nodes.First(node => node != leader);
        var calls = new List<Task<LogRange>>();
        for (var batch = 0; batch < 60; batch++)
        {
            string[] commands = [.. Enumerable.Range(0, 5).Select(place => $"{batch}/{place}")];
            calls.Add(follower.Group.ExecuteManyAsync(commands));
            if (batch == 30)
            {
                await cluster.AwaitAsync(calls[0], "the first batch takes effect");
                await leader.KillAsync();
            }
        }

        var refused = await RefusedAsync(cluster, follower, calls);

        var accepted = Enumerable.Range(0, 60).Except(refused);
        var expected = accepted.SelectMany(static batch =>
            Enumerable.Range(0, 5).Select(place => $"{batch}/{place}")
        );
        Assert.Equal(
            expected,
            await cluster.ConvergedAsync(all => all.Length >= expected.Count(), "what was accepted")
        );
    }

    [Fact]
    public async Task Feed_GivesAPlace_WhereTheCommandTakesEffect()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 3, TestCluster.Steady);
        foreach (var node in cluster.Nodes)
        {
            var place = await cluster.AwaitAsync(node.Group.FeedAsync($"{node.Id.Short}"), "a place");
            await cluster.AwaitAsync(node.Group.When.Committed.Reaches(place), "the place is committed");
            var range = await cluster.AwaitAsync(node.Group.FeedManyAsync(["a", "b"]), "places");
            await cluster.AwaitAsync(node.Group.When.Committed.Reaches(range), "the places are committed");
            Assert.Equal(2, range.Count);
        }

        await cluster.ConvergedAsync(static all => all.Length == 9, "everybody has all");
    }

    [Fact]
    public async Task Cancelling_EndsTheWait_NotTheCommand()
    {
        using var gate = new ManualResetEventSlim();
        await using var cluster = await TestCluster.StartAsync(
            Carrier.InProcess,
            1,
            machines: _ => new Journal(_ => gate.Wait())
        );
        using var cancellation = new CancellationTokenSource();

        var call = cluster.Nodes[0].Group.ExecuteAsync("kept", cancellation.Token);
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.Soon("the wait ends"));
        gate.Set();
        await cluster.ConvergedAsync(static all => all is ["kept"], "the command takes effect all the same");
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            cluster.Nodes[0].Group.ExecuteAsync("never", cancellation.Token)
        );
    }

    [Fact]
    public async Task AFlood_IsRefused_AndTheGroupRecovers()
    {
        using var gate = new ManualResetEventSlim();
        await using var cluster = await TestCluster.StartAsync(
            Carrier.InProcess,
            1,
            machines: _ => new Journal(_ => gate.Wait())
        );
        var group = cluster.Nodes[0].Group;
        string[] batch = [.. Enumerable.Repeat("x", 4_096)];
        var calls = Enumerable.Range(0, 16).Select(_ => group.FeedManyAsync(batch)).ToArray();

        var refused = await Assert.ThrowsAsync<GroupOverloadedException>(() => group.ExecuteAsync("more"));

        Assert.Equal(["more"], refused.CommandsOf<string>());
        gate.Set();
        await cluster.AwaitAsync(Task.WhenAll(calls), "what was accepted gets places");
        await cluster.UntilAsync(
            () => cluster.Nodes[0].Machine.Commands.Length == 65_536,
            "the flood is over"
        );
        await cluster.UntilAsync(
            () => cluster.Nodes[0].Group.Committed.Value >= 65_536,
            "the window is empty"
        );
        await cluster.ExecuteAsync(cluster.Nodes[0], "after");
        Assert.Equal("after", cluster.Nodes[0].Machine.Commands[^1]);
    }

    [Fact]
    public async Task AStoreThatTakesItsTime_LosesNothing()
    {
        await using var cluster = await TestCluster.StartAsync(
            Carrier.InProcess,
            3,
            stores: static _ => new FaultyStore()
        );

        var calls = Enumerable
            .Range(0, 300)
            .Select(number => cluster.ExecuteAsync(cluster.Nodes[number % 3], $"{number}"));
        await cluster.AwaitAsync(Task.WhenAll(calls), "all commands take effect");

        var commands = await cluster.ConvergedAsync(static all => all.Length >= 300, "everybody has all");
        Assert.Equal(300, commands.Length);
    }

    /// <summary>Which calls were refused; the others took effect, once their fate was asked for.</summary>
    private static async Task<HashSet<int>> RefusedAsync<T>(
        TestCluster cluster,
        TestNode node,
        IReadOnlyList<Task<T>> calls
    )
    {
        var refused = new HashSet<int>();
        for (var number = 0; number < calls.Count; number++)
        {
            try
            {
                await cluster.AwaitAsync(calls[number], $"an outcome of call {number}");
            }
            catch (GroupOfflineException)
            {
                refused.Add(number);
            }
            catch (OutcomeUnknownException unknown)
            {
                await cluster.AwaitAsync(node.Group.OutcomeAsync(unknown.Id), $"the fate of {unknown.Id}");
            }
        }

        return refused;
    }

    private static IEnumerable<string> Numbered(char letter) =>
        Enumerable.Range(0, Many).Select(number => $"{letter}{number}");
}
