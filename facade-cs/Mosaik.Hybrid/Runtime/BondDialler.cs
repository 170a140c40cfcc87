using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Mosaik.Hybrid.Diagnostics;
using Mosaik.Hybrid.Transport;

namespace Mosaik.Hybrid.Runtime;

/// <summary>Keeps trying to bond with every peer of the group that discovery knows.</summary>
/// <remarks>
/// One task a peer, one dial in flight a peer, exponential back-off with jitter from 100 ms to 5 s. The peer with
/// the higher id gives the lower one a head start, so that crossing dials are rare. A peer without a good ticket is
/// not dialled; when it publishes others, or this node does, the wait is cut short once.
/// </remarks>
internal sealed class BondDialler
{
    private static readonly TimeSpan BackOffMin = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan BackOffMax = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan HeadStart = TimeSpan.FromMilliseconds(250);

    private readonly Lock _lock = new();
    private readonly Dictionary<PeerId, Target> _targets = [];
    private readonly ITransport _transport;
    private readonly Func<ILink, BondConnection> _adopt;
    private readonly Func<PeerEntry, Task<bool>> _mayBond;
    private readonly TimeProvider _timeProvider;
    private readonly ILogger _logger;
    private readonly CancellationToken _cancellationToken;

    /// <summary>Creates a dialler that knows nobody.</summary>
    /// <param name="transport">What dials.</param>
    /// <param name="adopt">Takes over a link that was dialled; called on a pool thread.</param>
    /// <param name="mayBond">Whether the peer's tickets are good; called on a pool thread, never throws.</param>
    /// <param name="timeProvider">Measures back-off.</param>
    /// <param name="logger">Where failures are told.</param>
    /// <param name="cancellationToken">Ends with the group.</param>
    public BondDialler(
        ITransport transport,
        Func<ILink, BondConnection> adopt,
        Func<PeerEntry, Task<bool>> mayBond,
        TimeProvider timeProvider,
        ILogger logger,
        CancellationToken cancellationToken
    )
    {
        _transport = transport;
        _adopt = adopt;
        _mayBond = mayBond;
        _timeProvider = timeProvider;
        _logger = logger;
        _cancellationToken = cancellationToken;
    }

    /// <summary>A peer of the group, with its newest entry. Any thread.</summary>
    /// <returns>True when it was known with other tickets.</returns>
    public bool Add(PeerEntry entry)
    {
        lock (_lock)
        {
            if (_targets.TryGetValue(entry.Id, out var known))
            {
                return known.Update(entry);
            }

            var cancellation = CancellationTokenSource.CreateLinkedTokenSource(_cancellationToken);
            var target = new Target(entry, cancellation);
            _targets.Add(entry.Id, target);
            _ = Task.Run(() => PursueAsync(target), CancellationToken.None);
            return false;
        }
    }

    /// <summary>This node has other tickets: whoever refused it may not do so again. Any thread.</summary>
    public void NudgeAll()
    {
        lock (_lock)
        {
            foreach (var target in _targets.Values)
            {
                target.Nudge();
            }
        }
    }

    /// <summary>The peer has left the group or the network. Any thread.</summary>
    public void Remove(PeerId peer)
    {
        lock (_lock)
        {
            if (_targets.Remove(peer, out var target))
            {
                target.Cancellation.Cancel();
            }
        }
    }

    /// <summary>A bond to the peer exists, or no longer does. Called by the group loop.</summary>
    public void SetBonded(PeerId peer, bool isBonded)
    {
        lock (_lock)
        {
            if (_targets.TryGetValue(peer, out var target))
            {
                target.SetBonded(isBonded);
            }
        }
    }

    private async Task PursueAsync(Target target)
    {
        var cancellationToken = target.Cancellation.Token;
        var wait = IsLower(target.Peer) ? TimeSpan.Zero : HeadStart;
        var backOff = BackOffMin;
        try
        {
            while (true)
            {
                await target.WhenBondedIsAsync(false, cancellationToken).ConfigureAwait(false);
                await target.DelayAsync(wait, _timeProvider, cancellationToken).ConfigureAwait(false);
                if (!target.IsBonded && await _mayBond(target.Entry).ConfigureAwait(false))
                {
                    await AttemptAsync(target, cancellationToken).ConfigureAwait(false);
                }

                backOff =
                    target.IsBonded ? BackOffMin
                    : backOff * 2 < BackOffMax ? backOff * 2
                    : BackOffMax;
                wait = WithJitter(backOff);
            }
        }
        catch (OperationCanceledException)
        {
            // The peer or the group has left.
        }
        finally
        {
            target.Cancellation.Dispose();
        }
    }

