using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Diagnostics;
using Mosaik.Hybrid.Discovery;
using Mosaik.Hybrid.Tickets;
using Mosaik.Hybrid.Transport;

namespace Mosaik.Hybrid.Runtime;

// Credentials: who is looked at, when, and who waits at the door.
internal sealed partial class GroupLoop
{
    /// <summary>How often a jump of the wall clock and a change of a validator are looked for, in milliseconds.</summary>
    private const int LookInterval = 500;

    /// <summary>How far the clocks may drift apart before it is called a jump, in milliseconds.</summary>
    private const long DriftMax = 250;

    private readonly CredentialChecker _checker;
    private Instant _lookAt = Instant.Zero;
    private long _lookedRevision;
    private long _lookedOffset;
    private int _isOwnTicketMissing;
    private IReadOnlyList<Ticket> _ownTickets = [];

    /// <summary>Who has to wait before it may knock again.</summary>
    public DoorKeeper Door { get; }

    /// <summary>True when no credentials are being looked at.</summary>
    public bool IsCheckerIdle => _checker.IsIdle;

    private CredentialWatch Watch(long link, FramedLink frames) =>
        new(
            frames.Link.RemotePeer,
            _node.Discovery,
            _checker,
            credentials => Post(GroupInput.NewChecked(link, credentials))
        );

    /// <summary>Proof, entry, tickets, in this order; off the loop, since signatures and validators take their time.</summary>
    private void BeginCheck(LinkAction.Check check)
    {
        if (_links.Find(check.Link) is not { } connection)
        {
            return;
        }

        _ = Task.Run(() =>
        {
            var theirKey = connection.Frames.Link.RemotePublicKey;
            var proof = check.Proof;
            if (_prover.Verify(check.Mine, check.Theirs, check.IsDialler, theirKey, proof.Mac))
            {
                connection.Credentials.Read(proof.Entry);
            }
            else
            {
                Post(GroupInput.NewChecked(check.Link, Credentials.WrongProof));
            }
        });
    }

    private void BeginRecheck(LinkAction.Recheck recheck)
    {
        if (_links.Find(recheck.Link) is not { } connection)
        {
            return;
        }

        if (recheck.Entry.IsEmpty)
        {
            connection.Credentials.Look();
        }
        else
        {
            connection.Credentials.Read(recheck.Entry);
        }
    }

    /// <summary>
    /// Timers run on a clock that never jumps, tickets on the wall's. When the wall clock jumps, or a validator changed
    /// its mind, all bonds are looked at again.
    /// </summary>
    /// <returns>When to come back.</returns>
    private Instant LookAround(Instant now)
    {
        if (_checker.IsOpen || _bonds.Count == 0)
        {
            return Instant.Never;
        }

        if (now < _lookAt)
        {
            return _lookAt;
        }

        _lookAt = now.Plus(LookInterval);
        var revision = _checker.Revision;
        var offset = _clock.WallOffset;
        if (revision != _lookedRevision || Math.Abs(offset - _lookedOffset) > DriftMax)
        {
            (_lookedRevision, _lookedOffset) = (revision, offset);
            foreach (var link in _bonds.Keys)
            {
                _links.Find(link)?.Credentials.Look();
            }
        }

        return _lookAt;
    }

    /// <summary>Whether dialling makes sense; the other end would be refused otherwise.</summary>
    private async Task<bool> MayBondAsync(PeerEntry peer) =>
        _checker.IsOpen || (await _checker.CheckAsync(peer, isMember: false).ConfigureAwait(false)).IsGood;

    /// <summary>This node's entry changed. With other tickets, whoever refused it may not do so again.</summary>
    private void OnOwnTickets(IReadOnlyList<Ticket> tickets)
    {
        if (!tickets.SequenceEqual(_ownTickets))
        {
            _ownTickets = tickets;
            LookAtOwnTickets();
            _dialler.NudgeAll();
        }
    }

    /// <summary>Tells the operator when this node itself has no good ticket: nobody will bond with it.</summary>
    private void LookAtOwnTickets()
    {
        if (_checker.IsOpen)
        {
            return;
        }

        var own = _node.Discovery.Me;
        _ = Task.Run(async () =>
        {
            var isMissing = await MayBondAsync(own).ConfigureAwait(false) ? 0 : 1;
            if (Interlocked.Exchange(ref _isOwnTicketMissing, isMissing) != isMissing && isMissing == 1)
            {
                GroupEvents.OwnTicketMissing(_logger, _name);
            }
        });
    }
}
