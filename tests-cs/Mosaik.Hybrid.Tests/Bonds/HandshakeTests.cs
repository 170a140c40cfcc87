using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Bonds;

/// <summary>Who does not belong is told why, is counted, and disturbs nobody.</summary>
public sealed class HandshakeTests
{
    [Theory]
    [InlineData(Carrier.InProcess)]
    [InlineData(Carrier.Tls)]
    public async Task AnHonestPeer_Bonds_AndIsAdmitted(Carrier carrier)
    {
        await using var cluster = await TestCluster.StartAsync(carrier, 1);
        await using var peer = await ScriptedPeer.DialAsync(cluster, cluster.Nodes[0]);

        await peer.BondAsync();

        await cluster.UntilAsync(
            () => cluster.Nodes[0].Group.Members.Learners.Any(member => member.Peer == peer.Identity.Id),
            "the peer is admitted"
        );
    }

    [Theory]
    [InlineData(Carrier.InProcess)]
    [InlineData(Carrier.Tls)]
    public Task AWrongKey_IsRefused(Carrier carrier) =>
        RefusedByGroupAsync(
            carrier,
            CloseReason.InvalidProof,
            async peer =>
            {
                var (mine, theirs) = await peer.GreetAsync();
                peer.Say(BondMessage.NewProof(peer.Proof(mine, theirs, GroupKey.Generate())));
            }
        );

    [Fact]
    public Task AReflectedProof_IsRefused() =>
        RefusedByGroupAsync(
            Carrier.InProcess,
            CloseReason.InvalidHandshake,
            async peer =>
            {
                // What the node says comes back to it.
                var (_, theirs) = await peer.GreetAsync();
                peer.Say(BondMessage.NewHello(theirs));
            }
        );

    [Fact]
    public Task TheNodesOwnHello_AsFirstWords_IsRefused() =>
        RefusedByGroupAsync(
            Carrier.InProcess,
            CloseReason.InvalidHandshake,
            async peer =>
            {
                var (_, theirs) = await peer.GreetAsync();
                await peer.Frames.DisposeAsync();
                await peer.DialAsync();
                peer.Say(BondMessage.NewHello(theirs));
            }
        );

    [Fact]
    public Task AReplayedHandshake_IsRefused() =>
        RefusedByGroupAsync(
            Carrier.InProcess,
            CloseReason.InvalidProof,
            async peer =>
            {
                var (mine, theirs) = await peer.GreetAsync();
                var proof = BondMessage.NewProof(peer.Proof(mine, theirs));
                peer.Say(proof);
                Assert.IsType<BondMessage.Proof>(await peer.HearAsync("the node's proof"));
                await peer.Frames.DisposeAsync();
                await peer.DialAsync();
                peer.Say(BondMessage.NewHello(mine));
                Assert.IsType<BondMessage.Hello>(await peer.HearAsync("the answer"));
                peer.Say(proof);
            }
        );

    [Fact]
    public Task AProofInTheAcceptorsRole_IsRefused() =>
        RefusedByGroupAsync(
            Carrier.InProcess,
            CloseReason.InvalidProof,
            async peer =>
            {
                var (mine, theirs) = await peer.GreetAsync();
                peer.Say(BondMessage.NewProof(peer.Proof(theirs, mine)));
            }
        );

    [Fact]
    public Task ANameThatIsNotItsOwn_IsRefused() =>
        RefusedByGroupAsync(
            Carrier.InProcess,
            CloseReason.InvalidHandshake,
            peer =>
            {
                var mine = peer.Hello();
                var other = new MemberId(default, mine.Member.Incarnation);
                peer.Say(
                    BondMessage.NewHello(
                        new Hello(
                            mine.VersionMin,
                            mine.VersionMax,
                            mine.Network,
                            mine.Group,
                            mine.Nonce,
                            other,
                            mine.Lineage,
                            mine.Preference,
                            mine.HasCommands
                        )
                    )
                );
                return Task.CompletedTask;
            }
        );

    [Fact]
    public Task AnotherVersion_IsRefused() =>
        RefusedByGroupAsync(
            Carrier.InProcess,
            CloseReason.UnsupportedVersion,
            peer =>
            {
                peer.Say(BondMessage.NewHello(peer.Hello(version: 2)));
                return Task.CompletedTask;
            }
        );

