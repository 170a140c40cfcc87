using Mosaik.Hybrid.Tickets;
using Mosaik.Hybrid.Transport;
using Xunit;

namespace Mosaik.Hybrid.Tests.Discovery;

public sealed class OwnEntryTests : IAsyncLifetime
{
    private readonly InProcessNetwork _network = new();
    private DiscoveryNode _node = null!;

    public async Task InitializeAsync() =>
        _node = await DiscoveryNode.StartAsync(
            _network.CreateTransport,
            configure: options => options.Tags.Add("blue")
        );

    public async Task DisposeAsync() => await _node.DisposeAsync();

    [Fact]
    public void AChange_MakesANewerSignedEntry()
    {
        var before = _node.Discovery.Me.Version;

        _node.Discovery.AddTags("red", "amber");

        Assert.True(_node.Discovery.Me.Version > before);
        Assert.Equal(["amber", "blue", "red"], _node.Discovery.Me.Tags);
        Assert.Equal(_node.Address, Assert.Single(_node.Discovery.Me.Addresses));
    }

    [Fact]
    public void AChangeThatChangesNothing_DoesNothing()
    {
        _node.Discovery.AddTicket(new Ticket("jwt", [1]));
        var before = _node.Discovery.SignedSelf;

        _node.Discovery.AddTags("blue");
        _node.Discovery.RemoveTags("green");
        _node.Discovery.AddTicket(new Ticket("jwt", [1]));
        _node.Discovery.ReplaceTicket(new Ticket("jwt", [1]));
        _node.Discovery.RemoveTicketsOf("other");
        _node.Discovery.RemoveTicket("no such id");

        Assert.Equal(before, _node.Discovery.SignedSelf);
    }

    [Fact]
    public void TooMuch_IsRefused_AndChangesNothing()
    {
        var before = _node.Discovery.SignedSelf;

        Assert.Throws<ArgumentException>(() => _node.Discovery.AddTags(new string('x', 65)));
        Assert.Throws<ArgumentException>(() =>
            _node.Discovery.AddTags([.. Enumerable.Range(0, 40).Select(i => $"t{i}")])
        );

        Assert.Equal(before, _node.Discovery.SignedSelf);
        for (var index = 0; index < 5; index++)
        {
            _node.Discovery.AddTicket(new Ticket($"c{index}", new byte[8192]));
        }

        var error = Assert.Throws<ArgumentException>(() =>
            _node.Discovery.AddTicket(new Ticket("c5", new byte[8192]))
        );
        Assert.Contains("49152", error.Message, StringComparison.Ordinal);
        Assert.Equal(5, _node.Discovery.Me.Tickets.Count);
    }

    [Fact]
    public async Task AfterLeaving_ChangesAreRefused()
    {
        await _node.Discovery.DisposeAsync();

        Assert.Throws<ObjectDisposedException>(() => _node.Discovery.AddTags("late"));
        Assert.Throws<ObjectDisposedException>(() => _node.Discovery.Dial(_node.Address));
    }

    [Fact]
    public async Task ALookThatFindsNobody_EndsWithItsTokenOrTheNetwork()
    {
        using var impatient = new CancellationTokenSource();
        var nowhere = new PeerAddress("nowhere", 1);
        var first = _node.Discovery.DialAsync(nowhere, impatient.Token);
        var second = _node.Discovery.DialAsync(nowhere);

        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        await _node.Discovery.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => second);
    }

    [Fact]
    public void Options_ListEveryFault()
    {
        var options = new PeerDiscoveryOptions
        {
            AnnounceInterval = TimeSpan.Zero,
            PurgeAfter = TimeSpan.FromDays(2),
            EventBacklog = 0,
        };
        options.BootstrapPeers.Add(new PeerAddress("host", 0));

        Assert.Equal(4, options.Validate().Count);
        Assert.Empty(new PeerDiscoveryOptions().Validate());
    }

    [Fact]
    public async Task ASlowReaderOfEvents_MissesTheOldest_AndHoldsNobodyUp()
    {
        await using var watcher = await DiscoveryNode.StartAsync(
            _network.CreateTransport,
            _node.Address,
            configure: options => options.EventBacklog = 2
        );
        await watcher.UntilAsync(catalog => catalog.Get(_node.Id) is not null, "the node");
        var events = watcher.Discovery.Events();

        for (var round = 1; round <= 5; round++)
        {
            _node.Discovery.AddTags($"round {round}");
            await watcher.UntilAsync(
                catalog => catalog.Get(_node.Id)!.Tags.Contains($"round {round}"),
                $"round {round}"
            );
        }

        await watcher.Discovery.DisposeAsync();
        List<PeerEvent> seen = [];
        await foreach (var change in events)
        {
            seen.Add(change);
        }

        Assert.Equal(2, seen.Count);
        Assert.Contains("round 5", seen[^1].Entry.Tags);
        Assert.Equal(3, watcher.Discovery.Counters.EventsDropped);
    }
}
