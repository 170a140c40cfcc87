using Mosaik.Hybrid.Core;

namespace Mosaik.Hybrid.Runtime;

/// <summary>Turns a <see cref="TimeProvider"/> into the core's clock: monotonic milliseconds, and the wall.</summary>
internal sealed class MonotonicClock(TimeProvider timeProvider)
{
    private readonly long _start = timeProvider.GetTimestamp();

    /// <summary>The provider behind the clock, for timers.</summary>
    public TimeProvider TimeProvider => timeProvider;

    /// <summary>Milliseconds since this clock was made; begins at 1, so that zero is always in the past.</summary>
    public Instant Now => new(1 + (long)timeProvider.GetElapsedTime(_start).TotalMilliseconds);

    /// <summary>Both clocks at once.</summary>
    public Clock Read() => new(Now, timeProvider.GetUtcNow().ToUnixTimeMilliseconds());

    /// <summary>Milliseconds from this clock to the wall's: stays the same while the wall clock does not jump.</summary>
    public long WallOffset => timeProvider.GetUtcNow().ToUnixTimeMilliseconds() - Now.Milliseconds;

    /// <summary>The moment of the monotonic clock at which the wall will show a time, if it does not jump.</summary>
    public Instant At(DateTimeOffset moment)
    {
        var ahead = (moment - timeProvider.GetUtcNow()).TotalMilliseconds;
        return ahead >= int.MaxValue
            ? Now.Plus(int.MaxValue)
            : Now.Plus((int)Math.Max(0, Math.Ceiling(ahead)));
    }
}
