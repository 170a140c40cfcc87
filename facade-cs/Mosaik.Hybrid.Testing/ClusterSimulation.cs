using Mosaik.Hybrid.Simulation;
using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Testing.Engine;

namespace Mosaik.Hybrid.Testing;

/// <summary>Runs a state machine, and a store if you like, in simulated clusters in which everything goes wrong.</summary>
/// <remarks>
/// <para>
/// A run is a whole cluster of 1 to 7 members in one thread under a virtual clock: the real consensus core and wire
/// format, a network that loses, repeats, delays and reorders messages and falls apart, disks that are slow, stall,
/// fill up and lose things, processes that crash, stand still and come back, clients that retry and give up. One seed
/// decides all of it, so a failure can be played again, event for event.
/// </para>
/// <para>
/// After every event the rules of consensus are checked, and in the end every answer is compared with what a fresh
/// machine answers that replays the committed log alone. What your machine, codec or store does wrong is a broken
/// rule of the report, with the seed and the entry; a run never ends with an exception of theirs.
/// </para>
/// <para>
/// The object is a description: runs keep their state to themselves, and may go on at once. With
/// <see cref="Parallelism"/> above 1 the functions are called from several threads at once.
/// </para>
/// </remarks>
/// <typeparam name="TCommand">The machine's commands.</typeparam>
/// <typeparam name="TQuery">The machine's queries.</typeparam>
/// <typeparam name="TResult">The machine's answers.</typeparam>
public sealed class ClusterSimulation<TCommand, TQuery, TResult>
{
    /// <summary>Makes a machine in its first state. Called for every start of every simulated process.</summary>
    public required Func<IStateMachine<TCommand, TQuery, TResult>> Machine { get; init; }

    /// <summary>Makes a command of some client, from the dice and nothing else.</summary>
    public required Func<SimulationDice, TCommand> Commands { get; init; }

    /// <summary>Makes a query of some client, from the dice and nothing else.</summary>
    public required Func<SimulationDice, TQuery> Queries { get; init; }

    /// <summary>What members that have applied the same commands must agree on; the whole state, at best.</summary>
    /// <value>
    /// Called after every command, so it should be cheap. The result is compared like an answer. Without it, a query
    /// has to do: the same one on every member.
    /// </value>
    public Func<IStateMachine<TCommand, TQuery, TResult>, object?>? Digest { get; init; }

    /// <summary>Turns commands into bytes and back; JSON when not set.</summary>
    public ICommandCodec<TCommand> Codec { get; init; } = new JsonCommandCodec<TCommand>();

    /// <summary>Says whether a command that was read is the one that was written.</summary>
    /// <value>When not set they must be equal as JSON, and by Equals if the type has an equality by value.</value>
    public IEqualityComparer<TCommand>? CommandComparer { get; init; }

    /// <summary>Says whether two answers are the same.</summary>
    /// <value>
    /// When not set, simple values are compared by Equals and others as JSON; types that have no JSON by Equals.
    /// </value>
    public IEqualityComparer<TResult>? ResultComparer { get; init; }

    /// <summary>Makes the store of a member on its simulated disk; null to simulate without real stores.</summary>
    /// <value>
    /// Called at every start of the member with the same disk: the store must find there what it had completed. It is
    /// written when a simulated write becomes durable, disposed of when the process ends, and compared entry for
    /// entry with what must be there when it opens again. A store that is volatile is refused.
    /// </value>
    public Func<SimulatedDisk, ILogStorage>? Storage { get; init; }

    /// <summary>Called when a process crashes, before its store is disposed of: takes away what no flush has made durable.</summary>
    /// <value>For stores over a simulated medium of their own. Without it a crash looks like an orderly end to a store.</value>
    public Action<SimulatedDisk>? StorageCrash { get; init; }

    /// <summary>How long a single call of a store may take, in real time; 30 s when not set.</summary>
    public TimeSpan StorageTimeLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How many members clusters have, from 1 to 7; null to draw the number from the seed.</summary>
    public int? Members { get; init; }

    /// <summary>The first seed; the others follow on. 1 when not set.</summary>
    public ulong FirstSeed { get; init; } = 1;

    /// <summary>How many seeds are played at once; 1 when not set. The report does not depend on it.</summary>
    public int Parallelism { get; init; } = 1;

    /// <summary>After this time no further seed is begun; null for no limit. At least one seed is played.</summary>
    public TimeSpan? TimeLimit { get; init; }

