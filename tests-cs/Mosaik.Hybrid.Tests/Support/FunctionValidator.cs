using System.Collections.Concurrent;
using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid.Tests.Support;

/// <summary>A validator that is a function, counts how often it was asked, and can change its mind.</summary>
internal sealed class FunctionValidator(
    Func<Ticket, PeerEntry, TicketVerdict> validate,
    string @class = "pass"
) : ITicketValidator
{
    private readonly ConcurrentDictionary<PeerId, int> _asked = new();
    private long _revision;

    public string Class => @class;

    public ReadOnlyMemory<byte> Signature { get; } = "function/1"u8.ToArray();

    public long Revision => Interlocked.Read(ref _revision);

    /// <summary>How often it was asked about a peer; the node asks about itself, too.</summary>
    public int AskedOf(PeerId peer) => _asked.GetValueOrDefault(peer);

    public void ChangeMind() => Interlocked.Increment(ref _revision);

    public TicketVerdict Validate(Ticket ticket, PeerEntry peer)
    {
        _asked.AddOrUpdate(peer.Id, 1, static (_, count) => count + 1);
        return validate(ticket, peer);
    }
}
