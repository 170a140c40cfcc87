using Xunit;
using static Mosaik.Hybrid.Storage.TestKit.Sample;

namespace Mosaik.Hybrid.Storage.TestKit;

// Random sequences of calls against a model.
public abstract partial class LogStorageConformance
{
    /// <summary>The seeds of the random sequences. A failing test's name says which one to play again.</summary>
    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 20).Select(static seed => (ulong)seed)];

    /// <summary>How many calls a random sequence has.</summary>
    protected virtual int CallsPerSequence => 120;

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task AnySequenceOfCalls_DoesWhatTheModelDoes(ulong seed)
    {
        var player = new SequencePlayer(new Dice(seed), Store.IsVolatile ? null : ReopenAsync, CrashAsync);
        for (var call = 0; call < CallsPerSequence; call++)
        {
            await player.PlayAsync(() => Store, () => Opened);
        }

        await player.CheckAsync(Store);
    }
}

/// <summary>Makes random calls to a store and the same to a model.</summary>
internal sealed class SequencePlayer(Dice dice, Func<Task>? reopen, Func<Task> crash)
{
    private readonly StoreModel _model = new();
    private ulong _term = 1;

    public async Task PlayAsync(Func<ILogStorage> store, Func<StoredLog> opened)
    {
        switch (dice.Below(20))
        {
            case 0 or 1 when reopen is not null:
                await (dice.OneIn(2) ? reopen() : crash());
                _model.AssertDescribes(opened());
                Assert.Equal(_model.Snapshot?.Info, store().Snapshots.Newest);
                await CheckAsync(store());
                break;
            case 2:
                await SaveAsync(store());
                break;
            case 3:
                await CompactAsync(store());
                break;
            case 4:
                await MisuseAsync(store());
                break;
            case 5 or 6:
                await _model.AssertHoldsAsync(store(), dice.Below(3_000));
                break;
            default:
                await WriteAsync(store());
                break;
        }
    }

    public async Task CheckAsync(ILogStorage store)
    {
        await _model.AssertHoldsAsync(store);
        await using var snapshot = await store.Snapshots.OpenAsync();
        Assert.Equal(_model.Snapshot?.Info, snapshot?.Info);
        if (snapshot is not null && _model.Snapshot is var (_, expected))
        {
            using var content = new MemoryStream();
            await snapshot.Content.CopyToAsync(content);
            Assert.Equal(expected, content.ToArray());
        }
    }

    private async Task WriteAsync(ILogStorage store)
    {
        var batch = NextBatch();
        await store.WriteAsync(batch);
        _model.Apply(batch);
    }

    private LogWriteBatch NextBatch()
    {
        _term += dice.OneIn(6) ? 1ul : 0;
        var hard =
            _model.Hard is null || dice.OneIn(5)
                ? Hard(_term, dice.OneIn(2) ? Member(dice.Below(5)) : null, _model.Last)
                : null;
        ulong? truncateFrom = null;
        var next = _model.Last.Index.Value + 1;
        if (dice.OneIn(6))
        {
            truncateFrom = next -= (ulong)dice.Below(Math.Min(30, _model.Entries.Count + 1));
            _term++;
        }

        var runs = new ReadOnlyMemory<LogEntry>[dice.Below(4)];
        for (var place = 0; place < runs.Length; place++)
        {
            runs[place] = NextRun(ref next);
        }

        var batch = new LogWriteBatch(hard, truncateFrom is { } first ? new LogIndex(first) : null, runs);
        return batch.IsEmpty ? Batch(Hard(_term), null) : batch;
    }

    private LogEntry[] NextRun(ref ulong next)
    {
        var run = new LogEntry[dice.OneIn(10) ? 0 : dice.Below(dice.OneIn(8) ? 200 : 6)];
        for (var place = 0; place < run.Length; place++)
        {
            var bytes = dice.OneIn(200) ? 90_000 : dice.Below(dice.OneIn(10) ? 4_000 : 150);
            run[place] = Entry(next++, _term, bytes, (EntryKind)dice.Below(4));
        }

        return run;
    }

    private async Task SaveAsync(ILogStorage store)
    {
        var newest = _model.Snapshot?.Info.Position.Index.Value ?? 0;
        if (_model.Last.Index.Value <= newest || _model.Entries.Count == 0)
        {
            return;
        }

        var position = _model.Entries[dice.Below(_model.Entries.Count)].Position;
        if (position.Index.Value <= newest)
        {
            return;
        }

        var content = new byte[dice.Below(dice.OneIn(4) ? 600_000 : 2_000)];
        content.AsSpan().Fill((byte)dice.Next());
        var configuration = new byte[dice.Below(50)];
        SnapshotInfo info;
        if (dice.OneIn(2))
        {
            await using var writer = await store.Snapshots.CreateAsync();
            await writer.Content.WriteAsync(content);
            info = await writer.CommitAsync(position, configuration);
        }
        else
        {
            info = new SnapshotInfo(position, configuration, content.Length, Crc32C.Of(content));
            await using var receiver = await store.Snapshots.ReceiveAsync(info);
            await receiver.AppendAsync(content.AsMemory((int)receiver.Offset));
            await receiver.CommitAsync();
        }

        _model.Snapshot = (info, content);
    }

    private async Task CompactAsync(ILogStorage store)
    {
        if (_model.Snapshot is not var (info, _) || info.Position.Index <= _model.Base.Index)
        {
            return;
        }

        var through = info.Position;
        await store.CompactAsync(through);
        _model.Compact(through);
        _term = Math.Max(_term, through.Term.Value);
    }

    private async Task MisuseAsync(ILogStorage store)
    {
        var next = _model.Last.Index.Value + 1;
        LogWriteBatch[] wrong =
        [
            Batch(Hard(_term), null, Entries(next + 1, _term, 1)),
            Batch(Hard(_term), next + 1),
            Batch(Hard(_term), _model.Base.Index.Value),
            Batch(Hard(_term), null, Entries(next, 0, 1)),
        ];
        var batch = wrong[dice.Below(wrong.Length)];
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await store.WriteAsync(batch));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () =>
            await store.ReadAsync(Range(next, next), 10)
        );
    }
}
