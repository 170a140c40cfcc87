using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid.Tests.Support;

/// <summary>A validator that is a function, counts how often it was asked, and can change its mind.</summary>
internal sealed class FunctionValidator(
    Func<Ticket, PeerEntry, TicketVerdict> validate,
    string @class = "pass"
) : ITicketValidator
{
    private int _asked;
    private long _revision;

    public string Class => @class;

    public ReadOnlyMemory<byte> Signature { get; } = "function/1"u8.ToArray();

    public long Revision => Interlocked.Read(ref _revision);

    public int Asked => Volatile.Read(ref _asked);

    public void ChangeMind() => Interlocked.Increment(ref _revision);

    public TicketVerdict Validate(Ticket ticket, PeerEntry peer)
    {
        Interlocked.Increment(ref _asked);
        return validate(ticket, peer);
    }
}
