using Mosaik.Hybrid.Benchmarks;
using Spectre.Console;

// One program: benchmarks for people, and the child process that the end-to-end ones start.
return args switch
{
    [BenchNode.Verb, .. var rest] => await BenchNode.RunAsync(rest),
    [SnapshotNode.Verb, .. var rest] => await SnapshotNode.RunAsync(rest),
    ["core", ..] => CoreBenchmark.Run(),
    ["storage", .. var rest] => await StorageBenchmark.RunAsync(rest),
    ["throughput", .. var rest] => await ThroughputBenchmark.RunAsync(BenchStore.Of(rest)),
    ["snapshot", .. var rest] => await SnapshotBenchmark.RunAsync(rest),
    ["join", .. var rest] => await JoinBenchmark.RunAsync(
        rest is [var inFlight] ? int.Parse(inFlight, null) : 16
    ),
    ["failover", "--graceful", .. var rest] => await FailoverBenchmark.RunAsync(Runs(rest), true),
    ["failover", .. var rest] => await FailoverBenchmark.RunAsync(Runs(rest), false),
    ["all"] or [] => Math.Max(
        CoreBenchmark.Run(),
        Math.Max(
            await ThroughputBenchmark.RunAsync(BenchStore.Memory),
            await FailoverBenchmark.RunAsync(5, false)
        )
    ),
    ["--help" or "-h" or "help"] => Help(0),
    _ => Help(2),
};

static int Runs(string[] rest) => rest is [var runs] ? int.Parse(runs, null) : 5;

static int Help(int exitCode)
{
    AnsiConsole.WriteLine(
        "usage: dotnet run -c Release --project tests-cs/Mosaik.Hybrid.Benchmarks -- [command]"
    );
    AnsiConsole.WriteLine();
    AnsiConsole.WriteLine(
        "  core             three cores in one thread by function call: steps, bytes, commits a second"
    );
    AnsiConsole.WriteLine(
        "  storage [--storage file|rocksdb] [--recovery-mb N] [--dir DIR]\n"
            + "                   the durable stores alone: records a second, p50, p99; recovery of a log of N MB"
    );
    AnsiConsole.WriteLine(
        "  throughput [--storage memory|file|rocksdb]\n"
            + "                   three processes, loopback TLS: commands a second, p50, p99"
    );
    AnsiConsole.WriteLine(
        "  snapshot [--mb N] [--dir DIR]\n"
            + "                   two processes, file stores, loopback TLS: a snapshot of N MB is taken, sent and installed;\n"
            + "                   time, and memory above what the process had before. Default: 1024"
    );
    AnsiConsole.WriteLine(
        "  join [in flight] three processes under load, and a fourth joins that lacks a long log: commands a second\n"
            + "                   before, meanwhile and after; 16 in flight unless said"
    );
    AnsiConsole.WriteLine(
        "  failover [--graceful] [runs]\n"
            + "                   from SIGKILL of the leader, or the beginning of its leave, to the next acknowledged write;\n"
            + "                   5 runs unless said"
    );
    AnsiConsole.WriteLine("  all              core, throughput and failover; the default");
    AnsiConsole.WriteLine();
    AnsiConsole.WriteLine(
        "Absolute figures depend on the machine and on what else runs there: compare ratios of one run."
    );
    return exitCode;
}
