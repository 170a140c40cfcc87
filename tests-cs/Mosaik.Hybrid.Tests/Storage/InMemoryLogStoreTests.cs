using Mosaik.Hybrid.Storage;
using Xunit;

namespace Mosaik.Hybrid.Tests.Storage;

public sealed class InMemoryLogStoreTests : IAsyncLifetime
{
    private static readonly HardState s_hard = new(
        new MemberId(new PeerId(Bytes32.Zero), new Incarnation(new Bytes16(1, 2))),
        1,
        Lineage.None,
        Term.Zero,
        null,
        LogPosition.Zero
    );

    private readonly InMemoryLogStore _store = new();
    private StoredLog _opened = StoredLog.Fresh;

    public async Task InitializeAsync() => _opened = await OpenAsync(_store);

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [Fact]
    public void Open_IsFresh()
    {
        Assert.Null(_opened.Hard);
        Assert.Equal(new LogIndex(1), _opened.FirstIndex);
        Assert.Equal(LogPosition.Zero, _opened.LastPosition);
        Assert.Empty(_opened.TermRuns);
        Assert.Empty(_opened.Repairs);
        Assert.True(_store.IsVolatile);
    }

    [Fact]
    public async Task Open_Twice_IsRefused() =>
        await Assert.ThrowsAsync<InvalidOperationException>(() => OpenAsync(_store).AsTask());

