using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Testing;
using SimulatedLedger;

// 60 seeds of a ledger, 20 of a ledger on a store of its own, and a store that must be caught.
// With a seed as argument: plays that seed of the ledger again and prints what happens.
var ledger = Simulate(storage: null);
if (args is [var text])
{
    if (!ulong.TryParse(text, out var seed))
    {
        Console.Error.WriteLine($"'{text}' is no seed: give a whole number, or nothing.");
        return 2;
    }

    return ledger.Replay(seed, trace: Console.Out).Failure is null ? 0 : 1;
}

var report = ledger.Run(seeds: 60);
Console.WriteLine($"ledger: {report}");
Console.WriteLine();
Console.Write(report.Coverage);
Console.WriteLine();

var onJournal = Simulate(disk => new JournalStore(disk.Keep(() => new Medium()), flushes: true))
    .Run(seeds: 20, SimulationProfile.Crashes);
Console.WriteLine($"ledger on a journal: {onJournal}");
Console.WriteLine();

var onCache = Simulate(disk => new JournalStore(disk.Keep(() => new Medium()), flushes: false))
    .Run(seeds: 20, SimulationProfile.Crashes);
Console.WriteLine($"ledger on a journal that does not flush: {onCache}");

var isAsExpected =
    report.IsComplete && onJournal.IsComplete && onCache.Failure?.Rule == SimulationRules.Store;
Console.WriteLine(isAsExpected ? "as expected" : "NOT as expected");
return isAsExpected ? 0 : 1;

static ClusterSimulation<Transfer, GetBalance, long> Simulate(Func<SimulatedDisk, ILogStorage>? storage) =>
    new()
    {
        Machine = () => new Ledger(),
        Commands = dice => new Transfer(dice.Between(0, 4), dice.Between(0, 4), dice.Between(1, 100)),
        Queries = dice => new GetBalance(dice.Between(0, 4)),
        Digest = machine => ((Ledger)machine).State,
        Storage = storage,
        StorageCrash = disk => disk.Keep(() => new Medium()).Crash(),
        TraceLines = 15,
        Parallelism = Environment.ProcessorCount,
    };
