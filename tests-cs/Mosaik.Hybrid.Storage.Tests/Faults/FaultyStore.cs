using Mosaik.Hybrid.Storage.TestKit;
using static Mosaik.Hybrid.Storage.TestKit.Sample;

namespace Mosaik.Hybrid.Storage.Tests.Faults;

/// <summary>File stores over faulty disks, and a story to write on them.</summary>
internal static class FaultyStore
{
    /// <summary>So small that the story goes through several segments.</summary>
    private static readonly FileLogOptions s_options = new() { SegmentBytes = 4096, SpareSegmentsMax = 1 };

    /// <summary>A store whose log and snapshots are on disks of their own.</summary>
    public static FileLogStore On(FaultyDisk log, FaultyDisk snapshots, Durability? durability = null) =>
        new(
            log,
            snapshots,
            durability is { } chosen
                ? new FileLogOptions
                {
                    SegmentBytes = s_options.SegmentBytes,
                    SpareSegmentsMax = s_options.SpareSegmentsMax,
                    Durability = chosen,
                }
                : s_options
        );

    /// <summary>A store whose snapshots don't matter.</summary>
    public static FileLogStore On(FaultyDisk log, Durability? durability = null) =>
        On(log, new FaultyDisk(), durability);

    /// <summary>Batches of every kind: votes, truncations, entries small and large.</summary>
    public static IReadOnlyList<LogWriteBatch> Story(ulong seed, int batches)
    {
        var dice = new Dice(seed);
        var story = new List<LogWriteBatch>();
        var term = 1ul;
        var next = 1ul;
        for (var count = 0; count < batches; count++)
        {
            var hard = count == 0 || dice.OneIn(4) ? Hard(++term, Member(dice.Below(4)), At(0, 0)) : null;
            ulong? truncateFrom = null;
            if (dice.OneIn(5) && next > 1)
            {
                truncateFrom = next -= (ulong)dice.Below((int)Math.Min(4, next));
                next = truncateFrom.Value;
                term++;
            }

            var entries = new LogEntry[dice.Below(4) + (hard is null ? 1 : 0)];
            for (var place = 0; place < entries.Length; place++)
            {
                var bytes = dice.OneIn(12) ? 5_000 : dice.Below(300);
                entries[place] = Entry(next++, term, bytes, (EntryKind)dice.Below(3));
            }

            story.Add(Batch(hard, truncateFrom, entries));
        }

        return story;
    }

    /// <summary>What the log is after the first so many batches.</summary>
    public static StoreModel After(IReadOnlyList<LogWriteBatch> story, int batches)
    {
        var model = new StoreModel();
        foreach (var batch in story.Take(batches))
        {
            model.Apply(batch);
        }

        return model;
    }

    /// <summary>Opens a disk; fails unless it holds one of these, whole.</summary>
    public static async Task<int> AssertHoldsAsync(
        FaultyDisk log,
        FaultyDisk snapshots,
        IReadOnlyList<StoreModel> allowed
    )
    {
        await using var store = On(log, snapshots);
        var opened = await store.OpenAsync(Peer, Group);
        for (var place = allowed.Count - 1; place > 0; place--)
        {
            if (Fits(allowed[place], opened))
            {
                await allowed[place].AssertHoldsAsync(store);
                return place;
            }
        }

        allowed[0].AssertDescribes(opened);
        await allowed[0].AssertHoldsAsync(store);
        return 0;
    }

    private static bool Fits(StoreModel model, StoredLog opened)
    {
        try
        {
            model.AssertDescribes(opened);
            return true;
        }
        catch (Xunit.Sdk.XunitException)
        {
            return false;
        }
    }
}
