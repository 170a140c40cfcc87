using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Tests.Support;
using Mosaik.Hybrid.Tickets;
using Xunit;

namespace Mosaik.Hybrid.Tests.Bonds;

/// <summary>Tickets and bonds in time, by a clock that only the tests move: removal, expiry, renewal, jumps, patience.</summary>
public sealed class TicketTimeTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _clock = new();
    private TestCluster _cluster = null!;

    private TestNode Node => _cluster.Nodes[0];

    private DateTimeOffset Wall => _clock.GetUtcNow();

    public async Task InitializeAsync() =>
        // A scripted peer answers no heartbeats.
        _cluster = await TestCluster.OfNodesAsync(
            Carrier.InProcess,
            1,
            static config => config.WithMaxMissedHeartbeats(10_000),
            _clock
        );

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task ARemovedTicket_EndsTheBond_BeforeAnyTimePasses()
    {
        await JoinAsync();
        await using var peer = await BondedAsync(PassValidator.Good);
        _clock.Advance(TimeSpan.FromMilliseconds(5));
        var before = Wall;
        peer.Say(BondMessage.NewPeerChanged(peer.Entry()));
        Assert.Equal(CloseReason.NotAllowed, await peer.ClosedAsync());
        Assert.Equal(before, Wall);
    }

    [Fact]
    public async Task AnExpiredTicket_EndsTheBond_WithinASecond_AndNotBefore()
    {
        await JoinAsync();
        var end = Wall.AddSeconds(20);
        await using var peer = await BondedAsync(PassValidator.Until(end));
        await AdvanceAsync(end.AddMilliseconds(-1) - Wall);
        Assert.Single(Node.Group.Bonds);
        await UntilEndedAsync();
        Assert.InRange(Wall, end, end.AddSeconds(1));
        Assert.Equal(CloseReason.NotAllowed, await peer.ClosedAsync());
    }

    [Fact]
    public async Task TheLongestTicket_OfEachValidator_AndTheEarliestOfThose_Count()
    {
        await JoinAsync(new PassValidator(_clock), new Second(_clock));
        var end = Wall.AddSeconds(20);
        await using var peer = await BondedAsync(
            PassValidator.Until(Wall.AddSeconds(5)),
            PassValidator.Until(end),
            PassValidator.Bad,
            Second.Until(Wall.AddSeconds(500))
        );
        await AdvanceAsync(TimeSpan.FromSeconds(19.9));
        Assert.Single(Node.Group.Bonds);
        await UntilEndedAsync();
        Assert.InRange(Wall, end, end.AddSeconds(1));
    }

    [Fact]
    public async Task ATicketRenewedByGossip_KeepsTheBond()
    {
        await JoinAsync();
        var end = Wall.AddSeconds(20);
        await using var peer = await BondedAsync(PassValidator.Until(end));
        var bond = Node.Group.Bonds[0];
        await AdvanceAsync(TimeSpan.FromSeconds(1));
        Gossip(peer.Entry(PassValidator.Until(end.AddSeconds(1000))));
        await SettledAsync(peer, end.AddSeconds(1000));
        await AdvanceAsync(TimeSpan.FromSeconds(60));
        Assert.Equal([bond], Node.Group.Bonds);
    }

    [Fact]
    public async Task ATicketRemovedByGossip_EndsTheBond()
    {
        await JoinAsync();
        await using var peer = await BondedAsync(PassValidator.Good);
        _clock.Advance(TimeSpan.FromMilliseconds(5));
        Gossip(peer.Entry());
        Assert.Equal(CloseReason.NotAllowed, await peer.ClosedAsync());
    }

    [Fact]
    public async Task AnotherPeersEntry_RenewsNothing_AndEndsTheBond()
    {
        await JoinAsync();
        await using var other = await BondedAsync(PassValidator.Good);
        await using var peer = await BondedAsync(PassValidator.Until(Wall.AddSeconds(20)));
        _clock.Advance(TimeSpan.FromMilliseconds(5));
        peer.Say(BondMessage.NewPeerChanged(other.Entry(PassValidator.Good)));
        Assert.Equal(CloseReason.InvalidHandshake, await peer.ClosedAsync());
        await UntilAsync(() => Node.Group.Bonds.Count == 1, "only the other's bond is left");
        Assert.Equal(other.Identity.Id, Node.Group.Bonds[0].Peer);
    }

    [Fact]
    public async Task AnOldEntry_BringsNoTicketBack()
    {
        await JoinAsync();
        await using var peer = await ScriptedPeer.DialAsync(_cluster, Node);
        var old = peer.Entry(PassValidator.Good);
        await peer.BondAsync(PassValidator.Good);
        _clock.Advance(TimeSpan.FromMilliseconds(5));
        Gossip(peer.Entry());
        Assert.Equal(CloseReason.NotAllowed, await peer.ClosedAsync());

        // On a new link, with the entry of before: the catalogue knows better.
        await AdvanceAsync(TimeSpan.FromSeconds(6));
        await peer.Frames.DisposeAsync();
        await peer.DialAsync();
        var (mine, theirs) = await peer.GreetAsync();
        peer.Say(BondMessage.NewProof(new Proof(peer.Proof(mine, theirs).Mac, old)));
        Assert.Equal(CloseReason.NotAllowed, await peer.ClosedAsync());
    }

    [Fact]
    public async Task AnOldEntry_OverTheBond_ChangesNothing()
    {
        await JoinAsync();
        await using var peer = await ScriptedPeer.DialAsync(_cluster, Node);
        var old = peer.Entry();
        _clock.Advance(TimeSpan.FromMilliseconds(5));
        await peer.BondAsync(PassValidator.Good);
        peer.Say(BondMessage.NewPeerChanged(old));
        peer.Say(BondMessage.Ping);
        await AnsweredAsync(peer);
        await UntilAsync(() => Node.Group.Loop.IsCheckerIdle, "the entry was looked at");
        Assert.Single(Node.Group.Bonds);
    }

    [Fact]
    public async Task ATicketRemovedWhileBonding_LetsNobodyIn()
    {
        using var gate = new ManualResetEventSlim();
        var validator = new FunctionValidator(
            (_, _) =>
            {
                gate.Wait(Waiting.Patience);
                return Expiration.Never;
            }
        );
        await JoinAsync(validator);
        await using var peer = await ScriptedPeer.DialAsync(_cluster, Node);
        var (mine, theirs) = await peer.GreetAsync();
        peer.Say(BondMessage.NewProof(peer.Proof(mine, theirs, null, PassValidator.Good)));
        await UntilAsync(() => validator.Asked > 0, "the ticket is being looked at");
        _clock.Advance(TimeSpan.FromMilliseconds(5));
        Gossip(peer.Entry());
        await UntilAsync(
            () => Node.Network.Discovery.Catalog.Get(peer.Identity.Id) is { Tickets: [] },
            "the removal is known"
        );
        gate.Set();
        // The answer may be the node's proof; a welcome leads nowhere then.
        if (await peer.HearAsync("an answer") is BondMessage.Close { Item: var reason })
        {
            Assert.Equal(CloseReason.NotAllowed, reason);
            return;
        }

        peer.Say(BondMessage.Welcome);
        Assert.Equal(CloseReason.NotAllowed, await peer.ClosedAsync());
    }

    [Fact]
    public async Task ATicketThatExpiresBeforeTheWelcome_LetsNobodyIn()
    {
        await JoinAsync();
        await using var peer = await ScriptedPeer.DialAsync(_cluster, Node);
        var (mine, theirs) = await peer.GreetAsync();
        var ticket = PassValidator.Until(Wall.AddMilliseconds(500));
        peer.Say(BondMessage.NewProof(peer.Proof(mine, theirs, null, ticket)));
        Assert.IsType<BondMessage.Proof>(await peer.HearAsync("the node's proof"));
        await AdvanceAsync(TimeSpan.FromMilliseconds(600));
        peer.Say(BondMessage.Welcome);
        Assert.Equal(CloseReason.NotAllowed, await peer.ClosedAsync());
        Assert.Empty(Node.Group.Bonds);
    }

    [Fact]
    public async Task AWallClockSetForward_EndsTheBondsOfTicketsThatAreOver_AndNoOthers()
    {
        await JoinAsync();
        await using var lapsing = await BondedAsync(PassValidator.Until(Wall.AddMinutes(30)));
        await using var lasting = await BondedAsync(PassValidator.Until(Wall.AddMinutes(90)));
        _clock.Jump(TimeSpan.FromHours(1));
        var jumped = Wall;
        await UntilEndedAsync();
        Assert.InRange(Wall, jumped, jumped.AddSeconds(1));
        Assert.Equal(CloseReason.NotAllowed, await lapsing.ClosedAsync());
        Assert.Equal(lasting.Identity.Id, Node.Group.Bonds[0].Peer);
    }

    [Fact]
    public async Task AWallClockSetBack_LetsABondLastUntilTheWallSaysSo()
    {
        // J17: documented. The wall clock decides; nothing storms.
        await JoinAsync();
        var end = Wall.AddSeconds(20);
        await using var peer = await BondedAsync(PassValidator.Until(end));
        _clock.Jump(TimeSpan.FromSeconds(-60));
        await AdvanceAsync(TimeSpan.FromSeconds(30));
        Assert.Single(Node.Group.Bonds);
        await UntilEndedAsync();
        Assert.InRange(Wall, end, end.AddSeconds(1));
    }

    [Fact]
    public async Task AValidatorThatChangesItsMind_EndsTheBond_WithinASecond()
    {
        var isRevoked = false;
        var validator = new FunctionValidator(
            (_, _) => Volatile.Read(ref isRevoked) ? TicketVerdict.Invalid("revoked") : Expiration.Never
        );
        await JoinAsync(validator);
        await using var peer = await BondedAsync(PassValidator.Good);
        Volatile.Write(ref isRevoked, true);
        // Without a word of the validator what it said holds.
        await AdvanceAsync(TimeSpan.FromSeconds(5));
        Assert.Single(Node.Group.Bonds);

        validator.ChangeMind();
        var changed = Wall;
        await UntilEndedAsync();
        Assert.InRange(Wall, changed, changed.AddSeconds(1));
        Assert.Equal(CloseReason.NotAllowed, await peer.ClosedAsync());
    }

    [Fact]
    public async Task ATicketIsValidatedOnce_HoweverOftenItIsLookedAt()
    {
        var validator = new FunctionValidator((_, _) => Expiration.At(Wall.AddHours(1)));
        await JoinAsync(validator);
        await using var peer = await BondedAsync(PassValidator.Good);
        await UntilAsync(() => Node.Group.Loop.IsCheckerIdle, "everything was looked at");
        var asked = validator.Asked;
        for (var count = 0; count < 20; count++)
        {
            _clock.Advance(TimeSpan.FromMilliseconds(5));
            peer.Say(BondMessage.NewPeerChanged(peer.Entry(PassValidator.Good)));
            peer.Say(BondMessage.Ping);
            await AnsweredAsync(peer);
        }

        await UntilAsync(() => Node.Group.Loop.IsCheckerIdle, "everything was looked at");
        Assert.Equal(asked, validator.Asked);
        // Another ticket is another question.
        _clock.Advance(TimeSpan.FromMilliseconds(5));
        peer.Say(BondMessage.NewPeerChanged(peer.Entry(PassValidator.Bad)));
        await UntilAsync(() => validator.Asked > asked, "the other ticket was looked at");
    }

    [Fact]
    public async Task AValidatorThatHangs_RefusesInTime_AndDelaysNobody()
    {
        // J22.
        using var gate = new ManualResetEventSlim();
        var validator = new FunctionValidator(
            (ticket, _) =>
            {
                if (ticket.Id == PassValidator.Bad.Id)
                {
                    gate.Wait(Waiting.Patience);
                }

                return Expiration.Never;
            }
        );
        await JoinAsync(validator);
        await using var member = await BondedAsync(PassValidator.Good);
        await using var peer = await ScriptedPeer.DialAsync(_cluster, Node);
        var (mine, theirs) = await peer.GreetAsync();
        peer.Say(BondMessage.NewProof(peer.Proof(mine, theirs, null, PassValidator.Bad)));
        var asked = validator.Asked;
        var closed = peer.ClosedAsync();
        // The group goes on meanwhile, and so do looks at its members.
        var executed = Node.Group.ExecuteAsync("meanwhile");
        await UntilAsync(() => executed.IsCompleted, "a command takes effect");
        await executed;
        var start = Wall;
        await UntilAsync(() => closed.IsCompleted, "the peer is refused");
        Assert.Equal(CloseReason.NotAllowed, await closed);
        Assert.InRange(Wall - start, TimeSpan.Zero, TimeSpan.FromSeconds(3));
        Assert.Equal(member.Identity.Id, Assert.Single(Node.Group.Bonds).Peer);
        gate.Set();
        Assert.True(validator.Asked >= asked);
    }

    [Fact]
    public async Task APeerWithoutATicket_IsTurnedAwayAtTheDoor_ForLongerEachTime()
    {
        var validator = new FunctionValidator((_, _) => TicketVerdict.Invalid("never"));
        await JoinAsync(validator);
        await using var peer = await ScriptedPeer.DialAsync(_cluster, Node);
        await RefusedAsync(peer);
        var asked = validator.Asked;
        var door = Node.Group.Loop.Door;
        for (var count = 1; count <= 50; count++)
        {
            await peer.Frames.DisposeAsync();
            await peer.DialAsync();
            peer.Say(BondMessage.NewHello(peer.Hello()));
            Assert.Equal(CloseReason.NotAllowed, await peer.ClosedAsync());
            await UntilAsync(() => door.TurnedAway == count, "turned away", advance: false);
        }

        // Nothing was computed for it.
        Assert.Equal(asked, validator.Asked);
        Assert.False(door.MayKnock(peer.Identity.Id));
        _clock.Advance(TimeSpan.FromMilliseconds(101));
        Assert.True(door.MayKnock(peer.Identity.Id));
        await peer.Frames.DisposeAsync();
        await peer.DialAsync();
        await RefusedAsync(peer);
        await UntilAsync(() => !door.MayKnock(peer.Identity.Id), "the door is closed again", advance: false);
        _clock.Advance(TimeSpan.FromMilliseconds(101));
        Assert.False(door.MayKnock(peer.Identity.Id));
        _clock.Advance(TimeSpan.FromMilliseconds(100));
        Assert.True(door.MayKnock(peer.Identity.Id));
    }

    [Fact]
    public async Task ATicketAtLast_OpensTheDoorAtOnce()
    {
        await JoinAsync();
        await using var peer = await ScriptedPeer.DialAsync(_cluster, Node);
        await RefusedAsync(peer);
        _clock.Advance(TimeSpan.FromMilliseconds(5));
        Gossip(peer.Entry(PassValidator.Good));
        await UntilAsync(
            () => Node.Group.Loop.Door.MayKnock(peer.Identity.Id),
            "the door opens",
            advance: false
        );
        await peer.Frames.DisposeAsync();
        await peer.DialAsync();
        await peer.BondAsync(PassValidator.Good);
    }

    [Fact]
    public async Task ChangesOfTickets_ReachEveryBondAtOnce()
    {
        await JoinAsync();
        await using var peer = await BondedAsync(PassValidator.Good);
        var discovery = Node.Network.Discovery;
        var (one, two) = (new Ticket("x", [1]), new Ticket("x", [2]));
        var before = Wall;

        discovery.AddTicket(one);
        await HeardAsync(PassValidator.Good, one);
        discovery.AddTicket(one);
        discovery.AddTicket(two);
        await HeardAsync(PassValidator.Good, one, two);
        discovery.RemoveTicket(one);
        await HeardAsync(PassValidator.Good, two);
        discovery.RemoveTicket(two.Id);
        await HeardAsync(PassValidator.Good);
        discovery.AddTicket(one);
        await HeardAsync(PassValidator.Good, one);
        discovery.ReplaceTicket(two);
        await HeardAsync(PassValidator.Good, two);
        discovery.RemoveTicketsOf("x");
        await HeardAsync(PassValidator.Good);
        Assert.Equal(before, Wall);

        async Task HeardAsync(params Ticket[] expected)
        {
            while (true)
            {
                if (await peer.HearAsync("a changed entry") is BondMessage.PeerChanged changed)
                {
                    Assert.True(discovery.TryMerge(changed.entry, out var entry));
                    Assert.Equal(
                        expected.Select(static ticket => ticket.Id).Order(),
                        entry!.Tickets.Select(static ticket => ticket.Id).Order()
                    );
                    return;
                }
            }
        }
    }

    private async Task JoinAsync(params ITicketValidator[] validators)
    {
        Node.Network.Discovery.AddTicket(PassValidator.Good);
        Node.Join(
            _cluster.Key,
            _cluster.Config,
            validators: validators.Length > 0 ? validators : [new PassValidator(_clock)]
        );
        await UntilAsync(() => Node.Group.IsOnline, "the node is online");
    }

    private async Task<ScriptedPeer> BondedAsync(params Ticket[] tickets)
    {
        var peer = await ScriptedPeer.DialAsync(_cluster, Node);
        await peer.BondAsync(tickets);
        return peer;
    }

    private static async Task RefusedAsync(ScriptedPeer peer)
    {
        var (mine, theirs) = await peer.GreetAsync();
        peer.Say(BondMessage.NewProof(peer.Proof(mine, theirs)));
        Assert.Equal(CloseReason.NotAllowed, await peer.ClosedAsync());
    }

    private static async Task AnsweredAsync(ScriptedPeer peer)
    {
        while (!(await peer.HearAsync("an answer to a ping")).IsPong) { }
    }

    /// <summary>An entry comes by gossip.</summary>
    private void Gossip(ReadOnlyMemory<byte> signed) =>
        Assert.True(Node.Network.Discovery.TryMerge(signed, out _));

    private async Task SettledAsync(ScriptedPeer peer, DateTimeOffset until)
    {
        var ticket = PassValidator.Until(until);
        await UntilAsync(
            () =>
                Node.Network.Discovery.Catalog.Get(peer.Identity.Id)?.Tickets.Contains(ticket) == true
                && Node.Group.Loop.IsCheckerIdle,
            "the new ticket was looked at"
        );
        peer.Say(BondMessage.Ping);
        await AnsweredAsync(peer);
    }

    /// <summary>Time passes in steps that are shorter than anybody's patience, and everybody keeps up.</summary>
    private async Task AdvanceAsync(TimeSpan by)
    {
        var end = _clock.GetTimestamp() + by.Ticks;
        while (_clock.GetTimestamp() < end)
        {
            await UntilAsync(
                () => Node.Group.Loop.IsCheckerIdle,
                "nothing is being looked at",
                advance: false
            );
            _clock.Advance(
                TimeSpan.FromTicks(
                    Math.Min(TimeSpan.FromMilliseconds(100).Ticks, end - _clock.GetTimestamp())
                )
            );
            await Task.Yield();
        }
    }

    private Task UntilEndedAsync()
    {
        var count = Node.Group.Bonds.Count;
        return UntilAsync(() => Node.Group.Bonds.Count < count, "a bond has ended");
    }

    /// <summary>Waits for a condition while time goes on slowly; a twentieth of its speed at most.</summary>
    private Task UntilAsync(Func<bool> condition, string what, bool advance = true) =>
        _cluster.UntilAsync(
            () =>
            {
                if (condition())
                {
                    return true;
                }

                if (advance)
                {
                    _clock.Advance(TimeSpan.FromMilliseconds(10));
                }

                return false;
            },
            what
        );

    /// <summary>As <see cref="PassValidator"/>, of another class.</summary>
    private sealed class Second(TimeProvider timeProvider) : ITicketValidator
    {
        private readonly PassValidator _inner = new(timeProvider);

        public string Class => "second";

        public ReadOnlyMemory<byte> Signature { get; } = "second/1"u8.ToArray();

        public static Ticket Until(DateTimeOffset moment) =>
            new("second", PassValidator.Until(moment).Data.Span);

        public TicketVerdict Validate(Ticket ticket, PeerEntry peer) => _inner.Validate(ticket, peer);
    }
}
