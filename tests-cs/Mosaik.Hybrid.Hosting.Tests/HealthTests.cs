using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Mosaik.Hybrid.Hosting.Tests.Support;
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
    public void ChecksNeedANode() =>
        Assert.Throws<InvalidOperationException>(() => new ServiceCollection().AddHealthChecks().AddMosaik());

    private static void AddChecks(MosaikBuilder mosaik) =>
        mosaik.Services.AddLogging().AddHealthChecks().AddMosaik();

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

    private sealed class Broken : IStateMachine<int, string, long>
    {
        public string Signature => "test.broken/1";

        public void Apply(int command, in ApplyContext context) =>
            throw new InvalidOperationException("a bug");

        public long Query(string query) => 0;
    }
}
