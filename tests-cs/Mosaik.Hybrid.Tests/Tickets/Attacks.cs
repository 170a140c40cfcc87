using System.Security.Cryptography;
using System.Text;
using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid.Tests.Tickets;

/// <summary>The attacks of <see cref="AttackSuite"/>, by what they tamper with.</summary>
internal static partial class Attacks
{
    private const string Es256Header = """{"alg":"ES256"}""";

    public static IEnumerable<Attack> All =>
        [
            .. OnTheAlgorithm,
            .. OnTheHeader,
            .. OnTheSignature,
            .. OnTheEncoding,
            .. OnTheJson,
            .. OnTheDates,
            .. OnTheClaims,
            .. OnTheRules,
        ];

    public static string RsaToken(
        Forge forge,
        string header = """{"alg":"RS256"}""",
        RSASignaturePadding? padding = null
    ) =>
        Forge.Token(
            Forge.Encode(header),
            Forge.Encode(forge.Claims()),
            input => forge.Rsa.SignData(input, HashAlgorithmName.SHA256, padding ?? RSASignaturePadding.Pkcs1)
        );

    /// <summary>An Ed25519 token whose signature was changed.</summary>
    public static EdwardsAttempt Edwards(Forge forge, Func<byte[], byte[]> change)
    {
        var key = EdDsa.GenerateSigningKey();
        var token = new JwtTicketBuilder(key)
            .Issuer(Forge.Issuer)
            .Audience(Forge.Audience)
            .ExpiresIn(TimeSpan.FromHours(1))
            .WithTimeProvider(forge.Clock)
            .BuildToken(forge.Peer);
        var dot = token.LastIndexOf('.');
        var signature = System.Buffers.Text.Base64Url.DecodeFromChars(token.AsSpan(dot + 1));
        var ticket = Forge.Ticket(token[..(dot + 1)] + Forge.Encode(change(signature)));
        return new EdwardsAttempt(forge.Strict(Jwt.WithKey(key.VerifyingKey)), ticket);
    }

    internal sealed record EdwardsAttempt(Jwt Validator, Ticket Ticket)
    {
        public TicketVerdict Validate(Forge forge) => Validator.Validate(Ticket, forge.Peer);
    }

    private static Attack Es(string name, TicketFault fault, Func<Forge, string> token) =>
        Of(name, fault, static forge => forge.Validator, token);

    private static Attack Hs(string name, TicketFault fault, Func<Forge, string> token) =>
        Of(name, fault, static forge => forge.HmacValidator, token);

    private static Attack Rs(string name, TicketFault fault, Func<Forge, string> token) =>
        Of(name, fault, static forge => forge.RsaValidator, token);

    private static Attack Of(
        string name,
        TicketFault fault,
        Func<Forge, ITicketValidator> validator,
        Func<Forge, string> token
    ) =>
        new(
            name,
            fault,
            forge => new Attempt(validator(forge), Forge.Ticket(token(forge)), EntryOf(forge.Peer))
        );

    private static Attack Ed(string name, TicketFault fault, Func<byte[], byte[]> change) =>
        new(
            name,
            fault,
            forge =>
            {
                var attempt = Edwards(forge, change);
                return new Attempt(attempt.Validator, attempt.Ticket, EntryOf(forge.Peer));
            }
        );

