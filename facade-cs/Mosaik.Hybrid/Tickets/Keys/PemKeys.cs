using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;

namespace Mosaik.Hybrid.Tickets;

/// <summary>Reads and writes keys in PEM (RFC 7468).</summary>
internal static class PemKeys
{
    private const string PublicLabel = "PUBLIC KEY";
    private const string PrivateLabel = "PRIVATE KEY";
    private const string RsaLabel = "RSA PUBLIC KEY";

    /// <summary>SubjectPublicKeyInfo of Ed25519 up to the 32 bytes of the key (RFC 8410 §4).</summary>
    private static ReadOnlySpan<byte> EdwardsPublicHead =>
        [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

    /// <summary>PKCS #8 of Ed25519 up to the 32 bytes of the seed (RFC 8410 §7).</summary>
    private static ReadOnlySpan<byte> EdwardsPrivateHead =>
        [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

    /// <summary>Reads a public key of the curve.</summary>
    public static JwtKey ReadElliptic(EllipticCurve curve, string pem, string? keyId)
    {
        var (_, der) = PublicBlock(pem, PublicLabel);
        using var key = ECDsa.Create();
        var parameters = Import(() =>
        {
            key.ImportSubjectPublicKeyInfo(der, out _);
            return key.ExportParameters(false);
        });
        return CurveOf(parameters) == curve
            ? EllipticKey.Of(curve, parameters.Q, keyId)
            : throw new ArgumentException($"This is no key of {curve.JwkName}.", nameof(pem));
    }

    /// <summary>Reads a public key of RSA.</summary>
    public static JwtKey ReadRsa(string algorithm, string pem, string? keyId)
    {
        var (label, der) = PublicBlock(pem, PublicLabel, RsaLabel);
        using var key = RSA.Create();
        var parameters = Import(() =>
        {
            if (label == PublicLabel)
            {
                key.ImportSubjectPublicKeyInfo(der, out _);
            }
            else
            {
                key.ImportRSAPublicKey(der, out _);
            }

            return key.ExportParameters(false);
        });
        return RsaKey.Of(algorithm, parameters, keyId);
    }

    /// <summary>Reads a public key of Ed25519.</summary>
    public static JwtKey ReadEdwards(string pem, string? keyId)
    {
        var (_, der) = PublicBlock(pem, PublicLabel);
        return der.AsSpan().StartsWith(EdwardsPublicHead)
            ? EdwardsKey.Of(der[EdwardsPublicHead.Length..], keyId)
            : throw new ArgumentException("This is no key of Ed25519.", nameof(pem));
    }

    /// <summary>Reads a public key of whichever kind.</summary>
    public static JwtKey ReadVerifying(string pem, string? algorithm, string? keyId)
    {
        var (label, der) = PublicBlock(pem, PublicLabel, RsaLabel);
        if (label == RsaLabel || IsRsa(der))
        {
            return ReadRsa(RsaName(algorithm), pem, keyId);
        }

        var key = der.AsSpan().StartsWith(EdwardsPublicHead)
            ? ReadEdwards(pem, keyId)
            : ReadElliptic(CurveIn(der), pem, keyId);
        return algorithm is null || algorithm == key.Algorithm
            ? key
            : throw new ArgumentException($"This is a key of {key.Algorithm}.", nameof(algorithm));
    }

    /// <summary>Reads a private key of whichever kind.</summary>
    public static JwtSigningKey ReadSigning(string pem, string? algorithm, string? keyId)
    {
        var (label, der) = Block(pem);
        if (label is not (PrivateLabel or "EC PRIVATE KEY" or "RSA PRIVATE KEY"))
        {
            throw new ArgumentException($"This is a '{label}'; signing needs a private key.", nameof(pem));
        }

        if (der.Length == EdwardsPrivateHead.Length + 32 && der.AsSpan().StartsWith(EdwardsPrivateHead))
        {
            return Named(EdwardsSigningKey.Of(der[EdwardsPrivateHead.Length..], keyId), algorithm);
        }

        if (TryImport(ECDsa.Create(), pem) is { } elliptic)
        {
            var curve =
                CurveOf(elliptic.ExportParameters(false))
                ?? throw new ArgumentException("This curve signs no tokens.", nameof(pem));
            return Named(new EllipticSigningKey(curve, elliptic, keyId), algorithm);
        }

        if (TryImport(RSA.Create(), pem) is { } rsa)
        {
            return new RsaSigningKey(RsaName(algorithm), rsa, keyId);
        }

        throw new ArgumentException("This is no private key that can be read.", nameof(pem));
    }

    /// <summary>The public key in PEM.</summary>
    public static string WriteEdwardsPublic(byte[] publicKey) =>
        PemEncoding.WriteString(PublicLabel, [.. EdwardsPublicHead, .. publicKey]);

    /// <summary>The private key in PEM.</summary>
    public static string WriteEdwardsPrivate(byte[] seed) =>
        PemEncoding.WriteString(PrivateLabel, [.. EdwardsPrivateHead, .. seed]);

    private static string RsaName(string? algorithm) =>
        algorithm is null or SecurityAlgorithms.RsaSha256 or SecurityAlgorithms.RsaSsaPssSha256
            ? algorithm ?? SecurityAlgorithms.RsaSha256
            : throw new ArgumentException(
                $"A key of RSA is for RS256 or PS256, not {algorithm}.",
                nameof(algorithm)
            );

    private static bool IsRsa(byte[] der)
    {
        using var key = RSA.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(der, out _);
            return true;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private static EllipticCurve CurveIn(byte[] der)
    {
        using var key = ECDsa.Create();
        var parameters = Import(() =>
        {
            key.ImportSubjectPublicKeyInfo(der, out _);
            return key.ExportParameters(false);
        });
        return CurveOf(parameters) ?? throw new ArgumentException("This curve signs no tokens.");
    }

    private static JwtSigningKey Named(JwtSigningKey key, string? algorithm) =>
        algorithm is null || algorithm == key.Algorithm
            ? key
            : throw new ArgumentException(
                $"This key signs {key.Algorithm}, not {algorithm}.",
                nameof(algorithm)
            );

    private static T? TryImport<T>(T key, string pem)
        where T : AsymmetricAlgorithm
    {
        try
        {
            key.ImportFromPem(pem);
            return key;
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            key.Dispose();
            return null;
        }
    }

    private static (string Label, byte[] Der) PublicBlock(string pem, params ReadOnlySpan<string> labels)
    {
        var (label, der) = Block(pem);
        if (label.Contains(PrivateLabel, StringComparison.Ordinal))
        {
            throw new ArgumentException(
                "This is a private key. Validators need only the public one; keep this where tickets are issued.",
                nameof(pem)
            );
        }

        return labels.Contains(label)
            ? (label, der)
            : throw new ArgumentException($"This is a '{label}', not a public key.", nameof(pem));
    }

    private static (string Label, byte[] Der) Block(string pem)
    {
        ArgumentNullException.ThrowIfNull(pem);
        if (
            !PemEncoding.TryFind(pem, out var fields)
            || PemEncoding.TryFind(pem.AsSpan(fields.Location.End.Value), out _)
        )
        {
            throw new ArgumentException("The text holds no PEM, or more than one.", nameof(pem));
        }

        var der = new byte[fields.DecodedDataLength];
        return Convert.TryFromBase64Chars(pem.AsSpan()[fields.Base64Data], der, out _)
            ? (pem[fields.Label], der)
            : throw new ArgumentException("The PEM is damaged.", nameof(pem));
    }

    private static T Import<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (CryptographicException exception)
        {
            throw new ArgumentException($"The key can't be read: {exception.Message}", exception);
        }
    }

    /// <summary>A named curve that signs tokens; null for others, and for curves that bring their own parameters.</summary>
    private static EllipticCurve? CurveOf(ECParameters parameters)
    {
        if (!parameters.Curve.IsNamed)
        {
            return null;
        }

        var given = parameters.Curve.Oid;
        return EllipticCurve.All.FirstOrDefault(curve =>
            given.Value is { Length: > 0 } value
                ? value == curve.Oid
                : given.FriendlyName == curve.Named.Oid.FriendlyName
        );
    }
}
