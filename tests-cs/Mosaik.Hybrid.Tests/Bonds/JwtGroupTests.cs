using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Tests.Support;
using Mosaik.Hybrid.Tickets;
using Xunit;

namespace Mosaik.Hybrid.Tests.Bonds;

/// <summary>The key points of joining with tickets, each over TLS with signed tokens.</summary>
public sealed class JwtGroupTests
{
    [Theory]
    [InlineData("HS256")]
    [InlineData("ES256")]
    [InlineData("EdDSA")]
    public async Task OnlyPeersWithAGoodToken_Bond(string algorithm)
    {
        var office = new TicketOffice(Tickets.SigningKeys.All[algorithm]());
        await using var cluster = await StartAsync(office, 2);
        var ticketless = await cluster.StartNodeAsync();
        var expired = await cluster.StartNodeAsync();
        var thief = await cluster.StartNodeAsync();
        expired.Network.Discovery.AddTicket(office.TicketFor(expired.Id, TimeSpan.FromSeconds(-1)));
        // Tickets can be read by everybody: a copy must be worthless.
        thief.Network.Discovery.AddTicket(office.TicketFor(cluster.Nodes[0].Id));
        TestNode[] strangers = [ticketless, expired, thief];
        foreach (var stranger in strangers)
        {
            office.Join(cluster, stranger);
            Assert.Equal(cluster.Nodes[0].Group.Id, stranger.Group.Id);
        }

        await cluster.UntilAsync(
            () =>
                strangers.All(stranger =>
                    stranger.Group.Loop.Refusals.Counts.ContainsKey(CloseReason.NotAllowed)
                ),
            "each stranger was refused"
        );
        await cluster.ExecuteAsync(cluster.Nodes[0], "among us");

        Assert.All(strangers, static stranger => Assert.Empty(stranger.Group.Bonds));
        Assert.All(strangers, static stranger => Assert.Empty(stranger.Machine.Commands));
        Assert.All(
            strangers,
            static stranger =>
                Assert.Contains("carries no good ticket", stranger.Log.ToString(), StringComparison.Ordinal)
        );
        Assert.All(cluster.Nodes.Take(2), static node => Assert.Single(node.Group.Bonds));

        // The right ticket opens the door.
        thief.Network.Discovery.ReplaceTicket(office.TicketFor(thief.Id));
        await cluster.AwaitAsync(thief.Group.When.Online(), "the former thief is let in");
    }

    [Fact]
    public async Task WithAPublicKey_TheGroupKeyIsNoSecret_AndAdmissionRestsOnTickets()
    {
        var office = new TicketOffice(Es256.GenerateSigningKey());
        await using var cluster = await StartAsync(office, 1);
        var stranger = await cluster.StartNodeAsync();
        // J20: all that an outsider needs to know is public, the key included.
        var own = Es256.GenerateSigningKey();
        stranger.Network.Discovery.AddTicket(
            new JwtTicketBuilder(own)
                .Issuer(TicketOffice.Issuer)
                .ExpiresIn(TimeSpan.FromHours(1))
                .Build(stranger.Id)
        );
        stranger.Join(GroupKey.From(office.Validator), cluster.Config, validator: office.Validator);

        await cluster.UntilAsync(
            () => stranger.Group.Loop.Refusals.Counts.ContainsKey(CloseReason.NotAllowed),
            "a ticket of its own make is refused"
        );
        Assert.Equal(cluster.Nodes[0].Group.Id, stranger.Group.Id);
        Assert.Empty(cluster.Nodes[0].Group.Bonds);
    }

    [Fact]
    public async Task Validators_AreInTheGroupId_InTheirOrder()
    {
        await using var cluster = await TestCluster.OfNodesAsync(Carrier.InProcess, 1);
        var first = Jwt.WithKey(Hs256.Generate());
        var second = first.AllowIssuer("a");
        GroupId[] ids =
        [
            IdWith(),
            IdWith(first),
            IdWith(second),
            IdWith(first, second),
            IdWith(second, first),
            IdWith(first, first),
        ];
        Assert.Equal(ids.Length, ids.Distinct().Count());
        Assert.Equal(IdWith(first, second), IdWith(first, second));

        GroupId IdWith(params ITicketValidator[] validators)
        {
            cluster.Nodes[0].Join(cluster.Key, cluster.Config, validators: validators);
            return cluster.Nodes[0].Group.Id;
        }
    }

