using Mosaik.Hybrid.Tickets;
using Xunit;

namespace Mosaik.Hybrid.Tests.Tickets;

/// <summary>A validator's signature stands for its whole configuration, and for nothing else.</summary>
public sealed class JwtSignatureTests
{
    private static readonly Hs256 s_secret = Hs256.Hex(
        string.Concat(Enumerable.Repeat("0123456789abcdef", 4))
    );
    private static readonly Jwt s_plain = Jwt.WithKey(s_secret);

    /// <summary>Configurations that differ from each other in one way each; joined by commas some would not (J19).</summary>
    private static readonly Jwt[] s_all =
    [
        s_plain,
        Jwt.WithKey(new Hs256([.. Enumerable.Range(0, 32).Select(static place => (byte)place)])),
        Jwt.WithKey(Hs256.Hex(string.Concat(Enumerable.Repeat("0123456789abcdef", 4)), "id")),
        s_plain.AddKey(Hs256.Hex(string.Concat(Enumerable.Repeat("fedcba9876543210", 4)))),
        Jwt.WithKeys(new JwtKeyRing("ring")),
        Jwt.WithKeys(new JwtKeyRing("rung")),
        s_plain.AllowIssuer("a,b"),
        s_plain.AllowIssuer("a").AllowIssuer("b"),
        s_plain.AllowIssuer("ab"),
        s_plain.AllowAudience("a"),
        s_plain.AllowAudience("a,b"),
        s_plain.AllowAudience("a").AllowAudience("b"),
        s_plain.RequireSubject("a"),
        s_plain.RequireSubject("b"),
        s_plain.RequireClaim("a", "b"),
        s_plain.RequireClaim("a", true),
        s_plain.RequireClaim("a", "true"),
        s_plain.RequireClaim("a", 1),
        s_plain.RequireClaim("a", "1"),
        s_plain.RequireClaim("ab", ""),
        s_plain.AllowNonExpiring(),
        s_plain.MaxLifetime(TimeSpan.FromSeconds(1)),
        s_plain.MaxLifetime(TimeSpan.FromSeconds(2)),
        s_plain.MaxAge(TimeSpan.FromSeconds(1)),
        s_plain.ClockSkew(TimeSpan.FromSeconds(1)),
        s_plain.MaxAge(TimeSpan.FromMilliseconds(1)),
    ];

    [Fact]
    public void NoTwoConfigurations_HaveTheSame() =>
        Assert.Equal(s_all.Length, s_all.Select(Hex).Distinct().Count());

    [Fact]
    public void TheOrderOfAlternatives_AndTheClock_DoNotMatter()
    {
        var other = Hs256.Generate();
        Assert.Equal(Hex(Jwt.WithKey(s_secret).AddKey(other)), Hex(Jwt.WithKey(other).AddKey(s_secret)));
        Assert.Equal(
            Hex(s_plain.AllowIssuer("a").AllowIssuer("b").AllowIssuer("a")),
            Hex(s_plain.AllowIssuer("b").AllowIssuer("a"))
        );
        Assert.Equal(
            Hex(s_plain.RequireClaimJson("x", "{\"a\":1, \"b\":[true]}")),
            Hex(s_plain.RequireClaimJson("x", "{\"b\":[true],\"a\":1}"))
        );
        Assert.Equal(Hex(s_plain), Hex(s_plain.WithTimeProvider(new Support.FakeTimeProvider())));
    }

    [Fact]
    public void ItNeverChanges() =>
        // Members of different versions of the library must derive the same GroupId.
        Assert.Equal(
            "08360666c5bf92d8d55376fd9ec6f7bea9c3705eacb02ea7a3547ffb4a92f667",
            Hex(
                s_plain
                    .AllowIssuer("issuer")
                    .AllowAudience("audience")
                    .RequireClaim("role", "admin")
                    .MaxLifetime(TimeSpan.FromHours(1))
                    .ClockSkew(TimeSpan.FromSeconds(5))
            )
        );

    [Fact]
    public void ARing_KeepsItWhileItsKeysChange()
    {
        var ring = new JwtKeyRing("ring", s_secret);
        var validator = Jwt.WithKeys(ring);
        var before = Hex(validator);
        ring.Replace(Es256.GenerateSigningKey().VerifyingKey);
        Assert.Equal(before, Hex(validator));
        Assert.Equal(before, Hex(Jwt.WithKeys(new JwtKeyRing("ring"))));
    }

    [Fact]
    public void TheKeyOfAGroup_IsTheSameOnAllMembers_AndTheSecretMatters()
    {
        var same = Jwt.WithKey(Hs256.Hex(string.Concat(Enumerable.Repeat("0123456789abcdef", 4))));
        Assert.Equal(GroupKey.From(s_plain), GroupKey.From(same));
        Assert.NotEqual(GroupKey.From(s_plain), GroupKey.From(s_all[1]));
        // Nothing that the network sees shows the key: not the signature's bytes, nor the GroupId's preimage.
        Assert.DoesNotContain(
            Convert.ToHexString(s_plain.Signature.Span),
            GroupKey.From(s_plain).Export(),
            StringComparison.OrdinalIgnoreCase
        );
    }

    private static string Hex(Jwt jwt) => Convert.ToHexStringLower(jwt.Signature.Span);
}
