using Mosaik.Hybrid.Storage.TestKit;
using Xunit;
using static Mosaik.Hybrid.Storage.TestKit.Sample;

namespace Mosaik.Hybrid.Storage.Tests.Faults;

/// <summary>A disk that fails a call: the write fails, the store stays failed, and nothing is tried again.</summary>
public sealed class FailingDiskTests
{
    private static readonly IReadOnlyList<LogWriteBatch> s_story = FaultyStore.Story(5, 30);

    [Theory]
    [InlineData(StorageFault.Io)]
    [InlineData(StorageFault.Full)]
    public async Task AnyCall_ThatFails_FailsTheStoreAndLosesNothing(StorageFault fault)
    {
        var calls = 0;
        var counting = new FaultyDisk { OnCall = (_, _) => calls++ };
        await PlayAsync(counting);
        for (var at = 1; at <= calls; at++)
        {
            await FailAtAsync(at, fault);
        }
    }

    [Fact]
    public async Task Flush_ThatFails_IsNeverRepeated()
    {
        var disk = new FaultyDisk();
        var store = FaultyStore.On(disk);
        await store.OpenAsync(Peer, Group);
        await store.WriteAsync(Batch(Hard(1), null, Entries(1, 1, 1)));
        var hasFailed = false;
        disk.OnCall = (call, _) =>
        {
            if (call == DiskCall.Flush && !hasFailed)
            {
                hasFailed = true;
                throw new StorageException(StorageFault.Io, "injected");
            }
        };
        var first = await Assert.ThrowsAsync<StorageException>(async () =>
            await store.WriteAsync(Batch(null, null, Entries(2, 1, 1)))
        );
        var since = disk.Journal.Count;
        var second = await Assert.ThrowsAsync<StorageException>(async () =>
            await store.WriteAsync(Batch(null, null, Entries(2, 1, 1)))
        );
        Assert.Same(first, second);
        await Assert.ThrowsAsync<StorageException>(async () => await store.ReadAsync(Range(1, 1), 1));
        await store.DisposeAsync();
        Assert.Equal(since, disk.Journal.Count);
    }

    [Fact]
    public async Task Stall_ShowsInHealth()
    {
        var disk = new FaultyDisk();
        using var gate = new ManualResetEventSlim();
        var options = new FileLogOptions
        {
            SegmentBytes = 4096,
            StallThreshold = TimeSpan.FromMilliseconds(1),
        };
        await using var store = new FileLogStore(disk, new FaultyDisk(), options);
        await store.OpenAsync(Peer, Group);
        Assert.Null(store.Health.StalledSince);
        disk.OnCall = (call, _) =>
        {
            if (call == DiskCall.Flush)
            {
                gate.Wait();
            }
        };
        var writing = store.WriteAsync(Batch(Hard(1), null, Entries(1, 1, 1))).AsTask();
        while (store.Health.StalledSince is null)
        {
            await Task.Yield();
        }

        Assert.False(writing.IsCompleted);
        gate.Set();
        await writing;
        Assert.Null(store.Health.StalledSince);
        Assert.True(store.Health.WriteLatency > TimeSpan.Zero);
    }

    [Fact]
    public async Task Snapshot_ThatCannotBeWritten_LeavesTheLogAlone()
    {
        var (log, snapshots) = (new FaultyDisk(), new FaultyDisk());
        await using var store = FaultyStore.On(log, snapshots);
        await store.OpenAsync(Peer, Group);
        await store.WriteAsync(Batch(Hard(1), null, Entries(1, 1, 5)));
        snapshots.OnCall = static (call, _) =>
        {
            if (call == DiskCall.Flush)
            {
                throw new StorageException(StorageFault.Full, "injected");
            }
        };
        await using (var writer = await store.Snapshots.CreateAsync())
        {
            await writer.Content.WriteAsync(new byte[10]);
            await Assert.ThrowsAsync<StorageException>(async () =>
                await writer.CommitAsync(At(1, 5), default)
            );
        }

        Assert.Null(store.Snapshots.Newest);
        snapshots.OnCall = null;
        await store.WriteAsync(Batch(null, null, Entries(6, 1, 1)));
        await using var again = await store.Snapshots.CreateAsync();
        await again.CommitAsync(At(1, 6), default);
        Assert.Equal(At(1, 6), store.Snapshots.Newest?.Position);
    }

    private static async Task<int> PlayAsync(FaultyDisk disk)
    {
        var acknowledged = 0;
        var store = FaultyStore.On(disk);
        try
        {
            await store.OpenAsync(Peer, Group);
            foreach (var batch in s_story)
            {
                await store.WriteAsync(batch);
                acknowledged++;
            }
        }
        finally
        {
            await store.DisposeAsync();
        }

        return acknowledged;
    }

    private static async Task FailAtAsync(int at, StorageFault fault)
    {
        var disk = new FaultyDisk();
        var calls = 0;
        disk.OnCall = (_, _) =>
        {
            if (++calls == at)
            {
                throw new StorageException(fault, "injected");
            }
        };
        var acknowledged = 0;
        var store = FaultyStore.On(disk);
        StorageException? failure = null;
        try
        {
            await store.OpenAsync(Peer, Group);
            for (; acknowledged < s_story.Count; acknowledged++)
            {
                await store.WriteAsync(s_story[acknowledged]);
            }
        }
        catch (StorageException exception)
        {
            failure = exception;
        }

        // A file that could not be made ahead is made again when it is needed; the close may fail instead.
        var closing = await Record.ExceptionAsync(async () => await store.DisposeAsync());
        Assert.True(failure is null || failure.Fault == fault);
        Assert.True(closing is null or StorageException);
        disk.OnCall = null;
        var allowed = new List<StoreModel> { FaultyStore.After(s_story, acknowledged) };
        if (acknowledged < s_story.Count)
        {
            allowed.Add(FaultyStore.After(s_story, acknowledged + 1));
        }

        var dice = new Dice((ulong)at);
        await FaultyStore.AssertHoldsAsync(disk.PowerLost(dice), new FaultyDisk(), allowed);
        await FaultyStore.AssertHoldsAsync(disk.Killed(), new FaultyDisk(), allowed);
    }
}
