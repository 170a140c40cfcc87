using Mosaik.Hybrid.Storage.TestKit;
using static Mosaik.Hybrid.Storage.TestKit.Sample;

namespace Mosaik.Hybrid.Storage.Load;

/// <summary>What the process does next: a function of a seed and of the log so far, so that its killer knows too.</summary>
internal sealed class LoadStory(ulong seed)
{
    private readonly Dice _dice = new(seed);

    /// <summary>The next batch; null for a snapshot of everything, and a compaction up to it.</summary>
    public LogWriteBatch? Next(LogPosition start, LogPosition last, ulong term)
    {
        if (_dice.OneIn(40) && last.Index > start.Index)
        {
            return null;
        }

        var next = last.Index.Value + 1;
        ulong? truncateFrom = null;
        if (_dice.OneIn(8))
        {
            var room = (int)Math.Min(20, last.Index.Value - start.Index.Value);
            truncateFrom = next -= (ulong)_dice.Below(room + 1);
            term++;
        }

        var hard =
            term > last.Term.Value || _dice.OneIn(6) ? Hard(term, Member(_dice.Below(5)), At(0, 0)) : null;
        var entries = new LogEntry[_dice.Below(_dice.OneIn(10) ? 300 : 20) + 1];
        for (var place = 0; place < entries.Length; place++)
        {
            entries[place] = Entry(next + (ulong)place, term, _dice.Below(_dice.OneIn(30) ? 20_000 : 200));
        }

        return Batch(hard, truncateFrom, entries);
    }
}
