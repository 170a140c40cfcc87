using Microsoft.Extensions.Logging;
using Mosaik.Hybrid.Diagnostics;
using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid.Runtime;

/// <summary>Tells the operator why tickets were refused: once an hour for each peer, ticket and fault.</summary>
/// <remarks>
/// Any thread. At most 1,024 times an hour, and 32 times for one peer: one that makes up new tickets all the time
/// fills no disk, and hides nobody else's.
/// </remarks>
internal sealed class TicketRefusals(MonotonicClock clock, ILogger logger)
{
    private const int RememberedMax = 1_024;
    private const int OfPeerMax = 32;
    private const int Interval = 3_600_000;

    private readonly Lock _gate = new();
    private readonly HashSet<(PeerId, string, TicketFault?)> _told = [];
    private readonly Dictionary<PeerId, int> _ofPeer = [];
    private Instant _forgetAt = Instant.Zero;

    /// <summary>A ticket was refused.</summary>
    public void Note(PeerId peer, string ticket, InvalidTicket error)
    {
        if (IsNews(peer, ticket, error.Fault))
        {
            GroupEvents.TicketRefused(logger, peer.Short, ticket, error.Fault, error.Detail);
        }
    }

    /// <summary>A peer carries no ticket of a class that it needs.</summary>
    public void NoteMissing(PeerId peer, string @class)
    {
        if (IsNews(peer, @class, null))
        {
            GroupEvents.TicketMissing(logger, peer.Short, @class);
        }
    }

    private bool IsNews(PeerId peer, string what, TicketFault? fault)
    {
        lock (_gate)
        {
            if (clock.Now >= _forgetAt)
            {
                _forgetAt = clock.Now.Plus(Interval);
                _told.Clear();
                _ofPeer.Clear();
            }

            var ofPeer = _ofPeer.GetValueOrDefault(peer);
            if (_told.Count >= RememberedMax || ofPeer >= OfPeerMax || !_told.Add((peer, what, fault)))
            {
                return false;
            }

            _ofPeer[peer] = ofPeer + 1;
            return true;
        }
    }
}
