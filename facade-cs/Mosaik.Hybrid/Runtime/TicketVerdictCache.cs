using Mosaik.Hybrid.Tickets;
using Mosaik.Hybrid.Transport;

namespace Mosaik.Hybrid.Runtime;

/// <summary>Remembers good tickets until they expire, so that looking again costs no cryptography.</summary>
/// <remarks>
/// Any thread. Keyed by validator, peer and ticket id. A verdict counts only while everything is as it was: the
/// validator's revision, what the entry says besides tickets, and a wall clock that has not gone back. Refusals are
/// not remembered: a ticket that is refused today may be valid tomorrow. Bounded: what does not fit is checked again.
/// </remarks>
internal sealed class TicketVerdictCache
{
    private const int CountMax = 4_096;

    private readonly Lock _gate = new();
    private readonly Dictionary<Key, Remembered> _verdicts = [];

    /// <summary>The verdict that holds still; null when the validator must be asked.</summary>
    public TicketVerdict? Find(
        int validator,
        long revision,
        Ticket ticket,
        PeerEntry peer,
        DateTimeOffset now
    )
    {
        lock (_gate)
        {
            return
                _verdicts.TryGetValue(new Key(validator, peer.Id, ticket.Id), out var known)
                && known.Revision == revision
                && known.At <= now
                && !known.Verdict.Expiration.IsExpired(now)
                && known.SaysTheSame(peer)
                ? (TicketVerdict?)known.Verdict
                : null;
        }
    }

    /// <summary>Remembers a good ticket.</summary>
    public void Keep(
        int validator,
        long revision,
        Ticket ticket,
        PeerEntry peer,
        DateTimeOffset now,
        TicketVerdict verdict
    )
    {
        lock (_gate)
        {
            var key = new Key(validator, peer.Id, ticket.Id);
            if (_verdicts.Count >= CountMax && !_verdicts.ContainsKey(key))
            {
                MakeRoom(now);
            }

            _verdicts[key] = new Remembered(revision, now, verdict, peer.Addresses, peer.Tags, peer.Groups);
        }
    }

    private void MakeRoom(DateTimeOffset now)
    {
        foreach (var (key, known) in _verdicts)
        {
            if (known.Verdict.Expiration.IsExpired(now))
            {
                _verdicts.Remove(key);
            }
        }

        if (_verdicts.Count >= CountMax)
        {
            _verdicts.Clear();
        }
    }

    private readonly record struct Key(int Validator, PeerId Peer, string Ticket);

    /// <summary>Not the entry itself, which may hold 48 KiB of tickets.</summary>
    private sealed record Remembered(
        long Revision,
        DateTimeOffset At,
        TicketVerdict Verdict,
        IReadOnlyList<PeerAddress> Addresses,
        IReadOnlyList<string> Tags,
        IReadOnlyList<GroupId> Groups
    )
    {
        public bool SaysTheSame(PeerEntry peer) =>
            Addresses.SequenceEqual(peer.Addresses)
            && Tags.SequenceEqual(peer.Tags)
            && Groups.SequenceEqual(peer.Groups);
    }
}
