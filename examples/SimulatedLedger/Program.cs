using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Testing;
using SimulatedLedger;

// 60 seeds of a ledger, 20 of a ledger that keeps its log in files, and a wrong store, which must be caught.
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

// A crash of a process leaves the cache of the operating system alone, so this run needs no flushes.
var options = new FileLogOptions
{
    Durability = Durability.OsCache,
    SegmentBytes = FileLogOptions.SegmentBytesMin,
    SpareSegmentsMax = 0,
};
var onFiles = Simulate(disk => new FileLogStore(disk.Directory, options))
    .Run(seeds: 20, SimulationProfile.Crashes);
Console.WriteLine($"ledger on files: {onFiles}");
Console.WriteLine();

var inAHurry = Simulate(disk => new HurriedStore(new FileLogStore(disk.Directory, options)))
    .Run(seeds: 20, SimulationProfile.Crashes);
Console.WriteLine($"ledger on a store that lets votes wait: {inAHurry}");

var isAsExpected = report.IsComplete && onFiles.IsComplete && inAHurry.Failure?.Rule == SimulationRules.Store;
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
        TraceLines = 15,
        Parallelism = Environment.ProcessorCount,
    };
