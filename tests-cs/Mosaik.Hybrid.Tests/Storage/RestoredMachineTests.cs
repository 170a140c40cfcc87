using System.Threading.Channels;
using Mosaik.Hybrid.Runtime;
using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Storage;

/// <summary>A machine that becomes what a snapshot holds: nothing takes effect twice, and who waited is answered.</summary>
public sealed class RestoredMachineTests : IAsyncLifetime
{
    private readonly SavedJournal _machine = new();
    private readonly InMemoryLogStore _store = new();
    private readonly Channel<AppliedReport> _reports = Channel.CreateUnbounded<AppliedReport>();
    private readonly Channel<object> _posted = Channel.CreateUnbounded<object>();
    private readonly List<Exception> _failures = [];
    private readonly CancellationTokenSource _ending = new();
    private MachineApplier _applier = null!;
    private Task _running = Task.CompletedTask;

    public async Task InitializeAsync()
    {
        await _store.OpenAsync(Made.Peer, Made.Group);
        _applier = new MachineApplier(
            Made.Adapter(_machine),
            Made.Proposer,
            _store.Snapshots,
            report => _reports.Writer.TryWrite(report),
            _failures.Add,
            _ending.Token
        );
        _applier.Taker = new SnapshotTaker(
            _machine,
            _store.Snapshots,
            SnapshotOptions.Manual,
            TimeProvider.System,
            _applier.Wake,
            item => _posted.Writer.TryWrite(item),
            _failures.Add,
            _ending.Token
        );
        _running = Task.Run(_applier.RunAsync);
    }

    public async Task DisposeAsync()
    {
        _applier.End(new GroupTerminatedException(TerminationReason.Left));
        await _running.Soon("the machine's loop ends");
        _applier.Taker!.Dispose();
        _ending.Dispose();
    }

    [Fact]
    public async Task ACommandThatOnlyTheTableKnows_IsARepeat()
    {
        await SaveAsync(Made.At(1, 9), last: 5, usedAt: 8);
        _applier.Restore();
        var restored = await ReportAsync();
        Assert.Equal((5UL, new LogIndex(8)), restored.Restored);
        _applier.Apply(new[] { Made.Command(2, 10, 5, "five"), Made.Command(2, 11, 6, "six") });
        var applied = await ReportAsync();
        Assert.Equal([(6UL, new LogIndex(11))], applied.Completions);
        Assert.Equal(["one", "two", "six"], _machine.Commands);
    }

    [Fact]
    public async Task ASnapshot_HasTheTable_TheTime_AndTheConfiguration()
    {
        await SaveAsync(Made.At(1, 9), last: 5, usedAt: 8);
        _applier.Restore();
        _applier.Apply(new[] { Made.Command(2, 10, 6, "six") });
        var request = new TaskCompletionSource<LogPosition>();
        _applier.Save(request);
        Assert.Equal(Made.At(2, 10), await request.Task.Soon("a snapshot"));
        await using var stored = await _store.Snapshots.OpenAsync();
        Assert.Equal(Made.ConfigurationBytes(), stored!.Info.Configuration.ToArray());
        var head = await SnapshotContent.ReadHeadAsync(stored.Content, CancellationToken.None);
        Assert.Equal(1_010, head.Timestamp);
        var record = Assert.Single(head.Records);
        Assert.Equal((6UL, new LogIndex(10)), (record.Last, record.UsedAt));
    }

    [Fact]
    public async Task WithinABatch_NoSnapshotIsTaken()
    {
        _applier.Apply(new[] { Made.Founding(), Made.Command(1, 2, 1, "first of two", remaining: 1) });
        var request = new TaskCompletionSource<LogPosition>();
        _applier.Save(request);
        await ReportAsync();
        _applier.Apply(new[] { Made.Command(1, 3, 2, "second of two") });
        Assert.Equal(Made.At(1, 3), await request.Task.Soon("a snapshot behind the batch"));
    }

    [Fact]
    public async Task AQueryThatWaits_IsAnsweredByTheSnapshot()
    {
        await SaveAsync(Made.At(1, 9), last: 5, usedAt: 8);
        var window = new SubmitWindow();
        Assert.True(window.TryReserveQuery());
        var query = new PendingQuery<string, int, string[]>(Made.Adapter(_machine), 0, window);
        _applier.Ask(query, new LogIndex(7));
        _applier.Restore();
        var answer = await query.Task.Soon("an answer");
        Assert.Equal(Made.At(1, 9), answer.Position);
        Assert.Equal(["one", "two"], answer.Result);
    }

    [Fact]
    public async Task EntriesThatTheSnapshotHolds_AreNotAppliedAgain()
    {
        await SaveAsync(Made.At(1, 9), last: 0, usedAt: 0);
        _applier.Restore();
        await ReportAsync();
        _applier.Apply(new[] { Made.Command(1, 9, 1, "in it"), Made.Command(1, 10, 1, "after it") });
        Assert.Equal(Made.At(1, 10), (await ReportAsync()).Position);
        Assert.Equal(["one", "two", "after it"], _machine.Commands);
    }

    [Fact]
    public async Task BytesThatAreNoHead_EndTheGroup_AsAFailureOfTheStore()
    {
        await Made.SaveAsync(_store, Made.At(1, 9), [1, 2, 3]);
        _applier.Restore();
        await _running.Soon("the machine's loop ends");
        var failure = Assert.IsType<StorageException>(Assert.Single(_failures));
        Assert.Equal(StorageFault.Corrupt, failure.Fault);
    }

    private Task<SnapshotInfo> SaveAsync(LogPosition position, ulong last, ulong usedAt) =>
        Made.SaveAsync(_store, position, Made.SnapshotBytes(500, last, usedAt, "one", "two"));

    private Task<AppliedReport> ReportAsync() => _reports.Reader.ReadAsync().Soon("a report");
}
