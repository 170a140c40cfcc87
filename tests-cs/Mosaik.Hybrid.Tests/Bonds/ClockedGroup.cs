using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Tests.Support;
using Mosaik.Hybrid.Tickets;
using Xunit;

namespace Mosaik.Hybrid.Tests.Bonds;

/// <summary>One node that asks for tickets, scripted peers, and a clock that only the test moves.</summary>
/// <remarks>
/// Time passes in lockstep: nobody falls behind, however busy the machine is, so a test may say what happens within
/// which time.
/// </remarks>
public abstract class ClockedGroup : IAsyncLifetime
{
    private protected FakeTimeProvider Clock { get; } = new();

    private protected TestCluster Cluster { get; private set; } = null!;

    private protected TestNode Node => Cluster.Nodes[0];

    private protected DateTimeOffset Wall => Clock.GetUtcNow();

    public async Task InitializeAsync() =>
        // A scripted peer answers no heartbeats.
        Cluster = await TestCluster.OfNodesAsync(
            Carrier.InProcess,
            1,
            static config => config.WithMaxMissedHeartbeats(10_000),
            Clock
        );

    public async Task DisposeAsync() => await Cluster.DisposeAsync();

    private protected async Task JoinAsync(params ITicketValidator[] validators)
    {
        Node.Network.Discovery.AddTicket(PassValidator.Good);
        Node.Join(
            Cluster.Key,
            Cluster.Config,
            validators: validators.Length > 0 ? validators : [new PassValidator(Clock)]
        );
        await Cluster.UntilAsync(
            () =>
            {
                Clock.Advance(TimeSpan.FromMilliseconds(10));
                return Node.Group.IsOnline;
            },
            "the node is online"
        );
    }

    private protected async Task<ScriptedPeer> BondedAsync(params Ticket[] tickets)
    {
        var peer = await ScriptedPeer.DialAsync(Cluster, Node);
        await peer.BondAsync(tickets);
        return peer;
    }

    private protected static async Task RefusedAsync(ScriptedPeer peer)
    {
        var (mine, theirs) = await peer.GreetAsync();
        peer.Say(BondMessage.NewProof(peer.Proof(mine, theirs)));
        Assert.Equal(CloseReason.NotAllowed, await peer.ClosedAsync());
    }

    private protected static async Task AnsweredAsync(ScriptedPeer peer)
    {
        while (!(await peer.HearAsync("an answer to a ping")).IsPong) { }
    }

    /// <summary>An entry comes by gossip.</summary>
    private protected void Gossip(ReadOnlyMemory<byte> signed) =>
        Assert.True(Node.Network.Discovery.TryMerge(signed, out _));

    /// <summary>Waits until the catalogue has the peer with exactly these tickets, and the group has looked at them.</summary>
    private protected async Task KnownAsync(ScriptedPeer peer, params Ticket[] tickets)
    {
        await UntilAsync(
            () =>
                Node.Network.Discovery.Catalog.Get(peer.Identity.Id) is { } entry
                && entry.Tickets.ToHashSet().SetEquals(tickets),
            "the tickets are known"
        );
        await SettledAsync();
    }

    /// <summary>Time passes, and everybody keeps up.</summary>
    private protected async Task AdvanceAsync(TimeSpan by)
    {
        var end = Clock.GetTimestamp() + by.Ticks;
        while (Clock.GetTimestamp() < end)
        {
            var step = Math.Min(TimeSpan.FromMilliseconds(100).Ticks, end - Clock.GetTimestamp());
            Clock.Advance(TimeSpan.FromTicks(step));
            await SettledAsync();
        }
    }

    /// <summary>Time passes until a bond has ended.</summary>
    private protected async Task UntilEndedAsync()
    {
        var count = Node.Group.Bonds.Count;
        await SettledAsync();
        for (var step = 0; Node.Group.Bonds.Count >= count; step++)
        {
            Assert.InRange(step, 0, 10_000);
            await AdvanceAsync(TimeSpan.FromMilliseconds(10));
        }
    }

    /// <summary>Waits for a condition while time stands still.</summary>
    private protected Task UntilAsync(Func<bool> condition, string what) =>
        Cluster.UntilAsync(condition, what);

    /// <summary>Waits until the group has done all that there was to do.</summary>
    private protected async Task SettledAsync()
    {
        // The second turn begins after the first has ended, and with it whatever it began to look at.
        await TurnAsync();
        await TurnAsync();
        await UntilAsync(() => Node.Group.Loop.IsCheckerIdle, "nobody's tickets are being looked at");
        await TurnAsync();
    }

    /// <summary>The group's loop takes a turn: a strong answer comes after all that was queued before the question.</summary>
    private protected Task TurnAsync() =>
        Cluster.AwaitAsync(Node.Group.QueryAsync(0, Consistency.Strong), "the group answers");
}
