namespace Mosaik.Hybrid.Storage;

/// <summary>What a store must make durable together, in this order: hard state, truncation, entries.</summary>
/// <remarks>
/// The order matters to a store that can't write all parts in one piece: a vote must never be newer than the log
/// that it was given for, and entries must never stand behind a suffix that was to be removed.
/// </remarks>
public readonly struct LogWriteBatch
{
    /// <summary>Creates a batch.</summary>
    /// <param name="hardState">Replaces the stored one; null leaves it as it is.</param>
    /// <param name="truncateFrom">The first index to remove, with all after it; null removes nothing.</param>
    /// <param name="entries">Runs of entries; all together have consecutive indexes.</param>
    public LogWriteBatch(
        HardState? hardState,
        LogIndex? truncateFrom,
        ReadOnlyMemory<ReadOnlyMemory<LogEntry>> entries
    )
    {
        HardState = hardState;
        TruncateFrom = truncateFrom;
        Entries = entries;
    }

    /// <summary>The new hard state; null leaves the stored one as it is.</summary>
    public HardState? HardState { get; }

    /// <summary>The first index to remove, with all after it; null removes nothing.</summary>
    /// <remarks>From the first index of the log to the one after its last, which removes nothing.</remarks>
    public LogIndex? TruncateFrom { get; }

    /// <summary>
    /// Entries to append, in several runs so that a runtime can gather proposals without copying them.
    /// </summary>
    /// <remarks>
    /// Runs may be empty. All entries together have consecutive indexes, the first right after the last kept entry,
    /// and terms that never fall.
    /// </remarks>
    public ReadOnlyMemory<ReadOnlyMemory<LogEntry>> Entries { get; }

    /// <summary>How many entries there are in all runs.</summary>
    public int EntryCount
    {
        get
        {
            var count = 0;
            foreach (var run in Entries.Span)
            {
                count += run.Length;
            }

            return count;
        }
    }

    /// <summary>True when there is nothing to write.</summary>
    public bool IsEmpty => HardState is null && TruncateFrom is null && EntryCount == 0;
}
