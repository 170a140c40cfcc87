using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Mosaik.Hybrid.Tests.Support;
using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid.Tests.Tickets;

/// <summary>Makes tokens byte by byte, as an attacker would: no library decides what goes into them.</summary>
/// <remarks>Keys are the same for all tests of a run: making them costs more than using them.</remarks>
internal sealed class Forge
{
    public const string Issuer = "issuer.example";
    public const string Audience = "orders";

    private static readonly ECDsa s_elliptic = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private static readonly RSA s_rsa = RSA.Create(2048);
    private static readonly byte[] s_secret = RandomNumberGenerator.GetBytes(32);

    public FakeTimeProvider Clock { get; } = new();

    public long Now => Clock.GetUtcNow().ToUnixTimeSeconds();

    /// <summary>The peer that presents the token.</summary>
    public PeerId Peer { get; } = PeerOf(1);

    /// <summary>Somebody else.</summary>
    public PeerId Other { get; } = PeerOf(2);

    public ECDsa Elliptic { get; } = s_elliptic;

    public RSA Rsa { get; } = s_rsa;

    public byte[] Secret { get; } = s_secret;

    public JwtKey EllipticKey { get; } = Es256.Pem(s_elliptic.ExportSubjectPublicKeyInfoPem());

    /// <summary>Takes ES256, from the issuer, for the audience, and nothing else.</summary>
    public Jwt Validator => Strict(Jwt.WithKey(EllipticKey));

    /// <summary>The same for HS256.</summary>
    public Jwt HmacValidator => Strict(Jwt.WithKey(new Hs256(Secret)));

    /// <summary>The same for RS256.</summary>
    public Jwt RsaValidator => Strict(Jwt.WithKey(Rs256.Pem(s_rsa.ExportSubjectPublicKeyInfoPem())));

    public Jwt Strict(Jwt jwt) => jwt.AllowIssuer(Issuer).AllowAudience(Audience).WithTimeProvider(Clock);

    /// <summary>Claims that every validator here finds good; one may be replaced, or left out with null.</summary>
    public string Claims(string? name = null, string? json = null, string more = "")
    {
        var claims = new Dictionary<string, string?>
        {
            ["iss"] = $"\"{Issuer}\"",
            ["sub"] = $"\"{Peer}\"",
            ["aud"] = $"\"{Audience}\"",
            ["exp"] = $"{Now + 3600}",
            ["iat"] = $"{Now}",
        };
        if (name is not null)
        {
            claims[name] = json;
        }

        var members = claims
            .Where(static claim => claim.Value is not null)
            .Select(static claim => $"\"{claim.Key}\":{claim.Value}");
        return "{" + string.Join(',', members) + more + "}";
    }

    /// <summary>A token with these claims, signed well.</summary>
    public string Signed(string claims, string header = """{"alg":"ES256","typ":"JWT"}""") =>
        Signed(Encoding.UTF8.GetBytes(claims), header);

    public string Signed(byte[] claims, string header = """{"alg":"ES256","typ":"JWT"}""") =>
        Token(Encode(header), Encode(claims), input => Elliptic.SignData(input, HashAlgorithmName.SHA256));

    /// <summary>Good but for one claim.</summary>
    public string With(string name, string? json) => Signed(Claims(name, json));

    /// <summary>Good but for the header.</summary>
    public string Headed(string header) => Signed(Claims(), header);

    /// <summary>Good but for the signature, which is made of the good one.</summary>
    public string Resigned(Func<byte[], byte[]> change) =>
        Token(
            Encode("""{"alg":"ES256"}"""),
            Encode(Claims()),
            input => change(Elliptic.SignData(input, HashAlgorithmName.SHA256))
        );

    /// <summary>HMAC with a key of the attacker's choice.</summary>
    public string Hmac(
        byte[] key,
        string header = """{"alg":"HS256"}""",
        Func<byte[], byte[]>? change = null
    ) =>
        Token(
            Encode(header),
            Encode(Claims()),
            input =>
                change is null ? HMACSHA256.HashData(key, input) : change(HMACSHA256.HashData(key, input))
        );

    /// <summary>What an issuer with this key would issue.</summary>
    public string Reissued(JwtSigningKey key) =>
        new JwtTicketBuilder(key)
            .Issuer(Issuer)
            .Audience(Audience)
            .ExpiresIn(TimeSpan.FromHours(1))
            .WithTimeProvider(Clock)
            .BuildToken(Peer);

    public static string Token(string header, string claims, Func<byte[], byte[]> sign)
    {
        var input = $"{header}.{claims}";
        return $"{input}.{Encode(sign(Encoding.ASCII.GetBytes(input)))}";
    }

    public static string Encode(string text) => Encode(Encoding.UTF8.GetBytes(text));

    public static string Encode(byte[] bytes) => Base64Url.EncodeToString(bytes);

    public static Ticket Ticket(string token) => new(Jwt.TicketClass, Encoding.UTF8.GetBytes(token));

    public static PeerId PeerOf(byte number) =>
        PeerId.FromBytes([.. Enumerable.Repeat((byte)0xab, 31), number]);
}
