using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using Mosaik.Hybrid.Tickets;
using Xunit;

namespace Mosaik.Hybrid.Tests.Tickets;

/// <summary>Keys are read in every form, and refused when they are made if they are weak, malformed or another's (J21).</summary>
public sealed class JwtKeyTests
{
    public static TheoryData<string> Curves() => ["ES256", "ES384", "ES512", "ES256K"];

    [Theory]
    [MemberData(nameof(Curves))]
    public void APoint_IsTheSameKeyInEveryForm(string algorithm)
    {
        var curve = EllipticCurve.All.Single(curve => curve.Algorithm == algorithm);
        // Both signs of y, and coordinates with leading zeros, come up among so many.
        for (var count = 0; count < 20; count++)
        {
            using var key = ECDsa.Create(curve.Named);
            var point = key.ExportParameters(false).Q;
            var compressed = Convert.ToHexStringLower(EllipticCurve.Compressed(point));
            var uncompressed = Convert.ToHexStringLower(EllipticCurve.Uncompressed(point));
            var jwk =
                $$"""{"kty":"EC","crv":"{{curve.JwkName}}","x":"{{Forge.Encode(point.X!)}}","y":"{{Forge.Encode(point.Y!)}}"}""";
            JwtKey[] forms =
            [
                Hex(algorithm, compressed),
                Hex(algorithm, uncompressed.ToUpperInvariant()),
                Pem(algorithm, key.ExportSubjectPublicKeyInfoPem()),
                Jwk(algorithm, jwk),
            ];
            Assert.All(forms, form => Assert.Equal(algorithm, form.Algorithm));
            Assert.Single(forms.Select(static form => Convert.ToHexString(form.Fingerprint.Span)).Distinct());
        }
    }

    [Theory]
    [MemberData(nameof(Curves))]
    public void APointOffTheCurve_IsRefused(string algorithm)
    {
        var curve = EllipticCurve.All.Single(curve => curve.Algorithm == algorithm);
        using var key = ECDsa.Create(curve.Named);
        var point = key.ExportParameters(false).Q;
        byte[] off = [4, .. point.X!, .. point.Y!];
        off[^1] ^= 1;
        Refuses(() => Hex(algorithm, Convert.ToHexString(off)));
        Refuses(() => Hex(algorithm, Convert.ToHexString([4, .. new byte[2 * curve.FieldLength]])));
        Refuses(() =>
            Hex(algorithm, Convert.ToHexString([2, .. Enumerable.Repeat((byte)0xff, curve.FieldLength)]))
        );
        Refuses(() => Hex(algorithm, "00"));
        Refuses(() => Hex(algorithm, ""));
        Refuses(() => Hex(algorithm, "0"));
        Refuses(() => Hex(algorithm, "xyz0"));
        Refuses(() => Hex(algorithm, Convert.ToHexString([5, .. point.X!])));
        Refuses(() => Hex(algorithm, Convert.ToHexString([6, .. point.X!, .. point.Y!])));
        Refuses(() => Hex(algorithm, Convert.ToHexString([.. EllipticCurve.Compressed(point), 0])));
        // About half of all x have no point.
        Assert.Contains(
            Enumerable.Range(0, 64),
            x => !IsPoint(algorithm, [2, .. new byte[curve.FieldLength - 1], (byte)x])
        );
    }

    [Fact]
    public void AKeyOfAnotherCurve_IsRefused()
    {
        using var bitcoin = ECDsa.Create(ECCurve.CreateFromValue("1.3.132.0.10"));
        using var large = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        Refuses(() => Es256.Pem(bitcoin.ExportSubjectPublicKeyInfoPem()));
        Refuses(() => Es256k.Pem(large.ExportSubjectPublicKeyInfoPem()));
        Refuses(() => Es256.Pem(new Forge().Rsa.ExportSubjectPublicKeyInfoPem()));
        Refuses(() => Es256.Pem(EdDsa.GenerateSigningKey().VerifyingKey.ExportPem()));
        Refuses(() => EdDsa.Pem(new Forge().EllipticKey.ExportPem()));
        Refuses(() => Rs256.Pem(new Forge().EllipticKey.ExportPem()));
        Refuses(() => Es384.Jwk("""{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"""));
    }

    [Fact]
    public void ACurveThatBringsItsOwnParameters_IsRefused()
    {
        var parameters = ECCurve.NamedCurves.nistP256;
        using var named = ECDsa.Create(parameters);
        var explicitly = named.ExportExplicitParameters(false);
        // The generator of the attacker's choice makes any public key his (CVE-2020-0601).
        explicitly.Curve.G = explicitly.Q;
        using var own = ECDsa.Create();
        try
        {
            own.ImportParameters(explicitly);
        }
        catch (CryptographicException)
        {
            // The platform refuses it already.
            return;
        }

        Refuses(() => Es256.Pem(own.ExportSubjectPublicKeyInfoPem()));
    }

