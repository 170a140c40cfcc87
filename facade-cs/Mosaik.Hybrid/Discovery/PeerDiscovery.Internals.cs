using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Discovery;
using Mosaik.Hybrid.Transport;
using Mosaik.Hybrid.Wire;

namespace Mosaik.Hybrid;

// What the network and its groups use.
public sealed partial class PeerDiscovery
{
    /// <summary>Raised on discovery's own task after <see cref="Catalog"/> or <see cref="Me"/> has changed.</summary>
    /// <remarks>
    /// Handlers only enqueue: they must not wait. Not raised when an entry was only renewed in time. To miss
    /// nothing, subscribe first and read <see cref="Catalog"/> then.
    /// </remarks>
    internal event Action<PeerEntryChange>? EntryChanged
    {
        add => _loop.EntryChanged += value;
        remove => _loop.EntryChanged -= value;
    }

    /// <summary>The own entry as signed bytes; after leaving, the tombstone.</summary>
    internal ReadOnlyMemory<byte> SignedSelf => _own.Signed.Signed;

    /// <summary>What went wrong so far.</summary>
    internal DiscoveryCounters Counters => _counters;

    /// <summary>Publishes where the transport listens, and begins to dial. Called once, with a started transport.</summary>
    internal ValueTask StartAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var addresses = _transport.Addresses.Select(static address => new PeerHost(
            address.Host,
            address.Port
        ));
        PeerHost[] hosts = [.. addresses.Take(PeerLimits.AddressesMax)];
        _own.TryChange(addresses: _ => hosts);
        PeerAddress[] bootstrap = [.. _options.BootstrapPeers];
        Remember(bootstrap);
        _loop.Start(bootstrap);
        return ValueTask.CompletedTask;
    }

    /// <summary>Takes over a link of <see cref="LinkProtocols.Discovery"/> that the transport accepted.</summary>
    internal void AcceptLink(ILink link) => _loop.Accept(link);

    /// <summary>Tells the network that this node joined a group.</summary>
    /// <exception cref="ArgumentException">The entry would name more than 64 groups.</exception>
    internal void AddGroup(GroupId group) => Change(groups: groups => groups.Append(group));

    /// <summary>Tells the network that this node left a group.</summary>
    internal void RemoveGroup(GroupId group) =>
        Change(groups: groups => groups.Where(other => other != group));

    /// <summary>Checks a signed entry that came over a bond, and merges it in the background if it is newer.</summary>
    /// <param name="signedEntry">The signed bytes; not kept.</param>
    /// <param name="entry">What the entry says, though the catalogue may know better; null for a departure.</param>
    /// <returns>False if it is malformed, forged, of another network, too old or too far ahead of the clock.</returns>
    internal bool TryMerge(ReadOnlyMemory<byte> signedEntry, out PeerEntry? entry)
    {
        entry = null;
        if (
            !DiscoveryRecords.TryTakeApart(signedEntry, out var parts, out _)
            || CatalogModule.IsForeign(_network, parts.Record)
            || !_loop.IsTimely(parts.Record)
            || PeerEntrySigner.Verify(parts, signedEntry) is not { } record
        )
        {
            return false;
        }

        entry = record.Record.Departed ? null : PeerEntrySigner.ToEntry(record.Record);
        _loop.Merge(record);
        return true;
    }

    /// <summary>Tells all linked peers that this node leaves, for at most half a second, and ends discovery.</summary>
    /// <remarks>The second call waits for the first. Dispose it before the transport.</remarks>
    internal async ValueTask DisposeAsync()
    {
        Task stopped;
        lock (_gate)
        {
            stopped = _stopped ??= _loop.StopAsync();
        }

        await stopped.ConfigureAwait(false);
    }
}
