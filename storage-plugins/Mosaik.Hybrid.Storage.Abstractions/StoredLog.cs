namespace Mosaik.Hybrid.Storage;

/// <summary>What a store holds when it is opened: everything that consensus needs to start, and no entry.</summary>
/// <remarks>Immutable.</remarks>
public sealed class StoredLog
{
    /// <summary>Describes a store without a log.</summary>
    public static StoredLog Fresh { get; } = new(null, LogPosition.Zero, LogPosition.Zero, [], [], []);

    /// <summary>Creates the description.</summary>
    /// <param name="hard">Null when nothing was ever written.</param>
    /// <param name="basePosition">Term and index before the first entry; zero for a log that was never compacted.</param>
    /// <param name="lastPosition">Term and index of the last entry; the base when the log is empty.</param>
    /// <param name="termRuns">Where each term begins, by rising index.</param>
    /// <param name="configurations">The indexes of the entries that are configurations, rising.</param>
    /// <param name="repairs">What recovery changed, each in a sentence for an operator; empty when nothing.</param>
    public StoredLog(
        HardState? hard,
        LogPosition basePosition,
        LogPosition lastPosition,
        IReadOnlyList<TermRun> termRuns,
        IReadOnlyList<LogIndex> configurations,
        IReadOnlyList<string> repairs
    )
    {
        ArgumentNullException.ThrowIfNull(termRuns);
        ArgumentNullException.ThrowIfNull(configurations);
        ArgumentNullException.ThrowIfNull(repairs);
        Hard = hard;
        BasePosition = basePosition;
        LastPosition = lastPosition;
        TermRuns = termRuns;
        Configurations = configurations;
        Repairs = repairs;
    }

    /// <summary>The hard state of the last durable batch that had one; null when nothing was ever written.</summary>
    /// <remarks>Null makes the member a new incarnation.</remarks>
    public HardState? Hard { get; }

    /// <summary>
    /// Where the log was cut off at its beginning: term and index of the last entry that a snapshot stands for. Zero
    /// for a log that was never compacted.
    /// </summary>
    public LogPosition BasePosition { get; }

    /// <summary>The index of the first entry, or of the next one when the log is empty; from 1.</summary>
    public LogIndex FirstIndex => BasePosition.Index.Next;

    /// <summary>Term and index of the last entry; <see cref="BasePosition"/> when the log is empty.</summary>
    public LogPosition LastPosition { get; }

    /// <summary>
    /// Which term wrote which indexes: one item for each place where the term rises, the first of them at
    /// <see cref="FirstIndex"/>. Empty when the log is.
    /// </summary>
    public IReadOnlyList<TermRun> TermRuns { get; }

    /// <summary>
    /// The indexes of the entries whose kind is <see cref="EntryKind.Configuration"/>, rising: a runtime puts them into
    /// force again without reading the whole log.
    /// </summary>
    public IReadOnlyList<LogIndex> Configurations { get; }

    /// <summary>
    /// What recovery changed, such as a torn tail that it cut off, each in a sentence for an operator.
    /// </summary>
    public IReadOnlyList<string> Repairs { get; }
}

/// <summary>A stretch of the log that one term wrote; it ends where the next one begins, or with the log.</summary>
/// <param name="First">The first index of the stretch.</param>
/// <param name="Term">The term of all its entries.</param>
public readonly record struct TermRun(LogIndex First, Term Term);
