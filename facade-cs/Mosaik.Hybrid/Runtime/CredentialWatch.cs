using Mosaik.Hybrid.Core;

namespace Mosaik.Hybrid.Runtime;

/// <summary>Looks at the credentials of the peer on one link: one look at a time, always at its newest entry.</summary>
/// <remarks>
/// Any thread. Entries come from the link, from gossip and from the catalogue, in any order; the newest version
/// counts, so that an old one brings no ticket back. However many come, one look is under way and at most one more
/// follows, so a peer that floods updates keeps one thread busy at most, and what is reported last is about the newest.
/// </remarks>
internal sealed class CredentialWatch(
    PeerId peer,
    PeerDiscovery discovery,
    CredentialChecker checker,
    Action<Credentials> report
)
{
    private const int AttemptsMax = 3;

    private readonly Lock _gate = new();
    private PeerEntry? _newest;
    private ReadOnlyMemory<byte>? _unread;
    private bool _isWanted;
    private bool _isLooking;

    /// <summary>The peer's newest entry; null before there is one.</summary>
    public PeerEntry? Newest
    {
        get
        {
            lock (_gate)
            {
                return _newest;
            }
        }
    }

    /// <summary>The bond is formed: looks no longer queue with those at strangers.</summary>
    public bool IsMember { get; set; }

    /// <summary>A signed entry came over the link: checks it, and looks.</summary>
    public void Read(ReadOnlyMemory<byte> signed)
    {
        lock (_gate)
        {
            _unread = signed;
        }

        Look();
    }

    /// <summary>A checked entry of the peer came from elsewhere; looks if it is newer.</summary>
    public void Learn(PeerEntry entry)
    {
        if (TakeOver(entry) && !checker.IsOpen)
        {
            Look();
        }
    }

    /// <summary>Looks, now or after the look that is under way.</summary>
    public void Look()
    {
        lock (_gate)
        {
            _isWanted = true;
            if (_isLooking)
            {
                return;
            }

            _isLooking = true;
        }

        checker.BeginLook();
        _ = Task.Run(LookAsync);
    }

    private async Task LookAsync()
    {
        while (true)
        {
            ReadOnlyMemory<byte>? unread;
            lock (_gate)
            {
                if (!_isWanted)
                {
                    _isLooking = false;
                    checker.EndLook();
                    return;
                }

                _isWanted = false;
                unread = _unread;
                _unread = null;
            }

            report(await JudgeAsync(unread).ConfigureAwait(false));
        }
    }

    private async Task<Credentials> JudgeAsync(ReadOnlyMemory<byte>? unread)
    {
        try
        {
            if (unread is { } signed && !TryTakeOver(signed))
            {
                return Credentials.Malformed;
            }

            return await JudgeNewestAsync().ConfigureAwait(false);
        }
        catch (Exception)
        {
            // Nothing above is known to throw; but a look that is never reported would leave a peer unjudged.
            return Credentials.NotAllowed;
        }
    }

    /// <summary>
    /// A refusal stands only when nothing newer came while it was reached: whoever removes an old key once all know the
    /// new tickets must not end the bonds whose old tickets are just being looked at. Few times, or a peer could put
    /// its end off with one entry after the other.
    /// </summary>
    private async Task<Credentials> JudgeNewestAsync()
    {
        for (var attempt = 1; ; attempt++)
        {
            if (FindNewest() is not { } judged)
            {
                return Credentials.NotAllowed;
            }

            var credentials = await checker.CheckAsync(judged, IsMember).ConfigureAwait(false);
            if (credentials.IsGood || attempt == AttemptsMax || ReferenceEquals(judged, FindNewest()))
            {
                return credentials;
            }
        }
    }

    private PeerEntry? FindNewest()
    {
        if (discovery.Catalog.Get(peer) is { } known)
        {
            TakeOver(known);
        }

        return Newest;
    }

    /// <summary>The entry must be signed, and the link's own peer's: another member's renews nothing here.</summary>
    private bool TryTakeOver(ReadOnlyMemory<byte> signed)
    {
        if (!discovery.TryMerge(signed, out var entry) || entry is null || entry.Id != peer)
        {
            return false;
        }

        TakeOver(entry);
        return true;
    }

    private bool TakeOver(PeerEntry entry)
    {
        lock (_gate)
        {
            if (_newest is not null && entry.Version <= _newest.Version)
            {
                return false;
            }

            _newest = entry;
            return true;
        }
    }
}
