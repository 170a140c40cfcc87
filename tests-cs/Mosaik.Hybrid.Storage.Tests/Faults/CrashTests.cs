using Mosaik.Hybrid.Storage.TestKit;
using Xunit;
using static Mosaik.Hybrid.Storage.TestKit.Sample;

namespace Mosaik.Hybrid.Storage.Tests.Faults;

/// <summary>Crashes between any two things that the store does to the disk: nothing acknowledged is ever missing.</summary>
public sealed class CrashTests
{
    /// <summary>Another story, and other losses, for every seed.</summary>
    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 12).Select(static seed => (ulong)seed)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task PowerLoss_AnyTime_KeepsWhatWasAcknowledged(ulong seed)
    {
        var story = FaultyStore.Story(seed, 25);
        var (total, _) = await PlayAsync(story, int.MaxValue, seed);
        for (var at = 1; at <= total; at++)
        {
            var (_, crash) = await PlayAsync(story, at, seed);
            await AssertKeptAsync(story, crash!);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Kill_AnyTime_KeepsWhatWasAcknowledged(ulong seed)
    {
        var story = FaultyStore.Story(seed, 25);
        var (total, _) = await PlayAsync(story, int.MaxValue, null);
        for (var at = 1; at <= total; at++)
        {
            var (_, crash) = await PlayAsync(story, at, null);
            await AssertKeptAsync(story, crash!);
        }
    }

    [Fact]
    public async Task PowerLoss_AfterPowerLoss_KeepsWhatWasAcknowledged()
    {
        for (var seed = 1ul; seed <= 60; seed++)
        {
            var dice = new Dice(seed);
            var story = FaultyStore.Story(seed, 40);
            var (log, snapshots, done) = (new FaultyDisk(), new FaultyDisk(), 0);
            while (done < story.Count)
            {
                // A life of a few batches, then the next crash, at whatever moment.
                var (crash, kept) = await LiveAsync(story, log, snapshots, done, dice);
                (log, snapshots, done) = (crash.Log, crash.Snapshots, kept);
            }
        }
    }

    [Fact]
    public async Task TornLastWrite_AtAnyByte_IsCutOffOrWhole()
    {
        var story = FaultyStore.Story(3, 12);
        var disk = new FaultyDisk();
        var store = FaultyStore.On(disk);
        await store.OpenAsync(Peer, Group);
        foreach (var batch in story.SkipLast(1))
        {
            await store.WriteAsync(batch);
        }

        var torn = new List<FaultyDisk>();
        disk.OnCall = (call, file) =>
        {
            if (
                call == DiskCall.Flush
                && torn.Count == 0
                && file.StartsWith("log-", StringComparison.Ordinal)
            )
            {
                for (var bytes = 0; bytes <= disk.UnflushedBytes(file); bytes++)
                {
                    torn.Add(disk.TornAt(file, bytes));
                }
            }
        };
        await store.WriteAsync(story[^1]);
        Assert.NotEmpty(torn);
        await store.DisposeAsync();
        var whole = torn.Count - 1;
        for (var bytes = 0; bytes < torn.Count; bytes++)
        {
            var kept = await FaultyStore.AssertHoldsAsync(
                torn[bytes],
                new FaultyDisk(),
                [FaultyStore.After(story, story.Count - 1), FaultyStore.After(story, story.Count)]
            );
            // Trailing padding and reserved bytes are zeros, and zero is what was there before.
            Assert.True(bytes > whole - 16 || kept == 0, $"{bytes} of {whole} bytes make a batch.");
            Assert.True(bytes < whole || kept == 1);
        }
    }

    [Fact]
    public async Task TornTail_IsReported()
    {
        var disk = new FaultyDisk();
        var store = FaultyStore.On(disk);
        await store.OpenAsync(Peer, Group);
        await store.WriteAsync(Batch(Hard(1), null, Entries(1, 1, 2)));
        FaultyDisk? torn = null;
        disk.OnCall = (call, file) =>
        {
            if (call == DiskCall.Flush && file.StartsWith("log-", StringComparison.Ordinal))
            {
                torn ??= disk.TornAt(file, 100);
            }
        };
        await store.WriteAsync(Batch(null, null, Entries(3, 1, 2)));
        await store.DisposeAsync();
        await using var again = FaultyStore.On(torn!);
        var opened = await again.OpenAsync(Peer, Group);
        Assert.Equal(At(1, 2), opened.LastPosition);
        var repair = Assert.Single(opened.Repairs);
        Assert.Contains("1/2", repair, StringComparison.Ordinal);
        Assert.Contains("log-0000000000000001, offset", repair, StringComparison.Ordinal);
    }

    private sealed record Crash(FaultyDisk Log, FaultyDisk Snapshots, int Acknowledged, StoreModel Model);

    private static async Task AssertKeptAsync(IReadOnlyList<LogWriteBatch> story, Crash crash)
    {
        var allowed = new List<StoreModel> { crash.Model };
        if (crash.Acknowledged < story.Count)
        {
            var next = crash.Model.Copy();
            next.Apply(story[crash.Acknowledged]);
            allowed.Add(next);
        }

        await FaultyStore.AssertHoldsAsync(crash.Log, crash.Snapshots, allowed);
    }

    /// <summary>Plays a story from the beginning, with a crash before one of the calls to the disk.</summary>
    private static async Task<(int Calls, Crash? Crash)> PlayAsync(
        IReadOnlyList<LogWriteBatch> story,
        int crashAt,
        ulong? powerLossSeed
    )
    {
        var (log, snapshots) = (new FaultyDisk(), new FaultyDisk());
        var acknowledged = 0;
        var calls = 0;
        Crash? crash = null;
        log.OnCall = (_, _) =>
        {
            if (++calls == crashAt)
            {
                var dice = new Dice((powerLossSeed ?? 0) + (ulong)crashAt);
                crash = new Crash(
                    powerLossSeed is null ? log.Killed() : log.PowerLost(dice),
                    new FaultyDisk(),
                    acknowledged,
                    FaultyStore.After(story, acknowledged)
                );
            }
        };
        await using (var store = FaultyStore.On(log, snapshots))
        {
            await store.OpenAsync(Peer, Group);
            foreach (var batch in story)
            {
                await store.WriteAsync(batch);
                acknowledged++;
            }
        }

        return (calls, crash);
    }

    private static async Task<(Crash Crash, int Kept)> LiveAsync(
        IReadOnlyList<LogWriteBatch> story,
        FaultyDisk log,
        FaultyDisk snapshots,
        int done,
        Dice dice
    )
    {
        var crashAt = 1 + dice.Below(60);
        var acknowledged = done;
        Crash? crash = null;
        var calls = 0;
        log.OnCall = (_, _) =>
        {
            if (++calls == crashAt)
            {
                crash = new Crash(
                    log.PowerLost(dice),
                    snapshots.PowerLost(dice),
                    acknowledged,
                    FaultyStore.After(story, acknowledged)
                );
            }
        };
        var store = FaultyStore.On(log, snapshots);
        await store.OpenAsync(Peer, Group);
        while (crash is null && acknowledged < story.Count)
        {
            await store.WriteAsync(story[acknowledged]);
            acknowledged++;
        }

        log.OnCall = null;
        crash ??= new Crash(
            log.PowerLost(dice),
            snapshots.PowerLost(dice),
            acknowledged,
            FaultyStore.After(story, acknowledged)
        );
        await store.DisposeAsync();
        var allowed = new List<StoreModel> { crash.Model };
        if (crash.Acknowledged < story.Count)
        {
            var next = crash.Model.Copy();
            next.Apply(story[crash.Acknowledged]);
            allowed.Add(next);
        }

        var kept = await FaultyStore.AssertHoldsAsync(crash.Log.Killed(), crash.Snapshots.Killed(), allowed);
        return (crash, crash.Acknowledged + kept);
    }
}