    private static PeerEntry EntryOf(PeerId peer) =>
        new(peer, NetworkId.FromBytes(new byte[32]), new PeerEntryVersion(1, 1), [], [], [], []);

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    private static IEnumerable<Attack> OnTheAlgorithm =>
        [
            .. new[] { "none", "None", "NONE", "nOnE" }.Select(name =>
                Es(
                    $"J1 alg {name} with a signature",
                    TicketFault.WrongAlgorithm,
                    forge => forge.Headed($$"""{"alg":"{{name}}"}""")
                )
            ),
            Es(
                "J1 alg none without a signature",
                TicketFault.NotAToken,
                static forge => $"{Forge.Encode("""{"alg":"none"}""")}.{Forge.Encode(forge.Claims())}."
            ),
            Es("J1 alg missing", TicketFault.WrongAlgorithm, static forge => forge.Headed("{}")),
            .. new[]
            {
                "1",
                "null",
                "[\"ES256\"]",
                "{}",
                "\"\"",
                "\"es256\"",
                "\"ES256 \"",
                "\"ES256\\u0000\"",
            }.Select(json =>
                Es(
                    $"J1 alg {json}",
                    TicketFault.WrongAlgorithm,
                    forge => forge.Headed($$"""{"alg":{{json}}}""")
                )
            ),
            Es(
                "J2 HS256 keyed with the public key in PEM",
                TicketFault.WrongAlgorithm,
                static forge => forge.Hmac(Utf8(forge.Elliptic.ExportSubjectPublicKeyInfoPem()))
            ),
            Es(
                "J2 HS256 keyed with the public key in DER",
                TicketFault.WrongAlgorithm,
                static forge => forge.Hmac(forge.Elliptic.ExportSubjectPublicKeyInfo())
            ),
            Es(
                "J2 HS256 keyed with the public point",
                TicketFault.WrongAlgorithm,
                static forge => forge.Hmac([4, .. RawPoint(forge)])
            ),
            Es(
                "J2 HS256 keyed with x and y",
                TicketFault.WrongAlgorithm,
                static forge => forge.Hmac(RawPoint(forge))
            ),
            Es(
                "J2 HS256 keyed with the public JWK",
                TicketFault.WrongAlgorithm,
                static forge => forge.Hmac(Utf8(Jwk(forge)))
            ),
            Rs(
                "J2 HS256 keyed with the RSA key in PEM",
                TicketFault.WrongAlgorithm,
                static forge => forge.Hmac(Utf8(forge.Rsa.ExportSubjectPublicKeyInfoPem()))
            ),
            Es(
                "J2 HMAC under the header ES256",
                TicketFault.BadSignature,
                static forge => forge.Hmac(forge.Elliptic.ExportSubjectPublicKeyInfo(), Es256Header)
            ),
            Es("J2 RS256 to an ES256 key", TicketFault.WrongAlgorithm, static forge => RsaToken(forge)),
            Es(
                "J2 ES256K to an ES256 key",
                TicketFault.WrongAlgorithm,
                static forge => forge.Headed("""{"alg":"ES256K"}""")
            ),
            Es(
                "J2 ES384 to an ES256 key",
                TicketFault.WrongAlgorithm,
                static forge => forge.Headed("""{"alg":"ES384"}""")
            ),
            Es(
                "J2 EdDSA to an ES256 key",
                TicketFault.WrongAlgorithm,
                static forge => forge.Headed("""{"alg":"EdDSA"}""")
            ),
            Hs(
                "J2 HS512 to an HS256 key",
                TicketFault.WrongAlgorithm,
                static forge => forge.Hmac(forge.Secret, """{"alg":"HS512"}""")
            ),
            Hs(
                "J2 ES256 to an HS256 key",
                TicketFault.WrongAlgorithm,
                static forge => forge.Signed(forge.Claims())
            ),
            Rs(
                "J2 PS256 to an RS256 key",
                TicketFault.WrongAlgorithm,
                static forge => RsaToken(forge, """{"alg":"PS256"}""", RSASignaturePadding.Pss)
            ),
            Rs(
                "J2 PSS padding under the header RS256",
                TicketFault.BadSignature,
                static forge => RsaToken(forge, padding: RSASignaturePadding.Pss)
            ),
            Hs(
                "HS256 with another secret",
                TicketFault.BadSignature,
                static forge => forge.Hmac(new byte[32])
            ),
            Hs("HS256 with an empty secret", TicketFault.BadSignature, static forge => forge.Hmac([])),
        ];

    private static IEnumerable<Attack> OnTheHeader =>
        [
            .. Kids(
                    "../../dev/null",
                    "/etc/passwd",
                    "' OR 1=1 --",
                    "http://evil.example/key",
                    "2",
                    "current\\u0000"
                )
                .Select(kid =>
                    Of(
                        $"J7 kid {kid}",
                        TicketFault.UnknownKey,
                        static forge => forge.Strict(Jwt.WithKey(Named(forge, "current"))),
                        forge => forge.Headed($$"""{"alg":"ES256","kid":"{{kid}}"}""")
                    )
                ),
            Of(
                "J7 kid of another configured key",
                TicketFault.BadSignature,
                static forge =>
                    forge.Strict(
                        Jwt.WithKey(Named(forge, "old")).AddKey(Es256.GenerateSigningKey("new").VerifyingKey)
                    ),
                static forge => forge.Headed("""{"alg":"ES256","kid":"new"}""")
            ),
            Es(
                "J7 kid of 129 characters",
                TicketFault.BadHeader,
                static forge => forge.Headed($$"""{"alg":"ES256","kid":"{{new string('k', 129)}}"}""")
            ),
            Es(
                "J7 kid of 4 KiB",
                TicketFault.TooLarge,
                static forge => forge.Headed($$"""{"alg":"ES256","kid":"{{new string('k', 4096)}}"}""")
            ),
            .. new[] { "1", "null", "\"\"", "[]" }.Select(json =>
                Es(
                    $"J7 kid {json}",
                    TicketFault.BadHeader,
                    forge => forge.Headed($$"""{"alg":"ES256","kid":{{json}}}""")
                )
            ),
            .. new[]
            {
                ("J8 jwk with the attacker's key", "\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"}"),
                ("J8 jku", "\"jku\":\"https://evil.example/keys\""),
                ("J8 x5u", "\"x5u\":\"https://evil.example/cert\""),
                ("J8 x5c", "\"x5c\":[\"MIIB\"]"),
                ("J9 crit unknown", "\"crit\":[\"frob\"],\"frob\":1"),
                ("J9 crit empty", "\"crit\":[]"),
                ("J9 crit exp", "\"crit\":[\"exp\"],\"exp\":1"),
                ("J9 b64 false and critical", "\"b64\":false,\"crit\":[\"b64\"]"),
                ("J9 b64 false alone", "\"b64\":false"),
                ("J14 enc: encryption where a signature is due", "\"enc\":\"A128GCM\""),
                ("J14 zip: compressed claims", "\"zip\":\"DEF\""),
                ("J14 cty: a token in a token", "\"cty\":\"JWT\""),
                ("J14 typ of another kind", "\"typ\":\"dpop+jwt\""),
                ("J14 typ no text", "\"typ\":1"),
            }.Select(pair =>
                Es(
                    pair.Item1,
                    TicketFault.BadHeader,
                    forge => forge.Headed($$"""{"alg":"ES256",{{pair.Item2}}}""")
                )
            ),
            Es(
                "J12 alg twice",
                TicketFault.BadJson,
                static forge => forge.Headed("""{"alg":"ES256","alg":"none"}""")
            ),
            Es(
                "J12 alg twice, once escaped",
                TicketFault.BadJson,
                static forge => forge.Headed("""{"alg":"ES256","\u0061lg":"none"}""")
            ),
            Es(
                "J10 a header of 2 KiB",
                TicketFault.TooLarge,
                static forge => forge.Headed($$"""{"alg":"ES256","x":"{{new string('x', 2048)}}"}""")
            ),
        ];

    private static string[] Kids(params string[] kids) => kids;

    private static JwtKey Named(Forge forge, string keyId) =>
        Es256.Pem(forge.Elliptic.ExportSubjectPublicKeyInfoPem(), keyId);

    private static byte[] RawPoint(Forge forge)
    {
        var point = forge.Elliptic.ExportParameters(false).Q;
        return [.. point.X!, .. point.Y!];
    }

    private static string Jwk(Forge forge)
    {
        var point = forge.Elliptic.ExportParameters(false).Q;
        return $$"""{"kty":"EC","crv":"P-256","x":"{{Forge.Encode(point.X!)}}","y":"{{Forge.Encode(point.Y!)}}"}""";
    }
}
