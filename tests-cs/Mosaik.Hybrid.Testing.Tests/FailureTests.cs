using System.Globalization;

namespace Mosaik.Hybrid.Testing.Tests;

/// <summary>A failure tells people all that they need.</summary>
public sealed class FailureTests
{
    [Fact]
    public void The_message_has_seed_rule_sentence_evidence_events_and_how_to_play_it_again()
    {
        var report = Simulations.Of(() => new ThrowingLedger(), members: 3).Run(seeds: 10);
        var exception = Assert.Throws<SimulationFailedException>(report.ThrowIfFailed);
        var failure = exception.Failure;
        Assert.Same(report.Failure, failure);
        Assert.IsType<InvalidOperationException>(exception.InnerException);
        Assert.NotEmpty(failure.Trace);
        Assert.True(failure.Trace.Count <= 60);
        var seed = failure.Seed.ToString(CultureInfo.InvariantCulture);
        string[] expected =
        [
            $"Seed {seed}, profile Swarm",
            $"\"{failure.Rule.Name}\"",
            failure.Rule.Sentence,
            failure.Evidence,
            failure.Trace[^1],
            $"simulation.Replay(seed: {seed}, trace: Console.Out, profile: SimulationProfile.Swarm), with Members = 3",
        ];
        Assert.All(expected, part => Assert.Contains(part, exception.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void A_report_that_held_says_so_and_throws_nothing()
    {
        var report = Simulations.Right().Run(seeds: 1);
        report.ThrowIfFailed();
        Assert.StartsWith("1 of 1 seeds, profile Swarm:", report.ToString(), StringComparison.Ordinal);
        Assert.EndsWith("every rule held", report.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_failure_ends_the_simulation_at_its_seed()
    {
        var report = Simulations.Of(() => new ThrowingLedger(), firstSeed: 5).Run(seeds: 40);
        Assert.Equal(report.Failure!.Seed, 5 + (ulong)report.SeedsPlayed - 1);
        Assert.False(report.IsComplete);
    }

    [Fact]
    public void Rules_have_names_and_sentences()
    {
        Assert.Contains(SimulationRules.Machine, SimulationRules.All);
        Assert.Contains(SimulationRules.StateDigest, SimulationRules.All);
        Assert.Contains(SimulationRules.Codec, SimulationRules.All);
        Assert.Contains(SimulationRules.Store, SimulationRules.All);
        Assert.Contains(SimulationRules.Linearizability, SimulationRules.All);
        Assert.All(
            SimulationRules.All,
            rule => Assert.EndsWith(".", rule.Sentence, StringComparison.Ordinal)
        );
    }

    [Fact]
    public void Dice_check_what_they_are_asked()
    {
        var simulation = new ClusterSimulation<Deposit, GetBalance, long>
        {
            Machine = () => new Ledger(),
            Commands = dice =>
            {
                Assert.InRange(dice.Between(-3, 3), -3, 3);
                Assert.Throws<ArgumentOutOfRangeException>(() => dice.Between(1, 0));
                Assert.Throws<ArgumentOutOfRangeException>(() => dice.Between(int.MinValue, int.MaxValue));
                Assert.Throws<ArgumentException>(() => dice.OneOf<int>());
                Assert.False(dice.Chance(0));
                Assert.True(dice.Chance(1_000));
                return new Deposit(dice.OneOf(1, 2, 3), (long)(dice.Bits() % 10));
            },
            Queries = _ => new GetBalance(1),
        };
        Simulations.AssertHeld(simulation.Run(seeds: 1));
    }
}