    [Fact]
    public async Task Calls_BeforeOpen_AreRefused()
    {
        await using var store = new InMemoryLogStore();
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await WriteAsync(store, s_hard));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await ReadAllAsync(store, 1, 1));
    }

    [Fact]
    public async Task Calls_AfterDispose_AreRefused()
    {
        await _store.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await WriteAsync(_store, s_hard));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => OpenAsync(_store).AsTask());
    }

    [Fact]
    public void Write_CompletesSynchronously()
    {
        var write = _store.WriteAsync(Batch(s_hard, null, Entries(1, 1, 5))).AsTask();
        Assert.True(write.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Read_ReturnsWhatSeveralRunsWrote()
    {
        await _store.WriteAsync(Batch(s_hard, null, Entries(1, 1, 3), Entries(4, 1, 0), Entries(4, 2, 2)));
        Assert.Equal(["1/1", "1/2", "1/3", "2/4", "2/5"], await PositionsAsync(1, 5));
    }

    [Fact]
    public async Task Read_CrossesSegments()
    {
        await _store.WriteAsync(Batch(s_hard, null, Entries(1, 1, 5_000)));
        var all = await ReadAllAsync(_store, 1_000, 5_000);
        Assert.Equal(Enumerable.Range(1_000, 4_001), all.Select(entry => (int)entry.Index.Value));
    }

    [Fact]
    public async Task Read_ReturnsAtMostTheBytesButAtLeastOneEntry()
    {
        await _store.WriteAsync(Batch(s_hard, null, Entries(1, 1, 10, bytes: 100)));
        Assert.Equal(1, (await _store.ReadAsync(Range(1, 10), 0)).Length);
        Assert.Equal(1, (await _store.ReadAsync(Range(1, 10), 199)).Length);
        Assert.Equal(2, (await _store.ReadAsync(Range(1, 10), 200)).Length);
        Assert.Equal(3, (await _store.ReadAsync(Range(1, 3), int.MaxValue)).Length);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 4)]
    [InlineData(4, 4)]
    [InlineData(2, 1)]
    public async Task Read_OutsideTheLog_IsRefused(ulong first, ulong last)
    {
        await _store.WriteAsync(Batch(s_hard, null, Entries(1, 1, 3)));
        await Assert.ThrowsAsync<ArgumentException>(async () =>
            await _store.ReadAsync(Range(first, last), 100)
        );
    }

    [Fact]
    public async Task Write_TruncatesBeforeItAppends()
    {
        await _store.WriteAsync(Batch(s_hard, null, Entries(1, 1, 5)));
        await _store.WriteAsync(Batch(null, new LogIndex(3), Entries(3, 2, 1)));
        Assert.Equal(["1/1", "1/2", "2/3"], await PositionsAsync(1, 3));
        await _store.WriteAsync(Batch(null, new LogIndex(1), Entries(1, 3, 1)));
        Assert.Equal(["3/1"], await PositionsAsync(1, 1));
    }

    [Fact]
    public async Task Write_ChangesNothingThatAReaderHolds()
    {
        await _store.WriteAsync(Batch(s_hard, null, Entries(1, 1, 5)));
        var held = await _store.ReadAsync(Range(1, 5), int.MaxValue);
        await _store.WriteAsync(Batch(null, new LogIndex(2), Entries(2, 2, 4)));
        Assert.All(held.ToArray(), entry => Assert.Equal(new Term(1), entry.Term));
        Assert.Equal(["1/1", "2/2", "2/3", "2/4", "2/5"], await PositionsAsync(1, 5));
    }

    [Fact]
    public async Task Write_FirstWithoutHardState_IsRefused() =>
        await Assert.ThrowsAsync<ArgumentException>(async () =>
            await _store.WriteAsync(Batch(null, null, Entries(1, 1, 1)))
        );

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
        await _store.WriteAsync(Batch(s_hard, null, Entries(1, 2, 3)));
        LogIndex? first = truncateFrom is { } value ? new LogIndex(value) : null;
        await Assert.ThrowsAsync<ArgumentException>(async () =>
            await _store.WriteAsync(Batch(null, first, Entries(index, term, 1)))
        );
        Assert.Equal(["2/1", "2/2", "2/3"], await PositionsAsync(1, 3));
        await Assert.ThrowsAsync<ArgumentException>(async () => await ReadAllAsync(_store, 4, 4));
    }

    [Fact]
    public async Task Calls_Cancelled_DoNothing()
    {
        var cancelled = new CancellationToken(canceled: true);
        await Assert.ThrowsAsync<OperationCanceledException>(async () =>
            await _store.WriteAsync(Batch(s_hard, null, Entries(1, 1, 1)), cancelled)
        );
        await Assert.ThrowsAsync<ArgumentException>(async () => await ReadAllAsync(_store, 1, 1));
    }

    [Fact]
    public async Task Readers_BesideAWriter_NeverSeeAMixture()
    {
        await _store.WriteAsync(Batch(s_hard, null, Entries(1, 1, 3_000)));
        var readers = Enumerable.Range(0, 2).Select(_ => Task.Run(ReadRepeatedlyAsync)).ToArray();
        for (var term = 2ul; term < 40; term++)
        {
            await _store.WriteAsync(Batch(null, new LogIndex(501), Entries(501, term, 2_500)));
        }

        await Task.WhenAll(readers);

        async Task ReadRepeatedlyAsync()
        {
            for (var round = 0; round < 500; round++)
            {
                var view = (await _store.ReadAsync(Range(501, 1_000), int.MaxValue)).ToArray();
                Assert.All(view, entry => Assert.Equal(view[0].Term, entry.Term));
            }
        }
    }

    private static ValueTask<StoredLog> OpenAsync(InMemoryLogStore store) =>
        store.OpenAsync(new PeerId(Bytes32.Zero), new GroupId(Bytes32.Zero));

    private static ValueTask WriteAsync(InMemoryLogStore store, HardState hard) =>
        store.WriteAsync(Batch(hard, null));

    private static LogWriteBatch Batch(
        HardState? hard,
        LogIndex? truncateFrom,
        params ReadOnlyMemory<LogEntry>[] runs
    ) => new(hard, truncateFrom, runs);

    private static LogRange Range(ulong first, ulong last) => new(new LogIndex(first), new LogIndex(last));

    private static ReadOnlyMemory<LogEntry> Entries(ulong first, ulong term, int count, int bytes = 8)
    {
        var entries = new LogEntry[count];
        for (var place = 0; place < count; place++)
        {
            var index = new LogIndex(first + (ulong)place);
            entries[place] = new LogEntry(
                index,
                new Term(term),
                EntryKind.NoOp,
                0,
                0,
                null,
                0,
                new byte[bytes]
            );
        }

        return entries;
    }

    private async Task<IEnumerable<string>> PositionsAsync(ulong first, ulong last) =>
        (await ReadAllAsync(_store, first, last)).Select(entry => entry.Position.ToString()).ToArray();

    private static async Task<List<LogEntry>> ReadAllAsync(InMemoryLogStore store, ulong first, ulong last)
    {
        var all = new List<LogEntry>();
        while (first <= last)
        {
            var part = await store.ReadAsync(Range(first, last), int.MaxValue);
            all.AddRange(part.Span);
            first += (ulong)part.Length;
        }

        return all;
    }
}
