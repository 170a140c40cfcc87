using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Runtime;
using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Storage;

/// <summary>When snapshots are due, without a group.</summary>
public sealed class SnapshotTakerTests : IAsyncDisposable
{
    private static readonly LogPosition s_first = new(new Term(1), new LogIndex(5));
    private static readonly LogPosition s_second = new(new Term(1), new LogIndex(9));

    private readonly FakeTimeProvider _clock = new();
    private readonly InMemoryLogStore _store = new();
    private readonly List<object> _posted = [];
    private readonly List<Exception> _failures = [];
    private int _wakes;

    [Fact]
    public async Task ByAge_OneIsDue_WhenTheLastIsOld_AndSomethingWasApplied()
    {
        using var taker = await CreateAsync(SnapshotOptions.Manual with { EveryAge = TimeSpan.FromHours(1) });
        Assert.False(taker.IsDue(s_first));
        _clock.Advance(TimeSpan.FromMinutes(61));
        Assert.Equal(1, _wakes);
        Assert.True(taker.IsDue(s_first));
        taker.Take(Place(s_first));
        await taker.Writing.Soon("the snapshot is written");
        _clock.Advance(TimeSpan.FromMinutes(61));
        Assert.False(taker.IsDue(s_first));
        Assert.True(taker.IsDue(s_second));
        var taken = Assert.IsType<SnapshotTaken>(Assert.Single(_posted));
        Assert.Equal(s_first, taken.Info.Position);
    }

    [Fact]
    public async Task ByEntriesAndBytes_WhateverComesFirst()
    {
        using var taker = await CreateAsync(
            SnapshotOptions.Manual with
            {
                EveryEntries = 3,
                EveryBytes = 100,
            }
        );
        taker.OnApplied(10);
        taker.OnApplied(10);
        Assert.False(taker.IsDue(s_first));
        taker.OnApplied(10);
        Assert.True(taker.IsDue(s_first));
        taker.Take(Place(s_first));
        await taker.Writing.Soon("the snapshot is written");
        Assert.False(taker.IsDue(s_second));
        taker.OnApplied(100);
        Assert.True(taker.IsDue(s_second));
    }

    [Fact]
    public async Task WhileOneIsWritten_NoOtherIsDue()
    {
        var gate = new TaskCompletionSource();
        using var taker = await CreateAsync(
            SnapshotOptions.Manual with
            {
                EveryEntries = 1,
            },
            new SavedJournal(beforeWrite: () => gate.Task)
        );
        taker.OnApplied(1);
        taker.Take(Place(s_first));
        taker.OnApplied(1);
        Assert.False(taker.IsDue(s_second));
        gate.SetResult();
        await taker.Writing.Soon("the snapshot is written");
        Assert.True(taker.IsDue(s_second));
    }

    [Fact]
    public async Task AWriteThatFails_IsToldOnce_AndTheNextOneIsTaken()
    {
        var machine = new SavedJournal(beforeWrite: () => Task.FromException(new IOException("no room")));
        using var taker = await CreateAsync(SnapshotOptions.Manual with { EveryEntries = 1 }, machine);
        var request = new TaskCompletionSource<LogPosition>();
        taker.Request(request);
        Assert.True(taker.IsDue(s_first));
        taker.Take(Place(s_first));
        await taker.Writing.Soon("the write ends");
        await Assert.ThrowsAsync<IOException>(() => request.Task);
        Assert.Single(_failures);
        Assert.Empty(_posted);
        taker.OnApplied(1);
        Assert.True(taker.IsDue(s_second));
        Assert.Null(_store.Snapshots.Newest);
    }

    public async ValueTask DisposeAsync() => await _store.DisposeAsync();

    private static SnapshotPlace Place(LogPosition position) =>
        new(position, new byte[] { 1 }, new SnapshotHead(1, []));

    private async Task<SnapshotTaker> CreateAsync(SnapshotOptions options, SavedJournal? machine = null)
    {
        await _store.OpenAsync(default, default);
        return new SnapshotTaker(
            machine ?? new SavedJournal(),
            _store.Snapshots,
            options,
            _clock,
            () => _wakes++,
            _posted.Add,
            _failures.Add,
            CancellationToken.None
        );
    }
}
