using System.Text;
using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid.Tests.Support;

/// <summary>A validator that does what the ticket says: <c>good</c>, <c>until ticks</c>, <c>throw</c>, or else refuse.</summary>
internal sealed class PassValidator(TimeProvider timeProvider) : ITicketValidator
{
    public string Class => "pass";

    public ReadOnlyMemory<byte> Signature { get; } = "pass/1"u8.ToArray();

    public static Ticket Good { get; } = Of("good");

    public static Ticket Bad { get; } = Of("bad");

    public static Ticket Throwing { get; } = Of("throw");

    public static Ticket Until(DateTimeOffset moment) =>
        Of(FormattableString.Invariant($"until {moment.UtcTicks}"));

    public TicketVerdict Validate(Ticket ticket, PeerEntry peer)
    {
        var text = Encoding.UTF8.GetString(ticket.Data.Span);
        if (text.StartsWith("until ", StringComparison.Ordinal))
        {
            var ticks = long.Parse(text[6..], System.Globalization.CultureInfo.InvariantCulture);
            var expiration = Expiration.At(new DateTimeOffset(ticks, TimeSpan.Zero));
            return expiration.IsExpired(timeProvider.GetUtcNow())
                ? TicketVerdict.Invalid("expired")
                : TicketVerdict.Valid(expiration);
        }

        return text switch
        {
            "good" => TicketVerdict.Valid(Expiration.Never),
            "throw" => throw new InvalidOperationException("the validator is broken"),
            _ => TicketVerdict.Invalid("not good"),
        };
    }

    private static Ticket Of(string text) => new("pass", Encoding.UTF8.GetBytes(text));
}
