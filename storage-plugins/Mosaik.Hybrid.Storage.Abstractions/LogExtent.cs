using System.Runtime.InteropServices;

namespace Mosaik.Hybrid.Storage;

/// <summary>The books of a store: hard state, base and end of the log, where terms begin, where configurations are.</summary>
/// <remarks>
/// For authors of stores. Checks every call of the contract before anything is written, follows every change, and
/// describes the result as a <see cref="StoredLog"/>. Not safe for threads: a store holds its own lock around it.
/// Memory grows with the number of terms and configurations, not of entries.
/// </remarks>
public sealed class LogExtent
{
    private readonly List<TermRun> _runs = [];
    private readonly List<LogIndex> _configurations = [];

    /// <summary>The hard state; null in a fresh store.</summary>
    public HardState? Hard { get; private set; }

    /// <summary>Term and index before the first entry.</summary>
    public LogPosition Base { get; private set; } = LogPosition.Zero;

    /// <summary>Term and index of the last entry; the base when there is none.</summary>
    public LogPosition Last { get; private set; } = LogPosition.Zero;

    /// <summary>The index of the first entry, or of the next one when the log is empty.</summary>
    public LogIndex First => Base.Index.Next;

    /// <summary>The term of an index in the log or at its base; zero for any other.</summary>
    public Term TermAt(LogIndex index)
    {
        if (index == Base.Index)
        {
            return Base.Term;
        }

        if (index < Base.Index || index > Last.Index)
        {
            return Term.Zero;
        }

        for (var place = _runs.Count - 1; ; place--)
        {
            if (_runs[place].First <= index)
            {
                return _runs[place].Term;
            }
        }
    }

    /// <summary>Refuses a batch that breaks the contract.</summary>
    /// <exception cref="ArgumentException">It does; the message says how.</exception>
    public void Check(in LogWriteBatch batch)
    {
        if (batch.IsEmpty)
        {
            throw new ArgumentException("A batch has at least one part.", nameof(batch));
        }

        if (Hard is null && batch.HardState is null)
        {
            throw new ArgumentException(
                "The first batch carries a hard state: a log without an incarnation belongs to nobody.",
                nameof(batch)
            );
        }

        var (lastTerm, lastIndex) = (Last.Term, Last.Index);
        if (batch.TruncateFrom is { } first)
        {
            if (first <= Base.Index || first > Last.Index.Next)
            {
                throw new ArgumentException(
                    $"Can't truncate from {first}: the log reaches from {First} to {Last.Index}.",
                    nameof(batch)
                );
            }

            (lastTerm, lastIndex) = (TermAt(first.Previous), first.Previous);
        }

        foreach (var run in batch.Entries.Span)
        {
            foreach (ref readonly var entry in run.Span)
            {
                if (entry.Index != lastIndex.Next || entry.Term < lastTerm || entry.Term == Term.Zero)
                {
                    throw new ArgumentException(
                        $"Entry {entry.Position} can't follow {new LogPosition(lastTerm, lastIndex)}: indexes are consecutive, terms never fall.",
                        nameof(batch)
                    );
                }

                (lastTerm, lastIndex) = (entry.Term, entry.Index);
            }
        }
    }

    /// <summary>Refuses a range that is empty or reaches outside the log.</summary>
    /// <exception cref="ArgumentException">It does.</exception>
    public void Check(LogRange range)
    {
        if (range.IsEmpty || range.First <= Base.Index || range.Last > Last.Index)
        {
            throw new ArgumentException(
                $"The range {range} is empty or outside the log, which reaches from {First} to {Last.Index}.",
                nameof(range)
            );
        }
    }

    /// <summary>Refuses a compaction that no snapshot covers, or that would not move the base forward.</summary>
    /// <exception cref="ArgumentException">It is one.</exception>
    public void Check(LogPosition through, SnapshotInfo? newest)
    {
        if (through.Index <= Base.Index)
        {
            throw new ArgumentException($"The base is at {Base} and never moves back to {through}.");
        }

        if (newest is null || newest.Position.Index < through.Index)
        {
            throw new ArgumentException(
                $"Can't compact up to {through}: the newest snapshot is {newest?.ToString() ?? "none"}. Save one first."
            );
        }
    }

