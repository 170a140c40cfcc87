namespace Mosaik.Hybrid.Tickets;

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

    /// <summary>Earlier moments first; Never last, even after the last moment that there is.</summary>
    public int CompareTo(Expiration other) =>
        (_at, other._at) switch
        {
            ({ } left, { } right) => left.CompareTo(right),
            ({ }, null) => -1,
            (null, { }) => 1,
            (null, null) => 0,
        };

    /// <summary><c>never</c>, or the moment in ISO 8601.</summary>
    public override string ToString() =>
        _at?.ToString("O", System.Globalization.CultureInfo.InvariantCulture) ?? "never";

    /// <summary>True when left ends earlier.</summary>
    public static bool operator <(Expiration left, Expiration right) => left.CompareTo(right) < 0;

    /// <summary>True when left ends later.</summary>
    public static bool operator >(Expiration left, Expiration right) => left.CompareTo(right) > 0;

    /// <summary>True when left does not end later.</summary>
    public static bool operator <=(Expiration left, Expiration right) => left.CompareTo(right) <= 0;

    /// <summary>True when left does not end earlier.</summary>
    public static bool operator >=(Expiration left, Expiration right) => left.CompareTo(right) >= 0;
}
