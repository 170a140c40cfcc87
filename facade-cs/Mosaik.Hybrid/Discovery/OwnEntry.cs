using Mosaik.Hybrid.Core;

namespace Mosaik.Hybrid.Discovery;

/// <summary>What this node says of itself: changed by any thread, signed at once, always with a newer version.</summary>
internal sealed class OwnEntry
{
    private readonly Lock _gate = new();
    private readonly NodeIdentity _identity;
    private readonly TimeProvider _timeProvider;
    private SignedRecord _signed;
    private PeerEntry _entry;

    public OwnEntry(
        NetworkId network,
        NodeIdentity identity,
        IEnumerable<string> tags,
        TimeProvider timeProvider
    )
    {
        _identity = identity;
        _timeProvider = timeProvider;
        var wall = Wall();
        var record = new PeerRecord(
            identity.Id,
            network,
            new PeerVersion(wall, wall),
            departed: false,
            addresses: [],
            tags: [.. tags],
            groups: [],
            tickets: []
        );
        _signed = PeerEntrySigner.Sign(identity, PeerRecordModule.Canonical(record));
        _entry = PeerEntrySigner.ToEntry(_signed.Record);
    }

    /// <summary>The newest signed form.</summary>
    public SignedRecord Signed
    {
        get
        {
            lock (_gate)
            {
                return _signed;
            }
        }
    }

    /// <summary>The newest public form; while leaving, the last before the tombstone.</summary>
    public PeerEntry Entry
    {
        get
        {
            lock (_gate)
            {
                return _entry;
            }
        }
    }

    /// <summary>Changes the entry; false, and nothing happens, if it would say the same as before.</summary>
    /// <exception cref="ArgumentException">The changed entry would break limits; nothing was changed.</exception>
    /// <exception cref="ObjectDisposedException">This node has left the network.</exception>
    public bool TryChange(
        Func<PeerHost[], PeerHost[]>? addresses = null,
        Func<string[], IEnumerable<string>>? tags = null,
        Func<GroupId[], IEnumerable<GroupId>>? groups = null,
        Func<PeerTicket[], IEnumerable<PeerTicket>>? tickets = null
    )
    {
        lock (_gate)
        {
            var before = _signed.Record;
            ObjectDisposedException.ThrowIf(before.Departed, typeof(PeerDiscovery));
            var after = PeerRecordModule.Canonical(
                new PeerRecord(
                    before.Peer,
                    before.Network,
                    PeerVersionModule.Next(Wall(), default, before.Version),
                    departed: false,
                    addresses is null ? before.Addresses : addresses(before.Addresses),
                    tags is null ? before.Tags : [.. tags(before.Tags)],
                    groups is null ? before.Groups : [.. groups(before.Groups)],
                    tickets is null ? before.Tickets : [.. tickets(before.Tickets)]
                )
            );
            if (PeerRecordModule.SameContent(before, after))
            {
                return false;
            }

            Adopt(after);
            return true;
        }
    }

    /// <summary>Signs the same content with the present time, newer than the floor. Nothing after leaving.</summary>
    public void Renew(PeerVersion floor)
    {
        lock (_gate)
        {
            var record = _signed.Record;
            if (!record.Departed)
            {
                Adopt(
                    new PeerRecord(
                        record.Peer,
                        record.Network,
                        PeerVersionModule.Next(Wall(), floor, record.Version),
                        departed: false,
                        record.Addresses,
                        record.Tags,
                        record.Groups,
                        record.Tickets
                    )
                );
            }
        }
    }

    /// <summary>Replaces the entry by its tombstone, for good.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            if (!_signed.Record.Departed)
            {
                _signed = PeerEntrySigner.Sign(_identity, PeerRecordModule.Tombstone(Wall(), _signed.Record));
            }
        }
    }

    private void Adopt(PeerRecord record)
    {
        _signed = PeerEntrySigner.Sign(_identity, record);
        _entry = PeerEntrySigner.ToEntry(record);
    }

    private long Wall() => _timeProvider.GetUtcNow().ToUnixTimeMilliseconds();
}
