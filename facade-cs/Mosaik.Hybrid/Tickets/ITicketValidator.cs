namespace Mosaik.Hybrid.Tickets;

/// <summary>Decides whether a peer's ticket lets it into a group.</summary>
/// <remarks>
/// Called off the group's loop, from several threads at once. An implementation is deterministic in its
/// configuration: all members must hold validators with equal signatures, in the same order.
/// </remarks>
public interface ITicketValidator
{
    /// <summary>The class of tickets that this validator looks at; others are ignored.</summary>
    string Class { get; }

    /// <summary>A fingerprint of the whole configuration, mixed into the GroupId. Never leaks a secret.</summary>
    ReadOnlyMemory<byte> Signature { get; }

    /// <summary>Checks one ticket of a peer.</summary>
    /// <returns>Until when the ticket is good, or why it is not.</returns>
    /// <remarks>An exception counts as a refusal, and is logged.</remarks>
    TicketVerdict Validate(Ticket ticket, PeerEntry peer);
}

/// <summary>What a validator says of a ticket.</summary>
public readonly record struct TicketVerdict
{
    private TicketVerdict(bool isValid, Expiration expiration, string reason) =>
        (IsValid, Expiration, Reason) = (isValid, expiration, reason);

    /// <summary>True when the ticket is good. The default value is a refusal.</summary>
    public bool IsValid { get; }

    /// <summary>Until when a good ticket is good.</summary>
    public Expiration Expiration { get; }

    /// <summary>Why a ticket is not good, for the local log only; never sent to the peer.</summary>
    public string? Reason { get; }

    /// <summary>The ticket is good.</summary>
    public static TicketVerdict Valid(Expiration expiration) => new(true, expiration, string.Empty);

    /// <summary>The ticket is not good.</summary>
    public static TicketVerdict Invalid(string reason) => new(false, default, reason);
}

/// <summary>Until when something is good: for ever, or to a moment of the wall clock.</summary>
public readonly record struct Expiration : IComparable<Expiration>
{
    private readonly DateTimeOffset? _at;

    private Expiration(DateTimeOffset? at) => _at = at;

    /// <summary>Good for ever.</summary>
    public static Expiration Never => default;

    /// <summary>Good before this moment, and no longer at it.</summary>
    public static Expiration At(DateTimeOffset moment) => new(moment);

    /// <summary>The moment from which it is no longer good; null for never.</summary>
    public DateTimeOffset? Moment => _at;

    /// <summary>True from the moment on.</summary>
    public bool IsExpired(DateTimeOffset now) => _at is { } moment && now >= moment;

    /// <summary>Earlier moments first; Never last.</summary>
    public int CompareTo(Expiration other) =>
        (_at ?? DateTimeOffset.MaxValue).CompareTo(other._at ?? DateTimeOffset.MaxValue);

    /// <summary>True when left ends earlier.</summary>
    public static bool operator <(Expiration left, Expiration right) => left.CompareTo(right) < 0;

    /// <summary>True when left ends later.</summary>
    public static bool operator >(Expiration left, Expiration right) => left.CompareTo(right) > 0;

    /// <summary>True when left does not end later.</summary>
    public static bool operator <=(Expiration left, Expiration right) => left.CompareTo(right) <= 0;

    /// <summary>True when left does not end earlier.</summary>
    public static bool operator >=(Expiration left, Expiration right) => left.CompareTo(right) >= 0;
}