    /// <summary>Follows a batch that was checked.</summary>
    public void Apply(in LogWriteBatch batch)
    {
        Hard = batch.HardState ?? Hard;
        if (batch.TruncateFrom is { } first)
        {
            Truncate(new LogPosition(TermAt(first.Previous), first.Previous));
        }

        foreach (var run in batch.Entries.Span)
        {
            foreach (ref readonly var entry in run.Span)
            {
                Append(entry.Index, entry.Term, entry.Kind);
            }
        }
    }

    /// <summary>Replaces the hard state. For recovery, part by part.</summary>
    public void Replace(HardState hard) => Hard = hard;

    /// <summary>Begins at a base with an empty log, or with one whose entries are described elsewhere.</summary>
    /// <param name="basePosition">Term and index before the first entry.</param>
    /// <param name="last">Term and index before the next entry; the base unless given. For recovery.</param>
    public void Begin(LogPosition basePosition, LogPosition? last = null)
    {
        _runs.Clear();
        _configurations.Clear();
        Base = basePosition;
        Last = last ?? basePosition;
    }

    /// <summary>Takes over books that a store has kept itself. For recovery without reading the log.</summary>
    /// <param name="basePosition">Term and index before the first entry.</param>
    /// <param name="last">Term and index of the last entry; the base when there is none.</param>
    /// <param name="termRuns">Where each term begins, rising.</param>
    /// <param name="configurations">The indexes of configurations, rising.</param>
    public void Restore(
        LogPosition basePosition,
        LogPosition last,
        IEnumerable<TermRun> termRuns,
        IEnumerable<LogIndex> configurations
    )
    {
        Begin(basePosition, last);
        _runs.AddRange(termRuns);
        _configurations.AddRange(configurations);
    }

    /// <summary>Takes an entry that follows the last one.</summary>
    public void Append(LogIndex index, Term term, EntryKind kind)
    {
        if (_runs.Count == 0 || _runs[^1].Term != term)
        {
            _runs.Add(new TermRun(index, term));
        }

        if (kind == EntryKind.Configuration)
        {
            _configurations.Add(index);
        }

        Last = new LogPosition(term, index);
    }

    /// <summary>Removes what is after a position, which becomes the last one.</summary>
    public void Truncate(LogPosition last)
    {
        while (_runs.Count > 0 && _runs[^1].First > last.Index)
        {
            _runs.RemoveAt(_runs.Count - 1);
        }

        while (_configurations.Count > 0 && _configurations[^1] > last.Index)
        {
            _configurations.RemoveAt(_configurations.Count - 1);
        }

        Last = last;
    }

    /// <summary>True when the entries after a position stay in a log that is compacted up to it.</summary>
    public bool Keeps(LogPosition through) =>
        through.Index <= Last.Index && TermAt(through.Index) == through.Term;

    /// <summary>Makes a position the base: what is after it stays if the log agrees with it, else all goes.</summary>
    /// <returns>True when the entries after it stay.</returns>
    public bool Compact(LogPosition through)
    {
        var keeps = Keeps(through);
        if (keeps)
        {
            MoveBase(through);
        }
        else
        {
            Begin(through);
        }

        return keeps;
    }

    /// <summary>Makes a position of the log the base. For recovery, which knows that the entries after it stay.</summary>
    public void MoveBase(LogPosition through)
    {
        Base = through;
        _configurations.RemoveAll(index => index <= through.Index);
        var next = through.Index.Next;
        var before = _runs.FindLastIndex(run => run.First <= next);
        if (next > Last.Index)
        {
            _runs.Clear();
        }
        else if (before >= 0)
        {
            var term = _runs[before].Term;
            _runs.RemoveRange(0, before);
            _runs[0] = new TermRun(next, term);
        }
    }

    /// <summary>What the store holds now, as a runtime wants to know it.</summary>
    public StoredLog Describe(IReadOnlyList<string> repairs) =>
        new(Hard, Base, Last, [.. CollectionsMarshal.AsSpan(_runs)], [.. _configurations], repairs);
}