    [Fact]
    public void APrivateKey_IsRefusedWhereThePublicOneIsDue()
    {
        var key = Es256.GenerateSigningKey();
        var pem = Refuses(() => Es256.Pem(key.ExportPem()));
        Assert.Contains("private", pem.Message, StringComparison.Ordinal);
        Refuses(() => EdDsa.Pem(EdDsa.GenerateSigningKey().ExportPem()));
        Refuses(() => Rs256.Pem(new Forge().Rsa.ExportPkcs8PrivateKeyPem()));
        var jwk = Refuses(() => Es256.Jwk("""{"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"c2VjcmV0"}"""));
        Assert.DoesNotContain("c2VjcmV0", jwk.ToString(), StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => JwtSigningKey.FromPem(key.VerifyingKey.ExportPem()));
    }

    [Theory]
    [InlineData("\"use\":\"enc\"")]
    [InlineData("\"key_ops\":[\"encrypt\"]")]
    [InlineData("\"key_ops\":[\"sign\"]")]
    [InlineData("\"alg\":\"ES384\"")]
    [InlineData("\"alg\":\"none\"")]
    [InlineData("\"crv\":\"P-256\"")]
    [InlineData("\"x\":\"AAAA\"")]
    public void AJwkThatIsForSomethingElse_IsRefused(string member) =>
        Refuses(() => Es256.Jwk(WithMember(member)));

    [Fact]
    public void AJwkThatIsForSignatures_BringsItsId()
    {
        Assert.Equal("2026", Es256.Jwk(WithMember("\"use\":\"sig\",\"kid\":\"2026\"")).KeyId);
        Assert.Equal("ES256", Es256.Jwk(WithMember("\"key_ops\":[\"verify\"],\"alg\":\"ES256\"")).Algorithm);
        Refuses(() => Es256.Jwk(WithMember($"\"kid\":\"{new string('k', 129)}\"")));
        Refuses(() => Es256.Jwk("not json"));
        Refuses(() => Es256.Jwk("[]"));
        Refuses(() => Es256.Jwk(new string(' ', 20_000)));
    }

    [Fact]
    public void ASecretThatIsTooShort_OrNone_IsRefused()
    {
        Refuses(() => new Hs256(RandomNumberGenerator.GetBytes(31)));
        Refuses(() => new Hs384(RandomNumberGenerator.GetBytes(47)));
        Refuses(() => new Hs512(RandomNumberGenerator.GetBytes(63)));
        Refuses(() => new Hs256(new byte[32]));
        Refuses(() => new Hs256(RandomNumberGenerator.GetBytes(1025)));
        Refuses(() => Hs256.Hex(new string('a', 63)));
        var hex = Refuses(() => Hs256.Hex("secret" + new string('0', 64)));
        Assert.DoesNotContain("secret0", hex.ToString(), StringComparison.Ordinal);
        Assert.Equal("HS256", Hs256.Hex(new string('a', 62) + "bb").Algorithm);
        Assert.NotNull(new Hs256(RandomNumberGenerator.GetBytes(1024)));
    }

    [Fact]
    public void APublicKey_IsNoSecret()
    {
        var forge = new Forge();
        Refuses(() => new Hs256(forge.Elliptic.ExportSubjectPublicKeyInfo()));
        Refuses(() => new Hs256(System.Text.Encoding.ASCII.GetBytes(forge.EllipticKey.ExportPem())));
    }

    [Fact]
    public void ASecret_SurvivesItsJwk()
    {
        var key = Hs384.Generate("quoted \"id\"");
        var same = Hs384.Jwk(key.ExportJwk());
        Assert.Equal(key.KeyId, same.KeyId);
        Assert.Equal(key.Fingerprint.ToArray(), same.Fingerprint.ToArray());
        Refuses(() => Hs256.Jwk(key.ExportJwk()));
        Refuses(() => Hs256.Jwk("""{"kty":"oct","k":"AAAA"}"""));
        Refuses(() => Hs256.Jwk("""{"kty":"oct"}"""));
    }

