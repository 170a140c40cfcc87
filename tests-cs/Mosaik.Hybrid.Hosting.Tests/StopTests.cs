using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Mosaik.Hybrid.Hosting.Tests.Support;
using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Hosting.Tests;

/// <summary>A host that stops leaves its groups, and never waits for longer than it may take.</summary>
public sealed class StopTests
{
    [Fact]
    public async Task AStopLeavesTheGroup()
    {
        await using var hosts = new TestHosts();
        var host = await hosts.StartAsync();
        var group = TestHosts.GroupOf(host);
        await group.When.Online().Soon("the host is online");

        var offline = group.When.Offline();
        await hosts.StopAsync(host);
        var ended = await Assert.ThrowsAsync<GroupTerminatedException>(() => offline.Soon("the group ends"));
        Assert.Equal(TerminationReason.Left, ended.Reason);
    }

    [Fact]
    public async Task AMachineThatHangsDoesNotHangTheHost()
    {
        await using var hosts = new TestHosts();
        var machine = new Stuck();
        var host = hosts.Build(
            static mosaik =>
                mosaik.Services.Configure<HostOptions>(static options =>
                    options.ShutdownTimeout = TimeSpan.FromMilliseconds(200)
                ),
            machine: _ => machine
        );
        await host.StartAsync();
        var group = TestHosts.GroupOf(host);
        await group.When.Online().Soon("the host is online");
        var execution = group.ExecuteAsync(1);
        await machine.Entered.Soon("the machine hangs");

        await host.StopAsync().Soon("the host stops all the same");
        await Task.Run(host.Dispose).Soon("and can be disposed of");
        Assert.False(machine.Left.IsCompleted);
        machine.LetGo();
        await machine.Left.Soon("the machine goes on");
        await Assert.ThrowsAsync<GroupTerminatedException>(() => execution.Soon("the caller is told"));
    }

    [Fact]
    public async Task AHostThatWasNeverStoppedIsEndedByItsDisposal()
    {
        await using var hosts = new TestHosts();
        var host = hosts.Build();
        await host.StartAsync();
        var group = TestHosts.GroupOf(host);
        await Task.Run(host.Dispose).Soon("the disposal");
        await Assert.ThrowsAsync<GroupTerminatedException>(() =>
            group.When.Offline().Soon("the group has ended")
        );
    }

    /// <summary>A machine that enters its first command and does not come out until it is let go.</summary>
    private sealed class Stuck : IStateMachine<int, string, long>
    {
        private readonly ManualResetEventSlim _gate = new();
        private readonly TaskCompletionSource _entered = new(
            TaskCreationOptions.RunContinuationsAsynchronously
        );
        private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Signature => "test.stuck/1";

        public Task Entered => _entered.Task;

        public Task Left => _left.Task;

        public void LetGo() => _gate.Set();

        public void Apply(int command, in ApplyContext context)
        {
            _entered.TrySetResult();
            _gate.Wait();
            _left.TrySetResult();
        }

        public long Query(string query) => 0;
    }
}
