using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid.Tests.Tickets;

// Signatures and encodings.
internal static partial class Attacks
{
    /// <summary>The order of P-256.</summary>
    private static readonly BigInteger s_order = BigInteger.Parse(
        "0ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        NumberStyles.AllowHexSpecifier,
        CultureInfo.InvariantCulture
    );

    /// <summary>The order of Ed25519's group.</summary>
    private static readonly BigInteger s_edwardsOrder =
        BigInteger.Pow(2, 252)
        + BigInteger.Parse("27742317777372353535851937790883648493", CultureInfo.InvariantCulture);

    /// <summary>The other signature that ECDSA takes for the same words: n - s for s.</summary>
    public static string OtherForm(string signature)
    {
        var bytes = System.Buffers.Text.Base64Url.DecodeFromChars(signature);
        return Forge.Encode([.. bytes[..32], .. Bytes(s_order - Number(bytes[32..]))]);
    }

    private static IEnumerable<Attack> OnTheSignature =>
        [
            Changed("J11 63 bytes", static signature => signature[..63]),
            Changed("J11 65 bytes", static signature => [.. signature, 0]),
            Changed("J11 one byte", static _ => [1]),
            Changed("J11 4 KiB", static _ => new byte[4096]),
            Changed("J11 half of it", static signature => signature[..32]),
            Changed("J11 twice", static signature => [.. signature, .. signature]),
            Changed("J11 r = 0", static signature => [.. new byte[32], .. signature[32..]]),
            Changed("J11 s = 0", static signature => [.. signature[..32], .. new byte[32]]),
            Changed("J11 r = s = 0 (psychic signature)", static _ => new byte[64]),
            Changed("J11 all ones", static _ => [.. Enumerable.Repeat((byte)0xff, 64)]),
            Changed("J11 r = n", static signature => [.. Bytes(s_order), .. signature[32..]]),
            Changed("J11 s = n", static signature => [.. signature[..32], .. Bytes(s_order)]),
            Changed("J11 r = s = n", static _ => [.. Bytes(s_order), .. Bytes(s_order)]),
            Changed("J11 r and s swapped", static signature => [.. signature[32..], .. signature[..32]]),
            Changed(
                "J11 s + n, cut to 32 bytes",
                static signature =>
                    [
                        .. signature[..32],
                        .. Bytes((Number(signature[32..]) + s_order) % (BigInteger.One << 256)),
                    ]
            ),
            Es(
                "J11 DER instead of raw",
                TicketFault.BadSignature,
                static forge =>
                    Forge.Token(
                        Forge.Encode(Es256Header),
                        Forge.Encode(forge.Claims()),
                        input =>
                            forge.Elliptic.SignData(
                                input,
                                HashAlgorithmName.SHA256,
                                DSASignatureFormat.Rfc3279DerSequence
                            )
                    )
            ),
            Es(
                "J11 n - s, by another peer",
                TicketFault.WrongSubject,
                static forge =>
                    Forge.Token(
                        Forge.Encode(Es256Header),
                        Forge.Encode(forge.Claims("sub", $"\"{forge.Other}\"")),
                        input =>
                        {
                            var signature = forge.Elliptic.SignData(input, HashAlgorithmName.SHA256);
                            return [.. signature[..32], .. Bytes(s_order - Number(signature[32..]))];
                        }
                    )
            ),
            Es(
                "the signature of another token",
                TicketFault.BadSignature,
                static forge =>
                {
                    var other = forge.With("jti", "\"other\"");
                    var mine = forge.Signed(forge.Claims());
                    return mine[..mine.LastIndexOf('.')] + other[other.LastIndexOf('.')..];
                }
            ),
            Es(
                "claims changed after signing",
                TicketFault.BadSignature,
                static forge =>
                {
                    var parts = forge.With("sub", $"\"{forge.Other}\"").Split('.');
                    return $"{parts[0]}.{Forge.Encode(forge.Claims())}.{parts[2]}";
                }
            ),
            Es(
                "header changed after signing",
                TicketFault.BadSignature,
                static forge =>
                {
                    var parts = forge.Signed(forge.Claims()).Split('.');
                    return $"{Forge.Encode("""{"alg":"ES256","typ":"jwt"}""")}.{parts[1]}.{parts[2]}";
                }
            ),
            Es(
                "signed by an unknown key",
                TicketFault.BadSignature,
                static forge =>
                {
                    using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
                    return Forge.Token(
                        Forge.Encode(Es256Header),
                        Forge.Encode(forge.Claims()),
                        input => own.SignData(input, HashAlgorithmName.SHA256)
                    );
                }
            ),
            Hs(
                "HMAC cut to 16 bytes",
                TicketFault.BadSignature,
                static forge => forge.Hmac(forge.Secret, change: static mac => mac[..16])
            ),
            Hs(
                "HMAC cut to one byte",
                TicketFault.BadSignature,
                static forge => forge.Hmac(forge.Secret, change: static mac => mac[..1])
            ),
            Hs(
                "HMAC with a byte more",
                TicketFault.BadSignature,
                static forge => forge.Hmac(forge.Secret, change: static mac => [.. mac, 0])
            ),
            Rs(
                "an RSA signature of zeros",
                TicketFault.BadSignature,
                static forge =>
                    Forge.Token(
                        Forge.Encode("""{"alg":"RS256"}"""),
                        Forge.Encode(forge.Claims()),
                        static _ => new byte[256]
                    )
            ),
            Rs(
                "signed by an unknown RSA key",
                TicketFault.BadSignature,
                static forge => forge.Reissued(SigningKeys.All["RS256"]())
            ),
            Rs(
                "an RSA signature that is too short",
                TicketFault.BadSignature,
                static forge =>
                    Forge.Token(
                        Forge.Encode("""{"alg":"RS256"}"""),
                        Forge.Encode(forge.Claims()),
                        static _ => [1]
                    )
            ),
            Ed("EdDSA: S + L, its second form", TicketFault.BadSignature, SecondForm),
            Ed("EdDSA: 63 bytes", TicketFault.BadSignature, static signature => signature[..63]),
            Ed("EdDSA: zeros", TicketFault.BadSignature, static _ => new byte[64]),
            Of(
                "a custom algorithm that throws",
                TicketFault.BadSignature,
                static forge =>
                    forge.Strict(
                        Jwt.WithKey(
                            JwtKey.Custom("X1", [1], static (_, _) => throw new InvalidOperationException())
                        )
                    ),
                static forge => forge.Headed("""{"alg":"X1"}""")
            ),
        ];

    private static IEnumerable<Attack> OnTheEncoding =>
        [
            Es("J13 padding", TicketFault.BadEncoding, static forge => Good(forge) + "=="),
            Es("J13 a line end", TicketFault.BadEncoding, static forge => Good(forge) + "\n"),
            Es("J13 white space before", TicketFault.BadEncoding, static forge => " " + Good(forge)),
            Es("J13 white space within", TicketFault.BadEncoding, static forge => Good(forge).Insert(5, " ")),
            Es("J13 NUL within", TicketFault.BadEncoding, static forge => Good(forge).Insert(5, "\0")),
            Es("J13 NUL at the end", TicketFault.BadEncoding, static forge => Good(forge) + "\0"),
            Es("J13 plus and slash", TicketFault.BadEncoding, static forge => Good(forge)[..^4] + "+/+/"),
            Es("J13 a length of 4n + 1", TicketFault.BadEncoding, static forge => Good(forge) + "AAA"),
            Es("J13 bits behind the last byte", TicketFault.BadEncoding, static forge => Loose(Good(forge))),
            Es(
                "J13 bits behind the last byte of the header",
                TicketFault.BadEncoding,
                static forge =>
                    Forge.Token(
                        Loose(Forge.Encode("""{"alg":"ES256" }""")),
                        Forge.Encode(forge.Claims()),
                        input => forge.Elliptic.SignData(input, HashAlgorithmName.SHA256)
                    )
            ),
            Es("J13 letters beyond ASCII", TicketFault.BadEncoding, static forge => Good(forge) + "äöüß"),
            Es(
                "J13 percent signs",
                TicketFault.BadEncoding,
                static forge => Good(forge).Replace("e", "%65", StringComparison.Ordinal)
            ),
            Es("J13 a byte order mark", TicketFault.BadEncoding, static forge => "\ufeff" + Good(forge)),
            Es("J14 Bearer before", TicketFault.BadEncoding, static forge => "Bearer " + Good(forge)),
            Es("J14 empty", TicketFault.NotAToken, static _ => ""),
            Es("J14 one part", TicketFault.NotAToken, static _ => "e30"),
            Es(
                "J14 two parts",
                TicketFault.NotAToken,
                static forge => Good(forge)[..Good(forge).LastIndexOf('.')]
            ),
            Es("J14 four parts", TicketFault.NotAToken, static forge => Good(forge) + ".AAAA"),
            Es(
                "J14 five parts: JWE",
                TicketFault.NotAToken,
                static _ => "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AAAA.AAAA.AAAA"
            ),
            Es("J14 8,192 dots", TicketFault.NotAToken, static _ => new string('.', 8192)),
            Es("J14 only dots", TicketFault.NotAToken, static _ => ".."),
            Es(
                "J14 empty claims",
                TicketFault.NotAToken,
                static forge =>
                    Forge.Token(
                        Forge.Encode(Es256Header),
                        "",
                        input => forge.Elliptic.SignData(input, HashAlgorithmName.SHA256)
                    )
            ),
            Es(
                "J14 JSON serialisation",
                TicketFault.NotAToken,
                static forge =>
                {
                    var parts = Good(forge).Split('.');
                    return $$"""{"protected":"{{parts[0]}}","payload":"{{parts[1]}}","signature":"{{parts[2]}}"}""";
                }
            ),
            Es("J10 8 KiB of A", TicketFault.NotAToken, static _ => new string('A', 8192)),
            Es(
                "J10 8 KiB in three parts",
                TicketFault.TooLarge,
                static _ => $"{new string('A', 8000)}.{new string('A', 92)}.{new string('A', 96)}"
            ),
            new Attack(
                "a good token of another class",
                TicketFault.WrongClass,
                static forge => new Attempt(
                    forge.Validator,
                    new Ticket("other", Utf8(Good(forge))),
                    EntryOf(forge.Peer)
                )
            ),
            new Attack(
                "bytes that are no UTF-8",
                TicketFault.BadEncoding,
                static forge => new Attempt(
                    forge.Validator,
                    new Ticket(Jwt.TicketClass, [0xff, 0xfe, (byte)'.', 0xc0, 0xaf, (byte)'.', 0x80, 0x80]),
                    EntryOf(forge.Peer)
                )
            ),
        ];

    private static Attack Changed(string name, Func<byte[], byte[]> change) =>
        Es(name, TicketFault.BadSignature, forge => forge.Resigned(change));

    private static string Good(Forge forge) => forge.Signed(forge.Claims());

    /// <summary>The same bytes in another text: a bit is set that decoding drops.</summary>
    private static string Loose(string token)
    {
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        return token[..^1] + Alphabet[Alphabet.IndexOf(token[^1], StringComparison.Ordinal) | 1];
    }

    private static byte[] SecondForm(byte[] signature)
    {
        var s = new BigInteger(signature.AsSpan(32), isUnsigned: true) + s_edwardsOrder;
        var digits = new byte[32];
        s.TryWriteBytes(digits, out _, isUnsigned: true);
        return [.. signature[..32], .. digits];
    }

    private static BigInteger Number(byte[] bytes) => new(bytes, isUnsigned: true, isBigEndian: true);

    private static byte[] Bytes(BigInteger number)
    {
        var digits = number.ToByteArray(isUnsigned: true, isBigEndian: true);
        return [.. new byte[32 - digits.Length], .. digits];
    }
}
