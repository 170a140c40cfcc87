using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Diagnostics;
using Mosaik.Hybrid.Discovery;
using Mosaik.Hybrid.Tickets;
using Mosaik.Hybrid.Transport;

namespace Mosaik.Hybrid;

/// <summary>Who is in the network, and what this node says of itself to it.</summary>
/// <remarks>
/// Any thread may call any member. Changes of the own entry are signed before the call returns and spread in the
/// background; a change that would say the same as before does nothing. After the network was disposed,
/// changing and dialling throw <see cref="ObjectDisposedException"/>.
/// </remarks>
public sealed partial class PeerDiscovery
{
    private readonly Lock _gate = new();
    private readonly HashSet<PeerAddress> _addresses = [];
    private readonly NetworkId _network;
    private readonly ITransport _transport;
    private readonly PeerDiscoveryOptions _options;
    private readonly DiscoveryCounters _counters = new();
    private readonly PeerEventHub _hub;
    private readonly OwnEntry _own;
    private readonly DiscoveryLoop _loop;
    private Task? _stopped;

    /// <summary>Prepares discovery; nothing is sent before <see cref="StartAsync"/>.</summary>
    /// <exception cref="ArgumentException">The options are not valid; the message lists every fault.</exception>
    internal PeerDiscovery(
        NetworkId network,
        NodeIdentity identity,
        ITransport transport,
        PeerDiscoveryOptions options,
        TimeProvider timeProvider,
        ILoggerFactory? loggers,
        LinkTraffic? traffic = null
    )
    {
        var faults = options.Validate();
        if (faults.Count > 0)
        {
            throw new ArgumentException(string.Join(" ", faults), nameof(options));
        }

        _network = network;
        _transport = transport;
        _options = options;
        _own = new OwnEntry(network, identity, options.Tags, timeProvider);
        _hub = new PeerEventHub(options.EventBacklog, _counters.CountEventDropped);
        var logger = (loggers ?? NullLoggerFactory.Instance).CreateLogger<PeerDiscovery>();
        var seed = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));
        _loop = new DiscoveryLoop(
            _own,
            transport,
            options.ToConfig(),
            seed,
            _hub,
            _counters,
            timeProvider,
            logger,
            traffic
        );
    }

    /// <summary>What this node says of itself at the moment.</summary>
    public PeerEntry Me => _own.Entry;

    /// <summary>The other peers that are known at the moment: an immutable snapshot.</summary>
    public PeerCatalog Catalog => _loop.Catalog;

    /// <summary>What changes about other peers, from this call on.</summary>
    /// <param name="cancellationToken">Ends the enumeration with <see cref="OperationCanceledException"/>.</param>
    /// <returns>Events in order; enumerate it once. Ends when the network is disposed.</returns>
    /// <remarks>
    /// A reader that falls behind by more than <see cref="PeerDiscoveryOptions.EventBacklog"/> misses the oldest
    /// events and nobody waits for it; <see cref="Catalog"/> always has the whole picture.
    /// </remarks>
    public IAsyncEnumerable<PeerEvent> Events(CancellationToken cancellationToken = default) =>
        _hub.Subscribe(cancellationToken);

    /// <summary>Looks for peers at further addresses, again and again until somebody answers. Returns at once.</summary>
    /// <exception cref="ArgumentException">A port is not between 1 and 65535.</exception>
    /// <exception cref="InvalidOperationException">More than 256 different addresses in all.</exception>
    public void Dial(params IReadOnlyList<PeerAddress> addresses)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        Remember(addresses);
        _loop.AddAddresses(addresses);
    }

    /// <summary>As <see cref="Dial"/>, and waits until a peer was found at the address.</summary>
    /// <param name="address">Where to look.</param>
    /// <param name="cancellationToken">Ends the waiting, not the looking.</param>
    /// <returns>The entry of the peer that answered.</returns>
    /// <remarks>Waits for ever if nobody answers: give it a token. This node's own address is never found.</remarks>
    public Task<PeerEntry> DialAsync(PeerAddress address, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        Remember([address]);
        return _loop.SeekAsync(address, cancellationToken);
    }

    /// <summary>Attaches a ticket to the own entry.</summary>
    /// <exception cref="ArgumentException">The entry would hold more than 16 tickets, or more than 48 KiB.</exception>
    public void AddTicket(Ticket ticket)
    {
        var data = DataOf(ticket);
        Change(tickets: tickets => [.. tickets, data]);
    }

    /// <summary>Takes a ticket off the own entry.</summary>
    public void RemoveTicket(Ticket ticket)
    {
        ArgumentNullException.ThrowIfNull(ticket);
        RemoveTicket(ticket.Id);
    }

    /// <summary>Takes the ticket with this <see cref="Ticket.Id"/> off the own entry.</summary>
    public void RemoveTicket(string id) =>
        Change(tickets: tickets => tickets.Where(data => new Ticket(data.Class, data.Data.Span).Id != id));

    /// <summary>Takes all tickets of a class off the own entry.</summary>
    public void RemoveTicketsOf(string @class) =>
        Change(tickets: tickets => tickets.Where(data => data.Class != @class));

    /// <summary>Puts a ticket in the place of all of its class, in one change.</summary>
    /// <exception cref="ArgumentException">The entry would hold more than 16 tickets, or more than 48 KiB.</exception>
    public void ReplaceTicket(Ticket ticket)
    {
        var data = DataOf(ticket);
        Change(tickets: tickets => [.. tickets.Where(other => other.Class != ticket.Class), data]);
    }

    /// <summary>Adds labels to the own entry.</summary>
    /// <exception cref="ArgumentException">More than 32, or one is not 1 to 64 bytes of UTF-8.</exception>
    public void AddTags(params IReadOnlyList<string> tags) => Change(tags: known => known.Concat(tags));

    /// <summary>Takes labels off the own entry.</summary>
    public void RemoveTags(params IReadOnlyList<string> tags) =>
        Change(tags: known => known.Except(tags, StringComparer.Ordinal));

    private void Change(
        Func<PeerHost[], PeerHost[]>? addresses = null,
        Func<string[], IEnumerable<string>>? tags = null,
        Func<GroupId[], IEnumerable<GroupId>>? groups = null,
        Func<PeerTicket[], IEnumerable<PeerTicket>>? tickets = null
    )
    {
        if (_own.TryChange(addresses, tags, groups, tickets))
        {
            _loop.PostOwnChanged();
        }
    }

    private void Remember(IReadOnlyList<PeerAddress> addresses)
    {
        foreach (var address in addresses.Where(static address => address.Port is < 1 or > 65_535))
        {
            throw new ArgumentException(
                $"'{address}' can't be dialled; its port must be 1 to 65535.",
                nameof(addresses)
            );
        }

        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopped is not null, this);
            if (_addresses.Union(addresses).Count() > PeerDiscoveryOptions.BootstrapPeersMax)
            {
                throw new InvalidOperationException(
                    $"At most {PeerDiscoveryOptions.BootstrapPeersMax} addresses are dialled; one that answers is enough."
                );
            }

            _addresses.UnionWith(addresses);
        }
    }

    private static PeerTicket DataOf(Ticket ticket)
    {
        ArgumentNullException.ThrowIfNull(ticket);
        return new PeerTicket(ticket.Class, ticket.Data);
    }
}
