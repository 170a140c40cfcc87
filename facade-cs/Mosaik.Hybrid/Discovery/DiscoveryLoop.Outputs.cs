using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Transport;

namespace Mosaik.Hybrid.Discovery;

// How each output of the core is carried out. Nothing here waits: dials and closes go on beside the loop.
internal sealed partial class DiscoveryLoop
{
    private const int ReportedMax = 1_024;

    private static readonly TimeSpan DialTimeout = TimeSpan.FromSeconds(5);

    private readonly Lock _reportGate = new();
    private readonly HashSet<(PeerId, string)> _reported = [];
    private readonly List<(PeerHost Host, TaskCompletionSource<PeerEntry> Found)> _seekers = [];

    /// <summary>Completes when a peer was found at the address and its entry is known.</summary>
    /// <exception cref="ObjectDisposedException">Discovery ended before.</exception>
    public async Task<PeerEntry> SeekAsync(PeerAddress address, CancellationToken cancellationToken)
    {
        var found = new TaskCompletionSource<PeerEntry>(TaskCreationOptions.RunContinuationsAsynchronously);
        var seeker = (HostOf(address), found);
        var isPosted = TryPost(() =>
        {
            _seekers.Add(seeker);
            CompleteDials();
        });
        ObjectDisposedException.ThrowIf(!isPosted, typeof(PeerDiscovery));
        AddAddresses([address]);
        try
        {
            return await found.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            TryPost(() => _seekers.Remove(seeker));
        }
    }

    /// <summary>Notes that a peer broke the protocol; logged once for each peer and reason.</summary>
    public void ReportViolation(DiscoveryLink link, string reason)
    {
        Counters.CountViolation();
        if (IsFirstReport(link.Peer, reason))
        {
            DiscoveryEvents.Violation(Logger, link.Peer.Short, link.RemoteAddress, reason);
        }
    }

    /// <summary>Notes that a peer reads too slowly.</summary>
    public void ReportSlow(DiscoveryLink link)
    {
        Counters.CountSlowLink();
        DiscoveryEvents.TooSlow(Logger, link.Peer.Short);
    }

    void IGossipOutputHandler.Send(long link, GossipMessage<SignedRecord> message)
    {
        if (_links.TryGetValue(link, out var open))
        {
            open.Send(message);
        }
    }

    void IGossipOutputHandler.Dial(DialTarget target, PeerHost[] addresses, PeerId? expected) =>
        Track(() => DialAsync(target, addresses, expected));

    void IGossipOutputHandler.Close(long link, CloseReason reason)
    {
        if (_links.TryGetValue(link, out var open))
        {
            Track(() => open.CloseAsync(reason));
        }
    }

    void IGossipOutputHandler.Changed(CatalogChange change, SignedRecord entry)
    {
        var peer = entry.Record.Peer;
        var before = _catalog.Get(peer);
        if (entry.Record.Departed || change.IsDeparted)
        {
            if (before is not null)
            {
                _catalog = _catalog.Without(peer);
                _events.Add(new PeerDeparted(before));
                _changes.Add(new PeerEntryChange(before, true));
                Counters.CountDeparted();
                DiscoveryEvents.Departed(Logger, before);
            }

            return;
        }

        var after = PeerEntrySigner.ToEntry(entry.Record);
        _catalog = _catalog.With(after);
        if (change.IsRefreshed)
        {
            return;
        }

        if (change.IsDiscovered)
        {
            Counters.CountDiscovered();
            DiscoveryEvents.Discovered(Logger, after);
        }
        else
        {
            Counters.CountUpdated();
        }

        _events.Add(change.IsDiscovered ? new PeerDiscovered(after) : new PeerUpdated(after));
        _changes.Add(new PeerEntryChange(after, false));
    }

    void IGossipOutputHandler.Revise(PeerVersion floor)
    {
        _own.Renew(floor);
        PostOwnChanged();
    }

    void IGossipOutputHandler.SetDeadline(Instant at)
    {
        // One millisecond more than the clock says: its fraction was cut off, and a tick must not come early.
        var wait = at.Milliseconds == Instant.Never.Milliseconds ? -1 : Math.Max(0, at.Since(Now()) + 1);
        _timer.Change(TimeSpan.FromMilliseconds(Math.Min(wait, int.MaxValue)), Timeout.InfiniteTimeSpan);
    }

    private async Task DialAsync(DialTarget target, PeerHost[] addresses, PeerId? expected)
    {
        foreach (var host in addresses)
        {
            var address = new PeerAddress(host.Host, host.Port);
            try
            {
                using var timeout = new CancellationTokenSource(DialTimeout, _timeProvider);
                using var ending = CancellationTokenSource.CreateLinkedTokenSource(
                    timeout.Token,
                    _stopping.Token
                );
                var link = await _transport
                    .DialAsync(address, LinkProtocols.Discovery, expected, ending.Token)
                    .ConfigureAwait(false);
                if (!TryPost(() => Open(link, (id, peer) => GossipInputs.Dialled(id, peer, target))))
                {
                    Abandon(link);
                }

                return;
            }
            catch (LinkException self) when (self.Failure == LinkFailure.Self)
            {
                PostStep(GossipInput.NewFoundSelf(target));
                return;
            }
            catch (Exception exception)
            {
                // Whatever a transport throws means that this address failed; the next one may not.
                DiscoveryEvents.DialFailed(Logger, address.ToString(), exception.Message);
            }
        }

        PostStep(GossipInput.NewDialFailed(target));
    }

    private void CompleteDials()
    {
        for (var index = _seekers.Count - 1; index >= 0; index--)
        {
            var (host, found) = _seekers[index];
            if (GossipStateModule.FoundAt(host, _state) is { } peer && _catalog.Get(peer) is { } entry)
            {
                found.TrySetResult(entry);
                _seekers.RemoveAt(index);
            }
        }
    }

    private void FailSeekers()
    {
        foreach (var (_, found) in _seekers)
        {
            found.TrySetException(new ObjectDisposedException(nameof(PeerDiscovery)));
        }
    }

    private void ReportUntimely(PeerRecord record, long off)
    {
        Counters.CountUntimelyEntry();
        if (IsFirstReport(record.Peer, nameof(ReportUntimely)))
        {
            DiscoveryEvents.Untimely(Logger, record.Peer.Short, off);
        }
    }

    private bool IsFirstReport(PeerId peer, string reason)
    {
        lock (_reportGate)
        {
            // Full: some are said twice rather than remembered for ever.
            if (_reported.Count >= ReportedMax)
            {
                _reported.Clear();
            }

            return _reported.Add((peer, reason));
        }
    }
}
