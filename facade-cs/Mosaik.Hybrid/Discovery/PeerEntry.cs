using Mosaik.Hybrid.Tickets;
using Mosaik.Hybrid.Transport;

namespace Mosaik.Hybrid;

/// <summary>What a peer says of itself to the network; its signature has been checked.</summary>
/// <remarks>Immutable. The newest version of each peer's entry counts.</remarks>
public sealed class PeerEntry
{
    internal PeerEntry(
        PeerId id,
        NetworkId network,
        PeerEntryVersion version,
        IReadOnlyList<PeerAddress> addresses,
        IReadOnlyList<string> tags,
        IReadOnlyList<GroupId> groups,
        IReadOnlyList<Ticket> tickets
    )
    {
        Id = id;
        Network = network;
        Version = version;
        Addresses = addresses;
        Tags = tags;
        Groups = groups;
        Tickets = tickets;
    }

    /// <summary>The peer: whoever holds the identity key that signed the entry.</summary>
    public PeerId Id { get; }

    /// <summary>The network that the peer belongs to.</summary>
    public NetworkId Network { get; }

    /// <summary>Which of two entries of the peer is newer.</summary>
    public PeerEntryVersion Version { get; }

    /// <summary>Where the peer listens, best first.</summary>
    public IReadOnlyList<PeerAddress> Addresses { get; }

    /// <summary>Free labels, sorted.</summary>
    public IReadOnlyList<string> Tags { get; }

    /// <summary>The groups that the peer has joined, sorted.</summary>
    public IReadOnlyList<GroupId> Groups { get; }

    /// <summary>The peer's credentials, sorted by id.</summary>
    public IReadOnlyList<Ticket> Tickets { get; }

    /// <summary>The tickets of one class.</summary>
    public IEnumerable<Ticket> TicketsOf(string @class) => Tickets.Where(ticket => ticket.Class == @class);

    /// <summary>Short id and version.</summary>
    public override string ToString() => $"{Id.Short} {Version}";
}

/// <summary>When the peer's process started and when it last changed its entry, by its own wall clock.</summary>
/// <param name="StartedAt">Milliseconds since 1970; a later start beats every update of an earlier one.</param>
/// <param name="UpdatedAt">Milliseconds since 1970; grows with every change.</param>
public readonly record struct PeerEntryVersion(long StartedAt, long UpdatedAt) : IComparable<PeerEntryVersion>
{
    /// <inheritdoc/>
    public int CompareTo(PeerEntryVersion other) =>
        StartedAt != other.StartedAt
            ? StartedAt.CompareTo(other.StartedAt)
            : UpdatedAt.CompareTo(other.UpdatedAt);

    /// <summary>True when left is older.</summary>
    public static bool operator <(PeerEntryVersion left, PeerEntryVersion right) => left.CompareTo(right) < 0;

    /// <summary>True when left is newer.</summary>
    public static bool operator >(PeerEntryVersion left, PeerEntryVersion right) => left.CompareTo(right) > 0;

    /// <summary>True when left is not newer.</summary>
    public static bool operator <=(PeerEntryVersion left, PeerEntryVersion right) =>
        left.CompareTo(right) <= 0;

    /// <summary>True when left is not older.</summary>
    public static bool operator >=(PeerEntryVersion left, PeerEntryVersion right) =>
        left.CompareTo(right) >= 0;
}
