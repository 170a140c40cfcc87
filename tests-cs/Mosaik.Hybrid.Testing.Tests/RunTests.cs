namespace Mosaik.Hybrid.Testing.Tests;

/// <summary>Seeds decide everything; runs can be watched, ended, limited and played again.</summary>
public sealed class RunTests
{
    [Fact]
    public void The_same_seeds_give_the_same_report()
    {
        var first = Simulations.Right().Run(seeds: 4);
        var second = Simulations.Right().Run(seeds: 4);
        Assert.Equal(first.ToString(), second.ToString());
        Assert.Equal(first.Coverage.Sights, second.Coverage.Sights);
        Assert.NotEqual(first.Events, Simulations.Of(() => new Ledger(), firstSeed: 7).Run(seeds: 4).Events);
    }

    [Fact]
    public void The_same_failure_gives_the_same_story_however_many_seeds_are_played_at_once()
    {
        var stories = new[] { 1, 1, 3 }.Select(parallelism =>
            Simulations
                .Of(() => new ThrowingLedger(), parallelism: parallelism)
                .Run(seeds: 6, SimulationProfile.Founding)
                .ToString()
        );
        Assert.Single(stories.Distinct());
    }

    [Fact]
    public void The_report_does_not_depend_on_how_many_seeds_are_played_at_once()
    {
        var reports = new[] { 1, 4 }
            .Select(parallelism => Simulations.Of(() => new Ledger(), parallelism: parallelism).Run(seeds: 4))
            .ToList();
        Assert.Equal(reports[0].ToString(), reports[1].ToString());
        Assert.Equal(reports[0].Coverage.Sights, reports[1].Coverage.Sights);
    }

    [Fact]
    public void Progress_is_told_after_each_seed_in_order()
    {
        var recorder = new Recorder<SimulationProgress>();
        var report = Simulations
            .Of(() => new Ledger(), parallelism: 2, firstSeed: 11)
            .Run(seeds: 4, progress: recorder);
        Assert.Equal([11UL, 12UL, 13UL, 14UL], recorder.Told.Select(told => told.Seed));
        Assert.Equal([1, 2, 3, 4], recorder.Told.Select(told => told.SeedsPlayed));
        Assert.All(recorder.Told, told => Assert.Equal(4, told.Seeds));
        Assert.Equal(report.Events, recorder.Told[^1].Events);
    }

    [Fact]
    public void Cancelling_between_seeds_ends_the_simulation()
    {
        using var cancellation = new CancellationTokenSource();
        var recorder = new Recorder<SimulationProgress>(_ => cancellation.Cancel());
        Assert.ThrowsAny<OperationCanceledException>(() =>
            Simulations.Right().Run(seeds: 1_000, progress: recorder, cancellationToken: cancellation.Token)
        );
        Assert.Single(recorder.Told);
    }

    [Fact]
    public void Cancelling_in_the_middle_of_a_run_ends_it()
    {
        using var cancellation = new CancellationTokenSource();
        var asked = 0;
        var simulation = new ClusterSimulation<Deposit, GetBalance, long>
        {
            Machine = () => new Ledger(),
            Commands = dice =>
            {
                if (++asked == 10)
                {
                    cancellation.Cancel();
                }

                return new Deposit(1, dice.Between(1, 9));
            },
            Queries = _ => new GetBalance(1),
        };
        Assert.ThrowsAny<OperationCanceledException>(() =>
            simulation.Run(seeds: 3, cancellationToken: cancellation.Token)
        );
        Assert.Equal(10, asked);
    }

    [Fact]
    public void After_the_time_limit_no_seed_is_begun_but_one_is_always_played()
    {
        var report = Simulations.Of(() => new Ledger(), timeLimit: TimeSpan.Zero).Run(seeds: 1_000);
        Assert.Equal(1, report.SeedsPlayed);
        Assert.True(report.IsSuccess);
        Assert.False(report.IsComplete);
    }

    [Fact]
    public void A_replay_is_the_run_event_for_event_and_writes_its_trace()
    {
        var simulation = Simulations.Right();
        var first = new StringWriter();
        var second = new StringWriter();
        var run = simulation.Replay(seed: 3, trace: first);
        Assert.Equal(run.Fingerprint, simulation.Replay(seed: 3, trace: second).Fingerprint);
        Assert.Null(run.Failure);
        Assert.Equal(first.ToString(), second.ToString());
        Assert.Contains(" starts, session 1", first.ToString(), StringComparison.Ordinal);
        Assert.NotEmpty(run.Plan);
        Assert.NotEqual(run.Fingerprint, simulation.Replay(seed: 4).Fingerprint);
        Assert.Equal(run.Fingerprint, simulation.Replay(seed: 3).Fingerprint);
    }

    [Fact]
    public void Replaying_a_seed_that_failed_fails_in_the_same_way()
    {
        var simulation = Simulations.Of(() => new ThrowingLedger());
        var failure = Simulations.FailureOf(simulation);
        using var trace = new StringWriter();
        var again = simulation.Replay(failure.Seed, trace, failure.Profile).Failure;
        Assert.NotNull(again);
        Assert.Equal(failure.Rule, again.Rule);
        Assert.Equal(failure.Evidence, again.Evidence);
        Assert.EndsWith(
            $"---- {failure.Rule.Name}: {failure.Evidence}",
            trace.ToString().TrimEnd(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_shrunk_failure_is_played_without_what_it_does_not_need()
    {
        var simulation = Simulations.Of(() => new ThrowingLedger());
        var failure = Simulations.FailureOf(simulation);
        var whole = simulation.Replay(failure.Seed);
        var shrunk = simulation.Replay(failure);
        Assert.Equal(failure.Rule, shrunk.Failure?.Rule);
        Assert.Equal(failure.Plan, shrunk.Plan);
        Assert.True(shrunk.Plan.Count < whole.Plan.Count, failure.ToString());
    }

    [Fact]
    public void Members_decides_how_large_clusters_are()
    {
        using var trace = new StringWriter();
        Simulations.Of(() => new Ledger(), members: 2).Replay(seed: 1, trace);
        Assert.Contains("n2 starts", trace.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("n3 starts", trace.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_out_of_range_is_refused()
    {
        var simulation = Simulations.Right();
        Assert.Throws<ArgumentOutOfRangeException>(() => simulation.Run(seeds: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => simulation.Run(1, (SimulationProfile)99));
        Assert.Throws<ArgumentOutOfRangeException>(() => simulation.Replay(1, null, (SimulationProfile)99));
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            Simulations.Of(() => new Ledger(), members: 8).Run(1)
        );
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            Simulations.Of(() => new Ledger(), parallelism: 0).Run(1)
        );
    }
}