    [Fact]
    public void NothingSecret_IsEverShown()
    {
        var secret = RandomNumberGenerator.GetBytes(32);
        var key = new Hs256(secret, "id");
        Assert.Equal("HS256 id", key.ToString());
        Assert.Equal("HS256 id", key.SigningKey.ToString());
        Assert.Equal("ES256", Es256.GenerateSigningKey().ToString());
        var jwt = Jwt.WithKey(key).AllowIssuer("me");
        Assert.DoesNotContain(
            Convert.ToHexString(secret),
            Convert.ToHexString(jwt.Signature.Span),
            StringComparison.Ordinal
        );
        Assert.Equal("Jwt of HS256 id; issuers: me; audiences: ", jwt.ToString());
    }

    [Theory]
    [InlineData(1024, "bits")]
    [InlineData(2047, "bits")]
    public void AShortRsaKey_IsRefused(int bits, string why)
    {
        var modulus = BigInteger.Pow(2, bits - 1) + Power(1);
        Assert.Contains(why, Weakness(modulus, 65537), StringComparison.Ordinal);
    }

    [Fact]
    public void RsaWithAWeakExponentOrModulus_IsRefused()
    {
        var good = new BigInteger(new Forge().Rsa.ExportParameters(false).Modulus, true, true);
        Assert.Null(Weakness(good, 65537));
        Assert.Contains("exponent", Weakness(good, 1), StringComparison.Ordinal);
        Assert.Contains("exponent", Weakness(good, 3), StringComparison.Ordinal);
        Assert.Contains("exponent", Weakness(good, 65538), StringComparison.Ordinal);
        Assert.Contains("exponent", Weakness(good, BigInteger.Pow(2, 40) + 1), StringComparison.Ordinal);
        Assert.Contains("factor", Weakness(good + 1, 65537), StringComparison.Ordinal);
        Assert.Contains("factor", Weakness(BigInteger.Pow(3, 1300), 65537), StringComparison.Ordinal);
        Refuses(() => Rs256.Jwk(RsaJwk(BigInteger.Pow(2, 1023) + 1, 65537)));
        Refuses(() => Ps256.Jwk(RsaJwk(good, 1)));
        Assert.Equal("PS256", Ps256.Jwk(RsaJwk(good, 65537)).Algorithm);
    }

