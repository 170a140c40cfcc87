using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Testing.Tests.Support;

/// <summary>What a store does wrong.</summary>
public enum StoreBug
{
    None,
    LosesTheLastBatch,
    KeepsTheTruncatedTail,
    ForgetsTheVote,
    ForgetsTheSession,
    ForgetsConfigurations,
    ChangesPayloads,
    WritesLate,
    ThrowsOnWrite,
    NeverEndsAWrite,
}

/// <summary>What survives on a disk.</summary>
internal sealed class Platter
{
    public HardState? Hard { get; set; }

    public List<LogEntry> Entries { get; set; } = [];

    /// <summary>What was there before the last write.</summary>
    public (HardState? Hard, List<LogEntry> Entries) Before { get; set; } = (null, []);
}

/// <summary>A store over an object that outlives its process; strict, and with one bug or none.</summary>
internal sealed class PlatterStore(Platter platter, StoreBug bug = StoreBug.None) : ILogStorage
{
    private readonly List<LogWriteBatch> _late = [];
    private bool _isOpen;
    private int _writes;

    public bool IsVolatile => false;

    public StorageHealth Health => StorageHealth.Unknown;

    /// <summary>The simulation takes no snapshots; a test that does wants another double.</summary>
    public ISnapshotStorage Snapshots => throw new NotSupportedException("This double keeps no snapshots.");

    public ValueTask<StoredLog> OpenAsync(
        PeerId peer,
        GroupId group,
        CancellationToken cancellationToken = default
    )
    {
        Assert.False(_isOpen);
        _isOpen = true;
        if (platter.Hard is { } hard)
        {
            Assert.Equal(peer, hard.Member.Peer);
        }

        if (bug == StoreBug.LosesTheLastBatch)
        {
            platter.Entries = platter.Before.Entries;
        }

        var runs = new List<TermRun>();
        var configurations = new List<LogIndex>();
        foreach (var entry in platter.Entries)
        {
            if (runs.Count == 0 || runs[^1].Term != entry.Term)
            {
                runs.Add(new TermRun(entry.Index, entry.Term));
            }

            if (entry.Kind == EntryKind.Configuration && bug != StoreBug.ForgetsConfigurations)
            {
                configurations.Add(entry.Index);
            }
        }

        var last = platter.Entries.Count > 0 ? platter.Entries[^1].Position : LogPosition.Zero;
        return ValueTask.FromResult(
            new StoredLog(HardToTell(), LogPosition.Zero, last, runs, configurations, [])
        );
    }

    public ValueTask WriteAsync(LogWriteBatch batch, CancellationToken cancellationToken = default)
    {
        Assert.True(_isOpen);
        Assert.False(batch.IsEmpty);
        Assert.True(
            platter.Hard is not null || batch.HardState is not null,
            "A first batch has a hard state."
        );
        switch (bug)
        {
            case StoreBug.ThrowsOnWrite when ++_writes > 3:
                throw new StorageException(StorageFault.Io, "The device failed.", "platter", 42);
            case StoreBug.NeverEndsAWrite when ++_writes > 3:
                return new ValueTask(new TaskCompletionSource().Task);
            case StoreBug.WritesLate when batch.EntryCount == 0 && batch.TruncateFrom is null:
                _late.Add(batch);
                platter.Hard ??= batch.HardState;
                return ValueTask.CompletedTask;
            default:
                _late.ForEach(Take);
                _late.Clear();
                Take(batch);
                return ValueTask.CompletedTask;
        }
    }

    public ValueTask<ReadOnlyMemory<LogEntry>> ReadAsync(
        LogRange range,
        int bytesMax,
        CancellationToken cancellationToken = default
    )
    {
        Assert.True(_isOpen);
        Assert.False(range.IsEmpty);
        var read = new List<LogEntry>();
        var bytes = 0L;
        for (var index = range.First; index <= range.Last; index = index.Next)
        {
            var entry = platter.Entries[(int)index.Value - 1];
            bytes += entry.Payload.Length;
            if (read.Count > 0 && bytes > bytesMax)
            {
                break;
            }

            read.Add(entry);
        }

        return ValueTask.FromResult<ReadOnlyMemory<LogEntry>>(read.ToArray());
    }

    public ValueTask CompactAsync(LogPosition through, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException(
            "This double keeps no snapshots, so nothing stands for removed entries."
        );

    public ValueTask DisposeAsync()
    {
        _isOpen = false;
        return ValueTask.CompletedTask;
    }

    private HardState? HardToTell() =>
        (platter.Hard, bug) switch
        {
            ({ } hard, StoreBug.ForgetsTheVote) => With(hard, hard.Session, null),
            ({ } hard, StoreBug.ForgetsTheSession) => With(hard, 1, hard.VotedFor),
            var (hard, _) => hard,
        };

    private static HardState With(HardState hard, ulong session, MemberId? vote) =>
        new(hard.Member, session, hard.Lineage, hard.CurrentTerm, vote, hard.Acknowledged);

    private void Take(LogWriteBatch batch)
    {
        platter.Before = (platter.Hard, [.. platter.Entries]);
        platter.Hard = batch.HardState ?? platter.Hard;
        if (batch.TruncateFrom is { } first && bug != StoreBug.KeepsTheTruncatedTail)
        {
            var kept = (int)first.Value - 1;
            platter.Entries.RemoveRange(kept, platter.Entries.Count - kept);
        }

        foreach (var run in batch.Entries.Span)
        {
            foreach (var entry in run.Span)
            {
                Put(bug == StoreBug.ChangesPayloads ? Changed(entry) : entry);
            }
        }
    }

    private void Put(LogEntry entry)
    {
        var place = (int)entry.Index.Value - 1;
        if (place < platter.Entries.Count)
        {
            platter.Entries[place] = entry;
        }
        else
        {
            platter.Entries.Add(entry);
        }
    }

    private static LogEntry Changed(LogEntry entry) =>
        new(
            entry.Index,
            entry.Term,
            entry.Kind,
            entry.BatchRemaining,
            entry.Timestamp,
            entry.Proposer,
            entry.Number,
            new byte[] { 1 }
        );
}
