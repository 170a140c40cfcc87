namespace Mosaik.Hybrid.Testing.Tests;

/// <summary>Machines that can be saved are, and wrong ones are caught by the rule that they break.</summary>
public sealed class SnapshotTests
{
    private static ClusterSimulation<Deposit, GetBalance, long> Of(Func<SavedLedger> machine) =>
        new()
        {
            Machine = machine,
            Commands = dice => new Deposit(dice.Between(1, 5), dice.Between(1, 100)),
            Queries = dice => new GetBalance(dice.Between(1, 5)),
            Digest = machine => ((SavedLedger)machine).State,
            ShrinkRuns = 10,
        };

    private static SimulationFailure FailureOf(Func<SavedLedger> machine)
    {
        var report = Of(machine).Run(seeds: 60);
        Assert.False(report.IsSuccess, report.ToString());
        return report.Failure!;
    }

    [Fact]
    public void A_right_one_passes_and_is_restored()
    {
        var before = SavedLedger.Restored;
        var report = Of(() => new SavedLedger()).Run(seeds: 40);
        Simulations.AssertHeld(report);
        Assert.True(report.Coverage["snapshot installed"] > 0, report.Coverage.ToString());
        Assert.True(report.Coverage["restarted from snapshot"] > 0, report.Coverage.ToString());
        Assert.True(SavedLedger.Restored > before);
    }

    [Fact]
    public void A_machine_that_cannot_be_saved_takes_no_snapshots()
    {
        var report = Simulations.Right().Run(seeds: 10);
        Simulations.AssertHeld(report);
        Assert.Equal(0, report.Coverage["snapshot taken"]);
    }

    [Fact]
    public void A_capture_that_still_changes_is_caught() =>
        Assert.Equal(SimulationRules.StateDigest, FailureOf(() => new AliasingLedger()).Rule);

    [Fact]
    public void A_restore_that_forgets_something_is_caught() =>
        Assert.Equal(SimulationRules.StateDigest, FailureOf(() => new ForgetfulLedger()).Rule);

    [Fact]
    public void A_restore_that_counts_on_full_reads_is_caught()
    {
        var failure = FailureOf(() => new HastyLedger());
        Assert.Equal(SimulationRules.Machine, failure.Rule);
        Assert.IsType<System.Text.Json.JsonException>(failure.Exception);
    }

    [Fact]
    public void An_exception_of_a_capture_is_a_broken_rule()
    {
        var failure = FailureOf(() => new ShyLedger());
        Assert.Equal(SimulationRules.Machine, failure.Rule);
        Assert.Contains("capturing a snapshot", failure.Evidence, StringComparison.Ordinal);
        Assert.Contains("Not now.", failure.Evidence, StringComparison.Ordinal);
    }
}
