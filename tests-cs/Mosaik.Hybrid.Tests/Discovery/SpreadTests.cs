using System.Text;
using Mosaik.Hybrid.Tickets;
using Mosaik.Hybrid.Transport;
using Xunit;

namespace Mosaik.Hybrid.Tests.Discovery;

/// <summary>What is known of a peer reaches every other peer, over each transport.</summary>
public abstract class SpreadTests
{
    private protected abstract ITransport Connect(NodeIdentity identity);

    [Fact]
    public async Task ThreeNodes_WithOneBootstrapAddress_FindEachOther()
    {
        await using var first = await StartAsync();
        await using var second = await StartAsync(first);
        await using var third = await StartAsync(first);

        foreach (var node in new[] { first, second, third })
        {
            await node.UntilAsync(catalog => catalog.Count == 2, "two peers");
            Assert.Null(node.Discovery.Catalog.Get(node.Id));
        }

        Assert.Equal(third.Address, Assert.Single(second.Discovery.Catalog.Get(third.Id)!.Addresses));
    }

    [Fact]
    public async Task Nodes_StartedBeforeTheirBootstrapPeer_FindItLater()
    {
        await using var early = await StartAsync();
        await using var late = await StartAsync();

        late.Discovery.Dial(early.Address);
        var found = await late.Discovery.DialAsync(early.Address);

        Assert.Equal(early.Id, found.Id);
        await early.UntilAsync(catalog => catalog.Get(late.Id) is not null, "the late peer");
    }

    [Fact]
    public async Task ATicket_Added_Replaced_AndRemoved_ReachesTheOthers()
    {
        await using var first = await StartAsync();
        await using var second = await StartAsync(first);
        await using var third = await StartAsync(first);
        await third.UntilAsync(catalog => catalog.Get(second.Id) is not null, "the second peer");

        second.Discovery.AddTicket(TicketOf("jwt", "one"));
        await third.UntilAsync(catalog => DataOf(catalog, second) == "one", "the first ticket");

        second.Discovery.ReplaceTicket(TicketOf("jwt", "two"));
        await third.UntilAsync(catalog => DataOf(catalog, second) == "two", "the second ticket");

        second.Discovery.RemoveTicketsOf("jwt");
        await third.UntilAsync(catalog => DataOf(catalog, second).Length == 0, "no ticket");
    }

    [Fact]
    public async Task AGroup_JoinedAndLeft_IsToldAndWithdrawn()
    {
        var group = GroupId.FromBytes(Enumerable.Repeat((byte)7, 32).ToArray());
        await using var first = await StartAsync();
        await using var second = await StartAsync(first);

        second.Discovery.AddGroup(group);
        await first.UntilAsync(catalog => catalog.PeersIn(group).Any(), "a peer in the group");

        second.Discovery.RemoveGroup(group);
        await first.UntilAsync(catalog => !catalog.PeersIn(group).Any(), "nobody in the group");
    }

    [Fact]
    public async Task ADeparture_ReachesTheOthers_AndIsNotUndone()
    {
        await using var first = await StartAsync();
        var second = await StartAsync(first);
        await using var third = await StartAsync(first);
        var stale = second.Discovery.SignedSelf;
        await third.UntilAsync(catalog => catalog.Get(second.Id) is not null, "the second peer");
        await first.UntilAsync(catalog => catalog.Count == 2, "two peers");
        await using var events = first.Discovery.Events().GetAsyncEnumerator();

        await second.DisposeAsync();

        await third.UntilAsync(catalog => catalog.Get(second.Id) is null, "the second peer gone");
        await first.UntilAsync(catalog => catalog.Get(second.Id) is null, "the second peer gone");
        Assert.True(await events.MoveNextAsync());
        Assert.Equal(second.Id, Assert.IsType<PeerDeparted>(events.Current).Entry.Id);

        Assert.True(first.Discovery.TryMerge(stale, out _));
        third.Discovery.AddTags("later");
        await first.UntilAsync(catalog => catalog.Get(third.Id)!.Tags.Contains("later"), "the later tag");
        Assert.Null(first.Discovery.Catalog.Get(second.Id));
    }

    private Task<DiscoveryNode> StartAsync(DiscoveryNode? bootstrap = null) =>
        DiscoveryNode.StartAsync(Connect, bootstrap?.Address);

    private static Ticket TicketOf(string @class, string data) => new(@class, Encoding.UTF8.GetBytes(data));

    private static string DataOf(PeerCatalog catalog, DiscoveryNode node) =>
        string.Concat(
            catalog.Get(node.Id)!.Tickets.Select(ticket => Encoding.UTF8.GetString(ticket.Data.Span))
        );
}

public sealed class InProcessSpreadTests : SpreadTests
{
    private readonly InProcessNetwork _network = new();

    private protected override ITransport Connect(NodeIdentity identity) =>
        _network.CreateTransport(identity);
}

public sealed class TlsSpreadTests : SpreadTests
{
    private protected override ITransport Connect(NodeIdentity identity) =>
        new TlsTransport(
            identity,
            new TlsTransportOptions { ListenAddresses = [new PeerAddress("127.0.0.1", 0)] }
        );
}
