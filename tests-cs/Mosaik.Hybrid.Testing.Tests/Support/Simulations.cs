namespace Mosaik.Hybrid.Testing.Tests.Support;

/// <summary>Simulations of a ledger.</summary>
internal static class Simulations
{
    /// <summary>Of any ledger, with little time for shrinking.</summary>
    public static ClusterSimulation<Deposit, GetBalance, long> Of(
        Func<Ledger> machine,
        ICommandCodec<Deposit>? codec = null,
        Func<SimulatedDisk, Mosaik.Hybrid.Storage.ILogStorage>? storage = null,
        bool hasDigest = true,
        int parallelism = 1,
        TimeSpan? timeLimit = null,
        int? members = null,
        ulong firstSeed = 1
    ) =>
        new()
        {
            Machine = machine,
            Commands = dice => new Deposit(dice.Between(1, 5), dice.Between(1, 100)),
            Queries = dice => new GetBalance(dice.Between(1, 5)),
            Digest = hasDigest ? machine => ((Ledger)machine).State : null,
            Codec = codec ?? new JsonCommandCodec<Deposit>(),
            Storage = storage,
            Parallelism = parallelism,
            TimeLimit = timeLimit,
            Members = members,
            FirstSeed = firstSeed,
            ShrinkRuns = 10,
        };

    /// <summary>Of a right ledger.</summary>
    public static ClusterSimulation<Deposit, GetBalance, long> Right() => Of(() => new Ledger());

    /// <summary>The failure that seeds must find.</summary>
    public static SimulationFailure FailureOf(
        ClusterSimulation<Deposit, GetBalance, long> simulation,
        int seeds = 30,
        SimulationProfile profile = SimulationProfile.Swarm
    )
    {
        var report = simulation.Run(seeds, profile);
        Assert.False(report.IsSuccess, report.ToString());
        return report.Failure!;
    }

    /// <summary>Fails with the whole story.</summary>
    public static void AssertHeld(SimulationReport report)
    {
        Assert.True(report.IsSuccess, report.ToString());
        Assert.Equal(report.Seeds, report.SeedsPlayed);
    }
}
