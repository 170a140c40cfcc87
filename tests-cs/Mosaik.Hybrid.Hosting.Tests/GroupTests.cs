using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Mosaik.Hybrid.Hosting.Tests.Support;
using Mosaik.Hybrid.Tests.Support;
using Mosaik.Hybrid.Transport;
using Xunit;

namespace Mosaik.Hybrid.Hosting.Tests;

/// <summary>Hosts form groups, and their services get them.</summary>
public sealed class GroupTests
{
    [Fact]
    public async Task ThreeHostsAreOneGroup()
    {
        await using var hosts = new TestHosts(3);
        for (var place = 0; place < 3; place++)
        {
            await hosts.StartAsync();
        }

        var groups = hosts.All.Select(TestHosts.GroupOf).ToArray();
        await Task.WhenAll(groups.Select(static group => group.When.Online())).Soon("every host is online");
        await groups[1].ExecuteAsync(40).Soon("a command takes effect");
        await groups[2].ExecuteAsync(2).Soon("another takes effect");
        Assert.Equal(42, (await groups[0].QueryAsync("").Soon("an answer")).Result);
    }

    [Fact]
    public async Task ServicesGetTheGroupThatTheyName()
    {
        await using var hosts = new TestHosts();
        var host = await hosts.StartAsync(static mosaik =>
            mosaik
                .AddGroup("jobs", static group => group.UseKey(GroupKey.Generate()))
                .Services.AddSingleton<TwoGroups>()
        );
        var service = host.Services.GetRequiredService<TwoGroups>();
        Assert.Same(service.Ledger.Current, TestHosts.GroupOf(host));
        Assert.Equal(("ledger", "jobs"), (service.Ledger.Name, service.Jobs.Name));
        Assert.NotEqual(service.Ledger.Current.Id, service.Jobs.Current.Id);
        Assert.Equal(2, host.Services.GetRequiredService<Network>().Groups.Joined.Count);
    }

    [Fact]
    public async Task BeforeTheStartThereIsAGroupToWaitFor()
    {
        await using var hosts = new TestHosts();
        using var host = hosts.Build();
        var hosted = host.Services.GetRequiredKeyedService<HostedGroup<int, string, long>>(TestHosts.Group);
        var joined = hosted.JoinedAsync();
        Assert.False(joined.IsCompleted);
        var tooEarly = Assert.Throws<InvalidOperationException>(() => TestHosts.GroupOf(host));
        Assert.Contains("await JoinedAsync()", tooEarly.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => host.Services.GetRequiredService<Network>());

        await host.StartAsync();
        Assert.Same(TestHosts.GroupOf(host), await joined.Soon("the group is joined"));
        await host.StopAsync();
    }

    [Fact]
    public async Task WhoWaitsForAGroupThatIsNeverJoinedIsTold()
    {
        await using var hosts = new TestHosts();
        var host = hosts.Build();
        var joined = host
            .Services.GetRequiredKeyedService<HostedGroup<int, string, long>>(TestHosts.Group)
            .JoinedAsync();
        host.Services.GetServices<IHostedService>();
        await host.StopAsync();
        host.Dispose();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => joined.Soon("the wait ends"));
    }

    [Fact]
    public async Task AStartThatWaitsEndsWhenTheNodeIsOnline()
    {
        await using var hosts = new TestHosts();
        var host = await hosts.StartAsync(
            settings: new() { [$"Mosaik:Groups:{TestHosts.Group}:WaitUntilOnline"] = "true" }
        );
        Assert.True(TestHosts.GroupOf(host).IsOnline);
    }

    [Fact]
    public async Task AStartThatWaitsForOthersCanBeCancelled()
    {
        await using var hosts = new TestHosts(nodes: 2);
        using var host = hosts.Build(
            settings: new() { [$"Mosaik:Groups:{TestHosts.Group}:WaitUntilOnline"] = "true" }
        );
        using var impatience = new CancellationTokenSource();
        var starting = host.StartAsync(impatience.Token);
        var hosted = host.Services.GetRequiredKeyedService<HostedGroup<int, string, long>>(TestHosts.Group);
        await hosted.JoinedAsync().Soon("the group is joined");
        Assert.False(starting.IsCompleted);

        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => starting.Soon("the start ends"));
    }

    [Fact]
    public async Task TheMachineMayBeAService()
    {
        await using var hosts = new TestHosts();
        var machine = new Sum();
        var host = await hosts.StartAsync(mosaik =>
        {
            mosaik.Services.AddKeyedSingleton<IStateMachine<int, string, long>>("second", machine);
            mosaik.AddGroup<int, string, long>("second", static group => group.UseKey(GroupKey.Generate()));
        });
        var group = host.Services.GetRequiredKeyedService<Group<int, string, long>>("second");
        await ((Task)WhenReady(group)).Soon("the group elects");
        Assert.Equal(5, machine.Query(""));

        static async Task WhenReady(Group<int, string, long> group)
        {
            await group.When.Online();
            await group.ExecuteAsync(5);
        }
    }

    [Fact]
    public async Task TheClockIsTheContainers()
    {
        await using var hosts = new TestHosts();
        var clock = new CountingClock();
        await hosts.StartAsync(mosaik => mosaik.Services.AddSingleton<TimeProvider>(clock));
        Assert.True(clock.Asked > 0);
    }

    private sealed record TwoGroups(
        [FromKeyedServices("ledger")] HostedGroup<int, string, long> Ledger,
        [FromKeyedServices("jobs")] HostedGroup<NoOpCommand, NoOpQuery, NoOpResult> Jobs
    );

    private sealed class CountingClock : TimeProvider
    {
        private int _asked;

        public int Asked => Volatile.Read(ref _asked);

        public override long GetTimestamp()
        {
            Interlocked.Increment(ref _asked);
            return base.GetTimestamp();
        }
    }
}
