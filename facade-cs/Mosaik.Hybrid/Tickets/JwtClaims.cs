using System.Globalization;
using System.Text.Json;

namespace Mosaik.Hybrid.Tickets;

/// <summary>The registered claims of a token, with their types checked and nothing else (RFC 7519 §4.1).</summary>
internal sealed class JwtClaims
{
    /// <summary>The last second of the year 9999, which is as far as dates go.</summary>
    private const long SecondsMax = 253_402_300_799;

    private readonly JsonElement _claims;

    /// <exception cref="InvalidTicketException">A registered claim has a wrong type.</exception>
    public JwtClaims(JsonElement claims)
    {
        _claims = claims;
        Issuer = Text("iss");
        Subject = Text("sub");
        _ = Text("jti");
        Audiences = ReadAudiences();
        ExpiresAt = Date("exp");
        NotBefore = Date("nbf");
        IssuedAt = Date("iat");
    }

    /// <summary>Claim <c>iss</c>.</summary>
    public string? Issuer { get; }

    /// <summary>Claim <c>sub</c>.</summary>
    public string? Subject { get; }

    /// <summary>Claim <c>aud</c>; empty when there is none.</summary>
    public IReadOnlyList<string> Audiences { get; }

    /// <summary>Claim <c>exp</c>.</summary>
    public DateTimeOffset? ExpiresAt { get; }

    /// <summary>Claim <c>nbf</c>.</summary>
    public DateTimeOffset? NotBefore { get; }

    /// <summary>Claim <c>iat</c>.</summary>
    public DateTimeOffset? IssuedAt { get; }

    /// <summary>True when the claim is there with exactly this value; the order of an object's names does not matter.</summary>
    public bool Has(string name, JsonElement value) =>
        _claims.TryGetProperty(name, out var own) && JsonElement.DeepEquals(own, value);

    private string? Text(string name) =>
        !_claims.TryGetProperty(name, out var value)
            ? null
            : JwtText.TextOf(value)
                ?? throw new InvalidTicketException(TicketFault.BadClaim, $"claim '{name}' is no text");

    private List<string> ReadAudiences()
    {
        if (!_claims.TryGetProperty("aud", out var value))
        {
            return [];
        }

        var values = value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().ToArray() : [value];
        return
        [
            .. values.Select(static audience =>
                JwtText.TextOf(audience)
                ?? throw new InvalidTicketException(
                    TicketFault.BadClaim,
                    "claim 'aud' is no text and no list of texts"
                )
            ),
        ];
    }

    private DateTimeOffset? Date(string name)
    {
        if (!_claims.TryGetProperty(name, out var value))
        {
            return null;
        }

        // By the digits: a reader of numbers would take 1e3 or 1.0 for a whole one.
        return
            value.ValueKind == JsonValueKind.Number
            && long.TryParse(
                value.GetRawText(),
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out var seconds
            )
            && seconds <= SecondsMax
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : throw new InvalidTicketException(
                TicketFault.BadClaim,
                $"claim '{name}' is no whole number of seconds from 0 to {SecondsMax}"
            );
    }
}
