using System.Buffers;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Discovery;
using Mosaik.Hybrid.Tickets;
using Mosaik.Hybrid.Transport;
using Mosaik.Hybrid.Wire;
using Xunit;

namespace Mosaik.Hybrid.Tests.Discovery;

/// <summary>A peer that breaks the protocol loses its link; nobody else notices.</summary>
public sealed class HostileLinkTests : IAsyncLifetime
{
    private readonly InProcessNetwork _network = new();
    private readonly NodeIdentity _identity = NodeIdentity.Generate();
    private InProcessTransport _transport = null!;
    private DiscoveryNode _node = null!;

    public async Task InitializeAsync()
    {
        _node = await DiscoveryNode.StartAsync(_network.CreateTransport);
        _transport = _network.CreateTransport(_identity);
        await _transport.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _node.DisposeAsync();
        await _transport.DisposeAsync();
        _identity.Dispose();
    }

    [Fact]
    public async Task AForgedEntry_IsRefused_AndTheLinkClosed()
    {
        using var victim = NodeIdentity.Generate();
        var forged = Sign(victim, RecordOf(victim.Id)).Signed.ToArray();
        forged[^1] ^= 1;

        var reason = await TalkAsync(Records(Sign(_identity, RecordOf(_identity.Id))), Raw(forged));

        Assert.Equal(CloseReason.ProtocolViolation, reason);
        Assert.Null(_node.Discovery.Catalog.Get(victim.Id));
        await StillServesAsync();
    }

    [Fact]
    public async Task AnEntrySignedByAnother_IsRefused_AndTheLinkClosed()
    {
        using var victim = NodeIdentity.Generate();
        var canonical = DiscoveryRecords.Encode(RecordOf(victim.Id));
        var signature = _identity.Sign(DiscoveryRecords.Signable(canonical));
        var forged = DiscoveryRecords.Assemble(_identity.PublicKey.Span, signature, canonical);

        var reason = await TalkAsync(Records(Sign(_identity, RecordOf(_identity.Id))), Raw(forged));

        Assert.Equal(CloseReason.ProtocolViolation, reason);
        await StillServesAsync();
    }

    [Fact]
    public async Task APeerOfAnotherNetwork_IsRefused()
    {
        var reason = await TalkAsync(Records(Sign(_identity, RecordOf(_identity.Id, network: 2))));

        Assert.Equal(CloseReason.DifferentNetwork, reason);
        Assert.Equal(0, _node.Discovery.Catalog.Count);
        await StillServesAsync();
    }

    [Fact]
    public async Task AFirstMessageThatIsNotTheOwnEntry_IsRefused()
    {
        using var other = NodeIdentity.Generate();

        var reason = await TalkAsync(Records(Sign(other, RecordOf(other.Id))));

        Assert.Equal(CloseReason.ProtocolViolation, reason);
        Assert.Equal(1, _node.Discovery.Counters.Violations);
    }

    [Fact]
    public async Task RandomBytes_AreRefused() =>
        Assert.Equal(CloseReason.ProtocolViolation, await TalkAsync([0xDE, 0xAD, 0xBE, 0xEF]));

    [Fact]
    public async Task AnOversizedFirstFrame_IsRefused() =>
        Assert.Equal(CloseReason.ProtocolViolation, await TalkAsync(new byte[64 * 1024]));

    [Fact]
    public async Task AnAnswerThatNobodyAskedFor_IsRefused()
    {
        var answer = GossipMessage<SignedRecord>.NewDifference(_identity.Id, [], []);

        var reason = await TalkAsync(Records(Sign(_identity, RecordOf(_identity.Id))), Encode(answer));

        Assert.Equal(CloseReason.ProtocolViolation, reason);
    }

