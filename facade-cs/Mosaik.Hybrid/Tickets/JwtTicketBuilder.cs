using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Mosaik.Hybrid.Tickets;

/// <summary>Issues tickets that are signed JSON Web Tokens. For whoever holds the key; members only need the tickets.</summary>
/// <remarks>Immutable: every method returns a new builder, so one can issue many tickets. Safe from any thread.</remarks>
public sealed class JwtTicketBuilder
{
    private static readonly string[] s_registered = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

    private readonly JwtSigningKey _key;
    private readonly Content _content;

    /// <summary>Begins with the key that signs.</summary>
    public JwtTicketBuilder(JwtSigningKey key)
        : this(key, new Content()) => ArgumentNullException.ThrowIfNull(key);

    private JwtTicketBuilder(JwtSigningKey key, Content content) => (_key, _content) = (key, content);

    /// <summary>Who issues (<c>iss</c>).</summary>
    public JwtTicketBuilder Issuer(string issuer)
    {
        ArgumentException.ThrowIfNullOrEmpty(issuer);
        return With(_content with { Issuer = issuer });
    }

    /// <summary>Whom the ticket speaks of (<c>sub</c>).</summary>
    /// <value>The id of the peer that it is built for.</value>
    public JwtTicketBuilder Subject(string subject)
    {
        ArgumentException.ThrowIfNullOrEmpty(subject);
        return With(_content with { Subject = subject });
    }

    /// <summary>Whom the ticket is for (<c>aud</c>). Repeatable.</summary>
    public JwtTicketBuilder Audience(string audience)
    {
        ArgumentException.ThrowIfNullOrEmpty(audience);
        return With(_content with { Audiences = _content.Audiences.Add(audience) });
    }

    /// <summary>When the ticket expires (<c>exp</c>), cut to whole seconds. Replaces what was said before.</summary>
    public JwtTicketBuilder ExpiresAt(DateTimeOffset moment) =>
        With(_content with { ExpiresAt = moment, ExpiresIn = null, NeverExpires = false });

