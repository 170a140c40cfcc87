using System.Text;
using Mosaik.Hybrid.Tests.Support;
using Mosaik.Hybrid.Tickets;
using Xunit;

namespace Mosaik.Hybrid.Tests.Tickets;

/// <summary>What the validator of signed tokens takes, and until when.</summary>
public sealed class JwtTests
{
    private readonly Forge _forge = new();

    public static TheoryData<string> Algorithms() => [.. SigningKeys.All.Keys];

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void EveryAlgorithm_SignsAndVerifies_AndNoOtherKeyDoes(string algorithm)
    {
        var key = SigningKeys.All[algorithm]();
        Assert.Equal(algorithm, key.Algorithm);
        var ticket = Builder(key).Build(_forge.Peer);

        var verdict = Validator(key.VerifyingKey).Validate(ticket, _forge.Peer);
        Assert.True(verdict.IsValid, verdict.Error?.Detail);
        Assert.Equal(Expiration.At(_forge.Clock.GetUtcNow().AddHours(1)), verdict.Expiration);

        foreach (
            var other in SigningKeys.All.Where(other =>
                other.Key != algorithm || algorithm is not ("RS256" or "PS256")
            )
        )
        {
            Assert.False(Validator(other.Value().VerifyingKey).Validate(ticket, _forge.Peer).IsValid);
        }
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void AKey_IsUsedByManyThreadsAtOnce(string algorithm)
    {
        var key = SigningKeys.All[algorithm]();
        var validator = Validator(key.VerifyingKey);
        var builder = Builder(key);
        var good = builder.Build(_forge.Peer);
        var wrong = 0;
        Parallel.For(
            0,
            64,
            number =>
            {
                var own = number % 8 == 0 ? builder.Build(_forge.Peer) : good;
                if (
                    !validator.Validate(own, _forge.Peer).IsValid
                    || validator.Validate(own, _forge.Other).IsValid
                )
                {
                    Interlocked.Increment(ref wrong);
                }
            }
        );
        Assert.Equal(0, wrong);
    }

    [Fact]
    public void ATicketIsGoodUntilTheSecondThatItNames()
    {
        var ticket = Forge.Ticket(_forge.Signed(_forge.Claims()));
        _forge.Clock.Advance(TimeSpan.FromSeconds(3599.999));
        Assert.True(_forge.Validator.Validate(ticket, _forge.Peer).IsValid);
        _forge.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(TicketFault.Expired, _forge.Validator.Validate(ticket, _forge.Peer).Error?.Fault);
    }

    [Fact]
    public void OneOfTheIssuersAndOneOfTheAudiences_AreEnough()
    {
        var validator = _forge.Validator.AllowIssuer("second").AllowAudience("stock");
        foreach (var issuer in new[] { Forge.Issuer, "second" })
        {
            Assert.True(Takes(validator, _forge.With("iss", $"\"{issuer}\"")));
        }

        foreach (
            var audience in new[] { "\"orders\"", "\"stock\"", "[\"billing\",\"stock\"]", "[\"orders\"]" }
        )
        {
            Assert.True(Takes(validator, _forge.With("aud", audience)), audience);
        }

        Assert.False(Takes(validator, _forge.With("iss", "\"third\"")));
        Assert.False(Takes(validator, _forge.With("aud", "\"billing\"")));
    }

    [Fact]
    public void IssuerAndAudience_AreNotLookedAtUnlessNamed()
    {
        var validator = Jwt.WithKey(_forge.EllipticKey).WithTimeProvider(_forge.Clock);
        Assert.True(Takes(validator, _forge.With("iss", null)));
        Assert.True(Takes(validator, _forge.With("aud", "\"anything\"")));
    }

    [Fact]
    public void ARequiredSubject_TakesThePlaceOfThePeer()
    {
        var validator = _forge.Validator.RequireSubject("service");
        var ticket = Forge.Ticket(_forge.With("sub", "\"service\""));
        Assert.True(validator.Validate(ticket, _forge.Peer).IsValid);
        Assert.True(validator.Validate(ticket, _forge.Other).IsValid);
    }

    [Theory]
    [InlineData("\"admin\"", "\"admin\"")]
    [InlineData("true", "true")]
    [InlineData("7", "7")]
    [InlineData("[1,\"a\"]", "[ 1, \"a\" ]")]
    [InlineData("{\"a\":1,\"b\":null}", "{\"b\":null,\"a\":1}")]
    public void RequiredClaims_AreComparedAsValues(string required, string claimed)
    {
        var validator = _forge.Validator.RequireClaimJson("x", required);
        Assert.True(Takes(validator, _forge.With("x", claimed)));
    }

    [Fact]
    public void TicketsWithoutEnd_AreTakenOnlyWhenAllowed()
    {
        var token = Forge.Ticket(_forge.With("exp", null));
        var verdict = _forge.Validator.AllowNonExpiring().Validate(token, _forge.Peer);
        Assert.True(verdict.IsValid);
        Assert.Equal(Expiration.Never, verdict.Expiration);
    }

    [Fact]
    public void MaxAge_EndsAVerdictEarlierThanTheTicket()
    {
        var validator = _forge.Validator.MaxAge(TimeSpan.FromMinutes(10));
        var verdict = validator.Validate(Forge.Ticket(_forge.Signed(_forge.Claims())), _forge.Peer);
        Assert.Equal(Expiration.At(_forge.Clock.GetUtcNow().AddMinutes(10)), verdict.Expiration);
    }

    [Fact]
    public void MaxLifetime_CountsFromTheIssue_OrFromNow()
    {
        var validator = _forge.Validator.MaxLifetime(TimeSpan.FromHours(1));
        Assert.True(Takes(validator, _forge.Signed(_forge.Claims())));
        Assert.True(Takes(validator, _forge.With("iat", null)));
        Assert.False(Takes(validator, _forge.With("exp", $"{_forge.Now + 3601}")));
    }

    [Fact]
    public void Skew_WidensEveryLimitInTime_AndTheVerdict()
    {
        var validator = _forge.Validator.ClockSkew(TimeSpan.FromSeconds(5));
        Assert.True(Takes(validator, _forge.With("nbf", $"{_forge.Now + 5}")));
        Assert.False(Takes(validator, _forge.With("nbf", $"{_forge.Now + 6}")));
        Assert.True(Takes(validator, _forge.With("iat", $"{_forge.Now + 5}")));
        Assert.False(Takes(validator, _forge.With("iat", $"{_forge.Now + 6}")));
        var late = Forge.Ticket(_forge.With("exp", $"{_forge.Now - 4}"));
        Assert.Equal(
            Expiration.At(_forge.Clock.GetUtcNow().AddSeconds(1)),
            validator.Validate(late, _forge.Peer).Expiration
        );
    }

    [Fact]
    public void TheLastSecondOfTheCalendar_WithSkew_IsNoOverflow()
    {
        var validator = _forge.Validator.ClockSkew(TimeSpan.FromMinutes(10));
        Assert.True(Takes(validator, _forge.With("exp", "253402300799")));
    }

    [Fact]
    public void AmongSeveralKeys_TheIdChooses_AndWithoutOneAllAreTried()
    {
        var old = Es256.GenerateSigningKey("old");
        var fresh = Es256.GenerateSigningKey("new");
        var nameless = Es256.GenerateSigningKey();
        var validator = Jwt.WithKey(old.VerifyingKey)
            .AddKey(fresh.VerifyingKey)
            .AddKey(nameless.VerifyingKey)
            .WithTimeProvider(_forge.Clock);
        foreach (var key in new[] { old, fresh, nameless })
        {
            Assert.True(validator.Validate(Builder(key).Build(_forge.Peer), _forge.Peer).IsValid);
        }

        Assert.True(
            Jwt.WithKey(Es256.Pem(old.VerifyingKey.ExportPem()))
                .WithTimeProvider(_forge.Clock)
                .Validate(Builder(old).Build(_forge.Peer), _forge.Peer)
                .IsValid
        );
    }

    [Fact]
    public void KeysOfARing_ComeAndGo()
    {
        var old = Es256.GenerateSigningKey("old");
        var fresh = Es256.GenerateSigningKey("new");
        var ring = new JwtKeyRing("ring", old.VerifyingKey);
        var validator = Jwt.WithKeys(ring).WithTimeProvider(_forge.Clock);
        var (first, second) = (Builder(old).Build(_forge.Peer), Builder(fresh).Build(_forge.Peer));

        Assert.True(validator.Validate(first, _forge.Peer).IsValid);
        Assert.Equal(TicketFault.UnknownKey, validator.Validate(second, _forge.Peer).Error?.Fault);
        var revision = validator.Revision;

        ring.Add(fresh.VerifyingKey);
        Assert.True(validator.Validate(second, _forge.Peer).IsValid);
        Assert.NotEqual(revision, validator.Revision);

        revision = validator.Revision;
        Assert.True(ring.Remove("old"));
        Assert.Equal(TicketFault.UnknownKey, validator.Validate(first, _forge.Peer).Error?.Fault);
        Assert.NotEqual(revision, validator.Revision);

        revision = validator.Revision;
        Assert.False(ring.Remove("old"));
        ring.Add(Es256.Pem(fresh.VerifyingKey.ExportPem(), "new"));
        Assert.Equal(revision, validator.Revision);
        Assert.Single(ring.Keys);
    }

    [Fact]
    public void ARing_IsBounded()
    {
        var ring = new JwtKeyRing("ring");
        for (var count = 0; count < JwtKeyRing.KeysMax; count++)
        {
            ring.Add(Hs256.Generate());
        }

        Assert.Throws<InvalidOperationException>(() => ring.Add(Hs256.Generate()));
        Assert.Equal(JwtKeyRing.KeysMax, ring.Keys.Count);
    }

    [Fact]
    public void NoFlippedBit_AndNoCut_IsEverTaken()
    {
        var good = Encoding.ASCII.GetBytes(_forge.Hmac(_forge.Secret));
        var validator = _forge.HmacValidator;
        Assert.True(validator.Validate(new Ticket(Jwt.TicketClass, good), _forge.Peer).IsValid);
        for (var bit = 0; bit < good.Length * 8; bit++)
        {
            byte[] flipped = [.. good];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(
                validator.Validate(new Ticket(Jwt.TicketClass, flipped), _forge.Peer).IsValid,
                $"bit {bit}"
            );
        }

        for (var length = 0; length < good.Length; length++)
        {
            var cut = new Ticket(Jwt.TicketClass, good.AsSpan(0, length));
            Assert.False(validator.Validate(cut, _forge.Peer).IsValid, $"{length} bytes");
        }
    }

    [Fact]
    public void ATokenWhoseSignatureHasTwoForms_GainsNothingByTheSecond()
    {
        // ECDSA takes n - s for s by its standard, so the text of a token is no identity: same peer, same end.
        var parts = _forge.Signed(_forge.Claims()).Split('.');
        var second = Attacks.OtherForm(parts[2]);
        var other = Forge.Ticket($"{parts[0]}.{parts[1]}.{second}");
        var one = Forge.Ticket(string.Join('.', parts));

        Assert.NotEqual(one.Id, other.Id);
        Assert.Equal(
            _forge.Validator.Validate(one, _forge.Peer),
            _forge.Validator.Validate(other, _forge.Peer)
        );
        Assert.Equal(TicketFault.WrongSubject, _forge.Validator.Validate(other, _forge.Other).Error?.Fault);
    }

    [Fact]
    public void AClockThatGoesBack_IsBelieved()
    {
        // J17: the wall clock decides. The documents say so.
        var ticket = Forge.Ticket(_forge.Signed(_forge.Claims()));
        _forge.Clock.Advance(TimeSpan.FromHours(2));
        Assert.False(_forge.Validator.Validate(ticket, _forge.Peer).IsValid);
        _forge.Clock.Jump(TimeSpan.FromHours(-2));
        Assert.True(_forge.Validator.Validate(ticket, _forge.Peer).IsValid);
    }

    [Fact]
    public void MoreThan8KiB_AreNoTicket() =>
        Assert.Throws<ArgumentException>(() => Forge.Ticket(new string('A', Ticket.DataLengthMax + 1)));

    [Fact]
    public void Misuse_IsRefusedAtOnce()
    {
        var jwt = _forge.Validator;
        Assert.Throws<ArgumentException>(() => jwt.AllowIssuer(""));
        Assert.Throws<ArgumentException>(() => jwt.AllowAudience(new string('x', 1025)));
        Assert.Throws<ArgumentException>(() => jwt.RequireClaim("sub", "x"));
        Assert.Throws<ArgumentException>(() => jwt.RequireClaimJson("x", "{"));
        Assert.Throws<ArgumentException>(() => jwt.RequireClaimJson("x", "{\"a\":1,\"a\":2}"));
        Assert.Throws<ArgumentException>(() => jwt.RequireClaim("x", "1").RequireClaim("x", "2"));
        Assert.Throws<ArgumentOutOfRangeException>(() => jwt.MaxAge(TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => jwt.MaxLifetime(TimeSpan.FromTicks(-1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => jwt.ClockSkew(TimeSpan.FromMinutes(11)));
        Assert.Throws<ArgumentOutOfRangeException>(() => jwt.ClockSkew(TimeSpan.FromTicks(-1)));
        Assert.Throws<InvalidOperationException>(() =>
            Jwt.WithKeys(new JwtKeyRing("ring")).AddKey(_forge.EllipticKey)
        );
    }

    private bool Takes(Jwt validator, string token) =>
        validator.Validate(Forge.Ticket(token), _forge.Peer).IsValid;

    private Jwt Validator(JwtKey key) => _forge.Strict(Jwt.WithKey(key));

    private JwtTicketBuilder Builder(JwtSigningKey key) =>
        new JwtTicketBuilder(key)
            .Issuer(Forge.Issuer)
            .Audience(Forge.Audience)
            .ExpiresIn(TimeSpan.FromHours(1))
            .WithTimeProvider(_forge.Clock);
}