    [Fact]
    public Task AForgedEntry_IsRefused() =>
        RefusedByGroupAsync(
            Carrier.InProcess,
            CloseReason.InvalidHandshake,
            async peer =>
            {
                var (mine, theirs) = await peer.GreetAsync();
                var proof = peer.Proof(mine, theirs);
                var forged = proof.Entry.ToArray();
                forged[^1] ^= 1;
                peer.Say(BondMessage.NewProof(new Proof(proof.Mac, forged)));
            }
        );

    [Fact]
    public Task WordsOutOfTurn_AreRefused() =>
        RefusedByGroupAsync(
            Carrier.InProcess,
            CloseReason.InvalidHandshake,
            async peer =>
            {
                await peer.GreetAsync();
                peer.Say(BondMessage.Welcome);
            }
        );

    [Fact]
    public Task ConsensusBeforeTheBond_IsRefused() =>
        RefusedByGroupAsync(
            Carrier.InProcess,
            CloseReason.InvalidHandshake,
            async peer =>
            {
                await peer.GreetAsync();
                var request = new RequestVote(Lineage.None, new Term(99), LogPosition.Zero, Ballot.Vote);
                peer.Say(BondMessage.NewRaft(Message.NewRequestVote(request)));
            }
        );

    [Theory]
    [InlineData(Carrier.InProcess)]
    [InlineData(Carrier.Tls)]
    public Task AnotherNetwork_IsRefused(Carrier carrier) =>
        RefusedAtTheDoorAsync(
            carrier,
            CloseReason.DifferentNetwork,
            peer => peer.Say(BondMessage.NewHello(peer.Hello(network: NetworkId.FromBytes(new byte[32]))))
        );

    [Theory]
    [InlineData(Carrier.InProcess)]
    [InlineData(Carrier.Tls)]
    public Task AnUnknownGroup_IsRefused(Carrier carrier) =>
        RefusedAtTheDoorAsync(
            carrier,
            CloseReason.GroupNotFound,
            peer => peer.Say(BondMessage.NewHello(peer.Hello(group: GroupId.FromBytes(new byte[32]))))
        );

    [Theory]
    [InlineData(Carrier.InProcess)]
    [InlineData(Carrier.Tls)]
    public Task RandomBytesInAFrame_AreRefused(Carrier carrier) =>
        RefusedAtTheDoorAsync(
            carrier,
            CloseReason.InvalidHandshake,
            static peer => peer.SayBody([0xDE, 0xAD, 0xBE, 0xEF])
        );

    [Fact]
    public Task FirstWordsThatAreNoHello_AreRefused() =>
        RefusedAtTheDoorAsync(
            Carrier.InProcess,
            CloseReason.InvalidHandshake,
            static peer => peer.Say(BondMessage.Ping)
        );

    [Fact]
    public Task AnOversizedFirstFrame_IsRefused() =>
        RefusedAtTheDoorAsync(
            Carrier.InProcess,
            CloseReason.InvalidHandshake,
            static peer => peer.SayBody(new byte[64 * 1024])
        );

    private static Task RefusedAtTheDoorAsync(
        Carrier carrier,
        CloseReason expected,
        Action<ScriptedPeer> attack
    ) =>
        RefusedAsync(
            carrier,
            expected,
            peer =>
            {
                attack(peer);
                return Task.CompletedTask;
            },
            static node => node.Network.Groups.Refusals.Counts
        );

    private static Task RefusedByGroupAsync(
        Carrier carrier,
        CloseReason expected,
        Func<ScriptedPeer, Task> attack
    ) => RefusedAsync(carrier, expected, attack, static node => node.Group.Loop.Refusals.Counts);

    // The attacker hears the reason, the node counts it, and the group commits before and after.
    private static async Task RefusedAsync(
        Carrier carrier,
        CloseReason expected,
        Func<ScriptedPeer, Task> attack,
        Func<TestNode, IReadOnlyDictionary<CloseReason, long>> counts
    )
    {
        await using var cluster = await TestCluster.StartAsync(carrier, 1);
        var node = cluster.Nodes[0];
        await cluster.ExecuteAsync(node, "before");
        await using var peer = await ScriptedPeer.DialAsync(cluster, node);

        await attack(peer);

        Assert.Equal(expected, await peer.ClosedAsync());
        await cluster.UntilAsync(
            () => counts(node).GetValueOrDefault(expected) == 1,
            $"{expected} is counted"
        );
        await cluster.ExecuteAsync(node, "after");
        Assert.Empty(node.Group.Bonds);
        Assert.Single(node.Group.Members.All);
    }
}
