namespace Mosaik.Hybrid.Runtime;

/// <summary>Turns away for a while those who knock without a good ticket, before anything is computed for them.</summary>
/// <remarks>
/// Any thread. The first refusal closes the door to that peer for 100 ms, each further one for twice as long, up to
/// 5 s; a bond opens it for good. A peer that publishes another ticket may try once more at once. Bounded: of peers
/// beyond 1,024 that were refused, those whose time is over are forgotten first.
/// </remarks>
internal sealed class DoorKeeper(TimeProvider timeProvider)
{
    private const int RememberedMax = 1_024;
    private static readonly TimeSpan s_shortest = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly Dictionary<PeerId, Refused> _refused = [];
    private readonly long _start = timeProvider.GetTimestamp();
    private long _turnedAway;

    /// <summary>How many were turned away.</summary>
    public long TurnedAway => Interlocked.Read(ref _turnedAway);

    /// <summary>False when the peer was refused a short while ago.</summary>
    public bool MayKnock(PeerId peer)
    {
        lock (_gate)
        {
            if (!_refused.TryGetValue(peer, out var refused) || Now >= refused.Until)
            {
                return true;
            }
        }

        Interlocked.Increment(ref _turnedAway);
        return false;
    }

    /// <summary>The peer had no good ticket.</summary>
    public void OnRefused(PeerId peer)
    {
        lock (_gate)
        {
            var wait = s_shortest;
            if (_refused.TryGetValue(peer, out var before))
            {
                wait = before.Wait * 2 < s_longest ? before.Wait * 2 : s_longest;
            }
            else if (_refused.Count >= RememberedMax && !MakeRoom())
            {
                return;
            }

            _refused[peer] = new Refused(wait, Now + wait);
        }
    }

    /// <summary>The peer has other tickets than before: it may try once more, and is no better known for it.</summary>
    public void OnTicketsChanged(PeerId peer)
    {
        lock (_gate)
        {
            if (_refused.TryGetValue(peer, out var refused))
            {
                _refused[peer] = refused with { Until = TimeSpan.Zero };
            }
        }
    }

    /// <summary>The peer has a bond.</summary>
    public void OnBonded(PeerId peer)
    {
        lock (_gate)
        {
            _refused.Remove(peer);
        }
    }

    private TimeSpan Now => timeProvider.GetElapsedTime(_start);

    private bool MakeRoom()
    {
        var now = Now;
        foreach (var (peer, refused) in _refused)
        {
            if (now >= refused.Until)
            {
                _refused.Remove(peer);
            }
        }

        return _refused.Count < RememberedMax;
    }

    private readonly record struct Refused(TimeSpan Wait, TimeSpan Until);
}
