using System.Text;
using System.Text.Json;
using Mosaik.Hybrid.Tests.Support;
using Mosaik.Hybrid.Tickets;
using Xunit;

namespace Mosaik.Hybrid.Tests.Tickets;

/// <summary>What issuers put into tickets.</summary>
public sealed class JwtTicketBuilderTests
{
    private static readonly Hs256 s_key = Hs256.Generate("key-1");
    private readonly FakeTimeProvider _clock = new();
    private readonly PeerId _peer = Forge.PeerOf(1);

    private long Now => _clock.GetUtcNow().ToUnixTimeSeconds();

    private JwtTicketBuilder Builder => new JwtTicketBuilder(s_key).WithTimeProvider(_clock);

    [Fact]
    public void EveryClaim_IsWhereItBelongs()
    {
        var ticket = Builder
            .Issuer("me")
            .Audience("a")
            .Audience("b")
            .ExpiresIn(TimeSpan.FromSeconds(90.9))
            .NotBefore(_clock.GetUtcNow().AddSeconds(1.5))
            .TokenId("t-1")
            .Claim("role", "admin \"quoted\" ä")
            .Claim("level", 3)
            .Claim("on", true)
            .ClaimJson("list", "[1, null]")
            .Build(_peer);

        Assert.Equal(Jwt.TicketClass, ticket.Class);
        var parts = Encoding.ASCII.GetString(ticket.Data.Span).Split('.');
        using var header = Parse(parts[0]);
        Assert.Equal("HS256", header.RootElement.GetProperty("alg").GetString());
        Assert.Equal("JWT", header.RootElement.GetProperty("typ").GetString());
        Assert.Equal("key-1", header.RootElement.GetProperty("kid").GetString());
        Assert.Equal(3, header.RootElement.EnumerateObject().Count());
        using var claims = Parse(parts[1]);
        var root = claims.RootElement;
        Assert.Equal("me", root.GetProperty("iss").GetString());
        Assert.Equal(_peer.ToString(), root.GetProperty("sub").GetString());
        Assert.Equal("""["a","b"]""", root.GetProperty("aud").GetRawText());
        Assert.Equal(Now + 90, root.GetProperty("exp").GetInt64());
        Assert.Equal(Now + 1, root.GetProperty("nbf").GetInt64());
        Assert.Equal(Now, root.GetProperty("iat").GetInt64());
        Assert.Equal("t-1", root.GetProperty("jti").GetString());
        Assert.Equal("admin \"quoted\" ä", root.GetProperty("role").GetString());
        Assert.Equal(3, root.GetProperty("level").GetInt32());
        Assert.True(root.GetProperty("on").GetBoolean());
        Assert.Equal("[1,null]", root.GetProperty("list").GetRawText());
        Assert.Equal(11, root.EnumerateObject().Count());
    }

    [Fact]
    public void LittleIsNeeded()
    {
        using var claims = Parse(Builder.NeverExpires().BuildToken(_peer).Split('.')[1]);
        Assert.Equal(["sub", "iat"], claims.RootElement.EnumerateObject().Select(static claim => claim.Name));
    }

    [Fact]
    public void OneAudience_IsAText()
    {
        using var claims = Parse(Builder.Audience("a").NeverExpires().BuildToken(_peer).Split('.')[1]);
        Assert.Equal("a", claims.RootElement.GetProperty("aud").GetString());
    }

    [Fact]
    public void TheEnd_MustBeSaid_AndTheLastWordCounts()
    {
        Assert.Throws<InvalidOperationException>(() => Builder.Build(_peer));
        var validator = Jwt.WithKey(s_key).AllowNonExpiring().WithTimeProvider(_clock);
        var end = _clock.GetUtcNow().AddMinutes(5);
        var builder = Builder.NeverExpires().ExpiresIn(TimeSpan.FromHours(1)).ExpiresAt(end);
        Assert.Equal(Expiration.At(end), validator.Validate(builder.Build(_peer), _peer).Expiration);
        Assert.Equal(
            Expiration.Never,
            validator.Validate(builder.NeverExpires().Build(_peer), _peer).Expiration
        );
    }

    [Fact]
    public void ABuilder_IssuesToManyPeers_AndIsNotChangedByUse()
    {
        var builder = Builder.ExpiresIn(TimeSpan.FromMinutes(1));
        _ = builder.Issuer("other");
        var validator = Jwt.WithKey(s_key).WithTimeProvider(_clock);
        var first = builder.Build(_peer);
        Assert.Equal(first.Id, builder.Build(_peer).Id);
        Assert.NotEqual(first.Id, builder.Build(Forge.PeerOf(2)).Id);
        Assert.True(validator.Validate(builder.Build(Forge.PeerOf(2)), Forge.PeerOf(2)).IsValid);
        Assert.False(validator.Validate(builder.Build(Forge.PeerOf(2)), _peer).IsValid);

        _clock.Advance(TimeSpan.FromMinutes(2));
        Assert.False(validator.Validate(first, _peer).IsValid);
        Assert.True(validator.Validate(builder.Build(_peer), _peer).IsValid);
    }

    [Fact]
    public void Misuse_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => Builder.Claim("exp", 1));
        Assert.Throws<ArgumentException>(() => Builder.Claim("jti", "x"));
        Assert.Throws<ArgumentException>(() => Builder.ClaimJson("x", "{"));
        Assert.Throws<ArgumentException>(() =>
            Builder.ClaimJson("x", new string('[', 8) + new string(']', 8))
        );
        Assert.Throws<ArgumentException>(() => Builder.Issuer(""));
        Assert.Throws<ArgumentOutOfRangeException>(() => Builder.ExpiresIn(TimeSpan.FromMilliseconds(999)));
        Assert.Throws<ArgumentException>(() =>
            Builder.NeverExpires().Claim("x", new string('x', 8192)).Build(_peer)
        );
        Assert.Throws<ArgumentNullException>(() => new JwtTicketBuilder(null!));
    }

    private static JsonDocument Parse(string part) =>
        JsonDocument.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(part));
}
