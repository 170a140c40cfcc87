using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Tickets;
using Mosaik.Hybrid.Transport;
using Mosaik.Hybrid.Wire;

namespace Mosaik.Hybrid.Discovery;

/// <summary>Makes signed entries of this node, and believes those of others only after checking them.</summary>
/// <remarks>Any thread may call it. Signing costs about 40 µs, checking about 100 µs.</remarks>
internal static class PeerEntrySigner
{
    /// <summary>Signs a canonical record of the identity's own peer.</summary>
    /// <exception cref="ArgumentException">The record breaks limits; the message lists all of them.</exception>
    public static SignedRecord Sign(NodeIdentity identity, PeerRecord record)
    {
        var faults = PeerRecordModule.Faults(record).ToList();
        if (faults.Count > 0)
        {
            throw new ArgumentException(string.Join(" ", faults), nameof(record));
        }

        var canonical = DiscoveryRecords.Encode(record);
        var signature = identity.Sign(DiscoveryRecords.Signable(canonical));
        var signed = DiscoveryRecords.Assemble(identity.PublicKey.Span, signature, canonical);
        return signed.Length <= PeerLimits.SignedBytesMax
            ? new SignedRecord(record, signed)
            : throw new ArgumentException(
                $"The peer entry would have {signed.Length} bytes; at most {PeerLimits.SignedBytesMax} are taken. "
                    + "Remove tickets or make them smaller.",
                nameof(record)
            );
    }

    /// <summary>Checks the signature, and that the signer is the peer that the record speaks of.</summary>
    /// <returns>A record that shares no memory with the parts; null if it is not to be believed.</returns>
    public static SignedRecord? Verify(SignedParts parts, ReadOnlyMemory<byte> signed)
    {
        var isOwners = NodeIdentity.IdOf(parts.PublicKey.Span) == parts.Record.Peer;
        if (
            !isOwners
            || !NodeIdentity.Verify(
                parts.PublicKey.Span,
                DiscoveryRecords.Signable(parts.Canonical.Span),
                parts.Signature.Span
            )
        )
        {
            return null;
        }

        // Incoming frames share large buffers; a record that is kept must not keep those alive.
        var copy = signed.ToArray();
        return DiscoveryRecords.TryTakeApart(copy, out var own, out _)
            ? new SignedRecord(own.Record, copy)
            : null;
    }

    /// <summary>The public form of a record that was checked.</summary>
    public static PeerEntry ToEntry(PeerRecord record) =>
        new(
            record.Peer,
            record.Network,
            new PeerEntryVersion(record.Version.StartedAt, record.Version.UpdatedAt),
            [.. record.Addresses.Select(static host => new PeerAddress(host.Host, host.Port))],
            record.Tags,
            record.Groups,
            [
                .. record
                    .Tickets.Select(static ticket => new Ticket(ticket.Class, ticket.Data.Span))
                    .OrderBy(static ticket => ticket.Id, StringComparer.Ordinal),
            ]
        );
}
