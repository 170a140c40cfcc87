using System.Globalization;
using Mosaik.Hybrid.Tests.Support;
using Mosaik.Hybrid.Tickets;
using Xunit;

namespace Mosaik.Hybrid.Tests.Bonds;

/// <summary>Keys and tickets change again and again while commands stream: no bond and no command is lost.</summary>
/// <remarks>
/// A few rotations in the suite. <c>MOSAIK_ROTATION_SECONDS=300</c> in the environment rotates for so long, every two
/// seconds, with tickets that live for ten.
/// </remarks>
public sealed class TicketRotationTests
{
    private const string DurationVariable = "MOSAIK_ROTATION_SECONDS";
    private const int ShortRotations = 6;

    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_firstLife = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_life = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task KeysAndTicketsRotate_UnderLoad_AndNothingIsLost()
    {
        var key = Es256.GenerateSigningKey("0");
        var rings = new Dictionary<PeerId, JwtKeyRing>();
        await using var cluster = await TestCluster.StartAsync(
            Carrier.Tls,
            3,
            TestCluster.Steady,
            join: (cluster, node) =>
            {
                rings[node.Id] = new JwtKeyRing("rotating", key.VerifyingKey);
                node.Network.Discovery.ReplaceTicket(Issue(key, node, s_firstLife));
                node.Join(cluster.Key, cluster.Config, validator: Jwt.WithKeys(rings[node.Id]));
            }
        );
        var bonds = BondsOf(cluster);
        using var stop = new CancellationTokenSource();
        var writers = cluster.Nodes.Select(node => WriteAsync(node, stop.Token)).ToArray();

        var seconds = Environment.GetEnvironmentVariable(DurationVariable);
        var duration = TimeSpan.FromSeconds(
            seconds is null ? 0 : int.Parse(seconds, NumberStyles.None, CultureInfo.InvariantCulture)
        );
        var start = TimeProvider.System.GetTimestamp();
        for (
            var rotation = 1;
            rotation <= ShortRotations || TimeProvider.System.GetElapsedTime(start) < duration;
            rotation++
        )
        {
            var fresh = Es256.GenerateSigningKey(rotation.ToString(CultureInfo.InvariantCulture));
            await RotateAsync(cluster, rings, key, fresh, duration > TimeSpan.Zero ? s_life : s_firstLife);
            key = fresh;
            if (duration > TimeSpan.Zero)
            {
                await Task.Delay(s_interval, TimeProvider.System);
            }
        }

        await stop.CancelAsync();
        var acknowledged = (await Task.WhenAll(writers)).SelectMany(static commands => commands).ToList();
        var all = await cluster.ConvergedAsync(
            commands => commands.Length >= acknowledged.Count,
            "all members hold all commands"
        );
        Assert.NotEmpty(acknowledged);
        Assert.Equal(acknowledged.Order(StringComparer.Ordinal), all.Order(StringComparer.Ordinal));
        // The very same bonds, and not merely as many.
        Assert.Equal(bonds, BondsOf(cluster));
    }

    /// <summary>The order that the documents give: the new key everywhere, then the tickets, then the old key's end.</summary>
    private static async Task RotateAsync(
        TestCluster cluster,
        Dictionary<PeerId, JwtKeyRing> rings,
        JwtSigningKey old,
        JwtSigningKey fresh,
        TimeSpan life
    )
    {
        foreach (var ring in rings.Values)
        {
            ring.Add(fresh.VerifyingKey);
        }

        var tickets = cluster.Nodes.ToDictionary(static node => node.Id, node => Issue(fresh, node, life));
        foreach (var node in cluster.Nodes)
        {
            node.Network.Discovery.ReplaceTicket(tickets[node.Id]);
        }

        await cluster.UntilAsync(
            () => cluster.Nodes.All(node => tickets.All(ticket => Knows(node, ticket.Key, ticket.Value))),
            "every node knows the new tickets of the others"
        );
        foreach (var ring in rings.Values)
        {
            Assert.True(ring.Remove(old.KeyId!));
        }
    }

    private static bool Knows(TestNode node, PeerId peer, Ticket ticket) =>
        peer == node.Id || node.Network.Discovery.Catalog.Get(peer)?.Tickets.Contains(ticket) == true;

    private static Ticket Issue(JwtSigningKey key, TestNode node, TimeSpan life) =>
        new JwtTicketBuilder(key).ExpiresIn(life).Build(node.Id);

    private static Bond[] BondsOf(TestCluster cluster) =>
        [.. cluster.Nodes.SelectMany(static node => node.Group.Bonds.OrderBy(static bond => bond.Peer))];

    /// <summary>Commands one after the other; each was acknowledged.</summary>
    private static async Task<List<string>> WriteAsync(TestNode node, CancellationToken stop)
    {
        List<string> acknowledged = [];
        while (!stop.IsCancellationRequested)
        {
            var command = $"{node.Id.Short}-{acknowledged.Count}";
            await node.Group.ExecuteAsync(command, CancellationToken.None).Soon(command);
            acknowledged.Add(command);
        }

        return acknowledged;
    }
}
