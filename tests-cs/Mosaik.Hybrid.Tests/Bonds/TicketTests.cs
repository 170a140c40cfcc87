using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Tests.Support;
using Mosaik.Hybrid.Tickets;
using Xunit;

namespace Mosaik.Hybrid.Tests.Bonds;

/// <summary>A group that asks for tickets bonds only with peers that carry a good one, for as long as they do.</summary>
public sealed class TicketTests
{
    [Theory]
    [InlineData(Carrier.InProcess)]
    [InlineData(Carrier.Tls)]
    public async Task PeersWithTickets_BecomeAGroup_AndOneWithoutStaysOut(Carrier carrier)
    {
        await using var cluster = await StartAsync(carrier, 2);
        var stranger = await cluster.StartNodeAsync();
        stranger.Join(cluster.Key, cluster.Config, validator: new PassValidator(TimeProvider.System));

        await CountedAsync(cluster, CloseReason.NotAllowed);
        await cluster.ExecuteAsync(cluster.Nodes[0], "among us");

        Assert.Empty(stranger.Group.Bonds);
        Assert.False(stranger.Group.IsOnline);
        Assert.Equal(stranger.Group.Id, cluster.Nodes[0].Group.Id);

        // A ticket that comes later opens the door.
        stranger.Network.Discovery.AddTicket(PassValidator.Good);
        await cluster.AwaitAsync(stranger.Group.When.Online(), "the stranger is let in");
        await cluster.ConvergedAsync(static all => all is ["among us"], "and has what the others have");
    }

    [Theory]
    [InlineData(Carrier.InProcess)]
    [InlineData(Carrier.Tls)]
    public async Task ATicketThatIsTakenAway_EndsTheBonds(Carrier carrier)
    {
        await using var cluster = await StartAsync(carrier, 3);
        var leader = await cluster.LeaderAsync();
        var expelled = cluster.Nodes.First(node => node != leader);
        TestNode[] others = [.. cluster.Nodes.Where(node => node != expelled)];

        expelled.Network.Discovery.RemoveTicketsOf("pass");

        await cluster.UntilAsync(
            () => others.All(node => node.Group.Bonds.All(bond => bond.Peer != expelled.Id)),
            "the bonds have ended"
        );
        foreach (var other in others)
        {
            Assert.True(other.Group.Loop.Refusals.Counts.ContainsKey(CloseReason.NotAllowed));
        }

        await cluster.LeaderAsync(others);
        await cluster.ExecuteAsync(others[0], "without it");
        await cluster.AwaitAsync(expelled.Group.When.Offline(), "the expelled one is offline");

        expelled.Network.Discovery.AddTicket(PassValidator.Good);
        await cluster.ConvergedAsync(static all => all is ["without it"], "it is let in again");
    }

    [Fact]
    public async Task ABadTicket_IsRefused_AndAGoodOneBesideItIsEnough()
    {
        await using var cluster = await StartAsync(Carrier.InProcess, 1);
        await using var refused = await ScriptedPeer.DialAsync(cluster, cluster.Nodes[0]);
        var (mine, theirs) = await refused.GreetAsync();
        refused.Say(BondMessage.NewProof(refused.Proof(mine, theirs, null, PassValidator.Bad)));
        Assert.Equal(CloseReason.NotAllowed, await refused.ClosedAsync());

        await using var accepted = await ScriptedPeer.DialAsync(cluster, cluster.Nodes[0]);
        await accepted.BondAsync(PassValidator.Bad, PassValidator.Good);
    }

    [Fact]
    public async Task AValidatorThatThrows_HasNotSaidYes()
    {
        await using var cluster = await StartAsync(Carrier.InProcess, 1);
        await using var peer = await ScriptedPeer.DialAsync(cluster, cluster.Nodes[0]);
        var (mine, theirs) = await peer.GreetAsync();

        peer.Say(BondMessage.NewProof(peer.Proof(mine, theirs, null, PassValidator.Throwing)));

        Assert.Equal(CloseReason.NotAllowed, await peer.ClosedAsync());
        await cluster.ExecuteAsync(cluster.Nodes[0], "goes on");
    }

