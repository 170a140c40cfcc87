using Xunit;
using static Mosaik.Hybrid.Storage.TestKit.Sample;

namespace Mosaik.Hybrid.Storage.TestKit;

// Opening, writing, reading.
public abstract partial class LogStorageConformance
{
    [Fact]
    public void Open_OfNothing_IsFresh()
    {
        Assert.Null(Opened.Hard);
        Assert.Equal(new LogIndex(1), Opened.FirstIndex);
        Assert.Equal(LogPosition.Zero, Opened.BasePosition);
        Assert.Equal(LogPosition.Zero, Opened.LastPosition);
        Assert.Empty(Opened.TermRuns);
        Assert.Empty(Opened.Configurations);
        Assert.Empty(Opened.Repairs);
        Assert.Null(Store.Snapshots.Newest);
    }

    [Fact]
    public async Task Open_Twice_IsRefused() =>
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Store.OpenAsync(Peer, Group));

    [Fact]
    public async Task Calls_BeforeOpen_AreRefused()
    {
        await using var store = Place.NewStore();
        await Assert.ThrowsAsync<InvalidOperationException>(async () =>
            await store.WriteAsync(Batch(Hard(1), null))
        );
        await Assert.ThrowsAsync<InvalidOperationException>(async () =>
            await store.ReadAsync(Range(1, 1), 1)
        );
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await store.CompactAsync(At(1, 1)));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await store.Snapshots.CreateAsync());
    }

    [Fact]
    public async Task Calls_AfterDispose_AreRefused()
    {
        await Store.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await WriteAsync(Hard(1)));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await Store.ReadAsync(Range(1, 1), 1));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await Store.OpenAsync(Peer, Group));
        await Store.DisposeAsync();
    }

    [Fact]
    public async Task Calls_Cancelled_DoNothing()
    {
        var cancelled = new CancellationToken(canceled: true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            await Store.WriteAsync(Batch(Hard(1), null, Entries(1, 1, 1)), cancelled)
        );
        await Assert.ThrowsAsync<ArgumentException>(async () => await ReadAllAsync(1, 1));
    }

    [Fact]
    public async Task Read_ReturnsWhatSeveralRunsWrote()
    {
        await WriteAsync(Hard(1), null, Entries(1, 1, 3), Entries(4, 1, 0), Entries(4, 2, 2));
        await AssertPositionsAsync(1, "1/1", "1/2", "1/3", "2/4", "2/5");
    }

    [Fact]
    public async Task Read_ReturnsEveryFieldAsItWasWritten()
    {
        LogEntry[] entries =
        [
            Entry(1, 1, 0, EntryKind.NoOp),
            Entry(2, 1, 3, EntryKind.Configuration),
            Entry(3, 1, 0),
            Entry(4, 1, 1),
            Entry(5, ulong.MaxValue >> 2, 70_000),
            new(
                new LogIndex(6),
                new Term(ulong.MaxValue >> 2),
                EntryKind.Command,
                int.MaxValue,
                long.MinValue,
                new ProposerId(Member(9), ulong.MaxValue),
                ulong.MaxValue,
                new byte[] { 255 }
            ),
        ];
        await WriteAsync(Hard(1), null, entries);
        var read = await ReadAllAsync(1, 6);
        for (var place = 0; place < entries.Length; place++)
        {
            StoreModel.AssertSame(entries[place], read[place]);
        }
    }

    [Fact]
    public async Task Read_OfALongLog_ReturnsAllInOrder()
    {
        for (var first = 1; first < 6_000; first += 1_000)
        {
            await WriteAsync(Hard(1), null, Entries((ulong)first, 1, 1_000));
        }

        var all = await ReadAllAsync(900, 5_000);
        Assert.Equal(Enumerable.Range(900, 4_101), all.Select(static entry => (int)entry.Index.Value));
        Assert.All(all, static entry => StoreModel.AssertSame(Entry(entry.Index.Value, 1, 8), entry));
    }

    [Fact]
    public async Task Read_ReturnsAtMostTheBytesButAtLeastOneEntry()
    {
        await WriteAsync(Hard(1), null, Entries(1, 1, 10, bytes: 100));
        Assert.Equal(1, (await Store.ReadAsync(Range(1, 10), 0)).Length);
        Assert.Equal(1, (await Store.ReadAsync(Range(1, 10), 199)).Length);
        Assert.InRange((await Store.ReadAsync(Range(1, 10), 250)).Length, 1, 2);
        Assert.InRange((await Store.ReadAsync(Range(1, 3), int.MaxValue)).Length, 1, 3);
    }

    [Fact]
    public async Task Read_OfALargePayload_ReturnsIt()
    {
        await WriteAsync(Hard(1), null, Entries(1, 1, 2), new[] { Entry(3, 1, 5_000_000) }, Entries(4, 1, 2));
        var read = await ReadAllAsync(1, 5, bytesMax: 1_000);
        Assert.Equal(5, read.Count);
        StoreModel.AssertSame(Entry(3, 1, 5_000_000), read[2]);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 4)]
    [InlineData(4, 4)]
    [InlineData(2, 1)]
    public async Task Read_OutsideTheLog_IsRefused(ulong first, ulong last)
    {
        await WriteAsync(Hard(1), null, Entries(1, 1, 3));
        await Assert.ThrowsAsync<ArgumentException>(async () =>
            await Store.ReadAsync(Range(first, last), 100)
        );
    }

    [Fact]
    public async Task Write_TruncatesBeforeItAppends()
    {
        await WriteAsync(Hard(1), null, Entries(1, 1, 5));
        await WriteAsync(null, 3, Entries(3, 2, 1));
        await AssertPositionsAsync(1, "1/1", "1/2", "2/3");
        await WriteAsync(null, 4);
        await AssertPositionsAsync(1, "1/1", "1/2", "2/3");
        await WriteAsync(null, 1, Entries(1, 3, 1));
        await AssertPositionsAsync(1, "3/1");
        await WriteAsync(Hard(4), 1);
        await Assert.ThrowsAsync<ArgumentException>(async () => await ReadAllAsync(1, 1));
    }

    [Fact]
    public async Task Write_ChangesNothingThatAReaderHolds()
    {
        await WriteAsync(Hard(1), null, Entries(1, 1, 5));
        var held = await Store.ReadAsync(Range(1, 5), int.MaxValue);
        await WriteAsync(null, 2, Entries(2, 2, 4));
        foreach (var entry in held.ToArray())
        {
            StoreModel.AssertSame(Entry(entry.Index.Value, 1, 8), entry);
        }

        await AssertPositionsAsync(1, "1/1", "2/2", "2/3", "2/4", "2/5");
    }

    [Fact]
    public async Task Write_FirstWithoutHardState_IsRefused() =>
        await Assert.ThrowsAsync<ArgumentException>(async () =>
            await WriteAsync(null, null, Entries(1, 1, 1))
        );

    [Fact]
    public async Task Write_OfNothing_IsRefused()
    {
        await WriteAsync(Hard(1));
        await Assert.ThrowsAsync<ArgumentException>(async () => await WriteAsync(null));
    }

    [Theory]
    [InlineData(5, 2, null)]
    [InlineData(3, 2, null)]
    [InlineData(4, 1, null)]
    [InlineData(4, 2, 3ul)]
    [InlineData(4, 2, 0ul)]
    [InlineData(6, 2, 6ul)]
    public async Task Write_ThatBreaksTheLog_IsRefusedAndChangesNothing(
        ulong index,
        ulong term,
        ulong? truncateFrom
    )
    {
        await WriteAsync(Hard(1), null, Entries(1, 2, 3));
        await Assert.ThrowsAsync<ArgumentException>(async () =>
            await WriteAsync(Hard(9), truncateFrom, Entries(index, term, 1))
        );
        await AssertPositionsAsync(1, "2/1", "2/2", "2/3");
        await Assert.ThrowsAsync<ArgumentException>(async () => await ReadAllAsync(4, 4));
        await WriteAsync(null, null, Entries(4, 2, 1));
        await AssertPositionsAsync(3, "2/3", "2/4");
    }

    [Fact]
    public async Task Readers_BesideAWriter_NeverSeeAMixture()
    {
        await WriteAsync(Hard(1), null, Entries(1, 1, 600));
        var readers = Enumerable.Range(0, 2).Select(_ => Task.Run(ReadRepeatedlyAsync)).ToArray();
        for (var term = 2ul; term < 30; term++)
        {
            await WriteAsync(null, 101, Entries(101, term, 500));
        }

        await Task.WhenAll(readers);

        async Task ReadRepeatedlyAsync()
        {
            for (var round = 0; round < 100; round++)
            {
                var view = (await Store.ReadAsync(Range(101, 600), int.MaxValue)).ToArray();
                foreach (var entry in view)
                {
                    StoreModel.AssertSame(Entry(entry.Index.Value, view[0].Term.Value, 8), entry);
                }
            }
        }
    }

    [Fact]
    public async Task Health_CanBeAskedAtAnyTime()
    {
        await WriteAsync(Hard(1), null, Entries(1, 1, 10));
        var health = Store.Health;
        Assert.Null(health.StalledSince);
        Assert.True(health.WriteLatency is null || health.WriteLatency > TimeSpan.Zero);
        Assert.True(health.FreeBytes is null or >= 0);
    }
}
