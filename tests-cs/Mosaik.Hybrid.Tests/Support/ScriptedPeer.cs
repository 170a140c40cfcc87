using System.Buffers;
using System.Security.Cryptography;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Discovery;
using Mosaik.Hybrid.Runtime;
using Mosaik.Hybrid.Tickets;
using Mosaik.Hybrid.Transport;
using Mosaik.Hybrid.Wire;
using Xunit;

namespace Mosaik.Hybrid.Tests.Support;

/// <summary>A peer whose every word on a group's link is written by a test: for attacks, and for slips.</summary>
internal sealed class ScriptedPeer : IAsyncDisposable
{
    private readonly ITransport _transport;
    private readonly TestCluster _cluster;
    private readonly TestNode _target;
    private readonly MemberId _member;
    private readonly long _startedAt;

    private ScriptedPeer(TestCluster cluster, TestNode target, NodeIdentity identity, ITransport transport)
    {
        (_cluster, _target, Identity, _transport) = (cluster, target, identity, transport);
        _member = new MemberId(identity.Id, new Incarnation(Random16()));
        _startedAt = cluster.TimeProvider.GetUtcNow().ToUnixTimeMilliseconds();
    }

    public NodeIdentity Identity { get; }

    /// <summary>The link of the last <see cref="DialAsync"/>.</summary>
    public FramedLink Frames { get; private set; } = null!;

    /// <summary>Starts a peer and dials a node.</summary>
    public static async Task<ScriptedPeer> DialAsync(TestCluster cluster, TestNode target)
    {
        var identity = NodeIdentity.Generate();
        var transport = cluster.Connect(identity);
        await transport.StartAsync();
        var peer = new ScriptedPeer(cluster, target, identity, transport);
        await peer.DialAsync();
        return peer;
    }

    /// <summary>Dials the node once more, with the same identity.</summary>
    public async Task DialAsync()
    {
        var link = await _transport
            .DialAsync(_target.Address, LinkProtocols.Groups, _target.Id)
            .Soon("the dial of a scripted peer");
        Frames = new FramedLink(link, TimeProvider.System);
    }

    /// <summary>First words as an honest member's would be.</summary>
    public Hello Hello(GroupId? group = null, NetworkId? network = null, ushort version = 1) =>
        new(
            version,
            version,
            network ?? _target.Network.Id,
            group ?? _target.Group.Id,
            Bytes32.FromBytes(RandomNumberGenerator.GetBytes(32)),
            _member,
            Lineage.None,
            LeadershipPreference.Normal,
            hasCommands: false
        );

    /// <summary>The proof that an honest dialler with this key would give.</summary>
    public Proof Proof(Hello mine, Hello theirs, GroupKey? key = null, params Ticket[] tickets) =>
        new(Prove(mine, theirs, key ?? _cluster.Key), Entry(tickets));

    /// <summary>This peer's entry, signed now.</summary>
    public ReadOnlyMemory<byte> Entry(params Ticket[] tickets) =>
        EntryOf(_cluster.TimeProvider.GetUtcNow().ToUnixTimeMilliseconds(), tickets);

    /// <summary>This peer's entry of another moment; later ones are newer.</summary>
    public ReadOnlyMemory<byte> EntryOf(long wall, params Ticket[] tickets) => EntryOf(wall, [], tickets);

    /// <summary>This peer's entry, with the addresses at which it may be dialled.</summary>
    public ReadOnlyMemory<byte> Reachable(params Ticket[] tickets) =>
        EntryOf(
            _cluster.TimeProvider.GetUtcNow().ToUnixTimeMilliseconds(),
            [.. _transport.Addresses.Select(static address => new PeerHost(address.Host, address.Port))],
            tickets
        );

    /// <summary>The next link that somebody dials to this peer for a group.</summary>
    public async Task<ILink> DialledAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var link = await _transport.AcceptAsync(cancellationToken);
            if (link.Protocol == LinkProtocols.Groups)
            {
                return link;
            }

            await link.DisposeAsync();
        }
    }

    private ReadOnlyMemory<byte> EntryOf(long wall, PeerHost[] addresses, Ticket[] tickets)
    {
        PeerTicket[] data = [.. tickets.Select(static ticket => new PeerTicket(ticket.Class, ticket.Data))];
        var record = PeerRecordModule.Canonical(
            new PeerRecord(
                Identity.Id,
                _target.Network.Id,
                new PeerVersion(_startedAt, wall),
                false,
                addresses,
                [],
                [_target.Group.Id],
                data
            )
        );
        return PeerEntrySigner.Sign(Identity, record).Signed;
    }

    public void Say(BondMessage message)
    {
        var output = new ArrayBufferWriter<byte>();
        WireWriter.Encode(message, output);
        SayBody(output.WrittenSpan);
    }

    /// <summary>Sends a well-formed frame around any bytes.</summary>
    public void SayBody(ReadOnlySpan<byte> body) => Assert.True(Frames.TrySend(FrameLane.Control, body));

    /// <summary>Sends bytes that are no frame.</summary>
    public Task SayRawAsync(byte[] bytes) => Frames.Link.WriteAsync(bytes).Soon("raw bytes are written");

    /// <summary>The next message; fails when the link ends instead.</summary>
    public async Task<BondMessage> HearAsync(string what)
    {
        var body = await Frames.ReceiveAsync().Soon(what);
        Assert.True(body.HasValue, $"The link ended instead of {what}.");
        Assert.True(WireReader.TryDecode(body.Value, out var message, out var error), error.Describe());
        return message;
    }

    /// <summary>Says hello and hears the answer.</summary>
    public async Task<(Hello Mine, Hello Theirs)> GreetAsync()
    {
        var mine = Hello();
        Say(BondMessage.NewHello(mine));
        var answer = Assert.IsType<BondMessage.Hello>(await HearAsync("the answer to a hello"));
        return (mine, answer.Item);
    }

    /// <summary>Shakes hands as an honest dialler does: a bond.</summary>
    public async Task BondAsync(params Ticket[] tickets)
    {
        var (mine, theirs) = await GreetAsync();
        Say(BondMessage.NewProof(Proof(mine, theirs, null, tickets)));
        Assert.IsType<BondMessage.Proof>(await HearAsync("the node's proof"));
        Say(BondMessage.Welcome);
        await _cluster.UntilAsync(
            () => _target.Group.Bonds.Any(bond => bond.Peer == Identity.Id),
            "the node has a bond with the scripted peer"
        );
    }

    /// <summary>The reason with which the node closes; whatever else it says before is passed over.</summary>
    public async Task<CloseReason> ClosedAsync()
    {
        while (true)
        {
            if (await HearAsync("a closing frame") is BondMessage.Close close)
            {
                return close.Item;
            }
        }
    }

    /// <summary>Waits until the link ends in whatever way.</summary>
    public async Task EndedAsync()
    {
        try
        {
            while (await Frames.ReceiveAsync().Soon("the end of the link") is not null) { }
        }
        catch (IOException broken)
        {
            Assert.NotEmpty(broken.Message);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Frames.DisposeAsync();
        await _transport.DisposeAsync();
        Identity.Dispose();
    }

    private Bytes32 Prove(Hello mine, Hello theirs, GroupKey key) =>
        new BondProver(key, Identity.PublicKey).Prove(mine, theirs, true, Frames.Link.RemotePublicKey);

    private static Bytes16 Random16() => Bytes16.FromBytes(RandomNumberGenerator.GetBytes(16));
}
