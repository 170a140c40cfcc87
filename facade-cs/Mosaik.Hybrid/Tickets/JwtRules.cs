namespace Mosaik.Hybrid.Tickets;

/// <summary>Judges the claims of a token whose signature was right.</summary>
internal static class JwtRules
{
    /// <summary>Until when the ticket is good; or why it is not.</summary>
    /// <exception cref="InvalidTicketException">A rule is broken.</exception>
    public static Expiration Judge(JwtPolicy policy, JwtClaims claims, PeerId peer, DateTimeOffset now)
    {
        if (!policy.Issuers.IsEmpty && (claims.Issuer is null || !policy.Issuers.Contains(claims.Issuer)))
        {
            throw Invalid(TicketFault.WrongIssuer, "the issuer is missing or not allowed");
        }

        if (claims.Subject != (policy.Subject ?? peer.ToString()))
        {
            throw Invalid(
                TicketFault.WrongSubject,
                policy.Subject is null
                    ? "it is not this peer's ticket"
                    : "the subject is not the required one"
            );
        }

        if (!policy.Audiences.IsEmpty && !claims.Audiences.Any(policy.Audiences.Contains))
        {
            throw Invalid(TicketFault.WrongAudience, "the audience is missing or not allowed");
        }

        foreach (var (name, value) in policy.Claims)
        {
            if (!claims.Has(name, value))
            {
                throw Invalid(TicketFault.WrongClaim, $"claim '{name}' is missing or has another value");
            }
        }

        CheckBeginning(policy, claims, now);
        return CheckEnd(policy, claims, now);
    }

    private static void CheckBeginning(JwtPolicy policy, JwtClaims claims, DateTimeOffset now)
    {
        if (claims.NotBefore - policy.ClockSkew > now)
        {
            throw Invalid(TicketFault.NotYetValid, "it is not valid yet");
        }

        if (claims.IssuedAt - policy.ClockSkew > now)
        {
            throw Invalid(TicketFault.IssuedInFuture, "it claims to have been issued in the future");
        }
    }

    private static Expiration CheckEnd(JwtPolicy policy, JwtClaims claims, DateTimeOffset now)
    {
        if (claims.ExpiresAt is null && !policy.AllowsNonExpiring)
        {
            throw Invalid(TicketFault.NoExpiration, "it does not say when it expires");
        }

        var end = Later(claims.ExpiresAt, policy.ClockSkew);
        if (end.IsExpired(now))
        {
            throw Invalid(TicketFault.Expired, "it has expired");
        }

        if (
            policy.MaxLifetime is { } lifetime
            && (claims.ExpiresAt is not { } until || until - (claims.IssuedAt ?? now) > lifetime)
        )
        {
            throw Invalid(TicketFault.LivesTooLong, $"it lives longer than {lifetime}");
        }

        if (policy.MaxAge is not { } age)
        {
            return end;
        }

        var tooOld = claims.IssuedAt is { } issued
            ? Later(issued, age + policy.ClockSkew)
            : throw Invalid(TicketFault.TooOld, "it does not say when it was issued");
        if (tooOld.IsExpired(now))
        {
            throw Invalid(TicketFault.TooOld, $"it was issued more than {age} ago");
        }

        // A bond must end when the ticket becomes too old, and not only when it expires.
        return tooOld < end ? tooOld : end;
    }

    private static Expiration Later(DateTimeOffset? moment, TimeSpan by) =>
        moment is not { } at ? Expiration.Never
        : by < DateTimeOffset.MaxValue - at ? Expiration.At(at + by)
        : Expiration.At(DateTimeOffset.MaxValue);

    private static InvalidTicketException Invalid(TicketFault fault, string detail) => new(fault, detail);
}
