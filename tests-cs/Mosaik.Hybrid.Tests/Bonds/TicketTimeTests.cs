using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Runtime;
using Mosaik.Hybrid.Tests.Support;
using Mosaik.Hybrid.Tickets;
using Xunit;

namespace Mosaik.Hybrid.Tests.Bonds;

/// <summary>Tickets and bonds in time: removal, expiry, renewal, jumps of the wall clock.</summary>
public sealed class TicketTimeTests : ClockedGroup
{
    private static readonly PeerId s_stranger = Tickets.Forge.PeerOf(9);

    [Fact]
    public async Task ARemovedTicket_EndsTheBond_BeforeAnyTimePasses()
    {
        await JoinAsync();
        await using var peer = await BondedAsync(PassValidator.Good);
        Clock.Advance(TimeSpan.FromMilliseconds(5));
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
        await JoinAsync(new PassValidator(Clock), new Second(Clock));
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
        await KnownAsync(peer, PassValidator.Until(end.AddSeconds(1000)));
        await AdvanceAsync(TimeSpan.FromSeconds(60));
        Assert.Equal([bond], Node.Group.Bonds);
    }

    [Fact]
    public async Task ATicketRemovedByGossip_EndsTheBond()
    {
        await JoinAsync();
        await using var peer = await BondedAsync(PassValidator.Good);
        Clock.Advance(TimeSpan.FromMilliseconds(5));
        Gossip(peer.Entry());
        Assert.Equal(CloseReason.NotAllowed, await peer.ClosedAsync());
    }

    [Fact]
    public async Task AnotherPeersEntry_RenewsNothing_AndEndsTheBond()
    {
        await JoinAsync();
        await using var other = await BondedAsync(PassValidator.Good);
        await using var peer = await BondedAsync(PassValidator.Until(Wall.AddSeconds(20)));
        Clock.Advance(TimeSpan.FromMilliseconds(5));
        peer.Say(BondMessage.NewPeerChanged(other.Entry(PassValidator.Good)));
        Assert.Equal(CloseReason.InvalidHandshake, await peer.ClosedAsync());
        await UntilAsync(() => Node.Group.Bonds.Count == 1, "only the other's bond is left");
        Assert.Equal(other.Identity.Id, Node.Group.Bonds[0].Peer);
    }

    [Fact]
    public async Task AnOldEntry_BringsNoTicketBack()
    {
        await JoinAsync();
        await using var peer = await ScriptedPeer.DialAsync(Cluster, Node);
        var old = peer.Entry(PassValidator.Good);
        await peer.BondAsync(PassValidator.Good);
        Clock.Advance(TimeSpan.FromMilliseconds(5));
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
        await using var peer = await ScriptedPeer.DialAsync(Cluster, Node);
        var old = peer.Entry();
        Clock.Advance(TimeSpan.FromMilliseconds(5));
        await peer.BondAsync(PassValidator.Good);
        peer.Say(BondMessage.NewPeerChanged(old));
        peer.Say(BondMessage.Ping);
        await AnsweredAsync(peer);
        await SettledAsync();
        Assert.Single(Node.Group.Bonds);
    }

    [Fact]
    public async Task TheNewestEntry_IsJudged_WhateverCameLast()
    {
        var (watch, reports) = WatchOf(new PassValidator(Clock));
        watch.Look();
        Assert.True((await NextAsync(reports)).IsNotAllowed);
        watch.Learn(EntryOf(2, PassValidator.Good));
        Assert.True((await NextAsync(reports)).IsGood);
        watch.Learn(EntryOf(3));
        Assert.True((await NextAsync(reports)).IsNotAllowed);
        watch.Learn(EntryOf(2, PassValidator.Good));
        watch.Look();
        Assert.True((await NextAsync(reports)).IsNotAllowed);
        watch.Read("no entry"u8.ToArray());
        Assert.True((await NextAsync(reports)).IsMalformed);
        Assert.Equal(3, watch.Newest!.Version.UpdatedAt);
    }

    [Fact]
    public async Task ARefusal_OfATicketThatWasReplacedMeanwhile_IsNotReported()
    {
        using var gate = new ManualResetEventSlim();
        var pass = new PassValidator(Clock);
        var validator = new FunctionValidator(
            (ticket, entry) =>
            {
                gate.Wait(Waiting.Patience);
                return pass.Validate(ticket, entry);
            }
        );
        var (watch, reports) = WatchOf(validator);
        watch.Learn(EntryOf(1, PassValidator.Bad));
        await UntilAsync(() => validator.AskedOf(s_stranger) > 0, "the ticket is being looked at");
        watch.Learn(EntryOf(2, PassValidator.Good));
        gate.Set();
        Assert.True((await NextAsync(reports)).IsGood);
    }

    [Fact]
    public async Task ARefusal_IsReported_HoweverFastNewEntriesCome()
    {
        CredentialWatch? watch = null;
        var version = 1L;
        var validator = new FunctionValidator(
            (_, _) =>
            {
                // A hundred, so that it ends after the test.
                if (Interlocked.Increment(ref version) is var next && next <= 100)
                {
                    watch!.Learn(EntryOf(next, PassValidator.Bad));
                }

                return TicketVerdict.Invalid("not good");
            }
        );
        (watch, var reports) = WatchOf(validator);
        watch.Learn(EntryOf(1, PassValidator.Bad));
        Assert.True((await NextAsync(reports)).IsNotAllowed);
    }

    /// <summary>Of a peer that the catalogue does not know, so that nothing else corrects an old entry.</summary>
    private (CredentialWatch Watch, ChannelReader<Credentials> Reports) WatchOf(ITicketValidator validator)
    {
        var checker = new CredentialChecker([validator], new MonotonicClock(Clock), NullLogger.Instance);
        var reports = Channel.CreateUnbounded<Credentials>();
        var watch = new CredentialWatch(
            s_stranger,
            Node.Network.Discovery,
            checker,
            credentials => reports.Writer.TryWrite(credentials)
        );
        return (watch, reports.Reader);
    }

    private PeerEntry EntryOf(long version, params Ticket[] tickets) =>
        new(s_stranger, Node.Network.Id, new PeerEntryVersion(1, version), [], [], [], tickets);

    private static Task<Credentials> NextAsync(ChannelReader<Credentials> reports) =>
        reports.ReadAsync().Soon("a report");

    [Fact]
    public async Task ATicketRemovedWhileBonding_LetsNobodyIn()
    {
        using var gate = new ManualResetEventSlim();
        var validator = new FunctionValidator(
            (_, entry) =>
            {
                if (entry.Id != Node.Id)
                {
                    gate.Wait(Waiting.Patience);
                }

                return Expiration.Never;
            }
        );
        await JoinAsync(validator);
        await using var peer = await ScriptedPeer.DialAsync(Cluster, Node);
        var (mine, theirs) = await peer.GreetAsync();
        peer.Say(BondMessage.NewProof(peer.Proof(mine, theirs, null, PassValidator.Good)));
        await UntilAsync(() => validator.AskedOf(peer.Identity.Id) > 0, "the ticket is being looked at");
        Clock.Advance(TimeSpan.FromMilliseconds(5));
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
        await using var peer = await ScriptedPeer.DialAsync(Cluster, Node);
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
        Clock.Jump(TimeSpan.FromHours(1));
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
        Clock.Jump(TimeSpan.FromSeconds(-60));
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