    private bool IsLower(PeerId peer) => ((IComparable<PeerId>)_transport.LocalPeer).CompareTo(peer) < 0;

    /// <summary>Half to all of the wait: peers that lost each other at once do not come back at once.</summary>
    private static TimeSpan WithJitter(TimeSpan wait)
    {
        var milliseconds = (int)wait.TotalMilliseconds;
        return TimeSpan.FromMilliseconds(RandomNumberGenerator.GetInt32(milliseconds / 2, milliseconds + 1));
    }

    private async Task AttemptAsync(Target target, CancellationToken cancellationToken)
    {
        foreach (var address in target.Entry.Addresses)
        {
            BondConnection connection;
            try
            {
                var link = await _transport
                    .DialAsync(address, LinkProtocols.Groups, target.Peer, cancellationToken)
                    .ConfigureAwait(false);
                connection = _adopt(link);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                // Whatever a transport throws is the end of this attempt, and of nothing else.
                GroupEvents.DialFailed(_logger, target.Peer.Short, address.ToString(), exception.Message);
                continue;
            }

            using var attempt = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(connection.Ended, target.WhenBondedIsAsync(true, attempt.Token))
                .ConfigureAwait(false);
            // A peer that always refuses must not leave one more waiter behind each time.
            await attempt.CancelAsync().ConfigureAwait(false);
            return;
        }
    }

    /// <summary>A peer that this node wants a bond with.</summary>
    private sealed class Target(PeerEntry entry, CancellationTokenSource cancellation)
    {
        private readonly Lock _lock = new();
        private volatile PeerEntry _entry = entry;
        private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private TaskCompletionSource _nudged = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public PeerId Peer { get; } = entry.Id;

        public CancellationTokenSource Cancellation { get; } = cancellation;

        public PeerEntry Entry => _entry;

        public bool IsBonded { get; private set; }

        /// <summary>Takes a newer entry; true when its tickets are others.</summary>
        public bool Update(PeerEntry entry)
        {
            var before = _entry;
            _entry = entry;
            var isOther = !before.Tickets.SequenceEqual(entry.Tickets);
            if (isOther || !before.Addresses.SequenceEqual(entry.Addresses))
            {
                Nudge();
            }

            return isOther;
        }

        /// <summary>Cuts the wait short that is under way, or the next.</summary>
        public void Nudge()
        {
            lock (_lock)
            {
                _nudged.TrySetResult();
            }
        }

        /// <summary>Waits; a nudge ends it, but not before the least wait, so that nudges can't make it spin.</summary>
        public async Task DelayAsync(
            TimeSpan wait,
            TimeProvider timeProvider,
            CancellationToken cancellationToken
        )
        {
            var least = wait < BackOffMin ? wait : BackOffMin;
            await Task.Delay(least, timeProvider, cancellationToken).ConfigureAwait(false);
            Task nudged;
            lock (_lock)
            {
                nudged = _nudged.Task;
            }

            using var rest = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(Task.Delay(wait - least, timeProvider, rest.Token), nudged)
                .ConfigureAwait(false);
            await rest.CancelAsync().ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            lock (_lock)
            {
                if (_nudged.Task.IsCompleted)
                {
                    _nudged = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                }
            }
        }

        public void SetBonded(bool isBonded)
        {
            lock (_lock)
            {
                IsBonded = isBonded;
                _changed.TrySetResult();
                _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        public async Task WhenBondedIsAsync(bool wanted, CancellationToken cancellationToken)
        {
            while (true)
            {
                Task changed;
                lock (_lock)
                {
                    if (IsBonded == wanted)
                    {
                        return;
                    }

                    changed = _changed.Task;
                }

                await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