    [Fact]
    public async Task AnEntryWithoutTheTicket_OverTheBond_EndsIt()
    {
        await using var cluster = await StartAsync(Carrier.InProcess, 1);
        await using var peer = await ScriptedPeer.DialAsync(cluster, cluster.Nodes[0]);
        await peer.BondAsync(PassValidator.Good);

        peer.Say(BondMessage.NewPeerChanged(peer.Entry()));

        Assert.Equal(CloseReason.NotAllowed, await peer.ClosedAsync());
    }

    [Fact]
    public async Task AnExpiredTicket_EndsTheBond_ARenewedOneDoesNot()
    {
        var clock = new FakeTimeProvider();
        await using var cluster = await StartAloneAsync(clock);
        var start = clock.GetUtcNow();
        await using var renewing = await ScriptedPeer.DialAsync(cluster, cluster.Nodes[0]);
        await renewing.BondAsync(PassValidator.Until(start.AddSeconds(20)));
        await using var lapsing = await ScriptedPeer.DialAsync(cluster, cluster.Nodes[0]);
        await lapsing.BondAsync(PassValidator.Until(start.AddSeconds(20)));

        clock.Advance(TimeSpan.FromSeconds(10));
        renewing.Say(
            BondMessage.NewPeerChanged(renewing.Entry(PassValidator.Until(start.AddSeconds(1_000))))
        );
        await cluster.UntilAsync(
            () => TicketsOf(cluster.Nodes[0], renewing).Any(ticket => IsUntil(ticket, 1_000)),
            "the renewed ticket is known"
        );
        clock.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(2, cluster.Nodes[0].Group.Bonds.Count);
        await cluster.UntilAsync(
            () =>
            {
                clock.Advance(TimeSpan.FromMilliseconds(100));
                return cluster.Nodes[0].Group.Bonds.Count == 1;
            },
            "the bond whose ticket has expired ends"
        );

        Assert.Equal(CloseReason.NotAllowed, await lapsing.ClosedAsync());
        Assert.Equal(renewing.Identity.Id, cluster.Nodes[0].Group.Bonds[0].Peer);

        bool IsUntil(Ticket ticket, int seconds) =>
            ticket.Id == PassValidator.Until(start.AddSeconds(seconds)).Id;
    }

    private static IReadOnlyList<Ticket> TicketsOf(TestNode node, ScriptedPeer peer) =>
        [.. node.Network.Discovery.Catalog.Get(peer.Identity.Id)?.TicketsOf("pass") ?? []];

    private static Task<TestCluster> StartAsync(Carrier carrier, int nodes) =>
        TestCluster.StartAsync(carrier, nodes, join: JoinWithTicket);

    private static async Task<TestCluster> StartAloneAsync(FakeTimeProvider clock)
    {
        // A scripted peer answers no heartbeats.
        var cluster = await TestCluster.OfNodesAsync(
            Carrier.InProcess,
            1,
            static config => config.WithMaxMissedHeartbeats(10_000),
            clock
        );
        JoinWithTicket(cluster, cluster.Nodes[0]);
        await cluster.UntilAsync(
            () =>
            {
                clock.Advance(TimeSpan.FromMilliseconds(50));
                return cluster.Nodes[0].Group.IsOnline;
            },
            "the node is online"
        );
        return cluster;
    }

    private static void JoinWithTicket(TestCluster cluster, TestNode node)
    {
        node.Network.Discovery.AddTicket(PassValidator.Good);
        node.Join(cluster.Key, cluster.Config, validator: new PassValidator(cluster.TimeProvider));
    }

    private static Task CountedAsync(TestCluster cluster, CloseReason reason) =>
        cluster.UntilAsync(
            () => cluster.Nodes.Any(node => node.Group.Loop.Refusals.Counts.ContainsKey(reason)),
            $"{reason} is counted"
        );
}
