using Microsoft.Extensions.Logging;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Runtime;
using Mosaik.Hybrid.Tests.Support;
using Mosaik.Hybrid.Tickets;
using Xunit;

namespace Mosaik.Hybrid.Tests.Bonds;

/// <summary>What tickets cost: who is looked at, how often, for how long, and who waits outside.</summary>
public sealed class TicketDoorTests : ClockedGroup
{
    [Fact]
    public async Task ATicketIsValidatedOnce_HoweverOftenItIsLookedAt()
    {
        var validator = new FunctionValidator((_, _) => Expiration.At(Wall.AddHours(1)));
        await JoinAsync(validator);
        await using var peer = await BondedAsync(PassValidator.Good);
        await SettledAsync();
        var asked = validator.AskedOf(peer.Identity.Id);
        for (var count = 0; count < 20; count++)
        {
            Clock.Advance(TimeSpan.FromMilliseconds(5));
            peer.Say(BondMessage.NewPeerChanged(peer.Entry(PassValidator.Good)));
            peer.Say(BondMessage.Ping);
            await AnsweredAsync(peer);
        }

        await SettledAsync();
        Assert.Equal(asked, validator.AskedOf(peer.Identity.Id));
        // Another ticket is another question.
        Clock.Advance(TimeSpan.FromMilliseconds(5));
        peer.Say(BondMessage.NewPeerChanged(peer.Entry(PassValidator.Bad)));
        await UntilAsync(() => validator.AskedOf(peer.Identity.Id) > asked, "the other ticket was looked at");
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
        await using var peer = await ScriptedPeer.DialAsync(Cluster, Node);
        var (mine, theirs) = await peer.GreetAsync();
        await SettledAsync();
        var asked = validator.AskedOf(member.Identity.Id);
        peer.Say(BondMessage.NewProof(peer.Proof(mine, theirs, null, PassValidator.Bad)));
        var closed = peer.ClosedAsync();
        await UntilAsync(() => validator.AskedOf(peer.Identity.Id) > 0, "the validator hangs");
        // The group goes on meanwhile, and so do looks at its members.
        await Cluster.AwaitAsync(Node.Group.ExecuteAsync("meanwhile"), "a command takes effect");
        Clock.Advance(TimeSpan.FromMilliseconds(5));
        member.Say(BondMessage.NewPeerChanged(member.Entry(PassValidator.Good, new Ticket("pass", [1]))));
        await UntilAsync(
            () => validator.AskedOf(member.Identity.Id) > asked,
            "a member's tickets are looked at"
        );

        // A second, and real time for the timer to be set in; far less than the five for which hands may be shaken.
        for (var step = 0; step < 25 && !closed.IsCompleted; step++)
        {
            Clock.Advance(TimeSpan.FromMilliseconds(100));
            await Task.WhenAny(closed, Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System));
        }

