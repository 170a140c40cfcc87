namespace Mosaik.Hybrid.Storage;

/// <summary>A log whose entries are all in memory: the books of a <see cref="LogExtent"/>, and the entries to them.</summary>
/// <remarks>
/// For authors of stores that can afford it: whatever such a store does to last, this answers every read. One writer
/// at a time, any number of readers beside it; a reader sees a change whole or not at all. What was handed out never
/// changes, and what was handed in is kept, not copied. An entry costs 64 bytes and its payload.
/// </remarks>
public sealed class LogInMemory
{
    private readonly Lock _gate = new();
    private readonly LogExtent _extent = new();
    private readonly EntrySegments _entries = new();

    /// <summary>Term and index before the first entry.</summary>
    public LogPosition Base
    {
        get
        {
            lock (_gate)
            {
                return _extent.Base;
            }
        }
    }

    /// <summary>Term and index of the last entry; the base when there is none.</summary>
    public LogPosition Last
    {
        get
        {
            lock (_gate)
            {
                return _extent.Last;
            }
        }
    }

    /// <summary>Refuses a batch that breaks the contract.</summary>
    /// <exception cref="ArgumentException">It does; the message says how.</exception>
    public void Check(in LogWriteBatch batch)
    {
        lock (_gate)
        {
            _extent.Check(batch);
        }
    }

    /// <summary>Refuses a compaction that no snapshot covers, or that would not move the base forward.</summary>
    /// <exception cref="ArgumentException">It is one.</exception>
    public void Check(LogPosition through, SnapshotInfo? newest)
    {
        lock (_gate)
        {
            _extent.Check(through, newest);
        }
    }

    /// <summary>Checks a batch and takes it.</summary>
    /// <exception cref="ArgumentException">It breaks the contract. Nothing was changed.</exception>
    public void Write(in LogWriteBatch batch)
    {
        lock (_gate)
        {
            _extent.Check(batch);
            _extent.Apply(batch);
            if (batch.TruncateFrom is { } first)
            {
                _entries.TruncateFrom(first);
            }

            foreach (var run in batch.Entries.Span)
            {
                _entries.Append(run.Span);
            }
        }
    }

    /// <summary>Reads entries from the start of a range, as <see cref="ILogStorage.ReadAsync"/> is to.</summary>
    /// <returns>At least one entry, without a copy; fewer than fit at the end of a stretch of 1,024.</returns>
    /// <exception cref="ArgumentException">The range is empty or outside the log, or the limit negative.</exception>
    public ReadOnlyMemory<LogEntry> Read(LogRange range, int bytesMax)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytesMax);
        lock (_gate)
        {
            _extent.Check(range);
            return _entries.Read(range, bytesMax);
        }
    }

    /// <summary>Makes a position the base: what is after it stays if the log agrees with it, else all goes.</summary>
    public void Compact(LogPosition through)
    {
        lock (_gate)
        {
            if (_extent.Compact(through))
            {
                _entries.DropBefore(_extent.First);
            }
            else
            {
                _entries.BeginAt(_extent.First);
            }
        }
    }

    /// <summary>What is here, as a runtime wants to know it.</summary>
    public StoredLog Describe(IReadOnlyList<string> repairs)
    {
        lock (_gate)
        {
            return _extent.Describe(repairs);
        }
    }

    /// <summary>Forgets all entries; the next has index 1.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _extent.Begin(LogPosition.Zero);
            _entries.BeginAt(_extent.First);
        }
    }
}
