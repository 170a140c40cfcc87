using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;

namespace Mosaik.Hybrid.Tickets;

/// <summary>Reads JSON Web Keys (RFC 7517), and only such as say that they are for what they are used for.</summary>
internal static class JwkReader
{
    private const int LengthMax = 16 * 1024;

    private static readonly JsonDocumentOptions s_strict = new()
    {
        AllowDuplicateProperties = false,
        MaxDepth = 4,
    };

    /// <summary>Reads a shared secret.</summary>
    public static (byte[] Secret, string? KeyId) ReadSecret(string json, string algorithm)
    {
        var key = Read(json, "oct", algorithm, isPublic: false);
        return (Decode(key.K, "k"), IdOf(key));
    }

    /// <summary>Reads a public key of the curve.</summary>
    public static JwtKey ReadElliptic(string json, EllipticCurve curve)
    {
        var key = Read(json, "EC", curve.Algorithm, isPublic: true);
        if (key.Crv != curve.JwkName)
        {
            throw new ArgumentException($"The key's curve is not {curve.JwkName}.", nameof(json));
        }

        var point = new ECPoint { X = Decode(key.X, "x"), Y = Decode(key.Y, "y") };
        return EllipticKey.Of(curve, point, IdOf(key));
    }

    /// <summary>Reads a public key of RSA.</summary>
    public static JwtKey ReadRsa(string json, string algorithm)
    {
        var key = Read(json, "RSA", algorithm, isPublic: true);
        var parameters = new RSAParameters { Modulus = Decode(key.N, "n"), Exponent = Decode(key.E, "e") };
        return RsaKey.Of(algorithm, parameters, IdOf(key));
    }

    /// <summary>Reads a public key of Ed25519.</summary>
    public static JwtKey ReadEdwards(string json)
    {
        var key = Read(json, "OKP", EdDsa.Name, isPublic: true);
        return key.Crv == "Ed25519"
            ? EdwardsKey.Of(Decode(key.X, "x"), IdOf(key))
            : throw new ArgumentException("The key's curve is not Ed25519.", nameof(json));
    }

    /// <summary>Reads a key of whichever kind.</summary>
    public static JwtKey ReadVerifying(string json, string? algorithm)
    {
        ArgumentNullException.ThrowIfNull(json);
        var key = Parse(json);
        var name =
            key.Kty == "OKP" ? EdDsa.Name
            : key.Kty == "EC" ? CurveNamed(key.Crv).Algorithm
            : algorithm ?? key.Alg;
        if (algorithm is not null && name != algorithm)
        {
            throw new ArgumentException($"This is a key of {name}.", nameof(algorithm));
        }

        return (key.Kty, name) switch
        {
            ("OKP", _) => ReadEdwards(json),
            ("EC", _) => ReadElliptic(json, CurveNamed(key.Crv)),
            ("RSA", "RS256") => Rs256.Jwk(json),
            ("RSA", "PS256") => Ps256.Jwk(json),
            ("oct", "HS256") => Hs256.Jwk(json),
            ("oct", "HS384") => Hs384.Jwk(json),
            ("oct", "HS512") => Hs512.Jwk(json),
            _ => throw new ArgumentException(
                "The key does not tell for which algorithm it is.",
                nameof(json)
            ),
        };
    }

    private static EllipticCurve CurveNamed(string? name) =>
        EllipticCurve.All.FirstOrDefault(curve => curve.JwkName == name)
        ?? throw new ArgumentException("The key's curve signs no tokens.");

    private static JsonWebKey Read(string json, string type, string algorithm, bool isPublic)
    {
        ArgumentNullException.ThrowIfNull(json);
        var key = Parse(json);
        if (key.Kty != type)
        {
            throw new ArgumentException($"The key's type (kty) is not {type}.", nameof(json));
        }

        if (isPublic && key.D is not null)
        {
            throw new ArgumentException(
                "This is a private key. Validators need only the public one; keep this where tickets are issued.",
                nameof(json)
            );
        }

        if (key.Alg is not null && key.Alg != algorithm)
        {
            throw new ArgumentException($"The key says that it is not for {algorithm} (alg).", nameof(json));
        }

        if (key.Use is not (null or "sig") || (key.KeyOps.Count > 0 && !key.KeyOps.Contains("verify")))
        {
            throw new ArgumentException(
                "The key says that it is not for signatures (use, key_ops).",
                nameof(json)
            );
        }

        return key;
    }

    private static JsonWebKey Parse(string json)
    {
        // Not from the inner exception: it may show a part of the key.
        try
        {
            if (Encoding.UTF8.GetByteCount(json) <= LengthMax)
            {
                using var strict = JsonDocument.Parse(json, s_strict);
                return JsonWebKey.Create(json);
            }
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException)
        {
            throw new ArgumentException("This is no JSON Web Key.", nameof(json));
        }

        throw new ArgumentException($"A JSON Web Key has at most {LengthMax} bytes.", nameof(json));
    }

    private static byte[] Decode(string? text, string name)
    {
        var bytes = new byte[text?.Length ?? 0];
        return
            text is { Length: > 0 }
            && Base64Url.TryDecodeFromChars(text, bytes, out var written)
            && Base64Url.EncodeToString(bytes.AsSpan(0, written)) == text
            ? bytes[..written]
            : throw new ArgumentException($"The key's {name} is missing, or no canonical base64url.");
    }

    private static string? IdOf(JsonWebKey key) => string.IsNullOrEmpty(key.Kid) ? null : key.Kid;
}