        Assert.Equal(CloseReason.NotAllowed, await Cluster.AwaitAsync(closed, "the peer is refused"));
        Assert.Equal(member.Identity.Id, Assert.Single(Node.Group.Bonds).Peer);
        gate.Set();
    }

    [Fact]
    public async Task APeerWithoutATicket_IsTurnedAwayAtTheDoor_ForLongerEachTime()
    {
        var validator = new FunctionValidator((_, _) => TicketVerdict.Invalid("never"));
        await JoinAsync(validator);
        await using var peer = await ScriptedPeer.DialAsync(Cluster, Node);
        await RefusedAsync(peer);
        var asked = validator.AskedOf(peer.Identity.Id);
        var door = Node.Group.Loop.Door;
        for (var count = 1; count <= 50; count++)
        {
            await peer.Frames.DisposeAsync();
            await peer.DialAsync();
            peer.Say(BondMessage.NewHello(peer.Hello()));
            Assert.Equal(CloseReason.NotAllowed, await peer.ClosedAsync());
            await UntilAsync(() => door.TurnedAway == count, "turned away");
        }

        // Nothing was computed for it.
        Assert.Equal(asked, validator.AskedOf(peer.Identity.Id));
        Assert.False(door.MayKnock(peer.Identity.Id));
        Clock.Advance(TimeSpan.FromMilliseconds(101));
        Assert.True(door.MayKnock(peer.Identity.Id));
        await peer.Frames.DisposeAsync();
        await peer.DialAsync();
        await RefusedAsync(peer);
        await UntilAsync(() => !door.MayKnock(peer.Identity.Id), "the door is closed again");
        Clock.Advance(TimeSpan.FromMilliseconds(101));
        Assert.False(door.MayKnock(peer.Identity.Id));
        Clock.Advance(TimeSpan.FromMilliseconds(100));
        Assert.True(door.MayKnock(peer.Identity.Id));
    }

    [Fact]
    public void TheDoor_RemembersABoundedNumber_AndForgetsThoseWhoseTimeIsOver()
    {
        var door = new DoorKeeper(Clock);
        for (var number = 0; number < 5_000; number++)
        {
            door.OnRefused(Numbered(number));
        }

        Assert.Equal(1_024, Enumerable.Range(0, 5_000).Count(number => !door.MayKnock(Numbered(number))));
        Clock.Advance(TimeSpan.FromMilliseconds(100));
        door.OnRefused(Numbered(9_999));
        Assert.False(door.MayKnock(Numbered(9_999)));
        Assert.True(door.MayKnock(Numbered(0)));
        for (var count = 0; count < 20; count++)
        {
            door.OnRefused(Numbered(9_999));
        }

        Clock.Advance(TimeSpan.FromMilliseconds(4_999));
        Assert.False(door.MayKnock(Numbered(9_999)));
        Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(door.MayKnock(Numbered(9_999)));
        door.OnRefused(Numbered(9_999));
        door.OnTicketsChanged(Numbered(9_999));
        Assert.True(door.MayKnock(Numbered(9_999)));
        door.OnRefused(Numbered(9_999));
        Clock.Advance(TimeSpan.FromSeconds(4));
        Assert.False(door.MayKnock(Numbered(9_999)));
        door.OnBonded(Numbered(9_999));
        door.OnRefused(Numbered(9_999));
        Clock.Advance(TimeSpan.FromMilliseconds(100));
        Assert.True(door.MayKnock(Numbered(9_999)));

        static PeerId Numbered(int number) =>
            PeerId.FromBytes([.. BitConverter.GetBytes(number), .. new byte[28]]);
    }

    [Fact]
    public void TheOperator_IsToldOnceAnHour_AndNotFlooded()
    {
        var log = new CountingLogger();
        var refusals = new TicketRefusals(new MonotonicClock(Clock), log);
        var error = new InvalidTicket(TicketFault.Expired, "over");
        var (one, other) = (Tickets.Forge.PeerOf(1), Tickets.Forge.PeerOf(2));
        for (var count = 0; count < 10; count++)
        {
            refusals.Note(one, "ticket", error);
            refusals.NoteMissing(one, "class");
        }

        Assert.Equal(2, log.Lines);
        for (var number = 0; number < 1_000; number++)
        {
            refusals.Note(one, $"made up {number}", error);
        }

        Assert.Equal(32, log.Lines);
        refusals.Note(other, "ticket", error);
        Assert.Equal(33, log.Lines);
        Clock.Advance(TimeSpan.FromHours(1));
        refusals.Note(one, "ticket", error);
        Assert.Equal(34, log.Lines);
    }

    [Fact]
    public async Task APeerWithoutATicket_IsNotDialled_AndWithOneAtOnce()
    {
        await JoinAsync();
        await using var peer = await ScriptedPeer.DialAsync(Cluster, Node);
        await peer.Frames.DisposeAsync();
        using var over = new CancellationTokenSource();
        var dialled = peer.DialledAsync(over.Token);
        Clock.Advance(TimeSpan.FromMilliseconds(5));
        Gossip(peer.Reachable(PassValidator.Bad));
        await KnownAsync(peer, PassValidator.Bad);
        await AdvanceAsync(TimeSpan.FromSeconds(30));
        Assert.False(dialled.IsCompleted);

        Gossip(peer.Reachable(PassValidator.Good));
        await KnownAsync(peer, PassValidator.Good);
        // At once, though the back-off has come to seconds. The dialler is no part of the loop: give it real time.
        for (var step = 0; step < 20 && !dialled.IsCompleted; step++)
        {
            await AdvanceAsync(TimeSpan.FromMilliseconds(100));
            await Task.WhenAny(dialled, Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System));
        }

        await using var link = await Cluster.AwaitAsync(dialled, "the peer is dialled");
        await over.CancelAsync();
    }

    [Fact]
    public async Task TheSameTicketFromTwoPlaces_IsOneBond()
    {
        // J18: one bond for each key, whoever holds it.
        await JoinAsync();
        await using var peer = await BondedAsync(PassValidator.Good);
        await using var first = peer.Frames;
        await peer.DialAsync();
        await peer.BondAsync(PassValidator.Good);
        await UntilAsync(
            () => Node.Group.Loop.Refusals.Counts.ContainsKey(CloseReason.AlreadyBonded),
            "one of the two links is closed"
        );
        // Within one turn the old link goes before the new one comes.
        await SettledAsync();
        Assert.Single(Node.Group.Bonds);
    }

    [Fact]
    public async Task ATicketAtLast_OpensTheDoorAtOnce()
    {
        await JoinAsync();
        await using var peer = await ScriptedPeer.DialAsync(Cluster, Node);
        await RefusedAsync(peer);
        Clock.Advance(TimeSpan.FromMilliseconds(5));
        Gossip(peer.Entry(PassValidator.Good));
        await UntilAsync(() => Node.Group.Loop.Door.MayKnock(peer.Identity.Id), "the door opens");
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

    private sealed class CountingLogger : ILogger
    {
        public int Lines { get; private set; }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => Lines++;
    }
}
