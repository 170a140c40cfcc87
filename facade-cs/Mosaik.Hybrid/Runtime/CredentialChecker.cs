using Microsoft.Extensions.Logging;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Diagnostics;
using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid.Runtime;

/// <summary>Decides whether a peer's tickets let it in, and until when.</summary>
/// <remarks>
/// Every validator must be satisfied, in order; each contributes its longest valid ticket, and the bond lasts
/// until the earliest of those. Runs off the group loop: validators are the user's code and may take their time.
/// </remarks>
internal sealed class CredentialChecker(
    IReadOnlyList<ITicketValidator> validators,
    MonotonicClock clock,
    ILogger logger
)
{
    /// <summary>True when no ticket is required.</summary>
    public bool IsOpen => validators.Count == 0;

    /// <summary>Looks at the tickets of an entry, which is the peer's own.</summary>
    public Credentials Check(PeerEntry peer)
    {
        var earliest = Expiration.Never;
        foreach (var validator in validators)
        {
            if (LongestValid(validator, peer) is not { } expiration)
            {
                return Credentials.NotAllowed;
            }

            earliest = expiration < earliest ? expiration : earliest;
        }

        return earliest.Moment is not { } moment ? Credentials.NewGood(Instant.Never)
            : moment <= clock.TimeProvider.GetUtcNow() ? Credentials.NotAllowed
            : Credentials.NewGood(clock.At(moment));
    }

    private Expiration? LongestValid(ITicketValidator validator, PeerEntry peer)
    {
        Expiration? longest = null;
        foreach (var ticket in peer.TicketsOf(validator.Class))
        {
            var verdict = Validate(validator, ticket, peer);
            if (!verdict.IsValid)
            {
                GroupEvents.TicketRefused(
                    logger,
                    peer.Id.Short,
                    ticket.Id,
                    verdict.Error!.Detail
                );
            }
            else if (longest is null || verdict.Expiration > longest)
            {
                longest = verdict.Expiration;
            }
        }

        return longest;
    }

    private TicketVerdict Validate(ITicketValidator validator, Ticket ticket, PeerEntry peer)
    {
        try
        {
            return validator.Validate(ticket, peer);
        }
        catch (Exception exception)
        {
            // A validator that throws has not said yes; the peer is refused, and the operator told.
            GroupEvents.ValidatorFailed(logger, validator.Class, exception);
            return TicketVerdict.Invalid("the validator threw");
        }
    }
}