    /// <summary>The clock of <see cref="TimeLimit"/>. Nothing in a run depends on it.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>How many of the last events a failure shows; 60 when not set.</summary>
    public int TraceLines { get; init; } = 60;

    /// <summary>How many runs the search for the smallest failing plan may take; 200 when not set, 0 for no search.</summary>
    public int ShrinkRuns { get; init; } = 200;

    /// <summary>Plays seeds until one fails or all are played.</summary>
    /// <param name="seeds">How many; at least 1.</param>
    /// <param name="profile">What to strain most.</param>
    /// <param name="progress">Told after each seed, in order, by one thread at a time.</param>
    /// <param name="cancellationToken">Ends the simulation, in the middle of a run too.</param>
    /// <returns>What was met, and the first failure if there is one.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A number or the profile is out of range.</exception>
    /// <exception cref="InvalidOperationException">The store is volatile, or its factory returned null.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="Exception">
    /// Any that <see cref="Commands"/>, <see cref="Queries"/> or a comparer threw: a mistake of the test.
    /// </exception>
    public SimulationReport Run(
        int seeds,
        SimulationProfile profile = SimulationProfile.Swarm,
        IProgress<SimulationProgress>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(seeds, 1);
        var player = Player(profile);
        var began = TimeProvider.GetTimestamp();
        var batch = new SeedBatch(FirstSeed, seeds, seed => player.Play(seed, cancellationToken))
        {
            IsTimeUp = () => TimeLimit is { } limit && TimeProvider.GetElapsedTime(began) >= limit,
            Progress = progress,
        };
        batch.Play(Parallelism);
        return new SimulationReport(profile, seeds, batch.Coverage)
        {
            SeedsPlayed = batch.SeedsPlayed,
            Failure = batch.Failure,
            Events = batch.Events,
            EntriesCommitted = batch.EntriesCommitted,
            CommandsApplied = batch.CommandsApplied,
            QueriesAnswered = batch.QueriesAnswered,
        };
    }

    /// <summary>Plays one seed again and writes what happens.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="trace">Gets a line for every event, oldest first, and the failure after them; null for no trace.</param>
    /// <param name="profile">The profile under which the seed failed.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    /// <exception cref="Exception">As for <see cref="Run"/>.</exception>
    public SimulationRun Replay(
        ulong seed,
        TextWriter? trace = null,
        SimulationProfile profile = SimulationProfile.Swarm,
        CancellationToken cancellationToken = default
    ) => Replay(new RunIdentity(seed, profile, Members), EditsModule.none, trace, cancellationToken);

    /// <summary>Plays a failure again without what it fails without as well, and writes what happens.</summary>
    /// <param name="failure">From a report of the same simulation.</param>
    /// <param name="trace">Gets a line for every event, oldest first, and the failure after them; null for no trace.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    /// <exception cref="Exception">As for <see cref="Run"/>.</exception>
    public SimulationRun Replay(
        SimulationFailure failure,
        TextWriter? trace = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(failure);
        return Replay(failure.Run, failure.Edits, trace, cancellationToken);
    }

    private SimulationRun Replay(
        RunIdentity run,
        Edits edits,
        TextWriter? trace,
        CancellationToken cancellationToken
    )
    {
        var outcome = Player(run.Profile).Replay(run, edits, cancellationToken);
        if (trace is not null)
        {
            foreach (var line in outcome.Result.Trace)
            {
                trace.WriteLine(line);
            }

            if (outcome.Failure is { } failure)
            {
                trace.WriteLine($"---- {failure.Rule.Name}: {failure.Evidence}");
            }
        }

        return new SimulationRun(run.Seed, run.Profile, new SimulationCoverage(outcome.Result.Coverage))
        {
            Failure = outcome.Failure,
            Events = outcome.Result.Events,
            Fingerprint = outcome.Result.Digest,
            Plan = [.. PlanWords.describe(outcome.Plan)],
        };
    }

    private SeedPlayer<TCommand, TQuery, TResult> Player(SimulationProfile profile)
    {
        if (Members is { } members)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(members, 1, nameof(Members));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(members, 7, nameof(Members));
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(Parallelism, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(TraceLines);
        ArgumentOutOfRangeException.ThrowIfNegative(ShrinkRuns);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(StorageTimeLimit, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(StorageTimeLimit, TimeSpan.FromDays(1));
        _ = ProfileNames.Of(profile);
        return new SeedPlayer<TCommand, TQuery, TResult>(this, profile);
    }
}
