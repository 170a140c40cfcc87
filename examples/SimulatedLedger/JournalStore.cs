using Mosaik.Hybrid;
using Mosaik.Hybrid.Storage;

namespace SimulatedLedger;

/// <summary>The store under test: a journal of batches, replayed into memory when it opens.</summary>
/// <param name="medium">What survives.</param>
/// <param name="flushes">False for a store that completes its writes too early: the simulation must catch it.</param>
internal sealed class JournalStore(Medium medium, bool flushes) : ILogStorage
{
    private readonly List<LogEntry> _entries = [];
    private HardState? _hard;

    public bool IsVolatile => false;

    /// <summary>This store keeps the whole log: nothing ever asks it for a snapshot.</summary>
    public ISnapshotStorage Snapshots => throw new NotSupportedException("This store keeps the whole log.");

    public StorageHealth Health => StorageHealth.Unknown;

    public ValueTask<StoredLog> OpenAsync(
        PeerId peer,
        GroupId group,
        CancellationToken cancellationToken = default
    )
    {
        foreach (var batch in medium.Durable)
        {
            Take(batch);
        }

        var last = _entries.Count > 0 ? _entries[^1].Position : LogPosition.Zero;
        LogIndex[] configurations =
        [
            .. _entries
                .Where(static entry => entry.Kind == EntryKind.Configuration)
                .Select(static entry => entry.Index),
        ];
        return ValueTask.FromResult(
            new StoredLog(_hard, LogPosition.Zero, last, TermRuns(), configurations, [])
        );
    }

    public ValueTask WriteAsync(LogWriteBatch batch, CancellationToken cancellationToken = default)
    {
        medium.Append(batch);
        if (flushes)
        {
            medium.Flush();
        }

        Take(batch);
        return ValueTask.CompletedTask;
    }

    public ValueTask<ReadOnlyMemory<LogEntry>> ReadAsync(
        LogRange range,
        int bytesMax,
        CancellationToken cancellationToken = default
    )
    {
        var read = new List<LogEntry>();
        var bytes = 0L;
        foreach (var entry in _entries.Skip((int)range.First.Value - 1).Take(range.Count))
        {
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
        throw new NotSupportedException("This store keeps the whole log.");

    public ValueTask DisposeAsync()
    {
        // An orderly end flushes; after a crash there is nothing left to flush.
        medium.Flush();
        return ValueTask.CompletedTask;
    }

    private void Take(in LogWriteBatch batch)
    {
        _hard = batch.HardState ?? _hard;
        if (batch.TruncateFrom is { } first)
        {
            var kept = (int)first.Value - 1;
            _entries.RemoveRange(kept, _entries.Count - kept);
        }

        foreach (var run in batch.Entries.Span)
        {
            _entries.AddRange(run.Span);
        }
    }

    private List<TermRun> TermRuns()
    {
        var runs = new List<TermRun>();
        foreach (var entry in _entries)
        {
            if (runs.Count == 0 || runs[^1].Term != entry.Term)
            {
                runs.Add(new TermRun(entry.Index, entry.Term));
            }
        }

        return runs;
    }
}
