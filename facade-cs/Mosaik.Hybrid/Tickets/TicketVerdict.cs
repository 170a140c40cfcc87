namespace Mosaik.Hybrid.Tickets;

/// <summary>What a validator says of a ticket: an <see cref="Expiration"/> or an <see cref="InvalidTicket"/>.</summary>
/// <remarks>Either converts to a verdict, so a validator may return it as it is. The default value is a refusal.</remarks>
public readonly record struct TicketVerdict
{
    private readonly InvalidTicket? _error;

    private TicketVerdict(bool isValid, Expiration expiration, InvalidTicket? error) =>
        (IsValid, Expiration, _error) = (isValid, expiration, error);

    /// <summary>True when the ticket is good.</summary>
    public bool IsValid { get; }

    /// <summary>Until when a good ticket is good; meaningless for others.</summary>
    public Expiration Expiration { get; }

    /// <summary>Why the ticket is not good; null when it is.</summary>
    public InvalidTicket? Error => IsValid ? null : _error ?? InvalidTicket.Unexplained;

    /// <summary>The ticket is good.</summary>
    public static TicketVerdict Valid(Expiration expiration) => new(true, expiration, null);

    /// <summary>The ticket is not good, by a rule of the validator's own.</summary>
    public static TicketVerdict Invalid(string detail) => Invalid(TicketFault.Rejected, detail);

    /// <summary>The ticket is not good.</summary>
    public static TicketVerdict Invalid(TicketFault fault, string detail) =>
        new(false, default, new InvalidTicket(fault, detail));

    /// <summary>A good ticket's verdict.</summary>
    public static implicit operator TicketVerdict(Expiration expiration) => Valid(expiration);

    /// <summary>A bad ticket's verdict.</summary>
    public static implicit operator TicketVerdict(InvalidTicket error) => FromInvalidTicket(error);

    /// <summary>A good ticket's verdict; what the conversion does.</summary>
    public static TicketVerdict FromExpiration(Expiration expiration) => Valid(expiration);

    /// <summary>A bad ticket's verdict; what the conversion does.</summary>
    public static TicketVerdict FromInvalidTicket(InvalidTicket error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return new TicketVerdict(false, default, error);
    }
}
