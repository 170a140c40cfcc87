using Mosaik.Hybrid.Tickets;

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
                && SaysTheSame(known.Entry, peer)
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

            _verdicts[key] = new Remembered(revision, peer, now, verdict);
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

    private static bool SaysTheSame(PeerEntry left, PeerEntry right) =>
        ReferenceEquals(left, right)
        || (
            left.Addresses.SequenceEqual(right.Addresses)
            && left.Tags.SequenceEqual(right.Tags)
            && left.Groups.SequenceEqual(right.Groups)
        );

    private readonly record struct Key(int Validator, PeerId Peer, string Ticket);

    private sealed record Remembered(
        long Revision,
        PeerEntry Entry,
        DateTimeOffset At,
        TicketVerdict Verdict
    );
}
