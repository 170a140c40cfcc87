namespace Mosaik.Hybrid.Tickets;

/// <summary>Decides whether a peer's ticket lets it into a group.</summary>
/// <remarks>
/// <para>
/// Called off the group's loop, from several threads at once. One instance may serve several groups and networks, and
/// may be wrapped by another that passes on what it does not change. All members of a group hold validators with equal
/// signatures, in the same order.
/// </para>
/// <para>
/// A verdict is remembered until it expires, by the ticket's id, the peer, and whatever else the peer's entry says.
/// When something else decides too, and changes (a list of revoked tickets, keys), let <see cref="Revision"/> change
/// with it.
/// </para>
/// </remarks>
public interface ITicketValidator
{
    /// <summary>The class of tickets that this validator looks at; others are ignored.</summary>
    string Class { get; }

    /// <summary>A fingerprint of the whole configuration, mixed into the GroupId. Never leaks a secret.</summary>
    /// <remarks>
    /// Deterministic, and read once, when the group is joined. Whatever changes while groups run is not part of it.
    /// </remarks>
    ReadOnlyMemory<byte> Signature { get; }

    /// <summary>Another value whenever earlier verdicts may no longer hold. Cheap; read twice a second.</summary>
    /// <value>0: verdicts hold until they expire.</value>
    /// <remarks>After a change every bond's tickets are looked at again, within half a second.</remarks>
    long Revision => 0;

    /// <summary>Checks one ticket of a peer.</summary>
    /// <param name="ticket">A ticket of <see cref="Class"/>; its data are whatever the peer likes.</param>
    /// <param name="peer">The peer's entry; who it is has been proved.</param>
    /// <returns>Until when the ticket is good, or why it is not.</returns>
    /// <remarks>An exception counts as a refusal, and so does taking longer than a second. Both are logged.</remarks>
    TicketVerdict Validate(Ticket ticket, PeerEntry peer);
}
