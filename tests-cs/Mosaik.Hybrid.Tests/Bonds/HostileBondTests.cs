using System.Buffers.Binary;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Bonds;

/// <summary>A bonded peer that breaks the protocol loses its bond; the group goes on.</summary>
public sealed class HostileBondTests
{
    [Theory]
    [InlineData(Carrier.InProcess)]
    [InlineData(Carrier.Tls)]
    public Task Garbage_EndsTheBond(Carrier carrier) =>
        ViolatesAsync(
            carrier,
            static peer =>
            {
                peer.SayBody([0xDE, 0xAD, 0xBE, 0xEF]);
                return Task.CompletedTask;
            }
        );

    [Theory]
    [InlineData(Carrier.InProcess)]
    [InlineData(Carrier.Tls)]
    public Task AnOversizedFrame_EndsTheBond(Carrier carrier) =>
        ViolatesAsync(
            carrier,
            static peer =>
            {
                var header = new byte[5];
                BinaryPrimitives.WriteUInt32LittleEndian(header, (16 * 1024 * 1024) + 1);
                header[4] = 1;
                return peer.SayRawAsync(header);
            }
        );

    [Fact]
    public Task AFrameOfAnotherVersion_EndsTheBond() =>
        ViolatesAsync(Carrier.InProcess, static peer => peer.SayRawAsync([2, 0, 0, 0, 9, 1]));

    [Fact]
    public Task ASecondHello_EndsTheBond() =>
        ViolatesAsync(
            Carrier.InProcess,
            static peer =>
            {
                peer.Say(BondMessage.NewHello(peer.Hello()));
                return Task.CompletedTask;
            }
        );

    [Fact]
    public Task CommandsOfAnother_EndTheBond() =>
        ViolatesAsync(
            Carrier.InProcess,
            static async peer =>
            {
                var append = await AppendAsync(peer);
                var other = new MemberId(default, Incarnation.None);
                var command = new LogEntry(
                    LogIndex.Zero,
                    Term.Zero,
                    EntryKind.Command,
                    0,
                    0,
                    new ProposerId(other, 1),
                    1,
                    "\"forged\""u8.ToArray()
                );
                var head = new ForwardHeader(append.Lineage, append.Term, 0);
                peer.Say(BondMessage.NewRaft(Message.NewForward(head, new[] { command })));
            }
        );

    [Fact]
    public Task AnAcknowledgementOfWhatWasNeverSent_EndsTheBond() =>
        ViolatesAsync(
            Carrier.InProcess,
            static async peer =>
            {
                var append = await AppendAsync(peer);
                var reply = new AppendEntriesReply(
                    append.Lineage,
                    append.Term,
                    append.Session,
                    append.Round,
                    AppendOutcome.NewAccepted(new LogIndex(1_000_000))
                );
                peer.Say(BondMessage.NewRaft(Message.NewAppendEntriesReply(reply)));
            }
        );

    [Fact]
    public async Task APeerThatFallsSilent_LosesItsBond()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 1);
        await using var peer = await ScriptedPeer.DialAsync(cluster, cluster.Nodes[0]);
        await peer.BondAsync();

        Assert.Equal(CloseReason.Timeout, await peer.ClosedAsync());

        Assert.Empty(cluster.Nodes[0].Group.Bonds);
        await cluster.ExecuteAsync(cluster.Nodes[0], "goes on");
    }

    [Fact]
    public async Task ASecondBond_OfTheSameMember_ReplacesTheFirst()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 1);
        await using var peer = await ScriptedPeer.DialAsync(cluster, cluster.Nodes[0]);
        await peer.BondAsync();
        var first = peer.Frames;

        await peer.DialAsync();
        await peer.BondAsync();

        var second = peer.Frames;
        await cluster.UntilAsync(
            () => cluster.Nodes[0].Group.Loop.Refusals.Counts.ContainsKey(CloseReason.AlreadyBonded),
            "the first bond is replaced"
        );
        Assert.Single(cluster.Nodes[0].Group.Bonds);
        Assert.False(second.Completion.IsCompleted);
        await first.DisposeAsync();
    }

    private static async Task ViolatesAsync(Carrier carrier, Func<ScriptedPeer, Task> attack)
    {
        await using var cluster = await TestCluster.StartAsync(carrier, 1);
        var node = cluster.Nodes[0];
        await using var peer = await ScriptedPeer.DialAsync(cluster, node);
        await peer.BondAsync();

        await attack(peer);

        Assert.Equal(CloseReason.ProtocolViolation, await peer.ClosedAsync());
        await cluster.UntilAsync(() => node.Group.Bonds.Count == 0, "the bond has ended");
        Assert.Equal(1, node.Group.Loop.Refusals.Counts[CloseReason.ProtocolViolation]);
        await cluster.ExecuteAsync(node, "goes on");
        Assert.Equal(["goes on"], node.Machine.Commands);
    }

    private static async Task<AppendHeader> AppendAsync(ScriptedPeer peer)
    {
        while (true)
        {
            if (
                await peer.HearAsync("an append of the leader") is BondMessage.Raft
                {
                    Item: Message.AppendEntries append
                }
            )
            {
                return append.header;
            }
        }
    }
}
