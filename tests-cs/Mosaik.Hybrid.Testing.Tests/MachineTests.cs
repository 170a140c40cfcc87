namespace Mosaik.Hybrid.Testing.Tests;

/// <summary>Right machines pass, and wrong ones are caught by the rule that they break.</summary>
public sealed class MachineTests
{
    [Fact]
    public void A_right_ledger_passes()
    {
        var report = Simulations.Right().Run(seeds: 30);
        Simulations.AssertHeld(report);
        Assert.True(report.IsComplete);
        Assert.True(report.EntriesCommitted > 1_000, report.ToString());
        Assert.True(report.CommandsApplied > report.EntriesCommitted, report.ToString());
        Assert.True(report.QueriesAnswered > 100, report.ToString());
        Assert.True(report.Coverage["crash with writes on their way"] > 0, report.Coverage.ToString());
    }

    [Theory]
    [InlineData(SimulationProfile.Elections)]
    [InlineData(SimulationProfile.Crashes)]
    [InlineData(SimulationProfile.Entries)]
    [InlineData(SimulationProfile.Network)]
    [InlineData(SimulationProfile.Disks)]
    [InlineData(SimulationProfile.Founding)]
    [InlineData(SimulationProfile.Quiet)]
    public void A_right_ledger_passes_in_every_profile(SimulationProfile profile) =>
        Simulations.AssertHeld(Simulations.Right().Run(seeds: 2, profile));

    [Fact]
    public void A_machine_without_a_digest_is_compared_by_its_answers() =>
        Simulations.AssertHeld(Simulations.Of(() => new Ledger(), hasDigest: false).Run(seeds: 5));

    [Fact]
    public void State_that_is_not_decided_by_the_log_is_caught()
    {
        var failure = Simulations.FailureOf(Simulations.Of(() => new LocalLedger()));
        Assert.Equal(SimulationRules.StateDigest, failure.Rule);
        Assert.Contains("after the same commands", failure.Evidence, StringComparison.Ordinal);
        Assert.Null(failure.Exception);
    }

    [Fact]
    public void A_static_field_that_decides_makes_a_failure_unrepeatable_and_that_is_said()
    {
        var failure = Simulations.FailureOf(Simulations.Of(() => new LocalLedger()));
        Assert.False(failure.IsRepeatable);
        Assert.Empty(failure.Trace);
        Assert.Contains("something besides the dice decides", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_digest_the_answers_give_it_away()
    {
        var failure = Simulations.FailureOf(Simulations.Of(() => new LocalLedger(), hasDigest: false));
        Assert.Equal(SimulationRules.Machine, failure.Rule);
        Assert.Contains("answers", failure.Evidence, StringComparison.Ordinal);
    }

    [Fact]
    public void Answers_that_depend_on_more_than_the_state_are_caught()
    {
        var failure = Simulations.FailureOf(Simulations.Of(() => new MoodyLedger(), hasDigest: false));
        Assert.Equal(SimulationRules.Machine, failure.Rule);
    }

    [Fact]
    public void An_exception_of_Apply_is_a_broken_rule_with_the_entry_and_the_exception()
    {
        var failure = Simulations.FailureOf(Simulations.Of(() => new ThrowingLedger()));
        Assert.Equal(SimulationRules.Machine, failure.Rule);
        Assert.IsType<InvalidOperationException>(failure.Exception);
        Assert.Contains("Nobody has that much.", failure.Evidence, StringComparison.Ordinal);
        Assert.Matches("applying .*Amount.* at ", failure.Evidence);
        Assert.True(failure.IsRepeatable);
    }

    [Fact]
    public void An_exception_of_the_factory_is_a_broken_rule()
    {
        var failure = Simulations.FailureOf(
            Simulations.Of(() => throw new NotSupportedException("No machines today."))
        );
        Assert.Equal(SimulationRules.Machine, failure.Rule);
        Assert.Contains("No machines today.", failure.Evidence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mistake_of_the_test_itself_is_thrown()
    {
        var simulation = new ClusterSimulation<Deposit, GetBalance, long>
        {
            Machine = () => new Ledger(),
            Commands = _ => throw new NotSupportedException("This test is wrong."),
            Queries = _ => new GetBalance(1),
        };
        Assert.Throws<NotSupportedException>(() => simulation.Run(seeds: 3));
    }
}
