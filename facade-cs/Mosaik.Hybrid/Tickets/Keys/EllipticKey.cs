using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;

namespace Mosaik.Hybrid.Tickets;

/// <summary>A public key of ECDSA.</summary>
internal sealed class EllipticKey : JwtKey
{
    private readonly ECDsa _key;

    private EllipticKey(EllipticCurve curve, ECPoint point, string? keyId)
        : base(curve.Algorithm, keyId, FingerprintOf(curve.Algorithm, EllipticCurve.Uncompressed(point)))
    {
        Curve = curve;
        _key = ECDsa.Create(new ECParameters { Curve = curve.Named, Q = point });
        SecurityKey = EllipticSignatures.ToSecurityKey(curve, _key, keyId);
    }

    /// <summary>The curve.</summary>
    public EllipticCurve Curve { get; }

    /// <inheritdoc/>
    internal override SecurityKey SecurityKey { get; }

    /// <inheritdoc/>
    internal override int? SignatureLength => 2 * Curve.FieldLength;

    /// <summary>Checks a point and makes the key.</summary>
    public static EllipticKey Of(EllipticCurve curve, ECPoint point, string? keyId)
    {
        try
        {
            return new EllipticKey(curve, curve.Checked(point.X, point.Y), keyId);
        }
        catch (CryptographicException exception)
        {
            throw new ArgumentException($"The platform refuses this key: {exception.Message}", exception);
        }
    }

    /// <summary>Reads a SEC 1 point in hex.</summary>
    public static EllipticKey FromHex(EllipticCurve curve, string hex, string? keyId)
    {
        ArgumentNullException.ThrowIfNull(hex);
        byte[] bytes;
        try
        {
            bytes = Convert.FromHexString(hex);
        }
        catch (FormatException exception)
        {
            throw new ArgumentException("The point is no hex.", nameof(hex), exception);
        }

        return Of(curve, curve.ReadPoint(bytes), keyId);
    }

    /// <inheritdoc/>
    public override string ExportPem() => _key.ExportSubjectPublicKeyInfoPem();
}

/// <summary>A private key of ECDSA.</summary>
internal sealed class EllipticSigningKey : JwtSigningKey
{
    private readonly ECDsa _key;

    /// <summary>Takes over a private key of the curve.</summary>
    public EllipticSigningKey(EllipticCurve curve, ECDsa key, string? keyId)
        : base(EllipticKey.Of(curve, key.ExportParameters(false).Q, keyId))
    {
        _key = key;
        SecurityKey = EllipticSignatures.ToSecurityKey(curve, key, keyId);
    }

    /// <inheritdoc/>
    internal override SecurityKey SecurityKey { get; }

    /// <summary>Makes a random key.</summary>
    public static EllipticSigningKey Generate(EllipticCurve curve, string? keyId) =>
        new(curve, ECDsa.Create(curve.Named), keyId);

    /// <inheritdoc/>
    public override string ExportPem() => _key.ExportPkcs8PrivateKeyPem();
}

/// <summary>What the library signs with: it knows ES256, ES384 and ES512, and not ES256K.</summary>
internal static class EllipticSignatures
{
    public static SecurityKey ToSecurityKey(EllipticCurve curve, ECDsa key, string? keyId) =>
        curve == EllipticCurve.Secp256k1
            ? new OwnSecurityKey(
                curve.Algorithm,
                keyId,
                (input, signature) => key.VerifyData(input, signature, curve.Hash),
                input => key.SignData(input, curve.Hash)
            )
            : new ECDsaSecurityKey(key)
            {
                KeyId = keyId,
                CryptoProviderFactory = new CryptoProviderFactory { CacheSignatureProviders = false },
            };
}
