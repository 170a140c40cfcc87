using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Mosaik.Hybrid.Hosting.Tests.Support;
using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Hosting.Tests;

/// <summary>A job runs on the leader, and nowhere else.</summary>
public sealed class LeaderServiceTests
{
    [Fact]
    public async Task TheJobMovesWhenItsHostStops()
    {
        await using var hosts = new TestHosts(3);
        var jobs = await StartThreeAsync(hosts);
        var leader = await LeaderAsync(hosts);
        var first = await jobs[leader].NextAsync();
        Assert.Equal(TestHosts.Group, first.Leadership.Group);
        Assert.Equal((long)TestHosts.GroupOf(leader).Term.Value, first.Number);

        await hosts.StopAsync(leader);
        await first.Cancelled.Soon("the job is told to stop");
        var next = await LeaderAsync(hosts);
        Assert.NotSame(leader, next);
        var second = await jobs[next].NextAsync();
        Assert.True(second.Number > first.Number, $"{second.Number} after {first.Number}");
        Assert.All(hosts.All.Where(host => host != next), host => Assert.Equal(0, jobs[host].Waiting));
    }

    [Fact]
    public async Task TheJobOfALeaderThatIsCutOffIsToldToStop()
    {
        await using var hosts = new TestHosts(3);
        var jobs = await StartThreeAsync(hosts);
        var leader = await LeaderAsync(hosts);
        var first = await jobs[leader].NextAsync();
        Assert.False(first.Cancelled.IsCompleted);

        hosts.Wire.Isolate(TestHosts.PeerOf(leader));
        await first.Cancelled.Soon("the job is told to stop");
        var others = hosts.All.Where(host => host != leader).ToArray();
        var second = await (await Task.WhenAny(others.Select(host => jobs[host].NextAsync())));
        Assert.True(second.Number > first.Number, $"{second.Number} after {first.Number}");
    }

    [Fact]
    public async Task AJobThatIsDoneRunsOnceForEachLeadership()
    {
        await using var hosts = new TestHosts(3);
        var jobs = await StartThreeAsync(hosts, static job => job.Work = static _ => Task.CompletedTask);
        var leader = await LeaderAsync(hosts);
        var first = await jobs[leader].NextAsync();
        var group = TestHosts.GroupOf(leader);

        // Whatever the runner does after the job has come and gone while commands take effect.
        await group.ExecuteAsync(1).Soon("a command takes effect");
        Assert.Equal((0, (ulong)first.Number), (jobs[leader].Waiting, group.Term.Value));

        hosts.Wire.Isolate(TestHosts.PeerOf(leader));
        await group.When.IsFollower().Soon("the leader steps down");
        hosts.Wire.HealAll();
        var others = hosts.All.Select(host => jobs[host].NextAsync()).ToArray();
        var second = await (await Task.WhenAny(others));
        Assert.True(second.Number > first.Number, $"{second.Number} after {first.Number}");
    }

    [Fact]
    public async Task AJobThatFailsAfterItWasToldToStopRunsAgain()
    {
        await using var hosts = new TestHosts(2);
        var job = new Job
        {
            Work = static async cancellationToken =>
            {
                var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                await using var registration = cancellationToken.Register(() => stopped.TrySetResult());
                await stopped.Task;
                throw new InvalidOperationException("its connection was closed");
            },
        };
        var pair = await StartPairAsync(hosts, job);
        var first = await job.NextAsync();
        await LoseTheLeadAsync(pair, hosts, first);
        hosts.Wire.HealAll();
        var second = await job.NextAsync();
        Assert.True(second.Number > first.Number, $"{second.Number} after {first.Number}");
    }

    [Fact]
    public async Task AJobThatFailsStopsItsHost()
    {
        await using var hosts = new TestHosts(1);
        var job = new Job { Work = static _ => throw new InvalidOperationException("a bug") };
        var host = await hosts.StartAsync(mosaik => Add(mosaik, job));
        var stopping = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = host
            .Services.GetRequiredService<IHostApplicationLifetime>()
            .ApplicationStopping.Register(stopping.SetResult);
        await stopping.Task.Soon("the host stops");
    }

    [Fact]
    public async Task RunsOnOneNodeNeverOverlap()
    {
        await using var hosts = new TestHosts(2);
        var letGo = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        // Deaf to its token: it ends when the test says so.
        var job = new Job { Work = _ => letGo.Task };
        var pair = await StartPairAsync(hosts, job);
        var first = await job.NextAsync();
        await LoseTheLeadAsync(pair, hosts, first);
        hosts.Wire.HealAll();
        var term = await TestHosts.GroupOf(pair).When.Leads().Soon("the node leads again");
        Assert.True((long)term.Value > first.Number);
        Assert.Equal(0, job.Waiting);

        letGo.SetResult();
        var second = await job.NextAsync();
        Assert.True(second.Number > first.Number, $"{second.Number} after {first.Number}");
    }

    /// <summary>Two hosts, of which the one that is returned leads whenever there is a leader.</summary>
    private static async Task<IHost> StartPairAsync(TestHosts hosts, Job job)
    {
        var leader = await hosts.StartAsync(mosaik => Add(mosaik, job));
        await hosts.StartAsync(
            settings: new()
            {
                [$"Mosaik:Groups:{TestHosts.Group}:Consensus:Preference"] = "Reluctant",
                [$"Mosaik:Groups:{TestHosts.Group}:Consensus:ReluctanceFactor"] = "100",
            }
        );
        return leader;
    }

    private static async Task LoseTheLeadAsync(IHost leader, TestHosts hosts, Job.Run run)
    {
        hosts.Wire.Isolate(TestHosts.PeerOf(leader));
        await TestHosts.GroupOf(leader).When.IsFollower().Soon("the leader steps down");
        await run.Cancelled.Soon("the job is told to stop");
    }

    private static MosaikBuilder Add(MosaikBuilder mosaik, Job job)
    {
        mosaik.Services.AddSingleton(job);
        return mosaik.AddLeaderService<Job>(TestHosts.Group);
    }

    private static async Task<Dictionary<IHost, Job>> StartThreeAsync(
        TestHosts hosts,
        Action<Job>? prepare = null
    )
    {
        var jobs = new Dictionary<IHost, Job>();
        for (var place = 0; place < 3; place++)
        {
            var job = new Job();
            prepare?.Invoke(job);
            jobs.Add(await hosts.StartAsync(mosaik => Add(mosaik, job)), job);
        }

        return jobs;
    }

    private static async Task<IHost> LeaderAsync(TestHosts hosts)
    {
        IHost? leader = null;
        await Waiting.Until(
            () =>
            {
                leader = hosts.All.FirstOrDefault(static host =>
                    TestHosts.GroupOf(host) is { IsLeader: true, IsOnline: true }
                );
                return leader is not null
                    && hosts.All.All(host =>
                        TestHosts.GroupOf(host).IsOnline
                        && TestHosts.GroupOf(host).Leader == TestHosts.PeerOf(leader)
                    );
            },
            "one host leads and the others follow"
        );
        return leader!;
    }
}
