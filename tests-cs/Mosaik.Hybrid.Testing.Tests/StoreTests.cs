using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Testing.Tests;

/// <summary>Right stores pass, and wrong ones are caught.</summary>
public sealed class StoreTests
{
    [Fact]
    public void A_right_store_passes() => Simulations.AssertHeld(With(StoreBug.None).Run(seeds: 15));

    [Fact]
    public void The_file_store_passes()
    {
        var options = new FileLogOptions
        {
            Durability = Durability.OsCache,
            SegmentBytes = FileLogOptions.SegmentBytesMin,
            SpareSegmentsMax = 0,
        };
        var simulation = Simulations.Of(
            () => new Ledger(),
            storage: disk => new FileLogStore(disk.Directory, options),
            members: 3
        );
        Simulations.AssertHeld(simulation.Run(seeds: 3, SimulationProfile.Crashes));
        Simulations.AssertHeld(simulation.Run(seeds: 3, SimulationProfile.Disks));
    }

    [Theory]
    [InlineData(StoreBug.LosesTheLastBatch, "gives a log up to")]
    [InlineData(StoreBug.KeepsTheTruncatedTail, "gives a log up to")]
    [InlineData(StoreBug.ForgetsTheVote, "gives the hard state")]
    [InlineData(StoreBug.ForgetsTheSession, "session")]
    [InlineData(StoreBug.ForgetsConfigurations, "configurations")]
    [InlineData(StoreBug.WritesLate, "back instead of")]
    [InlineData(StoreBug.ChangesPayloads, "other contents")]
    [InlineData(StoreBug.ThrowsOnWrite, "The device failed.")]
    public void A_wrong_store_is_caught(StoreBug bug, string evidence)
    {
        var failure = Simulations.FailureOf(With(bug), seeds: 240);
        Assert.Equal(SimulationRules.Store, failure.Rule);
        Assert.Contains("the store of n", failure.Evidence, StringComparison.Ordinal);
        Assert.Contains(evidence, failure.Evidence, StringComparison.Ordinal);
        Assert.True(failure.IsRepeatable);
        Assert.Equal(bug == StoreBug.ThrowsOnWrite, failure.Exception is StorageException);
    }

    [Fact]
    public void A_store_that_never_ends_a_write_is_caught()
    {
        var simulation = new ClusterSimulation<Deposit, GetBalance, long>
        {
            Machine = () => new Ledger(),
            Commands = dice => new Deposit(dice.Between(1, 5), 1),
            Queries = dice => new GetBalance(dice.Between(1, 5)),
            Storage = disk => new PlatterStore(disk.Keep(() => new Platter()), StoreBug.NeverEndsAWrite),
            StorageTimeLimit = TimeSpan.FromMilliseconds(20),
            ShrinkRuns = 0,
        };
        var failure = Simulations.FailureOf(simulation);
        Assert.Equal(SimulationRules.Store, failure.Rule);
        Assert.Contains("did not write within", failure.Evidence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_volatile_store_is_refused()
    {
        var simulation = Simulations.Of(() => new Ledger(), storage: _ => new InMemoryLogStore());
        var exception = Assert.Throws<InvalidOperationException>(() => simulation.Run(seeds: 1));
        Assert.Contains("InMemoryLogStore is volatile", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_disk_has_a_directory_until_the_run_ends()
    {
        var directories = new HashSet<string>();
        var simulation = Simulations.Of(
            () => new Ledger(),
            storage: disk =>
            {
                Assert.True(Directory.Exists(disk.Directory));
                directories.Add(disk.Directory);
                return new PlatterStore(disk.Keep(() => new Platter()));
            },
            members: 3
        );
        Simulations.AssertHeld(simulation.Run(seeds: 2));
        Assert.True(directories.Count >= 6);
        Assert.DoesNotContain(directories, Directory.Exists);
    }

    [Fact]
    public void A_crash_is_told_before_the_store_is_disposed_of()
    {
        var crashes = 0;
        var simulation = new ClusterSimulation<Deposit, GetBalance, long>
        {
            Machine = () => new Ledger(),
            Commands = dice => new Deposit(dice.Between(1, 5), 1),
            Queries = dice => new GetBalance(dice.Between(1, 5)),
            Storage = disk => new PlatterStore(disk.Keep(() => new Platter())),
            StorageCrash = disk =>
            {
                Assert.NotNull(disk.Keep<Platter>(() => throw new InvalidOperationException("Gone.")).Hard);
                crashes++;
            },
        };
        Simulations.AssertHeld(simulation.Run(seeds: 3, SimulationProfile.Crashes));
        Assert.True(crashes > 0);
    }

    private static ClusterSimulation<Deposit, GetBalance, long> With(StoreBug bug) =>
        Simulations.Of(
            () => new Ledger(),
            storage: disk => new PlatterStore(disk.Keep(() => new Platter()), bug)
        );
}
