namespace Mosaik.Hybrid.Storage;

/// <summary>What a store holds when it is opened: everything that consensus needs to start, and no entry.</summary>
/// <remarks>Immutable.</remarks>
public sealed class StoredLog
{
    /// <summary>Describes a store without a log.</summary>
    public static StoredLog Fresh { get; } = new(null, LogIndex.Zero.Next, LogPosition.Zero, [], []);

    /// <summary>Creates the description.</summary>
    /// <param name="hard">Null when nothing was ever written.</param>
    /// <param name="firstIndex">The index of the first entry, or of the next one when the log is empty; from 1.</param>
    /// <param name="lastPosition">Term and index of the last entry; zero when the log is empty.</param>
    /// <param name="termRuns">Where each term begins, by rising index.</param>
    /// <param name="repairs">What recovery changed, each in a sentence for an operator; empty when nothing.</param>
    public StoredLog(
        HardState? hard,
        LogIndex firstIndex,
        LogPosition lastPosition,
        IReadOnlyList<TermRun> termRuns,
        IReadOnlyList<string> repairs
    )
    {
        ArgumentNullException.ThrowIfNull(termRuns);
        ArgumentNullException.ThrowIfNull(repairs);
        Hard = hard;
        FirstIndex = firstIndex;
        LastPosition = lastPosition;
        TermRuns = termRuns;
        Repairs = repairs;
    }

    /// <summary>The hard state of the last durable batch that had one; null when nothing was ever written.</summary>
    /// <remarks>Null makes the member a new incarnation.</remarks>
    public HardState? Hard { get; }

    /// <summary>The index of the first entry, or of the next one when the log is empty; from 1.</summary>
    public LogIndex FirstIndex { get; }

    /// <summary>Term and index of the last entry; zero when the log is empty.</summary>
    public LogPosition LastPosition { get; }

    /// <summary>
    /// Which term wrote which indexes: one item for each place where the term rises, the first of them at
    /// <see cref="FirstIndex"/>. Empty when the log is.
    /// </summary>
    public IReadOnlyList<TermRun> TermRuns { get; }

    /// <summary>
    /// What recovery changed, such as a torn tail that it cut off, each in a sentence for an operator.
    /// </summary>
    public IReadOnlyList<string> Repairs { get; }
}

/// <summary>A stretch of the log that one term wrote; it ends where the next one begins, or with the log.</summary>
/// <param name="First">The first index of the stretch.</param>
/// <param name="Term">The term of all its entries.</param>
public readonly record struct TermRun(LogIndex First, Term Term);
