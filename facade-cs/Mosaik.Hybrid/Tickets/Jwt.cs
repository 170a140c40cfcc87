using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace Mosaik.Hybrid.Tickets;

/// <summary>Finds tickets good that are signed JSON Web Tokens (RFC 7519), by keys and rules that are told here.</summary>
/// <remarks>
/// <para>
/// Immutable: every method returns a new validator. Safe from any thread; never throws for what a ticket says. The
/// defaults are strict: the subject must be the peer's own id, so that a copied token is worthless; tickets must
/// expire; clocks must agree to the second. Issuer and audience are checked once they were named.
/// </para>
/// <para>
/// The algorithm is the key's, whatever the token says; a token can't bring a key along. A token has at most 8 KiB, is
/// nested at most 8 deep, names nothing twice, and gives dates in whole seconds.
/// </para>
/// </remarks>
public sealed class Jwt : ITicketValidator
{
    /// <summary>The class of tickets that are JSON Web Tokens: <c>mosaik.jwt/1</c>.</summary>
    public const string TicketClass = "mosaik.jwt/1";

    /// <summary>The most keys of a validator: 16.</summary>
    public const int KeysMax = JwtKeyRing.KeysMax;

    private const int TextLengthMax = 1024;
    private static readonly TimeSpan s_skewMax = TimeSpan.FromMinutes(10);

    /// <summary>Claims that have rules of their own.</summary>
    private static readonly string[] s_registered = ["iss", "sub", "aud", "exp", "nbf", "iat"];

    private readonly JwtPolicy _policy;
    private readonly TimeProvider _timeProvider;
    private readonly byte[] _signature;

    private Jwt(JwtPolicy policy, TimeProvider timeProvider)
    {
        _policy = policy;
        _timeProvider = timeProvider;
        _signature = policy.ToSignature();
    }

    /// <inheritdoc/>
    public string Class => TicketClass;

    /// <summary>32 bytes that stand for all rules and keys; of secrets and private keys they tell nothing.</summary>
    /// <remarks>
    /// The order in which keys, issuers, audiences and claims were named does not matter. With a
    /// <see cref="JwtKeyRing"/> the ring's name stands for its keys.
    /// </remarks>
    public ReadOnlyMemory<byte> Signature => _signature.ToArray();

    /// <summary>Counts the changes of the key ring; 0 without one.</summary>
    public long Revision => _policy.Ring?.Revision ?? 0;

    /// <summary>Begins with a key.</summary>
    public static Jwt WithKey(JwtKey key) => new Jwt(new JwtPolicy(), TimeProvider.System).AddKey(key);

    /// <summary>Begins with keys that change while groups run.</summary>
    public static Jwt WithKeys(JwtKeyRing ring)
    {
        ArgumentNullException.ThrowIfNull(ring);
        return new Jwt(new JwtPolicy { Ring = ring }, TimeProvider.System);
    }

    /// <summary>One more key, any of which may have signed. Part of the GroupId: see <see cref="JwtKeyRing"/> for others.</summary>
    /// <exception cref="InvalidOperationException">There are 16 already, or the keys are a ring's.</exception>
    public Jwt AddKey(JwtKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (_policy.Ring is not null)
        {
            throw new InvalidOperationException("The keys are those of the ring; add the key to it.");
        }

        return _policy.Keys.Length < KeysMax
            ? With(_policy with { Keys = _policy.Keys.Add(key) })
            : throw new InvalidOperationException($"A validator has at most {KeysMax} keys.");
    }

    /// <summary>Allows an issuer (<c>iss</c>). Repeatable; one of them must have issued. Compared exactly.</summary>
    /// <exception cref="ArgumentException">Empty, or longer than 1024 characters.</exception>
    public Jwt AllowIssuer(string issuer) =>
        With(_policy with { Issuers = _policy.Issuers.Add(Text(issuer, nameof(issuer))) });

    /// <summary>Allows an audience (<c>aud</c>). Repeatable; the ticket must name one of them. Compared exactly.</summary>
    /// <exception cref="ArgumentException">Empty, or longer than 1024 characters.</exception>
    public Jwt AllowAudience(string audience) =>
        With(_policy with { Audiences = _policy.Audiences.Add(Text(audience, nameof(audience))) });

    /// <summary>Requires this subject (<c>sub</c>) of every ticket, instead of the id of the peer that has it.</summary>
    /// <remarks>
    /// Tickets can be read by all peers of the network. One with a fixed subject is good for whoever copies it; the
    /// default, the peer's id in lowercase hex, is good for nobody else.
    /// </remarks>
    /// <exception cref="ArgumentException">Empty, or longer than 1024 characters.</exception>
    public Jwt RequireSubject(string subject) =>
        With(_policy with { Subject = Text(subject, nameof(subject)) });

    /// <summary>Requires a claim with this text. Repeatable; all must hold.</summary>
    /// <exception cref="ArgumentException">The claim has a rule of its own, or was required with another value.</exception>
    public Jwt RequireClaim(string name, string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return RequireClaimJson(name, JsonSerializer.Serialize(value));
    }

