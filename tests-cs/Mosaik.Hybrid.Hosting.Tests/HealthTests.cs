using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Mosaik.Hybrid.Hosting.Tests.Support;
using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Hosting.Tests;

/// <summary>The checks say how a group is, and why.</summary>
public sealed class HealthTests
{
    private const string Live = "mosaik-live";
    private const string Ready = "mosaik-ready";

    [Fact]
    public async Task ThreeOfThreeAreHealthy_TwoAreDegraded_OneStandsStill()
    {
        await using var hosts = new TestHosts(3);
        for (var place = 0; place < 3; place++)
        {
            await hosts.StartAsync(AddChecks);
        }

        var watcher = hosts.All[0];
        await UntilAsync(watcher, HealthStatus.Healthy, "Group 'ledger' works: 3 of 3 voters are reached.");

        hosts.Wire.Isolate(TestHosts.PeerOf(hosts.All[2]));
        await UntilAsync(
            watcher,
            HealthStatus.Degraded,
            "Group 'ledger' stops when one more voter is lost: 2 of 3 voters are reached, and 2 decide."
        );

        hosts.Wire.Isolate(TestHosts.PeerOf(hosts.All[1]));
        await UntilAsync(
            watcher,
            HealthStatus.Unhealthy,
            "Group 'ledger' has no leader that this node knows."
        );
        Assert.Equal(HealthStatus.Healthy, (await LookAsync(watcher, Live)).Status);
    }

    [Fact]
    public async Task BeforeTheStartNothingIsReady()
    {
        await using var hosts = new TestHosts();
        using var host = hosts.Build(AddChecks);
        var ready = await LookAsync(host, Ready);
        Assert.Equal(
            (HealthStatus.Unhealthy, "Group 'ledger' is not joined yet."),
            (ready.Status, ready.Description)
        );
        Assert.Equal(HealthStatus.Healthy, (await LookAsync(host, Live)).Status);
    }

    [Fact]
    public async Task AMachineThatThrowsEndsTheLife()
    {
        await using var hosts = new TestHosts();
        var host = await hosts.StartAsync(AddChecks, machine: static _ => new Broken());
        var group = TestHosts.GroupOf(host);
        await group.When.Online().Soon("the host is online");
        await Assert.ThrowsAsync<GroupTerminatedException>(() =>
            group.ExecuteAsync(1).Soon("the machine throws")
        );
        var live = await UntilAsync(host, Live, static look => look.Status == HealthStatus.Unhealthy);
        Assert.StartsWith(
            "Group 'ledger' has ended on this node: The state machine failed",
            live.Description,
            StringComparison.Ordinal
        );
        Assert.Equal(HealthStatus.Unhealthy, (await LookAsync(host, Ready)).Status);
    }

    [Fact]
    public async Task ALoopThatHangsIsNotAlive_AndIsAgainWhenItTurns()
    {
        var store = new WatchedStore();
        await using var hosts = new TestHosts();
        var host = await hosts.StartAsync(
            mosaik => AddChecks(mosaik, options => options.LoopTimeout = TimeSpan.FromMilliseconds(100)),
            group: ledger => ledger.UseLogStorage(_ => store)
        );
        var group = TestHosts.GroupOf(host);
        await group.When.Online().Soon("the host is online");
        Assert.Equal("Group 'ledger' runs.", (await LookAsync(host, Live)).Description);

        using var block = new ManualResetEventSlim();
        store.Block = block;
        var submitted = group.ExecuteAsync(1);
        var live = await UntilAsync(host, Live, static look => look.Status == HealthStatus.Unhealthy);
        Assert.Equal(
            "Group 'ledger' hangs on this node: its loop has not turned for 0.1 seconds.",
            live.Description
        );

        store.Block = null;
        block.Set();
        await submitted.Soon("the command takes effect");
        await UntilAsync(host, Live, static look => look.Status == HealthStatus.Healthy);
    }

    [Fact]
    public async Task AGroupWhoseStoreIsBeingOpenedIsAlive_AndNotReady()
    {
        var opening = new TaskCompletionSource();
        await using var hosts = new TestHosts();
        var host = await hosts.StartAsync(
            mosaik => AddChecks(mosaik, options => options.LoopTimeout = TimeSpan.FromMilliseconds(100)),
            group: ledger => ledger.UseLogStorage(_ => new WatchedStore { OpenGate = opening.Task })
        );
        Assert.Equal(HealthStatus.Healthy, (await LookAsync(host, Live)).Status);
        Assert.Equal(HealthStatus.Unhealthy, (await LookAsync(host, Ready)).Status);
        opening.SetResult();
        await TestHosts.GroupOf(host).When.Online().Soon("the host is online");
    }

    [Fact]
    public async Task ADiskWithoutProgressIsNotReady_AndLittleRoomIsDegraded()
    {
        var store = new WatchedStore();
        await using var hosts = new TestHosts();
        var host = await hosts.StartAsync(AddChecks, group: ledger => ledger.UseLogStorage(_ => store));
        await UntilAsync(
            host,
            HealthStatus.Degraded,
            "Group 'ledger' stops when one more voter is lost: 1 of 1 voters are reached, and 1 decide."
        );

        store.Health = new StorageHealth(null, DateTimeOffset.UnixEpoch, null);
        await UntilAsync(
            host,
            HealthStatus.Unhealthy,
            "Group 'ledger' waits for this node's disk, which makes no progress."
        );
        store.Health = StorageHealth.Unknown;

        var gate = new TaskCompletionSource();
        store.WriteGate = gate.Task;
        var submitted = TestHosts.GroupOf(host).ExecuteAsync(1);
        await UntilAsync(
            host,
            HealthStatus.Unhealthy,
            "Group 'ledger' waits for this node's disk, which makes no progress."
        );
        store.WriteGate = Task.CompletedTask;
        gate.SetResult();
        await submitted.Soon("the command takes effect");
        await UntilAsync(host, Ready, static look => look.Status == HealthStatus.Degraded);
    }

