using System.Security.Cryptography;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Diagnostics;
using Mosaik.Hybrid.Discovery;
using Mosaik.Hybrid.Transport;

namespace Mosaik.Hybrid.Runtime;

// Links: opening, proving, checking, closing; and what discovery says of peers.
internal sealed partial class GroupLoop
{
    private readonly BondProver _prover;
    private readonly BondDialler _dialler;
    private readonly Dictionary<long, Bond> _bonds = [];
    private volatile IReadOnlyList<Bond> _bondList = [];
    private long _lastLink;

    private sealed record LinkOpened(BondConnection Connection, FrameArrived? First);

    /// <summary>Takes over a link that a peer dialled, with its first words already read. Any thread.</summary>
    public void Adopt(FramedLink frames, BondMessage first, int bytes)
    {
        var connection = Connect(frames, false);
        Open(connection, new FrameArrived(connection, first, bytes));
    }

    private BondConnection Connect(FramedLink frames, bool isDialler)
    {
        var id = Interlocked.Increment(ref _lastLink);
        frames.Traffic = Meter.Traffic;
        return new BondConnection(id, frames, isDialler, Watch(id, frames));
    }

    private BondConnection AdoptDialled(ILink link)
    {
        var frames = new FramedLink(link, _node.TimeProvider, traffic: _node.Meter.Traffic);
        var connection = Connect(frames, true);
        Open(connection, null);
        return connection;
    }

    private void Open(BondConnection connection, FrameArrived? first)
    {
        if (!_items.Writer.TryWrite(new LinkOpened(connection, first)))
        {
            connection.Frames.Abort();
        }
    }

    private void Open(LinkOpened opened)
    {
        var connection = opened.Connection;
        _links.Add(connection);
        var nonce = Bytes32.FromBytes(RandomNumberGenerator.GetBytes(32));
        _inputs.Add(GroupInput.NewLinkOpened(connection.Id, connection.Peer, connection.IsDialler, nonce));
        _ = Task.Run(() => connection.ReceiveAsync(Post, opened.First));
    }

    private void CarryOutLinkActions()
    {
        foreach (var action in _ready.LinkActions)
        {
            switch (action)
            {
                case LinkAction.Say say:
                    Say(say);
                    break;
                case LinkAction.Prove prove:
                    Prove(prove);
                    break;
                case LinkAction.Check check:
                    BeginCheck(check);
                    break;
                case LinkAction.Recheck recheck:
                    BeginRecheck(recheck);
                    break;
                case LinkAction.Close close:
                    Close(close);
                    break;
                case LinkAction.Formed formed:
                    OnFormed(formed);
                    break;
                case LinkAction.Ended ended:
                    OnEnded(ended);
                    break;
                default:
                    throw new InvalidOperationException($"No link action is a {action.GetType()}.");
            }
        }
    }

    private void Say(LinkAction.Say say)
    {
        if (say.Message.IsWelcome)
        {
            _links.Find(say.Link)?.AllowLargeFrames();
        }

        _links.Send(say.Link, FrameLane.Control, say.Message);
    }

    private void Prove(LinkAction.Prove prove)
    {
        if (_links.Find(prove.Link) is { } connection)
        {
            var theirKey = connection.Frames.Link.RemotePublicKey;
            var mac = _prover.Prove(prove.Mine, prove.Theirs, prove.IsDialler, theirKey);
            connection.Told = _node.Discovery.SignedSelf;
            var proof = new Proof(mac, connection.Told);
            _links.Send(prove.Link, FrameLane.Control, BondMessage.NewProof(proof));
        }
    }

    private void Close(LinkAction.Close close)
    {
        if (_links.Remove(close.Link) is { } connection)
        {
            _sender.Close(close.Link);
            var evidence = close.Evidence.Length > 0 ? close.Evidence : connection.Evidence;
            Refusals.Note(connection.Peer, close.Reason, evidence);
            if (close.Reason == CloseReason.NotAllowed && connection is { Member: null, IsDialler: false })
            {
                Door.OnRefused(connection.Peer);
            }

            BeginClose(connection, close.Reason);
        }
    }

