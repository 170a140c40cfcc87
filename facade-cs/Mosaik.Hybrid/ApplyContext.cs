namespace Mosaik.Hybrid;

/// <summary>What a state machine may know about a command besides its content. Equal on all members.</summary>
public readonly struct ApplyContext
{
    private static readonly long s_earliest = DateTimeOffset.MinValue.ToUnixTimeMilliseconds();
    private static readonly long s_latest = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();
    private readonly long _timestampMs;

    /// <summary>Creates a context; for tests of state machines.</summary>
    /// <param name="position">Term and index of the entry.</param>
    /// <param name="timestampMs">
    /// The leader's wall clock, in milliseconds since 1970; clamped to what a date can hold.
    /// </param>
    /// <param name="proposer">The peer that proposed the command.</param>
    /// <param name="commandNumber">The proposer's number for the command; from 1.</param>
    public ApplyContext(LogPosition position, long timestampMs, PeerId proposer, ulong commandNumber)
    {
        Index = position.Index;
        Term = position.Term;
        Proposer = proposer;
        CommandNumber = commandNumber;
        _timestampMs = Math.Clamp(timestampMs, s_earliest, s_latest);
    }

    /// <summary>The place of the command in the log; grows with every command, with gaps.</summary>
    public LogIndex Index { get; }

    /// <summary>The term of the leader that took the command; never falls.</summary>
    public Term Term { get; }

    /// <summary>The wall clock of the leader that took the command, to the millisecond; never goes back.</summary>
    public DateTimeOffset Timestamp => DateTimeOffset.FromUnixTimeMilliseconds(_timestampMs);

    /// <summary>The peer that proposed the command.</summary>
    public PeerId Proposer { get; }

    /// <summary>The proposer's number for the command: 1, 2, 3, ... within one session of its store.</summary>
    public ulong CommandNumber { get; }
}