    [Fact]
    public async Task LittleRoomForTheLogIsDegraded()
    {
        var stores = Enumerable.Range(0, 3).Select(static _ => new WatchedStore()).ToArray();
        await using var hosts = new TestHosts(3);
        foreach (var store in stores)
        {
            await hosts.StartAsync(AddChecks, group: ledger => ledger.UseLogStorage(_ => store));
        }

        await UntilAsync(hosts.All[0], Ready, static look => look.Status == HealthStatus.Healthy);
        stores[0].Health = new StorageHealth(null, null, 1_000);
        await UntilAsync(
            hosts.All[0],
            HealthStatus.Degraded,
            "Group 'ledger' has little room for its log on this node: 1,000 bytes of 67,108,864."
        );
    }

    [Fact]
    public async Task AMachineThatLagsBehindIsNotReady()
    {
        using var gate = new ManualResetEventSlim();
        await using var hosts = new TestHosts();
        var host = await hosts.StartAsync(
            mosaik => AddChecks(mosaik, options => options.LagMax = 3),
            machine: _ => new Slow(gate)
        );
        var group = TestHosts.GroupOf(host);
        await group.When.Online().Soon("the host is online");
        var submitted = group.ExecuteManyAsync([1, 2, 3, 4, 5]);
        var ready = await UntilAsync(host, Ready, static look => look.Status == HealthStatus.Unhealthy);
        Assert.Equal(
            "Group 'ledger' is ahead of this node's state machine, which has 5 entries to apply; 3 are allowed.",
            ready.Description
        );
        gate.Set();
        await submitted.Soon("the commands take effect");
        await UntilAsync(host, Ready, static look => look.Status == HealthStatus.Degraded);
    }

    [Fact]
    public async Task AGroupThatWasFoundedTwiceIsDegraded()
    {
        await using var hosts = new TestHosts();
        var one = await hosts.StartAsync(AddChecks);
        hosts.Wire.Isolate(TestHosts.PeerOf(one));
        var other = await hosts.StartAsync(AddChecks);
        foreach (var host in hosts.All)
        {
            // A lineage that has done nothing gives way by itself.
            await TestHosts.GroupOf(host).When.Online().Soon("the host is online");
            await TestHosts.GroupOf(host).ExecuteAsync(1).Soon("the command takes effect");
        }

        hosts.Wire.HealAll();
        await UntilAsync(
            other,
            Ready,
            static look =>
                look.Status == HealthStatus.Degraded
                && look.Description!.Contains("founded more than once", StringComparison.Ordinal)
        );
    }

    [Fact]
    public void OptionsHaveRanges()
    {
        var options = new MosaikHealthOptions();
        Assert.Throws<ArgumentOutOfRangeException>(() => options.LoopTimeout = TimeSpan.FromMilliseconds(99));
        Assert.Throws<ArgumentOutOfRangeException>(() => options.LoopTimeout = TimeSpan.FromMinutes(6));
        Assert.Throws<ArgumentOutOfRangeException>(() => options.LagMax = 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.FreeBytesMin = -1);
    }

    [Fact]
    public void ChecksNeedANode() =>
        Assert.Throws<InvalidOperationException>(() => new ServiceCollection().AddHealthChecks().AddMosaik());

    private static void AddChecks(MosaikBuilder mosaik) => AddChecks(mosaik, null);

    private static void AddChecks(MosaikBuilder mosaik, Action<MosaikHealthOptions>? configure) =>
        mosaik.Services.AddLogging().AddHealthChecks().AddMosaik(configure);

    private static async Task<HealthReportEntry> LookAsync(IHost host, string check)
    {
        var report = await host
            .Services.GetRequiredService<HealthCheckService>()
            .CheckHealthAsync(registration => registration.Name == check);
        return report.Entries[check];
    }

    private static Task<HealthReportEntry> UntilAsync(IHost host, HealthStatus status, string description) =>
        UntilAsync(host, Ready, look => look.Status == status && look.Description == description);

    private static async Task<HealthReportEntry> UntilAsync(
        IHost host,
        string check,
        Func<HealthReportEntry, bool> isMet
    )
    {
        var seen = await LookAsync(host, check);
        await Waiting.Until(
            () =>
            {
                seen = LookAsync(host, check).GetAwaiter().GetResult();
                return isMet(seen);
            },
            $"{check} is as expected"
        );
        return seen;
    }

    /// <summary>Applies nothing before it may.</summary>
    private sealed class Slow(ManualResetEventSlim gate) : IStateMachine<int, string, long>
    {
        public string Signature => "test.slow/1";

        public void Apply(int command, in ApplyContext context) => gate.Wait(CancellationToken.None);

        public long Query(string query) => 0;
    }

    private sealed class Broken : IStateMachine<int, string, long>
    {
        public string Signature => "test.broken/1";

        public void Apply(int command, in ApplyContext context) =>
            throw new InvalidOperationException("a bug");

        public long Query(string query) => 0;
    }
}
