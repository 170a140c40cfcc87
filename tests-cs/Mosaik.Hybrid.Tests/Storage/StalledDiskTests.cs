using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Storage;

/// <summary>A disk that makes no progress: its node neither leads nor stands, and says so, until it does.</summary>
public sealed class StalledDiskTests
{
    [Fact]
    public async Task ALeaderWhoseDiskStalls_GivesWay_AndFollowsWhenItWorksAgain()
    {
        var stores = new FaultyStore[3];
        await using var cluster = await TestCluster.StartAsync(
            Carrier.InProcess,
            3,
            stores: place => stores[place] = new FaultyStore()
        );
        using var meters = new StallMeter();
        var stalled = await cluster.LeaderAsync();
        var place = cluster.Nodes.ToList().IndexOf(stalled);
        Assert.False(stalled.Group.Storage.IsStalled);

        var gate = new TaskCompletionSource();
        stores[place].Gate = gate.Task;
        var others = cluster.Nodes.Where(node => node != stalled).ToArray();
        // Something to write; the others commit it without this disk.
        await cluster.ExecuteAsync(others[0], "while it stalls");
        await cluster.UntilAsync(() => stalled.Group.Storage.IsStalled, "the stall is in the status");
        Assert.False(stalled.Group.IsLeader);
        var next = await cluster.LeaderAsync(others);
        await cluster.ExecuteAsync(next, "under another leader");
        Assert.Contains("the disk has made no progress", stalled.Log.ToString(), StringComparison.Ordinal);
        Assert.Equal(1, meters.StallsOf(stalled.Group.Id));

        gate.SetResult();
        stores[place].Gate = Task.CompletedTask;
        await cluster.UntilAsync(() => !stalled.Group.Storage.IsStalled, "the disk works again");
        await cluster.OnlineAsync();
        await cluster.ConvergedAsync(static commands => commands.Length == 2, "all have all");
        Assert.Equal(0, meters.StalledOf(stalled.Group.Id));
    }

    [Fact]
    public async Task ANodeWhoseDiskStalls_DoesNotStand()
    {
        var store = new FaultyStore();
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 1, stores: _ => store);
        var node = cluster.Nodes[0];
        var gate = new TaskCompletionSource();
        store.Gate = gate.Task;
        var submitted = node.Group.ExecuteAsync("waits for the disk");
        await cluster.UntilAsync(() => node.Group.Storage.IsStalled, "the disk has stalled");
        await cluster.UntilAsync(() => node.Group.Leader is null, "nobody leads");
        var term = node.Group.Term;
        gate.SetResult();
        store.Gate = Task.CompletedTask;
        await cluster.AwaitAsync(submitted, "the command takes effect");
        // The one candidacy since: it did not stand while it could not write.
        Assert.Equal(term.Next, node.Group.Term);
    }

    /// <summary>Listens to what groups count of stalls.</summary>
    private sealed class StallMeter : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly ConcurrentDictionary<(string Instrument, string Group), long> _sums = new();

        public StallMeter()
        {
            _listener.InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Meter.Name == "Mosaik.Hybrid")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((i, value, tags, _) => Add(i, value, tags));
            _listener.SetMeasurementEventCallback<int>((i, value, tags, _) => Add(i, value, tags));
            _listener.Start();
        }

        public long StallsOf(GroupId group) => Sum("mosaik.group.storage.stalls", group);

        public long StalledOf(GroupId group) => Sum("mosaik.group.storage.stalled", group);

        public void Dispose() => _listener.Dispose();

        private long Sum(string instrument, GroupId group) =>
            _sums.GetValueOrDefault((instrument, group.Short));

        private void Add(Instrument instrument, long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var group = (string)tags[0].Value!;
            _sums.AddOrUpdate((instrument.Name, group), value, (_, sum) => sum + value);
        }
    }
}
