using System.Collections.Immutable;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Mosaik.Hybrid.Tickets;

/// <summary>Checks a token's signature with the keys that may have made it.</summary>
internal static class JwtSignatures
{
    private static readonly JsonWebTokenHandler s_handler = new()
    {
        MaximumTokenSizeInBytes = Ticket.DataLengthMax,
        MapInboundClaims = false,
    };

    /// <summary>Checks the signature.</summary>
    /// <exception cref="InvalidTicketException">No key may have made it, or none has.</exception>
    public static void Check(JwtText text, ImmutableArray<JwtKey> keys)
    {
        var ofAlgorithm = keys.Where(key => key.Algorithm == text.Algorithm).ToList();
        if (ofAlgorithm.Count == 0)
        {
            throw new InvalidTicketException(
                TicketFault.WrongAlgorithm,
                "no configured key has the algorithm that the header names"
            );
        }

        var candidates = ofAlgorithm
            .Where(key => text.KeyId is null || key.KeyId is null || key.KeyId == text.KeyId)
            .ToList();
        if (candidates.Count == 0)
        {
            throw new InvalidTicketException(
                TicketFault.UnknownKey,
                "no configured key has the id that the header names"
            );
        }

        if (candidates.TrueForAll(key => key.SignatureLength is { } length && length != text.SignatureLength))
        {
            throw new InvalidTicketException(
                TicketFault.BadSignature,
                $"{text.SignatureLength} bytes are no signature of {text.Algorithm}"
            );
        }

        if (!candidates.Exists(key => IsMadeBy(key, text)))
        {
            throw new InvalidTicketException(TicketFault.BadSignature, "none of the keys made the signature");
        }
    }

    private static bool IsMadeBy(JwtKey key, JwtText text)
    {
        // Only the signature is the library's to judge here: dates by its clock or issuers by its rules are not.
        var parameters = new TokenValidationParameters
        {
            IssuerSigningKey = key.SecurityKey,
            ValidAlgorithms = [key.Algorithm],
            TryAllIssuerSigningKeys = true,
            RequireSignedTokens = true,
            RequireExpirationTime = false,
            ValidateLifetime = false,
            ValidateIssuer = false,
            ValidateAudience = false,
            LogTokenId = false,
        };
        // With keys at hand the library has nothing to wait for: the task is complete when it comes back.
        return s_handler.ValidateTokenAsync(text.Token, parameters).GetAwaiter().GetResult().IsValid;
    }
}
