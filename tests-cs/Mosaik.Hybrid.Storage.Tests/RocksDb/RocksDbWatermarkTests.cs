using Mosaik.Hybrid.Storage.Files;
using Mosaik.Hybrid.Storage.TestKit;
using Xunit;
using static Mosaik.Hybrid.Storage.TestKit.Sample;

namespace Mosaik.Hybrid.Storage.Tests.RocksDb;

/// <summary>RocksDB forgets the end of a damaged write-ahead log in silence: the watermark does not.</summary>
public sealed class RocksDbWatermarkTests : IAsyncLifetime
{
    private readonly DirectoryPlace _place = new(static directory => new RocksDbLogStore(directory));

    private string Wal => Directory.EnumerateFiles(Path.Combine(_place.Current, "db"), "*.log").Single();

    private string Watermark => Path.Combine(_place.Current, WatermarkFile.Name);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _place.DisposeAsync();

    [RocksDbTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ACutWriteAheadLog_IsALoss_AndStaysAsItIs(bool isCrash)
    {
        await WriteAsync(20, isCrash);
        var whole = await File.ReadAllBytesAsync(Wal);
        foreach (var length in new[] { whole.Length - 1, whole.Length - 60, whole.Length / 2, 0 })
        {
            var cut = whole[..length];
            await File.WriteAllBytesAsync(Wal, cut);
            var refusal = await RefusalAsync();
            Assert.Equal(StorageFault.Lost, refusal.Fault);
            Assert.Contains("Move the directory away", refusal.Message, StringComparison.Ordinal);
            Assert.Contains("acknowledged batch 20", refusal.Message, StringComparison.Ordinal);
            Assert.Equal(cut, await File.ReadAllBytesAsync(Wal));
        }

        await File.WriteAllBytesAsync(Wal, whole);
        await AssertHoldsAsync(20);
    }

    [RocksDbFact]
    public async Task ALostWriteAheadLog_IsALoss()
    {
        await WriteAsync(20);
        File.Delete(Wal);
        Assert.Equal(StorageFault.Lost, (await RefusalAsync()).Fault);
    }

    [RocksDbFact]
    public async Task ALostDatabase_IsALoss()
    {
        await WriteAsync(20);
        Directory.Delete(Path.Combine(_place.Current, "db"), recursive: true);
        Assert.Equal(StorageFault.Lost, (await RefusalAsync()).Fault);
    }

    [RocksDbFact]
    public async Task AFlippedByte_AnywhereInTheWriteAheadLog_IsRefused()
    {
        await WriteAsync(3);
        var whole = await File.ReadAllBytesAsync(Wal);
        var losses = 0;
        for (var offset = 0; offset < whole.Length; offset++)
        {
            var damaged = whole.ToArray();
            damaged[offset] ^= 16;
            await File.WriteAllBytesAsync(Wal, damaged);
            var refusal = await RefusalAsync();
            Assert.True(
                refusal.Fault is StorageFault.Corrupt or StorageFault.Lost,
                $"Offset {offset}: {refusal.Message}"
            );
            Assert.Contains("the directory", refusal.Message, StringComparison.Ordinal);
            losses += refusal.Fault == StorageFault.Lost ? 1 : 0;
        }

        // Lengths that reach beyond the end: RocksDB takes them for what a crash leaves.
        Assert.InRange(losses, 1, whole.Length / 10);
    }

    [RocksDbFact]
    public async Task ABatchThatACrashCutOff_AndNobodyAcknowledged_IsForgotten()
    {
        await using (var store = await OpenAsync())
        {
            await WriteAsync(store, 1, 5);
            var watermark = await File.ReadAllBytesAsync(Watermark);
            var length = new FileInfo(Wal).Length;
            await WriteAsync(store, 6, 6);
            await _place.CrashAsync(store);
            await File.WriteAllBytesAsync(Watermark, watermark);
            var whole = await File.ReadAllBytesAsync(Wal);
            Assert.InRange(whole.Length, length + 20, length + 2_000);
            await File.WriteAllBytesAsync(Wal, whole[..(int)((length + whole.Length) / 2)]);
        }

        await AssertHoldsAsync(5);
        await using (var store = await OpenAsync())
        {
            await WriteAsync(store, 6, 7);
        }

        await AssertHoldsAsync(7);
    }

    [RocksDbFact]
    public async Task ABatchThatIsDurable_AndNotInTheWatermarkYet_Counts()
    {
        await using (var store = await OpenAsync())
        {
            await WriteAsync(store, 1, 5);
            var watermark = await File.ReadAllBytesAsync(Watermark);
            await WriteAsync(store, 6, 6);
            await _place.CrashAsync(store);
            await File.WriteAllBytesAsync(Watermark, watermark);
        }

        await AssertHoldsAsync(6);
    }

    [RocksDbFact]
    public async Task ACompaction_Counts()
    {
        byte[] before;
        await using (var store = await OpenAsync())
        {
            await WriteAsync(store, 1, 5);
            await using (var writer = await store.Snapshots.CreateAsync())
            {
                await writer.CommitAsync(At(1, 3), new byte[] { 1 });
            }

            before = await File.ReadAllBytesAsync(Wal);
            await store.CompactAsync(At(1, 3));
        }

        await File.WriteAllBytesAsync(Wal, before);
        Assert.Equal(StorageFault.Lost, (await RefusalAsync()).Fault);
    }

    [RocksDbFact]
    public async Task AWatermark_ThatIsDamagedOrGone_IsRefused()
    {
        await WriteAsync(3);
        var whole = await File.ReadAllBytesAsync(Watermark);
        var damaged = whole.ToArray();
        damaged[30] ^= 1;
        await File.WriteAllBytesAsync(Watermark, damaged);
        await AssertHoldsAsync(3);

        // The close has written both slots anew.
        damaged = await File.ReadAllBytesAsync(Watermark);
        damaged[30] ^= 1;
        damaged[4096 + 30] ^= 1;
        await File.WriteAllBytesAsync(Watermark, damaged);
        Assert.Equal(StorageFault.Corrupt, (await RefusalAsync()).Fault);

        File.Delete(Watermark);
        Assert.Equal(StorageFault.Corrupt, (await RefusalAsync()).Fault);
    }

    private static async Task WriteAsync(ILogStorage store, ulong first, ulong last)
    {
        for (var index = first; index <= last; index++)
        {
            await store.WriteAsync(Batch(index == 1 ? Hard(1) : null, null, Entries(index, 1, 1, 100)));
        }
    }

    private async Task WriteAsync(ulong batches, bool isCrash = false)
    {
        await using var store = await OpenAsync();
        await WriteAsync(store, 1, batches);
        if (isCrash)
        {
            await _place.CrashAsync(store);
        }
    }

    private async Task<ILogStorage> OpenAsync()
    {
        var store = _place.NewStore();
        await store.OpenAsync(Peer, Group);
        return store;
    }

    private async Task<StorageException> RefusalAsync()
    {
        await using var store = _place.NewStore();
        return await Assert.ThrowsAsync<StorageException>(async () => await store.OpenAsync(Peer, Group));
    }

    private async Task AssertHoldsAsync(ulong last)
    {
        await using var store = _place.NewStore();
        var log = await store.OpenAsync(Peer, Group);
        Assert.Equal(At(1, last), log.LastPosition);
        var read = await store.ReadAsync(Range(1, last), int.MaxValue);
        Assert.Equal((int)last, read.Length);
    }
}