    [Fact]
    public async Task EveryValidator_NeedsATicketOfItsOwn()
    {
        var people = new TicketOffice(Hs256.Generate());
        var machines = new TicketOffice(Es256.GenerateSigningKey());
        await using var cluster = await TestCluster.OfNodesAsync(Carrier.Tls, 4, Two);
        ITicketValidator[] validators = [people.Validator, machines.Validator];
        foreach (var node in cluster.Nodes)
        {
            node.Join(cluster.Key, cluster.Config, validators: validators);
        }

        foreach (var node in cluster.Nodes.Where(node => node != cluster.Nodes[3]))
        {
            node.Network.Discovery.AddTicket(people.TicketFor(node.Id));
        }

        foreach (var node in cluster.Nodes.Where(node => node != cluster.Nodes[2]))
        {
            node.Network.Discovery.AddTicket(machines.TicketFor(node.Id));
        }

        await cluster.AwaitAsync(cluster.Nodes[0].Group.When.Online(), "the first has both");
        await cluster.AwaitAsync(cluster.Nodes[1].Group.When.Online(), "the second has both");
        Assert.Empty(cluster.Nodes[2].Group.Bonds);
        Assert.Empty(cluster.Nodes[3].Group.Bonds);
        cluster.Nodes[2].Network.Discovery.AddTicket(machines.TicketFor(cluster.Nodes[2].Id));
        await cluster.AwaitAsync(cluster.Nodes[2].Group.When.Online(), "the third has both now");
    }

    [Fact]
    public async Task AValidator_MayBeShared_AndWrapped()
    {
        var office = new TicketOffice(Hs256.Generate());
        // As an interface, inside another, the same instance on all nodes and in two groups.
        ITicketValidator wrapped = new Wrapper(office.Validator);
        await using var cluster = await TestCluster.OfNodesAsync(Carrier.Tls, 2);
        foreach (var node in cluster.Nodes)
        {
            node.Network.Discovery.AddTicket(office.TicketFor(node.Id));
            node.Join(GroupKey.From(wrapped), cluster.Config, validator: wrapped);
        }

        await cluster.OnlineAsync();
        await using var left = cluster
            .Nodes[0]
            .Network.Groups.WithKey(cluster.Key)
            .RequireTicket(wrapped)
            .Join();
        await using var right = cluster
            .Nodes[1]
            .Network.Groups.WithKey(cluster.Key)
            .RequireTicket(wrapped)
            .Join();
        await cluster.UntilAsync(
            () => left.Bonds.Count == 1 && right.Bonds.Count == 1,
            "the second group bonds"
        );
        Assert.NotEqual(left.Id, cluster.Nodes[0].Group.Id);
    }

    [Fact]
    public async Task ARemovedTicket_EndsTheBonds_AndAFreshOneBringsThemBack()
    {
        var office = new TicketOffice(Hs256.Generate());
        await using var cluster = await StartAsync(office, 3);
        var leader = await cluster.LeaderAsync();
        TestNode[] others = [.. cluster.Nodes.Where(node => node != leader)];

        // A leader is no exception: the others elect another.
        leader.Network.Discovery.RemoveTicketsOf(Jwt.TicketClass);
        await cluster.UntilAsync(
            () => others.All(node => node.Group.Bonds.All(bond => bond.Peer != leader.Id)),
            "the bonds have ended"
        );
        Assert.All(
            others,
            static node => Assert.True(node.Group.Loop.Refusals.Counts.ContainsKey(CloseReason.NotAllowed))
        );
        await cluster.LeaderAsync(others);
        await cluster.ExecuteAsync(others[0], "without it");
        // It is unreachable, and still a voter.
        Assert.All(others, static node => Assert.Equal(3, node.Group.Members.Voters.Count));

        leader.Network.Discovery.AddTicket(office.TicketFor(leader.Id));
        await cluster.ConvergedAsync(static all => all is ["without it"], "it is let in again");
    }

    [Fact]
    public async Task VotersWithoutTickets_StillCountForTheQuorum()
    {
        // J16: two of three lose their tickets; the third must not go on alone.
        var office = new TicketOffice(Hs256.Generate());
        await using var cluster = await StartAsync(office, 3);
        await cluster.ExecuteAsync(cluster.Nodes[0], "before");
        TestNode[] expelled = [cluster.Nodes[1], cluster.Nodes[2]];
        foreach (var node in expelled)
        {
            node.Network.Discovery.RemoveTicketsOf(Jwt.TicketClass);
        }

        await cluster.UntilAsync(
            () => cluster.Nodes.All(static node => node.Group.Bonds.Count == 0),
            "nobody is bonded"
        );
        await cluster.AwaitAsync(cluster.Nodes[0].Group.When.Offline(), "the third is offline");
        await Assert.ThrowsAsync<GroupOfflineException>(() => cluster.Nodes[0].Group.ExecuteAsync("alone"));

        foreach (var node in expelled)
        {
            node.Network.Discovery.AddTicket(office.TicketFor(node.Id));
        }

        await cluster.ExecuteAsync(cluster.Nodes[0], "after");
        await cluster.ConvergedAsync(static all => all is ["before", "after"], "all are back");
    }