    /// <summary>How long after its building the ticket expires, cut to whole seconds. Replaces what was said before.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a second.</exception>
    public JwtTicketBuilder ExpiresIn(TimeSpan lifetime)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lifetime, TimeSpan.FromSeconds(1));
        return With(_content with { ExpiresIn = lifetime, ExpiresAt = null, NeverExpires = false });
    }

    /// <summary>The ticket never expires; validators take it only with <see cref="Jwt.AllowNonExpiring"/>.</summary>
    public JwtTicketBuilder NeverExpires() =>
        With(_content with { NeverExpires = true, ExpiresAt = null, ExpiresIn = null });

    /// <summary>When the ticket was issued (<c>iat</c>), cut to whole seconds.</summary>
    /// <value>When it is built.</value>
    public JwtTicketBuilder IssuedAt(DateTimeOffset moment) => With(_content with { IssuedAt = moment });

    /// <summary>From when on the ticket is good (<c>nbf</c>), cut to whole seconds.</summary>
    /// <value>Not said: at once.</value>
    public JwtTicketBuilder NotBefore(DateTimeOffset moment) => With(_content with { NotBefore = moment });

    /// <summary>An id of this ticket (<c>jti</c>), for the issuer's records.</summary>
    public JwtTicketBuilder TokenId(string id)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        return With(_content with { TokenId = id });
    }

    /// <summary>A claim of your own. Replaces one of the same name.</summary>
    /// <exception cref="ArgumentException">The claim has a method of its own.</exception>
    public JwtTicketBuilder Claim(string name, string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return ClaimJson(name, JsonSerializer.Serialize(value));
    }

    /// <summary>A claim of your own that is a whole number. Replaces one of the same name.</summary>
    /// <exception cref="ArgumentException">The claim has a method of its own.</exception>
    public JwtTicketBuilder Claim(string name, long value) =>
        ClaimJson(name, value.ToString(System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>A claim of your own that is true or false. Replaces one of the same name.</summary>
    /// <exception cref="ArgumentException">The claim has a method of its own.</exception>
    public JwtTicketBuilder Claim(string name, bool value) => ClaimJson(name, value ? "true" : "false");

    /// <summary>A claim of your own whose value is given as JSON: a list, say. Replaces one of the same name.</summary>
    /// <exception cref="ArgumentException">The JSON is malformed, or the claim has a method of its own.</exception>
    public JwtTicketBuilder ClaimJson(string name, string json)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (s_registered.Contains(name, StringComparer.Ordinal))
        {
            throw new ArgumentException($"Claim '{name}' has a method of its own.", nameof(name));
        }

        var value = JwtPayload.ParseClaim(json);
        return With(_content with { Claims = _content.Claims.SetItem(name, value) });
    }

    /// <summary>The clock that says when a ticket is issued.</summary>
    /// <value><see cref="TimeProvider.System"/>.</value>
    public JwtTicketBuilder WithTimeProvider(TimeProvider timeProvider)
    {
        ArgumentNullException.ThrowIfNull(timeProvider);
        return With(_content with { TimeProvider = timeProvider });
    }

    /// <summary>Issues a ticket to a peer, which attaches it by <c>network.Discovery.AddTicket</c>.</summary>
    /// <exception cref="InvalidOperationException">It was not said when the ticket expires.</exception>
    /// <exception cref="ArgumentException">The ticket would be larger than 8 KiB.</exception>
    public Ticket Build(PeerId peer) => new(Jwt.TicketClass, Encoding.ASCII.GetBytes(BuildToken(peer)));

    /// <summary>Issues a ticket to a peer, as the text of the token.</summary>
    /// <exception cref="InvalidOperationException">It was not said when the ticket expires.</exception>
    public string BuildToken(PeerId peer)
    {
        var content = _content;
        if (content is { NeverExpires: false, ExpiresAt: null, ExpiresIn: null })
        {
            throw new InvalidOperationException(
                "Say when the ticket expires: ExpiresIn, ExpiresAt, or NeverExpires."
            );
        }

        var now = content.TimeProvider.GetUtcNow();
        var issued = content.IssuedAt ?? now;
        var expires = content.ExpiresAt ?? now + content.ExpiresIn;
        KeyValuePair<string, object?>[] registered =
        [
            new("iss", content.Issuer),
            new("sub", content.Subject ?? peer.ToString()),
            new("aud", content.Audiences.Length > 1 ? content.Audiences : content.Audiences.FirstOrDefault()),
            new("exp", expires?.ToUnixTimeSeconds()),
            new("nbf", content.NotBefore?.ToUnixTimeSeconds()),
            new("iat", issued.ToUnixTimeSeconds()),
            new("jti", content.TokenId),
        ];
        var own = content.Claims.Select(static claim => KeyValuePair.Create(claim.Key, (object?)claim.Value));
        return Sign(JwtPayload.Write([.. registered, .. own]));
    }

    private string Sign(string payload) =>
        new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(
            payload,
            new SigningCredentials(_key.SecurityKey, _key.Algorithm)
            {
                CryptoProviderFactory = _key.SecurityKey.CryptoProviderFactory,
            }
        );

    private JwtTicketBuilder With(Content content) => new(_key, content);

    private sealed record Content
    {
        public string? Issuer { get; init; }

        public string? Subject { get; init; }

        public ImmutableArray<string> Audiences { get; init; } = [];

        public DateTimeOffset? ExpiresAt { get; init; }

        public TimeSpan? ExpiresIn { get; init; }

        public bool NeverExpires { get; init; }

        public DateTimeOffset? IssuedAt { get; init; }

        public DateTimeOffset? NotBefore { get; init; }

        public string? TokenId { get; init; }

        public ImmutableSortedDictionary<string, JsonElement> Claims { get; init; } =
            ImmutableSortedDictionary.Create<string, JsonElement>(StringComparer.Ordinal);

        public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
    }
}
