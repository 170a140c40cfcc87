using Microsoft.FSharp.Core;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Simulation;
using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Testing.Engine;

/// <summary>A user's stores in one run: opened, written and disposed of when the simulated disks say so.</summary>
/// <remarks>The simulated disk is the truth; whatever a store says otherwise breaks a rule.</remarks>
internal sealed class StoreUnderTest(
    Func<SimulatedDisk, ILogStorage> factory,
    Action<SimulatedDisk>? atCrash,
    TimeSpan timeLimit,
    RunContext run
) : IStoreUnderTest, IDisposable
{
    private readonly Dictionary<MemberId, StoreOfMember> _stores = [];
    private static readonly GroupId s_group = new(Bytes32.Zero);

    public HardState? Open(MemberId owner)
    {
        var of = Of(owner);
        of.Store =
            Try(of, "make", () => factory(of.Disk))
            ?? throw new InvalidOperationException("The factory of stores returned null.");
        if (of.Store.IsVolatile)
        {
            throw new InvalidOperationException(
                $"{of.Store.GetType().Name} is volatile: it says itself that nothing survives its process, so there "
                    + "is nothing that could be compared after a crash. Simulate without a store, or with one that "
                    + "keeps its log."
            );
        }

        of.Log = Wait(of, "open", () => of.Store.OpenAsync(owner.Peer, s_group, run.CancellationToken));
        CheckDescription(of);
        if (of.Log.Hard is { } found && of.Written is { } written && found.Session != written.Session)
        {
            throw Broken(of, $"gives session {found.Session} back instead of {written.Session}");
        }

        return of.Log.Hard;
    }

    public LogEntry[] Entries(MemberId owner)
    {
        var of = Of(owner);
        var last = of.Log.LastPosition.Index;
        var entries = ReadAll(of, new LogRange(new LogIndex(1), last));
        if (entries.Length > 0 && entries[^1].Position != of.Log.LastPosition)
        {
            throw Broken(
                of,
                $"said that its log ends at {of.Log.LastPosition}, and gave {entries[^1].Position}"
            );
        }

        CheckTermRuns(of, entries);
        CheckConfigurations(of, entries);
        return entries;
    }

    public void Write(MemberId owner, Write write)
    {
        var of = Of(owner);
        var batch = new LogWriteBatch(
            write.HardState,
            write.TruncateFrom == LogIndex.Zero ? null : write.TruncateFrom,
            write.Entries.ToArray()
        );
        if (batch.IsEmpty)
        {
            return;
        }

        Wait(
            of,
            "write",
            async () =>
            {
                await of.Open.WriteAsync(batch, run.CancellationToken).ConfigureAwait(false);
                return true;
            }
        );
        of.Written = batch.HardState ?? of.Written;
        CheckReadBack(of, batch);
    }

    public void Crash(MemberId owner, FSharpValueOption<Write> cut)
    {
        var of = Of(owner);
        if (atCrash is not null)
        {
            Try<object?>(
                of,
                "crash",
                () =>
                {
                    atCrash(of.Disk);
                    return null;
                }
            );
        }

        Close(of);
    }

    public void Wipe(MemberId owner)
    {
        if (_stores.Remove(owner, out var of))
        {
            Close(of);
            of.Disk.Destroy();
        }
    }

    /// <summary>The run has ended. What a store throws now is nobody's concern: the verdict stands.</summary>
    public void Dispose()
    {
        foreach (var of in _stores.Values)
        {
            try
            {
                Close(of);
            }
            catch (RuleBroken)
            {
                of.Store = null;
            }

            of.Disk.Destroy();
        }

        _stores.Clear();
    }

    private StoreOfMember Of(MemberId owner)
    {
        if (!_stores.TryGetValue(owner, out var of))
        {
            of = new StoreOfMember(new SimulatedDisk(owner, run.Seed));
            _stores.Add(owner, of);
        }

        return of;
    }

    private void Close(StoreOfMember of)
    {
        if (of.Store is not { } store)
        {
            return;
        }

        of.Store = null;
        Wait(
            of,
            "dispose of",
            async () =>
            {
                await store.DisposeAsync().ConfigureAwait(false);
                return true;
            }
        );
    }

    /// <summary>A store that is opened for the first time holds nothing, and one that holds something says whose it is.</summary>
    private static void CheckDescription(StoreOfMember of)
    {
        var log = of.Log;
        if (log.FirstIndex != new LogIndex(1))
        {
            throw Broken(of, $"says that its log begins at {log.FirstIndex}, though nothing was compacted");
        }

        if (log.Hard is { } hard && !hard.Member.Equals(of.Disk.Owner))
        {
            throw Broken(of, "gives the hard state of another member back");
        }
    }

    private static void CheckTermRuns(StoreOfMember of, LogEntry[] entries)
    {
        var expected = new List<Storage.TermRun>();
        foreach (var entry in entries)
        {
            if (expected.Count == 0 || expected[^1].Term != entry.Term)
            {
                expected.Add(new Storage.TermRun(entry.Index, entry.Term));
            }
        }

        if (!expected.SequenceEqual(of.Log.TermRuns))
        {
            throw Broken(
                of,
                $"says that terms begin at [{Show(of.Log.TermRuns)}]; its entries say [{Show(expected)}]"
            );
        }
    }

    private static void CheckConfigurations(StoreOfMember of, LogEntry[] entries)
    {
        var expected = entries
            .Where(entry => entry.Kind == EntryKind.Configuration)
            .Select(entry => entry.Index)
            .ToList();
        if (!expected.SequenceEqual(of.Log.Configurations))
        {
            throw Broken(
                of,
                $"says that configurations are at [{string.Join(", ", of.Log.Configurations)}]; they are at "
                    + $"[{string.Join(", ", expected)}]"
            );
        }
    }

    private static string Show(IEnumerable<Storage.TermRun> runs) =>
        string.Join(", ", runs.Select(run => $"{run.Term}/{run.First}"));

    /// <summary>What was just written can be read.</summary>
    private void CheckReadBack(StoreOfMember of, in LogWriteBatch batch)
    {
        foreach (var written in batch.Entries.Span)
        {
            if (written.IsEmpty)
            {
                continue;
            }

            var range = new LogRange(written.Span[0].Index, written.Span[^1].Index);
            var read = ReadAll(of, range);
            for (var place = 0; place < read.Length; place++)
            {
                if (Chain.next(0, in read[place]) != Chain.next(0, in written.Span[place]))
                {
                    throw Broken(
                        of,
                        $"was given entry {written.Span[place].Position}, and gives {read[place].Position} back "
                            + "with other contents"
                    );
                }
            }
        }
    }

    private LogEntry[] ReadAll(StoreOfMember of, LogRange range)
    {
        var entries = new List<LogEntry>(range.Count);
        while (entries.Count < range.Count)
        {
            var rest = new LogRange(range.First.Plus(entries.Count), range.Last);
            // Little in every other call, so that both ways of ending early are met.
            var bytesMax = entries.Count % 2 == 0 ? 4_096 : 1;
            var read = Wait(of, "read", () => of.Open.ReadAsync(rest, bytesMax, run.CancellationToken));
            if (read.IsEmpty || read.Length > rest.Count)
            {
                throw Broken(of, $"gives {read.Length} entries back when asked for {rest}");
            }

            foreach (var entry in read.Span)
            {
                if (entry.Index != range.First.Plus(entries.Count))
                {
                    throw Broken(of, $"gives entry {entry.Position} back when asked for {rest}");
                }

                entries.Add(entry);
            }
        }

        return [.. entries];
    }

    private T Try<T>(StoreOfMember of, string what, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception exception)
            when (exception is not RuleBroken && !run.CancellationToken.IsCancellationRequested)
        {
            throw run.Threw(Rules.plugin, $"the store of {of.Disk.Name}, asked to {what},", exception);
        }
    }

    /// <summary>Waits for a store, which may be really asynchronous, but not for ever.</summary>
    private T Wait<T>(StoreOfMember of, string what, Func<ValueTask<T>> call) =>
        Try(
            of,
            what,
            () =>
            {
                var pending = call();
                if (pending.IsCompleted)
                {
                    return pending.GetAwaiter().GetResult();
                }

                var task = pending.AsTask();
                if (Task.WaitAny([task], (int)timeLimit.TotalMilliseconds, run.CancellationToken) < 0)
                {
                    throw Broken(of, $"did not {what} within {timeLimit}");
                }

                return task.GetAwaiter().GetResult();
            }
        );

    private static RuleBroken Broken(StoreOfMember of, string what) =>
        RunContext.Broken(Rules.plugin, $"the store of {of.Disk.Name} {what}");

    /// <summary>The disk of a member, and the store that is open on it.</summary>
    private sealed class StoreOfMember(SimulatedDisk disk)
    {
        public SimulatedDisk Disk => disk;

        public ILogStorage? Store { get; set; }

        public StoredLog Log { get; set; } = StoredLog.Fresh;

        /// <summary>The last hard state that the store has completed.</summary>
        public HardState? Written { get; set; }

        public ILogStorage Open =>
            Store ?? throw new InvalidOperationException("The simulation used a store that is not open.");
    }
}
