using Mosaik.Hybrid.Runtime;
using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Storage;

/// <summary>When a machine is saved: by entries, bytes and age, on request, and not more often than it pays.</summary>
public sealed class SnapshotTakerTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _clock = new();
    private readonly FaultySnapshots _store = new();
    private readonly List<object> _posted = [];
    private readonly List<Exception> _failures = [];
    private int _wakes;

    public Task InitializeAsync() => _store.OpenAsync();

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task ByAge_OnlyIfSomethingWasApplied()
    {
        using var taker = Taker(SnapshotOptions.Manual with { EveryAge = TimeSpan.FromHours(1) });
        _clock.Advance(TimeSpan.FromHours(2));
        Assert.True(_wakes >= 2);
        Assert.False(taker.IsDue(LogPosition.Zero));
        taker.OnApplied(10);
        Assert.True(taker.IsDue(Made.At(1, 1)));
        await TakeAsync(taker, 1);
        Assert.False(taker.IsDue(Made.At(1, 1)));
        taker.OnApplied(10);
        Assert.False(taker.IsDue(Made.At(1, 2)));
        _clock.Advance(TimeSpan.FromMinutes(59));
        Assert.False(taker.IsDue(Made.At(1, 2)));
        var wakes = _wakes;
        _clock.Advance(TimeSpan.FromMinutes(2));
        Assert.True(_wakes > wakes);
        Assert.True(taker.IsDue(Made.At(1, 2)));
    }

    [Fact]
    public async Task ByEntriesOrBytes_WhateverComesFirst()
    {
        using var taker = Taker(SnapshotOptions.Manual with { EveryEntries = 3, EveryBytes = 100 });
        Apply(taker, 2, 10);
        Assert.False(taker.IsDue(Made.At(1, 2)));
        Apply(taker, 1, 10);
        Assert.True(taker.IsDue(Made.At(1, 3)));
        await TakeAsync(taker, 3);
        Assert.False(taker.IsDue(Made.At(1, 4)));
        taker.OnApplied(100);
        Assert.True(taker.IsDue(Made.At(1, 4)));
    }

    [Fact]
    public async Task ByEntriesAndBytes_NotBeforeTheLogIsAsLongAsTheLastOne()
    {
        using var taker = Taker(
            SnapshotOptions.Manual with
            {
                EveryEntries = 10,
                EveryBytes = 1_000,
            },
            padding: 100_000
        );
        Apply(taker, 10, 1);
        Assert.True(taker.IsDue(Made.At(1, 10)));
        await TakeAsync(taker, 10);
        // A hundred kilobytes would be written again for ten commands.
        Apply(taker, 10, 1_000);
        Assert.False(taker.IsDue(Made.At(1, 20)));
        Apply(taker, 90, 1_000);
        Assert.True(taker.IsDue(Made.At(1, 110)));
    }

    [Fact]
    public async Task OneThatCouldNotBeSaved_IsNoAnswerToTheNextRequest()
    {
        using var taker = Taker(SnapshotOptions.Manual);
        taker.OnApplied(1);
        _store.Fault = new StorageException(StorageFault.Full, "no room");
        var first = Request(taker);
        Assert.True(taker.IsDue(Made.At(1, 1)));
        await TakeAsync(taker, 1);
        await Assert.ThrowsAsync<StorageException>(() => first);
        Assert.Single(_failures);

        _store.Fault = null;
        var second = Request(taker);
        Assert.True(taker.IsDue(Made.At(1, 1)));
        await TakeAsync(taker, 1);
        Assert.Equal(Made.At(1, 1), await second);
        Assert.Equal(Made.At(1, 1), _store.Newest?.Position);
        Assert.IsType<SnapshotTaken>(Assert.Single(_posted));
    }

    [Fact]
    public async Task ARequest_WhileAnotherIsWritten_IsLookedAtAfterwards()
    {
        var gate = new TaskCompletionSource();
        using var taker = Taker(SnapshotOptions.Manual, beforeWrite: () => gate.Task);
        taker.OnApplied(1);
        var first = Request(taker);
        Assert.True(taker.IsDue(Made.At(1, 1)));
        taker.Take(Place(1));
        taker.OnApplied(1);
        var second = Request(taker);
        Assert.False(taker.IsDue(Made.At(1, 2)));
        var wakes = _wakes;
        gate.SetResult();
        await taker.Writing.Soon("the first is written");
        Assert.Equal(Made.At(1, 1), await first.Soon("the first is answered"));
        // In a quiet group nothing but this makes the machine's loop look again.
        Assert.Equal(wakes + 1, _wakes);
        Assert.False(second.IsCompleted);
        Assert.True(taker.IsDue(Made.At(1, 2)));
        await TakeAsync(taker, 2);
        Assert.Equal(Made.At(1, 2), await second.Soon("the second is answered"));
    }

    [Fact]
    public async Task WhoWaits_WhenTheGroupEnds_IsTold()
    {
        using var taker = Taker(SnapshotOptions.Manual);
        var request = Request(taker);
        taker.End(new GroupTerminatedException(TerminationReason.Left));
        await Assert.ThrowsAsync<GroupTerminatedException>(() => request);
    }

    private static Task<LogPosition> Request(SnapshotTaker taker)
    {
        var request = new TaskCompletionSource<LogPosition>();
        taker.Request(request);
        return request.Task;
    }

    private static void Apply(SnapshotTaker taker, int entries, int bytes)
    {
        for (var count = 0; count < entries; count++)
        {
            taker.OnApplied(bytes);
        }
    }

    private static SnapshotPlace Place(ulong index) =>
        new(Made.At(1, index), Made.ConfigurationBytes(), new Core.SnapshotHead(1_000, []));

    private static Task TakeAsync(SnapshotTaker taker, ulong index)
    {
        taker.Take(Place(index));
        return taker.Writing.Soon("the snapshot is written");
    }

    private SnapshotTaker Taker(SnapshotOptions options, int padding = 0, Func<Task>? beforeWrite = null) =>
        new(
            new SavedJournal(padding, beforeWrite),
            _store,
            options,
            _clock,
            () => _wakes++,
            _posted.Add,
            _failures.Add,
            CancellationToken.None
        );
}
