using Xunit;
using static Mosaik.Hybrid.Storage.TestKit.Sample;

namespace Mosaik.Hybrid.Storage.TestKit;

// Snapshots and the compaction that they allow.
public abstract partial class LogStorageConformance
{
    private static byte[] Content(int bytes)
    {
        var content = new byte[bytes];
        for (var place = 0; place < bytes; place++)
        {
            content[place] = (byte)((place * 31) + (place >> 8));
        }

        return content;
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1_000_000)]
    public async Task Snapshot_Saved_IsOpenedAsItWas(int bytes)
    {
        var info = await SaveAsync(At(2, 7), Content(bytes));
        Assert.Equal(At(2, 7), info.Position);
        Assert.Equal(bytes, info.Length);
        Assert.Equal(Crc32C.Of(Content(bytes)), info.Checksum);
        Assert.Equal(info, Store.Snapshots.Newest);
        await using var snapshot = await Store.Snapshots.OpenAsync();
        Assert.NotNull(snapshot);
        Assert.Equal(info, snapshot.Info);
        Assert.Equal(new byte[] { 1, 2, 3 }, snapshot.Info.Configuration.ToArray());
        Assert.Equal(Content(bytes), await ContentAsync());
    }

    [Fact]
    public async Task Snapshot_Content_CanBeSoughtIn()
    {
        await SaveAsync(At(1, 1), Content(1_000));
        await using var snapshot = await Store.Snapshots.OpenAsync();
        Assert.NotNull(snapshot);
        snapshot.Content.Seek(900, SeekOrigin.Begin);
        using var rest = new MemoryStream();
        await snapshot.Content.CopyToAsync(rest);
        Assert.Equal(Content(1_000)[900..], rest.ToArray());
    }

    [Fact]
    public async Task Snapshot_Uncommitted_NeverExists()
    {
        await using (var writer = await Store.Snapshots.CreateAsync())
        {
            await writer.Content.WriteAsync(Content(100));
        }

        Assert.Null(Store.Snapshots.Newest);
        Assert.Null(await Store.Snapshots.OpenAsync());
        await SaveAsync(At(1, 3), Content(10));
        Assert.Equal(Content(10), await ContentAsync());
    }

    [Fact]
    public async Task Snapshot_TwoAtOnce_AreRefused()
    {
        await using var writer = await Store.Snapshots.CreateAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Store.Snapshots.CreateAsync());
    }

    [Fact]
    public async Task Snapshot_TheNewest_IsTheOneWithTheHighestIndex()
    {
        await SaveAsync(At(1, 5), Content(5));
        await SaveAsync(At(1, 9), Content(9));
        await SaveAsync(At(1, 7), Content(7));
        Assert.Equal(At(1, 9), Store.Snapshots.Newest?.Position);
        Assert.Equal(Content(9), await ContentAsync());
    }

    [Fact]
    public async Task Snapshot_BeingRead_StaysReadable()
    {
        await SaveAsync(At(1, 1), Content(500_000));
        await using var old = await Store.Snapshots.OpenAsync();
        Assert.NotNull(old);
        for (var index = 2ul; index < 6; index++)
        {
            await SaveAsync(At(1, index), Content(10));
        }

        using var content = new MemoryStream();
        await old.Content.CopyToAsync(content);
        Assert.Equal(Content(500_000), content.ToArray());
    }

    [Fact]
    public async Task Receive_InChunks_GivesTheSameSnapshot()
    {
        var content = Content(300_000);
        var info = new SnapshotInfo(At(3, 40), new byte[] { 9 }, content.Length, Crc32C.Of(content));
        await using (var receiver = await Store.Snapshots.ReceiveAsync(info))
        {
            for (var at = 0; at < content.Length; at += 70_000)
            {
                Assert.Equal(at, receiver.Offset);
                var length = Math.Min(70_000, content.Length - at);
                await receiver.AppendAsync(content.AsMemory(at, length));
            }

            Assert.Null(Store.Snapshots.Newest);
            await receiver.CommitAsync();
        }

        Assert.Equal(info, Store.Snapshots.Newest);
        Assert.Equal(content, await ContentAsync());
    }

    [Fact]
    public async Task Receive_BrokenOff_IsResumedWhereItEnded()
    {
        var content = Content(100_000);
        var info = new SnapshotInfo(At(3, 40), new byte[] { 9 }, content.Length, Crc32C.Of(content));
        await using (var receiver = await Store.Snapshots.ReceiveAsync(info))
        {
            await receiver.AppendAsync(content.AsMemory(0, 60_000));
        }

        Assert.Null(await Store.Snapshots.OpenAsync());
        await using (var receiver = await Store.Snapshots.ReceiveAsync(info))
        {
            Assert.Equal(60_000, receiver.Offset);
            await receiver.AppendAsync(content.AsMemory(60_000));
            await receiver.CommitAsync();
        }

        Assert.Equal(content, await ContentAsync());
    }

    [Fact]
    public async Task Receive_OfAnotherSnapshot_BeginsAnew()
    {
        var content = Content(1_000);
        var first = new SnapshotInfo(At(3, 40), default, content.Length, Crc32C.Of(content));
        await using (var receiver = await Store.Snapshots.ReceiveAsync(first))
        {
            await receiver.AppendAsync(content.AsMemory(0, 600));
        }

        var second = new SnapshotInfo(At(3, 41), default, content.Length, Crc32C.Of(content));
        await using var other = await Store.Snapshots.ReceiveAsync(second);
        Assert.Equal(0, other.Offset);
    }

    [Fact]
    public async Task Receive_OfOtherContent_IsRefusedAndBeginsAnew()
    {
        var content = Content(1_000);
        var info = new SnapshotInfo(At(3, 40), default, content.Length, Crc32C.Of(content) ^ 1);
        await using (var receiver = await Store.Snapshots.ReceiveAsync(info))
        {
            await Assert.ThrowsAsync<InvalidOperationException>(async () => await receiver.CommitAsync());
            await Assert.ThrowsAsync<ArgumentException>(async () =>
                await receiver.AppendAsync(Content(1_001))
            );
            await receiver.AppendAsync(content);
            var refusal = await Assert.ThrowsAsync<StorageException>(async () =>
                await receiver.CommitAsync()
            );
            Assert.Equal(StorageFault.Corrupt, refusal.Fault);
        }

        Assert.Null(Store.Snapshots.Newest);
        await using var again = await Store.Snapshots.ReceiveAsync(info);
        Assert.Equal(0, again.Offset);
    }

    [Fact]
    public async Task Receive_OfAnOlderOne_IsRefused()
    {
        await SaveAsync(At(1, 9), Content(9));
        var info = new SnapshotInfo(At(1, 9), default, 1, 0);
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.Snapshots.ReceiveAsync(info));
    }

    [Fact]
    public async Task Compact_RemovesTheEntriesUpToThePosition()
    {
        await WriteAsync(Hard(1), null, Entries(1, 1, 2_000), Entries(2_001, 2, 3_000));
        await SaveAsync(At(2, 3_000), Content(10));
        await Store.CompactAsync(At(2, 2_500));
        await Assert.ThrowsAsync<ArgumentException>(async () => await ReadAllAsync(2_500, 2_500));
        var rest = await ReadAllAsync(2_501, 5_000);
        Assert.All(rest, static entry => StoreModel.AssertSame(Entry(entry.Index.Value, 2, 8), entry));
        await WriteAsync(null, 2_502, Entries(2_502, 3, 2));
        await AssertPositionsAsync(2_501, "2/2501", "3/2502", "3/2503");
        await Assert.ThrowsAsync<ArgumentException>(async () =>
            await WriteAsync(null, 2_500, Entries(2_500, 3, 1))
        );
    }

    [Fact]
    public async Task Compact_UpToTheLastEntry_LeavesAnEmptyLog()
    {
        await WriteAsync(Hard(1), null, Entries(1, 1, 10));
        await SaveAsync(At(1, 10), Content(10));
        await Store.CompactAsync(At(1, 10));
        await Assert.ThrowsAsync<ArgumentException>(async () => await ReadAllAsync(10, 10));
        await WriteAsync(null, 11, Entries(11, 1, 1));
        await AssertPositionsAsync(11, "1/11");
    }

    [Theory]
    [InlineData(5, 3)]
    [InlineData(30, 3)]
    public async Task Compact_ToASnapshotThatTheLogDiffersFrom_DropsTheWholeLog(ulong index, ulong term)
    {
        await WriteAsync(Hard(1), null, Entries(1, 1, 10));
        await SaveAsync(At(term, index), Content(10));
        await Store.CompactAsync(At(term, index));
        await Assert.ThrowsAsync<ArgumentException>(async () => await ReadAllAsync(index + 1, index + 1));
        await WriteAsync(null, null, Entries(index + 1, term, 2));
        await AssertPositionsAsync(index + 1, $"{term}/{index + 1}", $"{term}/{index + 2}");
    }

    [Fact]
    public async Task Compact_WithoutASnapshotThatCoversIt_IsRefused()
    {
        await WriteAsync(Hard(1), null, Entries(1, 1, 10));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.CompactAsync(At(1, 5)));
        await SaveAsync(At(1, 4), Content(1));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.CompactAsync(At(1, 5)));
        await Store.CompactAsync(At(1, 4));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.CompactAsync(At(1, 4)));
        await AssertPositionsAsync(5, "1/5", "1/6");
    }
}
