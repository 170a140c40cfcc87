using Mosaik.Hybrid.Storage.TestKit;
using Xunit;
using static Mosaik.Hybrid.Storage.TestKit.Sample;

namespace Mosaik.Hybrid.Storage.Tests.Faults;

/// <summary>Crashes while snapshots are saved and the log is compacted: snapshot first, then base, then removal.</summary>
public sealed class CompactionCrashTests
{
    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 6).Select(static seed => (ulong)seed)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task PowerLoss_AnyTime_LeavesALogThatASnapshotCompletes(ulong seed)
    {
        var story = FaultyStore.Story(seed, 24);
        var total = (await PlayAsync(story, int.MaxValue, seed)).Calls;
        for (var at = 1; at <= total; at++)
        {
            var crash = (await PlayAsync(story, at, seed)).Crash!;
            await FaultyStore.AssertHoldsAsync(crash.Log, crash.Snapshots, crash.Allowed);
            await using var store = FaultyStore.On(crash.Log.Killed(), crash.Snapshots.Killed());
            var opened = await store.OpenAsync(Peer, Group);
            Assert.True(
                opened.BasePosition == LogPosition.Zero
                    || store.Snapshots.Newest!.Position.Index >= opened.BasePosition.Index
            );
        }
    }

    [Fact]
    public async Task Compaction_GivesSegmentsBack_AndUsesThemAgain()
    {
        var disk = new FaultyDisk();
        await using var store = FaultyStore.On(disk);
        await store.OpenAsync(Peer, Group);
        for (var round = 0ul; round < 40; round++)
        {
            var first = (round * 10) + 1;
            await store.WriteAsync(
                Batch(round == 0 ? Hard(1) : null, null, Entries(first, 1, 10, bytes: 200))
            );
            await using (var writer = await store.Snapshots.CreateAsync())
            {
                await writer.CommitAsync(At(1, first + 9), default);
            }

            await store.CompactAsync(At(1, first + 7));
            Assert.InRange(disk.Names.Count, 2, 7);
        }

        Assert.Contains((DiskCall.Rename, "log-0000000000000005"), disk.Journal);
        await using var last = FaultyStore.On(disk.Killed(), new FaultyDisk());
        var refusal = await Assert.ThrowsAsync<StorageException>(async () =>
            await last.OpenAsync(Peer, Group)
        );
        Assert.Contains("no snapshot", refusal.Message, StringComparison.Ordinal);
    }

    private sealed record Crash(FaultyDisk Log, FaultyDisk Snapshots, IReadOnlyList<StoreModel> Allowed);

    private static async Task<(int Calls, Crash? Crash)> PlayAsync(
        IReadOnlyList<LogWriteBatch> story,
        int crashAt,
        ulong seed
    )
    {
        var (log, snapshots) = (new FaultyDisk(), new FaultyDisk());
        var model = new StoreModel();
        // A file is made ahead beside the writer, so calls come from two threads: lists here are never changed.
        StoreModel[] allowed = [model];
        var counting = new Lock();
        var calls = 0;
        Crash? crash = null;
        log.OnCall = snapshots.OnCall = (_, _) =>
        {
            int call;
            lock (counting)
            {
                call = ++calls;
            }

            if (call == crashAt)
            {
                var dice = new Dice(seed + ((ulong)crashAt * 1_000));
                crash = new Crash(
                    log.PowerLost(dice),
                    snapshots.PowerLost(dice),
                    [.. allowed.Select(static item => item.Copy())]
                );
            }
        };
        var store = FaultyStore.On(log, snapshots);
        await store.OpenAsync(Peer, Group);
        foreach (var batch in story)
        {
            // A truncation below the base is no part of this story.
            if (batch.TruncateFrom is { } first && first <= model.Base.Index)
            {
                break;
            }

            var next = model.Copy();
            next.Apply(batch);
            allowed = [model, next];
            await store.WriteAsync(batch);
            model = next;
            allowed = [model];
            if (model.Entries.Count > 6)
            {
                var through = model.Entries[^5].Position;
                await using (var writer = await store.Snapshots.CreateAsync())
                {
                    await writer.Content.WriteAsync(new byte[100]);
                    await writer.CommitAsync(through, new byte[7]);
                }

                next = model.Copy();
                next.Compact(through);
                allowed = [model, next];
                await store.CompactAsync(through);
                model = next;
                allowed = [model];
            }
        }

        await store.DisposeAsync();
        return (calls, crash);
    }
}