    [Fact]
    public async Task APeerThatNeverReads_LosesItsLink_AndDelaysNobody()
    {
        await using var friend = await DiscoveryNode.StartAsync(_network.CreateTransport, _node.Address);
        await using var link = await _transport.DialAsync(_node.Address, LinkProtocols.Discovery, _node.Id);
        await using var framed = new FramedLink(link, TimeProvider.System);
        framed.TrySend(FrameLane.Control, Records(Sign(_identity, RecordOf(_identity.Id))));
        await _node.UntilAsync(catalog => catalog.Get(_identity.Id) is not null, "the peer that never reads");

        var rounds = 0;
        for (var part = 0; part < 4; part++)
        {
            _node.Discovery.AddTicket(new Ticket($"part {part}", new byte[8192]));
        }

        while (_node.Discovery.Counters.SlowLinks == 0)
        {
            // Each change is as large as an entry may be, and reaches the friend before the next one.
            var mark = (byte)++rounds;
            _node.Discovery.ReplaceTicket(new Ticket("large", [.. Enumerable.Repeat(mark, 8192)]));
            await friend.UntilAsync(catalog => MarkOf(catalog) == mark, $"round {rounds}");
        }

        // Its queue and its pipe hold some two hundred of them.
        Assert.InRange(rounds, 190, 230);

        int MarkOf(PeerCatalog catalog) =>
            catalog.Get(_node.Id)?.TicketsOf("large").FirstOrDefault()?.Data.Span[0] ?? -1;
    }

    [Fact]
    public void AnEntryOverABond_IsMergedOnlyIfItIsGood()
    {
        var good = Sign(_identity, RecordOf(_identity.Id));
        var foreign = Sign(_identity, RecordOf(_identity.Id, network: 2));
        var early = Sign(_identity, RecordOf(_identity.Id, aheadMs: 120_000));

        Assert.True(_node.Discovery.TryMerge(good.Signed, out var entry));
        Assert.Equal(_identity.Id, entry!.Id);
        Assert.False(_node.Discovery.TryMerge(foreign.Signed, out _));
        Assert.False(_node.Discovery.TryMerge(early.Signed, out _));
        Assert.False(_node.Discovery.TryMerge(good.Signed[..^1], out _));
        Assert.False(_node.Discovery.TryMerge(default, out _));
    }

    // Sends the frames and gives the reason with which the node closes.
    private async Task<CloseReason> TalkAsync(params byte[][] frames)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var link = await _transport.DialAsync(_node.Address, LinkProtocols.Discovery, _node.Id, limit.Token);
        await using var framed = new FramedLink(link, TimeProvider.System);
        foreach (var frame in frames)
        {
            Assert.True(framed.TrySend(FrameLane.Control, frame));
        }

        while (await framed.ReceiveAsync(limit.Token) is { } body)
        {
            Assert.True(DiscoveryWire.TryDecode(body, out var message, out var fault), fault);
            if (message is GossipMessage<ReadOnlyMemory<byte>>.Close close)
            {
                return close.Item;
            }
        }

        throw new IOException("The link ended without a reason.");
    }

    private async Task StillServesAsync()
    {
        await using var friend = await DiscoveryNode.StartAsync(_network.CreateTransport, _node.Address);
        await friend.UntilAsync(catalog => catalog.Get(_node.Id) is not null, "the node");
    }

    private static PeerRecord RecordOf(PeerId peer, byte network = 1, long aheadMs = 0)
    {
        var wall = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() + aheadMs;
        var version = new PeerVersion(wall, wall);
        return new PeerRecord(peer, DiscoveryNode.NetworkOf(network), version, false, [], [], [], []);
    }

    private static SignedRecord Sign(NodeIdentity identity, PeerRecord record) =>
        PeerEntrySigner.Sign(identity, record);

    private static byte[] Records(params SignedRecord[] records) =>
        Encode(GossipMessage<SignedRecord>.NewRecords(records));

    private static byte[] Raw(byte[] signed) => Records(new SignedRecord(RecordOf(default), signed));

    private static byte[] Encode(GossipMessage<SignedRecord> message)
    {
        var writer = new ArrayBufferWriter<byte>();
        DiscoveryWire.Encode(message, writer);
        return writer.WrittenSpan.ToArray();
    }
}