    [Fact]
    public async Task ARenewedTicket_KeepsTheBond()
    {
        var office = new TicketOffice(Hs256.Generate());
        await using var cluster = await TestCluster.OfNodesAsync(Carrier.Tls, 2);
        foreach (var node in cluster.Nodes)
        {
            node.Network.Discovery.AddTicket(office.TicketFor(node.Id, TimeSpan.FromSeconds(4)));
            office.Join(cluster, node);
        }

        await cluster.OnlineAsync();
        var bonds = cluster.Nodes.Select(static node => Assert.Single(node.Group.Bonds)).ToArray();
        var end = TimeProvider.System.GetUtcNow().AddSeconds(5);
        foreach (var node in cluster.Nodes)
        {
            node.Network.Discovery.ReplaceTicket(office.TicketFor(node.Id));
        }

        // The first tickets are over, and nothing has happened.
        await cluster.UntilAsync(
            () => TimeProvider.System.GetUtcNow() > end,
            "the first tickets have expired"
        );
        await cluster.ExecuteAsync(cluster.Nodes[1], "still here");
        Assert.Equal(bonds, cluster.Nodes.Select(static node => Assert.Single(node.Group.Bonds)));
    }

    [Fact]
    public async Task AnExpiredTicket_EndsTheBondOverTls()
    {
        var office = new TicketOffice(Hs256.Generate());
        await using var cluster = await TestCluster.OfNodesAsync(Carrier.Tls, 2);
        var lapsing = cluster.Nodes[1];
        cluster.Nodes[0].Network.Discovery.AddTicket(office.TicketFor(cluster.Nodes[0].Id));
        lapsing.Network.Discovery.AddTicket(office.TicketFor(lapsing.Id, TimeSpan.FromSeconds(4)));
        office.Join(cluster, cluster.Nodes[0]);
        office.Join(cluster, lapsing);
        await cluster.OnlineAsync();

        await cluster.UntilAsync(() => cluster.Nodes[0].Group.Bonds.Count == 0, "the bond has ended");
        Assert.True(cluster.Nodes[0].Group.Loop.Refusals.Counts.ContainsKey(CloseReason.NotAllowed));
        await cluster.AwaitAsync(cluster.Nodes[0].Group.When.Offline(), "no quorum is left");
    }

    [Fact]
    public async Task AKeyThatIsRemoved_EndsTheBondsOfItsTickets()
    {
        // J15.
        var old = Es256.GenerateSigningKey("old");
        var fresh = Es256.GenerateSigningKey("new");
        var rings = new[] { Ring(), Ring() };
        await using var cluster = await TestCluster.OfNodesAsync(Carrier.Tls, 2);
        for (var place = 0; place < 2; place++)
        {
            var node = cluster.Nodes[place];
            node.Network.Discovery.AddTicket(TicketFor(old, node.Id));
            node.Join(cluster.Key, cluster.Config, validator: Jwt.WithKeys(rings[place]));
        }

        await cluster.OnlineAsync();
        rings[0].Remove("old");
        await cluster.UntilAsync(() => cluster.Nodes[0].Group.Bonds.Count == 0, "the bond has ended");
        Assert.True(cluster.Nodes[0].Group.Loop.Refusals.Counts.ContainsKey(CloseReason.NotAllowed));

        cluster.Nodes[1].Network.Discovery.AddTicket(TicketFor(fresh, cluster.Nodes[1].Id));
        await cluster.OnlineAsync();

        JwtKeyRing Ring() => new("ring", old.VerifyingKey, fresh.VerifyingKey);
        static Ticket TicketFor(JwtSigningKey key, PeerId peer) =>
            new JwtTicketBuilder(key).ExpiresIn(TimeSpan.FromHours(1)).Build(peer);
    }

    [Fact]
    public async Task BeforeItsTicketsAreGood_APeerHearsNothingOfTheGroup()
    {
        await using var cluster = await TestCluster.StartAsync(
            Carrier.Tls,
            1,
            join: static (cluster, node) =>
            {
                node.Network.Discovery.AddTicket(PassValidator.Good);
                node.Join(cluster.Key, cluster.Config, validator: new PassValidator(TimeProvider.System));
            }
        );
        await cluster.ExecuteAsync(cluster.Nodes[0], "secret");
        await using var peer = await ScriptedPeer.DialAsync(cluster, cluster.Nodes[0]);
        var (mine, theirs) = await peer.GreetAsync();
        peer.Say(BondMessage.NewProof(peer.Proof(mine, theirs, null, PassValidator.Bad)));
        // Not even the node's own proof and entry: the next word is the last.
        var next = Assert.IsType<BondMessage.Close>(await peer.HearAsync("the answer to a bad ticket"));
        Assert.Equal(CloseReason.NotAllowed, next.Item);
    }

    private static ConsensusConfigBuilder Two(ConsensusConfigBuilder quick) => quick.WithFoundingMembers(2);

    private static Task<TestCluster> StartAsync(TicketOffice office, int nodes) =>
        TestCluster.StartAsync(Carrier.Tls, nodes, join: office.Admit);

    /// <summary>Passes everything on.</summary>
    private sealed class Wrapper(ITicketValidator inner) : ITicketValidator
    {
        public string Class => inner.Class;

        public ReadOnlyMemory<byte> Signature => inner.Signature;

        public long Revision => inner.Revision;

        public TicketVerdict Validate(Ticket ticket, PeerEntry peer) => inner.Validate(ticket, peer);
    }
}
