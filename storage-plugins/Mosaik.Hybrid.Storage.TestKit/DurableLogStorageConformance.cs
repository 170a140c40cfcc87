using Xunit;
using static Mosaik.Hybrid.Storage.TestKit.Sample;

namespace Mosaik.Hybrid.Storage.TestKit;

/// <summary>What a store must do besides that survives its process: be there again, and belong to one member.</summary>
public abstract class DurableLogStorageConformance : LogStorageConformance
{
    [Fact]
    public void IsNotVolatile() => Assert.False(Store.IsVolatile);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Open_AfterwardsHasWhatWasWritten(bool isCrash)
    {
        var model = new StoreModel();
        LogWriteBatch[] batches =
        [
            Batch(Hard(1), null, Entries(1, 1, 5)),
            Batch(null, 4, Entries(4, 2, 3), new[] { Entry(7, 3, 20, EntryKind.Configuration) }),
            Batch(Hard(3, Member(2), At(3, 7)), null),
            Batch(null, null, Entries(8, 3, 100)),
        ];
        foreach (var batch in batches)
        {
            await Store.WriteAsync(batch);
            model.Apply(batch);
            await (isCrash ? CrashAsync() : ReopenAsync());
            model.AssertDescribes(Opened);
            Assert.Empty(Opened.Repairs);
            await model.AssertHoldsAsync(Store);
        }
    }

    [Fact]
    public async Task Open_AfterwardsHasSnapshotsAndBase()
    {
        await WriteAsync(Hard(1), null, Entries(1, 1, 20));
        var info = await SaveAsync(At(1, 12), [1, 2, 3, 4]);
        await Store.CompactAsync(At(1, 12));
        await CrashAsync();
        Assert.Equal(At(1, 12), Opened.BasePosition);
        Assert.Equal(At(1, 20), Opened.LastPosition);
        Assert.Equal([new TermRun(new LogIndex(13), new Term(1))], Opened.TermRuns);
        Assert.Equal(info, Store.Snapshots.Newest);
        Assert.Equal([1, 2, 3, 4], await ContentAsync());
        await AssertPositionsAsync(19, "1/19", "1/20");
    }

    [Fact]
    public async Task Open_AfterwardsHasAnEmptyLogBehindItsBase()
    {
        await WriteAsync(Hard(1), null, Entries(1, 1, 20));
        await SaveAsync(At(4, 50), [1]);
        await Store.CompactAsync(At(4, 50));
        await ReopenAsync();
        Assert.Equal(At(4, 50), Opened.BasePosition);
        Assert.Equal(At(4, 50), Opened.LastPosition);
        Assert.Empty(Opened.TermRuns);
        await WriteAsync(null, null, Entries(51, 4, 1));
        await ReopenAsync();
        await AssertPositionsAsync(51, "4/51");
    }

    [Fact]
    public async Task Receive_BrokenOffByAClose_IsResumedOrBegunAnew()
    {
        var content = new byte[50_000];
        content.AsSpan().Fill(7);
        var info = new SnapshotInfo(At(3, 40), new byte[] { 9 }, content.Length, Crc32C.Of(content));
        await using (var receiver = await Store.Snapshots.ReceiveAsync(info))
        {
            await receiver.AppendAsync(content.AsMemory(0, 20_000));
        }

        await ReopenAsync();
        Assert.Null(Store.Snapshots.Newest);
        await using (var receiver = await Store.Snapshots.ReceiveAsync(info))
        {
            await receiver.AppendAsync(content.AsMemory((int)receiver.Offset));
            await receiver.CommitAsync();
        }

        await CrashAsync();
        Assert.Equal(content, await ContentAsync());
    }

    [Fact]
    public async Task Open_UnderAnotherPeer_IsRefused()
    {
        await WriteAsync(Hard(1), null, Entries(1, 1, 1));
        await Store.DisposeAsync();
        await using (var other = Place.NewStore())
        {
            var refusal = await Assert.ThrowsAsync<StorageException>(async () =>
                await other.OpenAsync(PeerNumber(2), Group)
            );
            Assert.Equal(StorageFault.Foreign, refusal.Fault);
        }

        await OpenNewAsync();
        await AssertPositionsAsync(1, "1/1");
    }

    [Fact]
    public async Task Open_UnderAnotherGroup_IsRefused()
    {
        await WriteAsync(Hard(1), null, Entries(1, 1, 1));
        await Store.DisposeAsync();
        await using (var other = Place.NewStore())
        {
            var refusal = await Assert.ThrowsAsync<StorageException>(async () =>
                await other.OpenAsync(Peer, new GroupId(Bytes32.Zero))
            );
            Assert.Equal(StorageFault.Foreign, refusal.Fault);
        }

        await OpenNewAsync();
        await AssertPositionsAsync(1, "1/1");
    }

    [Fact]
    public async Task Open_WhileAnotherHasIt_IsRefused()
    {
        await WriteAsync(Hard(1), null, Entries(1, 1, 1));
        await using (var second = Place.NewStore())
        {
            var refusal = await Assert.ThrowsAsync<StorageException>(async () =>
                await second.OpenAsync(Peer, Group)
            );
            Assert.Equal(StorageFault.Locked, refusal.Fault);
        }

        await WriteAsync(null, null, Entries(2, 1, 1));
        await AssertPositionsAsync(1, "1/1", "1/2");
    }

    [Fact]
    public async Task Open_Often_ChangesNothing()
    {
        await WriteAsync(Hard(1), null, Entries(1, 1, 3));
        for (var round = 0; round < 20; round++)
        {
            await (round % 2 == 0 ? ReopenAsync() : CrashAsync());
            Assert.Equal(At(1, 3), Opened.LastPosition);
        }
    }
}
