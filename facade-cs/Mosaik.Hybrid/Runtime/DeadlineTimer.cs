namespace Mosaik.Hybrid.Runtime;

/// <summary>One timer for the group's earliest deadline.</summary>
/// <remarks>
/// Used by the group loop only. A deadline that moves away does not touch the timer: it fires early, which is
/// harmless to the core, and the loop sets what is left. So a stream of heartbeats costs no timer calls.
/// </remarks>
internal sealed class DeadlineTimer : IAsyncDisposable
{
    private readonly MonotonicClock _clock;
    private readonly ITimer _timer;
    private Instant _deadline = Instant.Never;
    private Instant _armedFor = Instant.Never;

    /// <summary>Creates the timer, unarmed.</summary>
    /// <param name="clock">What deadlines are on.</param>
    /// <param name="onFired">Called on a pool thread; only enqueues.</param>
    public DeadlineTimer(MonotonicClock clock, Action onFired)
    {
        _clock = clock;
        _timer = clock.TimeProvider.CreateTimer(
            static state => ((Action)state!)(),
            onFired,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan
        );
    }

    /// <summary>Sets the deadline; replaces the former one.</summary>
    public void Set(Instant deadline)
    {
        _deadline = deadline;
        if (deadline < _armedFor)
        {
            Arm();
        }
    }

    /// <summary>The timer has fired: the next <see cref="Set"/> arms it again.</summary>
    public void OnFired() => _armedFor = Instant.Never;

    private void Arm()
    {
        if (_deadline == Instant.Never)
        {
            return;
        }

        _armedFor = _deadline;
        var wait = Math.Clamp(_deadline.Since(_clock.Now), 0, int.MaxValue);
        _timer.Change(TimeSpan.FromMilliseconds(wait), Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _timer.DisposeAsync();
}