    private void BeginClose(BondConnection connection, CloseReason reason)
    {
        _closing.RemoveAll(static task => task.IsCompleted);
        _closing.Add(connection.CloseAsync(reason));
    }

    private void CloseAllLinks(CloseReason reason)
    {
        foreach (var connection in _links.All.ToArray())
        {
            _links.Remove(connection.Id);
            _sender.Close(connection.Id);
            BeginClose(connection, reason);
            if (_bonds.Remove(connection.Id))
            {
                _dialler.SetBonded(connection.Peer, false);
            }
        }

        _bondList = [];
    }

    private void OnFormed(LinkAction.Formed formed)
    {
        if (_links.Find(formed.Link) is not { } connection)
        {
            return;
        }

        connection.OnFormed(formed.Peer);
        _bonds[formed.Link] = new Bond(
            formed.Peer,
            connection.Frames.Link.RemoteAddress,
            connection.IsDialler
        );
        _bondList = [.. _bonds.Values];
        _dialler.SetBonded(connection.Peer, true);
        Door.OnBonded(connection.Peer);
        Meter.BondFormed();
        GroupEvents.BondFormed(_logger, _name, formed.Peer.ToString());
        CatchUpOnEntries(connection);
    }

    /// <summary>Either entry may have changed while hands were being shaken, when nobody could say so on this link.</summary>
    private void CatchUpOnEntries(BondConnection connection)
    {
        if (!connection.Told.Span.SequenceEqual(_node.Discovery.SignedSelf.Span))
        {
            Tell(connection);
        }

        if (_node.Discovery.Catalog.Get(connection.Peer) is { } known)
        {
            connection.Credentials.Learn(known);
        }
    }

    private void Tell(BondConnection connection)
    {
        connection.Told = _node.Discovery.SignedSelf;
        _links.Send(connection.Id, FrameLane.Control, BondMessage.NewPeerChanged(connection.Told));
    }

    private void OnEnded(LinkAction.Ended ended)
    {
        _bonds.Remove(ended.Link);
        _bondList = [.. _bonds.Values];
        var isBonded = _bonds.Values.Any(bond => bond.Peer == ended.Peer.Peer);
        _dialler.SetBonded(ended.Peer.Peer, isBonded);
        Meter.BondEnded(RefusalLog.NameOf(ended.Reason));
        GroupEvents.BondEnded(_logger, _name, ended.Peer.ToString(), ended.Reason.ToString());
    }

    private void StartDiscovery()
    {
        _node.Discovery.EntryChanged += PostEntryChange;
        _node.Discovery.AddGroup(_options.Group);
        _ownTickets = _node.Discovery.Me.Tickets;
        LookAtOwnTickets();
        foreach (var entry in _node.Discovery.Catalog.PeersIn(_options.Group))
        {
            OnEntryChanged(new PeerEntryChange(entry, false));
        }
    }

    private void StopDiscovery()
    {
        _node.Discovery.EntryChanged -= PostEntryChange;
        _node.Discovery.RemoveGroup(_options.Group);
    }

    private void PostEntryChange(PeerEntryChange change) => Post(change);

    private void OnEntryChanged(PeerEntryChange change)
    {
        var (entry, isDeparted) = change;
        if (entry.Id == _node.Identity.Id)
        {
            Announce();
            OnOwnTickets(entry.Tickets);
        }
        else if (isDeparted || !entry.Groups.Contains(_options.Group))
        {
            _dialler.Remove(entry.Id);
        }
        else
        {
            if (_dialler.Add(entry))
            {
                Door.OnTicketsChanged(entry.Id);
            }

            // Gossip brought a newer entry of a bonded peer: its tickets may be others.
            foreach (var bond in _bonds.Where(bond => bond.Value.Peer == entry.Id))
            {
                _dialler.SetBonded(entry.Id, true);
                _links.Find(bond.Key)?.Credentials.Learn(entry);
            }
        }
    }

    /// <summary>Tells every bond that this node's entry changed: tickets count from the moment they are published.</summary>
    private void Announce()
    {
        foreach (
            var connection in _links.All.Where(static connection => connection.Member is not null).ToArray()
        )
        {
            Tell(connection);
        }
    }
}