    /// <summary>Requires a claim with this whole number. Repeatable; all must hold.</summary>
    /// <exception cref="ArgumentException">The claim has a rule of its own, or was required with another value.</exception>
    public Jwt RequireClaim(string name, long value) =>
        RequireClaimJson(name, value.ToString(System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>Requires a claim that is true or false. Repeatable; all must hold.</summary>
    /// <exception cref="ArgumentException">The claim has a rule of its own, or was required with another value.</exception>
    public Jwt RequireClaim(string name, bool value) => RequireClaimJson(name, value ? "true" : "false");

    /// <summary>Requires a claim with a value that is given as JSON: a list, say. Repeatable; all must hold.</summary>
    /// <remarks>Compared as values: white space and the order of an object's names do not matter, that of a list does.</remarks>
    /// <exception cref="ArgumentException">
    /// The JSON is malformed, or the claim has a rule of its own or was required with another value.
    /// </exception>
    public Jwt RequireClaimJson(string name, string json)
    {
        Text(name, nameof(name));
        var value = JwtPayload.ParseClaim(json);
        if (s_registered.Contains(name, StringComparer.Ordinal))
        {
            throw new ArgumentException($"Claim '{name}' has a method of its own.", nameof(name));
        }

        if (_policy.Claims.TryGetValue(name, out var known) && !JsonElement.DeepEquals(known, value))
        {
            throw new ArgumentException($"Claim '{name}' can't have two values.", nameof(name));
        }

        return With(_policy with { Claims = _policy.Claims.SetItem(name, value) });
    }

    /// <summary>Takes tickets that do not say when they expire (<c>exp</c>). They can be taken back only with their key.</summary>
    public Jwt AllowNonExpiring() => With(_policy with { AllowsNonExpiring = true });

    /// <summary>
    /// Refuses tickets that live longer: from their issue (<c>iat</c>), or from now if they do not tell it, to their
    /// expiry.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public Jwt MaxLifetime(TimeSpan lifetime)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(lifetime, TimeSpan.Zero);
        return With(_policy with { MaxLifetime = lifetime });
    }

    /// <summary>Takes tickets only for so long after their issue (<c>iat</c>, which is then required), whatever they say.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public Jwt MaxAge(TimeSpan age)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(age, TimeSpan.Zero);
        return With(_policy with { MaxAge = age });
    }

    /// <summary>How far the clocks of issuer and members may be apart: added to every limit in time.</summary>
    /// <value>Zero: a ticket expires in the very second that it names, and one issued a second ahead is refused.</value>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 10 minutes.</exception>
    public Jwt ClockSkew(TimeSpan skew)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(skew, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(skew, s_skewMax);
        return With(_policy with { ClockSkew = skew });
    }

    /// <summary>The wall clock that tickets are judged by. Not part of the signature.</summary>
    /// <value><see cref="TimeProvider.System"/>.</value>
    public Jwt WithTimeProvider(TimeProvider timeProvider)
    {
        ArgumentNullException.ThrowIfNull(timeProvider);
        return new Jwt(_policy, timeProvider);
    }

    /// <inheritdoc/>
    public TicketVerdict Validate(Ticket ticket, PeerEntry peer)
    {
        ArgumentNullException.ThrowIfNull(ticket);
        ArgumentNullException.ThrowIfNull(peer);
        return Validate(ticket, peer.Id);
    }

    /// <summary>Checks a ticket for a peer that is known by its id alone: to look at tickets by hand, say.</summary>
    public TicketVerdict Validate(Ticket ticket, PeerId peer)
    {
        ArgumentNullException.ThrowIfNull(ticket);
        if (ticket.Class != TicketClass)
        {
            return TicketVerdict.Invalid(TicketFault.WrongClass, $"its class is not {TicketClass}");
        }

        try
        {
            var text = JwtText.Read(ticket.Data.Span);
            var claims = new JwtClaims(text.Claims);
            JwtSignatures.Check(text, _policy.CurrentKeys);
            return JwtRules.Judge(_policy, claims, peer, _timeProvider.GetUtcNow());
        }
        catch (InvalidTicketException invalid)
        {
            return invalid.Error;
        }
        catch (Exception exception)
        {
            // Whatever a library or a custom algorithm throws for a peer's bytes: it has not said yes.
            return TicketVerdict.Invalid(TicketFault.ValidatorFailed, exception.GetType().Name);
        }
    }

    /// <summary>The rules in short; no key.</summary>
    public override string ToString()
    {
        var keys = _policy.Ring?.ToString() ?? string.Join(", ", _policy.Keys);
        return new StringBuilder("Jwt of ")
            .Append(keys)
            .Append("; issuers: ")
            .AppendJoin(", ", _policy.Issuers)
            .Append("; audiences: ")
            .AppendJoin(", ", _policy.Audiences)
            .ToString();
    }

    private Jwt With(JwtPolicy policy) => new(policy, _timeProvider);

    private static string Text(string text, string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(text, name);
        return text.Length <= TextLengthMax
            ? text
            : throw new ArgumentException($"At most {TextLengthMax} characters.", name);
    }
}
