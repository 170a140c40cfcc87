using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Tests.Support;
using Mosaik.Hybrid.Transport;
using Xunit;

namespace Mosaik.Hybrid.Tests.Bonds;

/// <summary>Strangers that come in numbers, or take their time, cost a bounded amount and delay nobody.</summary>
public sealed class FloodTests
{
    [Fact]
    public async Task HundredsWhoSayNothing_StopNobody()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 3);
        var node = cluster.Nodes[0];
        using var identity = NodeIdentity.Generate();
        await using var transport = cluster.Connect(identity);
        await transport.StartAsync();
        var links = new List<ILink>();
        for (var number = 0; number < 400; number++)
        {
            links.Add(await transport.DialAsync(node.Address, LinkProtocols.Groups, node.Id).Soon("a dial"));
        }

        // No more than 16 of one peer's may be about to say their first words.
        await cluster.UntilAsync(
            () => node.Network.Groups.Refusals.Counts.GetValueOrDefault(CloseReason.UnexpectedClose) >= 384,
            "those beyond the limit are refused"
        );
        for (var number = 0; number < 30; number++)
        {
            await cluster.ExecuteAsync(cluster.Nodes[number % 3], $"{number}");
        }

        await cluster.ConvergedAsync(static all => all.Length == 30, "the group goes on");
        var late = await cluster.AddAsync();
        await cluster.AwaitAsync(late.Group.When.Online(), "a newcomer is let in meanwhile");
        foreach (var link in links)
        {
            await link.DisposeAsync();
        }
    }

    [Theory]
    [InlineData(Carrier.InProcess)]
    [InlineData(Carrier.Tls)]
    public async Task HundredsWhoTalkNonsense_AreEachTold(Carrier carrier)
    {
        const int Attackers = 8;
        const int Attacks = 25;
        await using var cluster = await TestCluster.StartAsync(carrier, 3);
        var node = cluster.Nodes[0];
        var flood = Task.WhenAll(
            Enumerable
                .Range(0, Attackers)
                .Select(async seed =>
                {
                    await using var peer = await ScriptedPeer.DialAsync(cluster, node);
                    for (var attack = 1; attack <= Attacks; attack++)
                    {
                        peer.SayBody([(byte)seed, 0xFF, (byte)attack]);
                        Assert.Equal(CloseReason.InvalidHandshake, await peer.ClosedAsync());
                        await peer.Frames.DisposeAsync();
                        await peer.DialAsync();
                    }
                })
        );

        for (var number = 0; number < 30; number++)
        {
            await cluster.ExecuteAsync(cluster.Nodes[number % 3], $"{number}");
        }

        await cluster.AwaitAsync(flood, "the flood is over");
        await cluster.ConvergedAsync(static all => all.Length == 30, "the group goes on");
        Assert.Equal(
            Attackers * Attacks,
            node.Network.Groups.Refusals.Counts.GetValueOrDefault(CloseReason.InvalidHandshake)
        );
    }

    [Theory]
    [InlineData(SlowPhase.BeforeAnyByte)]
    [InlineData(SlowPhase.InsideTheFirstFrame)]
    [InlineData(SlowPhase.AfterTheHello)]
    [InlineData(SlowPhase.BeforeTheWelcome)]
    public async Task WhoTakesTooLong_IsTold(SlowPhase phase)
    {
        var clock = new FakeTimeProvider();
        await using var cluster = await TestCluster.OfNodesAsync(Carrier.InProcess, 1, timeProvider: clock);
        var node = cluster.Nodes[0];
        node.Join(cluster.Key, cluster.Config);
        await cluster.UntilAsync(
            () =>
            {
                clock.Advance(TimeSpan.FromMilliseconds(50));
                return node.Group.IsOnline;
            },
            "the node is online"
        );
        await using var peer = await ScriptedPeer.DialAsync(cluster, node);
        await StallAsync(peer, phase);
        var refusals =
            phase < SlowPhase.AfterTheHello ? node.Network.Groups.Refusals : node.Group.Loop.Refusals;
        var start = clock.GetUtcNow();

        await cluster.UntilAsync(
            () =>
            {
                clock.Advance(TimeSpan.FromMilliseconds(20));
                return refusals.Counts.GetValueOrDefault(CloseReason.Timeout) == 1;
            },
            "the slow one is refused"
        );

        Assert.Equal(CloseReason.Timeout, await peer.ClosedAsync());
        Assert.True(clock.GetUtcNow() - start >= TimeSpan.FromSeconds(4), "It had its five seconds.");
        await cluster.ExecuteAsync(node, "goes on");
        Assert.Empty(node.Group.Bonds);
    }

    /// <summary>Where a stranger stops talking.</summary>
    public enum SlowPhase
    {
        /// <summary>It opens a link, and that is all.</summary>
        BeforeAnyByte,

        /// <summary>It announces a frame and sends half of it.</summary>
        InsideTheFirstFrame,

        /// <summary>It never proves that it knows the key.</summary>
        AfterTheHello,

        /// <summary>It proves itself, and never welcomes the node.</summary>
        BeforeTheWelcome,
    }

    private static async Task StallAsync(ScriptedPeer peer, SlowPhase phase)
    {
        switch (phase)
        {
            case SlowPhase.BeforeAnyByte:
                break;
            case SlowPhase.InsideTheFirstFrame:
                await peer.SayRawAsync([40, 0, 0, 0, 1, 7, 7]);
                break;
            default:
                var (mine, theirs) = await peer.GreetAsync();
                if (phase == SlowPhase.BeforeTheWelcome)
                {
                    peer.Say(BondMessage.NewProof(peer.Proof(mine, theirs)));
                    Assert.IsType<BondMessage.Proof>(await peer.HearAsync("the node's proof"));
                }

                break;
        }
    }
}
