using Xunit;

namespace Mosaik.Hybrid.Storage.TestKit;

/// <summary>What a store must hold, kept in the plainest way: a list.</summary>
public sealed class StoreModel
{
    private readonly List<LogEntry> _entries = [];

    /// <summary>The hard state.</summary>
    public HardState? Hard { get; private set; }

    /// <summary>Term and index before the first entry.</summary>
    public LogPosition Base { get; private set; } = LogPosition.Zero;

    /// <summary>Term and index of the last entry; the base when there is none.</summary>
    public LogPosition Last => _entries.Count == 0 ? Base : _entries[^1].Position;

    /// <summary>The entries after the base.</summary>
    public IReadOnlyList<LogEntry> Entries => _entries;

    /// <summary>The newest snapshot and its content; null for none.</summary>
    public (SnapshotInfo Info, byte[] Content)? Snapshot { get; set; }

    /// <summary>A copy that goes its own way.</summary>
    public StoreModel Copy()
    {
        var copy = new StoreModel
        {
            Hard = Hard,
            Base = Base,
            Snapshot = Snapshot,
        };
        copy._entries.AddRange(_entries);
        return copy;
    }

    /// <summary>What a batch does.</summary>
    public void Apply(in LogWriteBatch batch)
    {
        Hard = batch.HardState ?? Hard;
        if (batch.TruncateFrom is { } first)
        {
            _entries.RemoveAll(entry => entry.Index >= first);
        }

        foreach (var run in batch.Entries.ToArray())
        {
            _entries.AddRange(run.Span);
        }
    }

    /// <summary>What a compaction does.</summary>
    public void Compact(LogPosition through)
    {
        var agrees = _entries.Exists(entry => entry.Position == through);
        _entries.RemoveAll(entry => !agrees || entry.Index <= through.Index);
        Base = through;
    }

    /// <summary>Fails unless the store described itself as it must.</summary>
    public void AssertDescribes(StoredLog stored)
    {
        ArgumentNullException.ThrowIfNull(stored);
        AssertSame(Hard, stored.Hard);
        Assert.Equal(Base, stored.BasePosition);
        Assert.Equal(Last, stored.LastPosition);
        Assert.Equal(Base.Index.Next, stored.FirstIndex);
        var runs = new List<TermRun>();
        foreach (var entry in _entries)
        {
            if (runs.Count == 0 || runs[^1].Term != entry.Term)
            {
                runs.Add(new TermRun(entry.Index, entry.Term));
            }
        }

        Assert.Equal(runs, stored.TermRuns);
        Assert.Equal(
            _entries
                .Where(static entry => entry.Kind == EntryKind.Configuration)
                .Select(static entry => entry.Index),
            stored.Configurations
        );
    }

    /// <summary>Fails unless every entry of the store is the one that was written.</summary>
    public async Task AssertHoldsAsync(ILogStorage store, int bytesMax = int.MaxValue)
    {
        ArgumentNullException.ThrowIfNull(store);
        for (var place = 0; place < _entries.Count; )
        {
            var range = new LogRange(_entries[place].Index, _entries[^1].Index);
            var read = await store.ReadAsync(range, bytesMax);
            Assert.InRange(read.Length, 1, _entries.Count - place);
            foreach (var entry in read.ToArray())
            {
                AssertSame(_entries[place++], entry);
            }
        }
    }

    /// <summary>Fails unless two entries are the same in every field.</summary>
    public static void AssertSame(in LogEntry expected, in LogEntry actual)
    {
        Assert.Equal(expected.Position, actual.Position);
        Assert.Equal(expected.Kind, actual.Kind);
        Assert.Equal(expected.BatchRemaining, actual.BatchRemaining);
        Assert.Equal(expected.Timestamp, actual.Timestamp);
        Assert.Equal(expected.Proposer, actual.Proposer);
        Assert.Equal(expected.Number, actual.Number);
        Assert.True(
            expected.Payload.Span.SequenceEqual(actual.Payload.Span),
            $"The payload of entry {expected.Position} is another one."
        );
    }

    /// <summary>Fails unless two hard states are the same in every field.</summary>
    public static void AssertSame(HardState? expected, HardState? actual)
    {
        Assert.Equal(expected is null, actual is null);
        if (expected is null || actual is null)
        {
            return;
        }

        Assert.Equal(expected.Member, actual.Member);
        Assert.Equal(expected.Session, actual.Session);
        Assert.Equal(expected.Lineage, actual.Lineage);
        Assert.Equal(expected.CurrentTerm, actual.CurrentTerm);
        Assert.Equal(expected.VotedFor, actual.VotedFor);
        Assert.Equal(expected.Acknowledged, actual.Acknowledged);
    }
}
