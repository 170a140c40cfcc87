using Microsoft.FSharp.Core;
using Mosaik.Hybrid.Simulation;

namespace Mosaik.Hybrid.Testing.Engine;

/// <summary>Plays seeds, each with machines and stores of its own.</summary>
internal sealed class SeedPlayer<TCommand, TQuery, TResult>(
    ClusterSimulation<TCommand, TQuery, TResult> simulation,
    SimulationProfile profile
)
{
    /// <summary>Plays a seed and, when it fails, finds out all about the failure.</summary>
    public SeedOutcome Play(ulong seed, CancellationToken cancellationToken)
    {
        var plan = PlanOf(seed);
        var outcome = Play(plan, 0, cancellationToken);
        if (outcome.Result.Failure.IsNone)
        {
            return outcome;
        }

        return outcome with
        {
            Failure = Explain(plan, outcome, cancellationToken),
        };
    }

    /// <summary>Plays a seed with all lines of its trace.</summary>
    /// <param name="run">What to play.</param>
    /// <param name="edits">What to leave out.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    public SeedOutcome Replay(RunIdentity run, Edits edits, CancellationToken cancellationToken)
    {
        var plan = EditsModule.apply(edits, PlanOf(run.Seed));
        var outcome = Play(plan, int.MaxValue, cancellationToken);
        return outcome.Result.Failure.IsNone
            ? outcome
            : outcome with
            {
                Failure = Describe(plan, outcome, edits, isRepeatable: true, outcome.Result.Trace),
            };
    }

    private Plan PlanOf(ulong seed)
    {
        var name = ProfileNames.Of(profile);
        var plan = simulation.Members is { } members
            ? Profile.planOfSize(name, members, seed)
            : Profile.plan(name, seed);
        return plan.Value;
    }

    private SeedOutcome Play(Plan plan, int traceLines, CancellationToken cancellationToken)
    {
        var run = new RunContext(plan.Seed, cancellationToken);
        StoreUnderTest? stores = simulation.Storage is { } factory
            ? new StoreUnderTest(factory, simulation.StorageCrash, simulation.StorageTimeLimit, run)
            : null;
        try
        {
            var settings = SettingsOf(run, stores, traceLines);
            return new SeedOutcome(plan, Mosaik.Hybrid.Simulation.Simulation.run(settings, plan), run);
        }
        finally
        {
            stores?.Dispose();
        }
    }

    private RunSettings SettingsOf(RunContext run, StoreUnderTest? stores, int traceLines) =>
        new(
            FuncConvert.FromFunc<IWorkload>(() =>
                new WorkloadUnderTest<TCommand, TQuery, TResult>(simulation, run)
            ),
            stores is null
                ? FSharpValueOption<FSharpFunc<Unit, IStoreUnderTest>>.None
                : FSharpValueOption<FSharpFunc<Unit, IStoreUnderTest>>.NewValueSome(
                    FuncConvert.FromFunc<IStoreUnderTest>(() => stores)
                ),
            traceLines
        );

    /// <summary>Plays a failing plan again for its last events, and takes away what it fails without.</summary>
    private SimulationFailure Explain(Plan plan, SeedOutcome outcome, CancellationToken cancellationToken)
    {
        var again = Play(plan, simulation.TraceLines, cancellationToken);
        if (!IsSame(outcome, again))
        {
            return Describe(plan, outcome, EditsModule.none, isRepeatable: false, []);
        }

        var edits =
            simulation.ShrinkRuns > 0
                ? Shrink(plan, outcome.Result.Failure.Value, cancellationToken)
                : EditsModule.none;
        return Describe(plan, outcome, edits, isRepeatable: true, again.Result.Trace);
    }

    private Edits Shrink(Plan plan, Failure failure, CancellationToken cancellationToken) =>
        Shrinker.shrinkWith(
            FuncConvert.FromFunc<Plan, FSharpValueOption<Failure>>(smaller =>
                Play(smaller, 0, cancellationToken).Result.Failure
            ),
            plan,
            failure,
            simulation.ShrinkRuns
        );

    private static bool IsSame(SeedOutcome first, SeedOutcome second) =>
        second.Result.Failure.IsSome
        && first.Result.Failure.Value.Rule.Name == second.Result.Failure.Value.Rule.Name
        && first.Result.Failure.Value.Evidence == second.Result.Failure.Value.Evidence
        && first.Result.Digest == second.Result.Digest;

    private SimulationFailure Describe(
        Plan plan,
        SeedOutcome outcome,
        Edits edits,
        bool isRepeatable,
        IEnumerable<string> trace
    )
    {
        var failure = outcome.Result.Failure.Value;
        return new SimulationFailure(
            new RunIdentity(plan.Seed, profile, simulation.Members),
            SimulationRules.From(failure.Rule),
            failure.Evidence
        )
        {
            Exception = outcome.Run.Thrown,
            At = TimeSpan.FromMilliseconds(failure.At),
            Events = failure.Events,
            IsRepeatable = isRepeatable,
            Trace = [.. trace],
            Plan = [.. PlanWords.describe(EditsModule.apply(edits, plan))],
            Edits = edits,
        };
    }
}

/// <summary>How a seed went.</summary>
internal sealed record SeedOutcome(Plan Plan, RunResult Result, RunContext Run)
{
    public SimulationFailure? Failure { get; init; }
}