    [Fact]
    public void RsaOfTheFaultyGenerator_IsRefused()
    {
        // Its primes, and so its moduli, are powers of 65537 modulo the product of the first primes.
        BigInteger product = 1;
        foreach (var prime in Enumerable.Range(2, 352).Where(IsPrime))
        {
            product *= prime;
        }

        var residue = BigInteger.ModPow(65537, 12_345, product);
        var modulus = (BigInteger.Pow(2, 2047) / product + 1) * product + residue;
        Assert.Contains(
            "ROCA",
            Weakness(modulus.IsEven ? modulus + product : modulus, 65537),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Ed25519_FollowsItsVector()
    {
        // RFC 8037 appendix A: key, token and signature.
        const string Seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        const string Public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        const string Token =
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
            + "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        var pair = Ed25519.Instance.CreatePair(Convert.FromHexString(Seed));
        Assert.Equal(Public, Convert.ToHexStringLower(pair.PublicKey));
        var dot = Token.LastIndexOf('.');
        var input = System.Text.Encoding.ASCII.GetBytes(Token[..dot]);
        var signature = pair.Sign(input);
        Assert.Equal(Token[(dot + 1)..], Forge.Encode(signature));
        Assert.True(Ed25519.Instance.CreateVerifier(pair.PublicKey)(input, signature));
        Assert.Equal("EdDSA", EdDsa.Hex(Public).Algorithm);
        var jwk = $$"""{"kty":"OKP","crv":"Ed25519","x":"{{Forge.Encode(pair.PublicKey)}}"}""";
        Assert.Equal(EdDsa.Hex(Public).Fingerprint.ToArray(), EdDsa.Jwk(jwk).Fingerprint.ToArray());
    }

    [Theory]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000080")]
    [InlineData("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")]
    [InlineData("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85")]
    [InlineData("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")]
    [InlineData("0200000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f70751")]
    [InlineData("zz")]
    public void AnEdwardsPointThatAnybodyCanSignFor_OrNone_IsRefused(string hex) =>
        Refuses(() => EdDsa.Hex(hex));

    [Fact]
    public void EveryHonestEdwardsKey_IsTaken()
    {
        for (var count = 0; count < 100; count++)
        {
            Assert.NotNull(EdDsa.GenerateSigningKey());
        }
    }

    [Fact]
    public void PrivateKeys_SurviveTheirPem()
    {
        foreach (var name in new[] { "ES256", "ES384", "ES512", "ES256K", "EdDSA", "RS256", "PS256" })
        {
            var key = SigningKeys.All[name]();
            var same = JwtSigningKey.FromPem(key.ExportPem(), name, "id");
            Assert.Equal((name, "id"), (same.Algorithm, same.KeyId));
            Assert.Equal(key.VerifyingKey.ExportPem(), same.VerifyingKey.ExportPem());
        }

        Assert.Equal("RS256", JwtSigningKey.FromPem(new Forge().Rsa.ExportRSAPrivateKeyPem()).Algorithm);
        Assert.Equal("ES256", JwtSigningKey.FromPem(new Forge().Elliptic.ExportECPrivateKeyPem()).Algorithm);
    }

    [Fact]
    public void APemOfAnotherAlgorithm_OrNone_IsRefused()
    {
        var elliptic = Es256.GenerateSigningKey().ExportPem();
        Assert.Throws<ArgumentException>(() => JwtSigningKey.FromPem(elliptic, "ES384"));
        Assert.Throws<ArgumentException>(() =>
            JwtSigningKey.FromPem(new Forge().Rsa.ExportPkcs8PrivateKeyPem(), "HS256")
        );
        Assert.Throws<ArgumentException>(() => JwtSigningKey.FromPem("nothing"));
        Assert.Throws<ArgumentException>(() => JwtSigningKey.FromPem(elliptic + elliptic));
        Assert.Throws<ArgumentException>(() =>
            JwtSigningKey.FromPem(elliptic.Replace("MI", "AA", StringComparison.Ordinal))
        );
        Assert.Throws<NotSupportedException>(() => Hs256.Generate().ExportPem());
        Assert.Throws<NotSupportedException>(() => Hs256.Generate().SigningKey.ExportPem());
    }

    [Theory]
    [InlineData("none")]
    [InlineData("NONE")]
    [InlineData("hs256")]
    [InlineData("EdDSA")]
    [InlineData(" ")]
    [InlineData("ä")]
    public void AnAlgorithmOfOnesOwn_TakesNoNameThatMeansSomething(string name) =>
        Assert.Throws<ArgumentException>(() => JwtKey.Custom(name, [1], static (_, _) => true));

    [Fact]
    public void SmallOrderPoints_AreNegativesOfEachOther()
    {
        // What the two constants of order 8 must fulfil: y and -y.
        var p = BigInteger.Pow(2, 255) - 19;
        var one = Number("7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7");
        var other = Number("05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826");
        Assert.Equal(p, one + other);
    }

    private static BigInteger Number(string hex) =>
        BigInteger.Parse("0" + hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private static BigInteger Power(int exponent) => BigInteger.Pow(65537, exponent);

    private static bool IsPrime(int number) =>
        Enumerable.Range(2, Math.Max(0, (int)Math.Sqrt(number) - 1)).All(divisor => number % divisor != 0);

    private static string Weakness(BigInteger modulus, BigInteger exponent) =>
        RsaWeakness.Of(modulus.ToByteArray(true, true), exponent.ToByteArray(true, true))!;

    private static string RsaJwk(BigInteger modulus, BigInteger exponent) =>
        $$"""{"kty":"RSA","n":"{{Forge.Encode(modulus.ToByteArray(true, true))}}","e":"{{Forge.Encode(exponent.ToByteArray(true, true))}}"}""";

    private static string WithMember(string member)
    {
        var point = new Forge().Elliptic.ExportParameters(false).Q;
        return $$"""{"kty":"EC","crv":"P-256","x":"{{Forge.Encode(point.X!)}}","y":"{{Forge.Encode(point.Y!)}}",{{member}}}""";
    }

    private static bool IsPoint(string algorithm, byte[] bytes)
    {
        try
        {
            return Hex(algorithm, Convert.ToHexString(bytes)) is not null;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static ArgumentException Refuses(Func<JwtKey> make) =>
        Assert.ThrowsAny<ArgumentException>(() => make());

    private static JwtKey Hex(string algorithm, string hex) =>
        algorithm switch
        {
            "ES256" => Es256.Hex(hex),
            "ES384" => Es384.Hex(hex),
            "ES512" => Es512.Hex(hex),
            _ => Es256k.Hex(hex),
        };

    private static JwtKey Pem(string algorithm, string pem) =>
        algorithm switch
        {
            "ES256" => Es256.Pem(pem),
            "ES384" => Es384.Pem(pem),
            "ES512" => Es512.Pem(pem),
            _ => Es256k.Pem(pem),
        };

    private static JwtKey Jwk(string algorithm, string json) =>
        algorithm switch
        {
            "ES256" => Es256.Jwk(json),
            "ES384" => Es384.Jwk(json),
            "ES512" => Es512.Jwk(json),
            _ => Es256k.Jwk(json),
        };
}
