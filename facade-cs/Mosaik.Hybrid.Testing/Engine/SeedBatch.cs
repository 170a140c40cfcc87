using System.Runtime.ExceptionServices;
using Mosaik.Hybrid.Simulation;

namespace Mosaik.Hybrid.Testing.Engine;

/// <summary>Plays seeds one after the other or several at once, and puts them together as if one after the other.</summary>
/// <remarks>
/// Everything up to the lowest seed that fails is counted and nothing after it, so the result does not depend on how
/// many were played at once.
/// </remarks>
internal sealed class SeedBatch(ulong firstSeed, int seeds, Func<ulong, SeedOutcome> play)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<int, SeedOutcome> _early = [];
    private readonly Coverage _coverage = new();
    private int _next = -1;
    private int _merged;
    private int? _endsAt;
    private ExceptionDispatchInfo? _error;

    /// <summary>Asked before each seed but the first; true when no more are to be begun.</summary>
    public Func<bool> IsTimeUp { get; init; } = () => false;

    /// <summary>Told of each seed in order.</summary>
    public IProgress<SimulationProgress>? Progress { get; init; }

    public int SeedsPlayed => _merged;

    /// <summary>The place after the last seed that counts.</summary>
    private int End => _endsAt ?? seeds;

    public SimulationFailure? Failure { get; private set; }

    public SimulationCoverage Coverage => new(_coverage);

    public long Events { get; private set; }

    public long EntriesCommitted { get; private set; }

    public long CommandsApplied { get; private set; }

    public long QueriesAnswered { get; private set; }

    /// <summary>Plays them. Throws what user code threw that is no verdict.</summary>
    public void Play(int parallelism)
    {
        if (parallelism == 1)
        {
            Work();
        }
        else
        {
            var workers = Enumerable
                .Range(0, Math.Min(parallelism, seeds))
                .Select(_ =>
                    Task.Factory.StartNew(
                        Work,
                        CancellationToken.None,
                        TaskCreationOptions.LongRunning,
                        TaskScheduler.Default
                    )
                );
            Task.WaitAll([.. workers]);
        }

        _error?.Throw();
    }

    private void Work()
    {
        // Stores may be awaited here: nothing of theirs may want to come back to a caller's context.
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            while (TakeNext() is { } place)
            {
                var outcome = play(firstSeed + (ulong)place);
                lock (_gate)
                {
                    _early.Add(place, outcome);
                    _endsAt = outcome.Failure is null ? _endsAt : Math.Min(End, place + 1);
                    Merge();
                }
            }
        }
        catch (Exception exception)
        {
            lock (_gate)
            {
                _error ??= ExceptionDispatchInfo.Capture(exception);
                _endsAt = 0;
            }
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    private int? TakeNext()
    {
        lock (_gate)
        {
            var place = _next + 1;
            if (place >= End || (place > 0 && IsTimeUp()))
            {
                return null;
            }

            _next = place;
            return place;
        }
    }

    /// <summary>Counts what has come, in order, up to the first failure.</summary>
    private void Merge()
    {
        while (_merged < End && _early.Remove(_merged, out var outcome))
        {
            var result = outcome.Result;
            _coverage.Add(result.Coverage);
            Events += result.Events;
            EntriesCommitted += result.Committed;
            CommandsApplied += outcome.Run.CommandsApplied;
            QueriesAnswered += outcome.Run.QueriesAnswered;
            Failure ??= outcome.Failure;
            _merged++;
            Progress?.Report(
                new SimulationProgress(firstSeed + (ulong)(_merged - 1), _merged, seeds, Events)
            );
        }
    }
}
