using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Runtime;
using Mosaik.Hybrid.Tests.Support;
using Mosaik.Hybrid.Tickets;
using Xunit;

namespace Mosaik.Hybrid.Tests.Telemetry;

/// <summary>What operators measure by: it is there, it is right, and its series are few.</summary>
public sealed class MeterTests
{
    /// <summary>More than any tag has values here: reasons, faults, stages, outcomes.</summary>
    private const int SeriesMax = 40;

    private static readonly string[] s_stages = ["queue", "append", "fsync", "replicate", "commit", "apply"];

    [Fact]
    public async Task AGroupAtWorkIsMeasured()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 3);
        using var collected = new Collected(cluster.Name);
        var leader = await cluster.LeaderAsync();
        foreach (var node in cluster.Nodes)
        {
            await cluster.ExecuteAsync(node, $"of {node.Id.Short}");
        }

        await cluster.AskStronglyAsync(leader);
        await cluster.ConvergedAsync(static commands => commands.Length == 3, "all have all");
        foreach (var stage in s_stages)
        {
            var tags = $"mosaik.stage={stage}";
            await cluster.UntilAsync(
                () => collected.Count("mosaik.group.stage.duration", tags) > 0,
                $"stage {stage} is measured"
            );
            Assert.True(collected.Sum("mosaik.group.stage.duration", tags) >= 0);
        }

        Assert.True(collected.Sum("mosaik.group.commands", "mosaik.outcome=ok") >= 3);
        Assert.True(
            collected.Count("mosaik.group.command.duration", "mosaik.outcome=ok mosaik.goal=applied") >= 3
        );
        Assert.True(
            collected.Count("mosaik.group.query.duration", "mosaik.outcome=ok mosaik.consistency=strong") >= 1
        );
        Assert.True(collected.Count("mosaik.group.storage.write.duration") > 0);

        collected.Observe();
        Assert.Equal(9, collected.Sum("mosaik.group.members", "mosaik.member.role=voter"));
        Assert.Equal(0, collected.Sum("mosaik.group.members", "mosaik.member.role=learner"));
        Assert.Equal(1, collected.Sum("mosaik.group.leading"));
        Assert.Equal(6, collected.Sum("mosaik.group.bonds"));
        Assert.Equal(3, collected.Sum("mosaik.network.groups"));
        Assert.Equal(6, collected.Sum("mosaik.discovery.catalog.size"));
        Assert.True(collected.Sum("mosaik.group.committed") >= 9);
        Assert.True(collected.Sum("mosaik.group.applied") >= 9);
        Assert.True(collected.Sum("mosaik.group.io", "network.io.direction=transmit") > 0);
        Assert.True(collected.Sum("mosaik.group.messages", "network.io.direction=receive") > 0);
        Assert.True(
            collected.Sum("mosaik.network.io", "network.io.direction=receive")
                >= collected.Sum("mosaik.group.io", "network.io.direction=receive")
        );
        Assert.True(collected.Sum("mosaik.network.links.opened", "mosaik.link.side=dialled") >= 3);
        Assert.True(collected.Sum("mosaik.discovery.peers.discovered") >= 6);
        Assert.All(collected.Series, series => Assert.InRange(series.Count(), 1, SeriesMax));
    }

    [Fact]
    public async Task AnElectionAndALostBondAreCounted()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 3);
        using var collected = new Collected(cluster.Name);
        var leader = await cluster.LeaderAsync();
        await leader.KillAsync();
        await cluster.LeaderAsync();
        Assert.True(collected.Sum("mosaik.group.elections") >= 1);
        Assert.True(collected.Sum("mosaik.group.leader.changes") >= 2);
        await cluster.UntilAsync(
            () => collected.Sum("mosaik.group.bonds.ended", "mosaik.reason=UnexpectedClose") >= 2,
            "the lost bonds are counted"
        );
    }

    [Fact]
    public async Task WhatHasEndedIsNotObservedAnyMore()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 1);
        using var collected = new Collected(cluster.Name);
        collected.Observe();
        Assert.Equal(1, collected.Sum("mosaik.group.leading"));
        await cluster.Nodes[0].Network.DisposeAsync().Soon("the network ends");
        collected.Observe();
        Assert.Empty(collected.Series);
    }

    [Fact]
    public async Task WhatPeersSayMakesNoNewSeries()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 1);
        using var collected = new Collected(cluster.Name);
        var meter = cluster.Nodes[0].Group.Loop.Meter;
        for (var number = 0; number < 1_000; number++)
        {
            meter.BondEnded(RefusalLog.NameOf((CloseReason)(1_000_000 + number)));
            meter.TicketRefused((TicketFault)(1_000 + number));
            cluster.Nodes[0].Group.Loop.Refusals.Note(Made.Peer, (CloseReason)(1_000_000 + number), "");
        }

        collected.Observe();
        Assert.Equal(1_000, collected.Sum("mosaik.group.bonds.ended", "mosaik.reason=Unknown"));
        Assert.Equal(1_000, collected.Sum("mosaik.group.links.closed", "mosaik.reason=Unknown"));
        Assert.All(collected.Series, series => Assert.InRange(series.Count(), 1, SeriesMax));
    }
}
