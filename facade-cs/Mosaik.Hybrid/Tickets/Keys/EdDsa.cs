using Microsoft.IdentityModel.Tokens;

namespace Mosaik.Hybrid.Tickets;

/// <summary>Keys of EdDSA on Ed25519 (RFC 8037).</summary>
public static class EdDsa
{
    /// <summary>The algorithm's name in tokens.</summary>
    internal const string Name = "EdDSA";

    /// <summary>Reads a public key: 32 bytes in hex.</summary>
    /// <exception cref="ArgumentException">It is no hex, or no point of a large order on the curve.</exception>
    /// <exception cref="PlatformNotSupportedException">libsodium can't be loaded.</exception>
    public static JwtKey Hex(string publicKey, string? keyId = null)
    {
        ArgumentNullException.ThrowIfNull(publicKey);
        try
        {
            return EdwardsKey.Of(Convert.FromHexString(publicKey), keyId);
        }
        catch (FormatException exception)
        {
            throw new ArgumentException("The key is no hex.", nameof(publicKey), exception);
        }
    }

    /// <summary>Reads a public key in PEM: <c>-----BEGIN PUBLIC KEY-----</c>.</summary>
    /// <exception cref="ArgumentException">It is something else.</exception>
    /// <exception cref="PlatformNotSupportedException">libsodium can't be loaded.</exception>
    public static JwtKey Pem(string pem, string? keyId = null) => PemKeys.ReadEdwards(pem, keyId);

    /// <summary>Reads a public JSON Web Key of type <c>OKP</c>; its <c>kid</c> becomes the key id.</summary>
    /// <exception cref="ArgumentException">It is something else, private, or not for signatures.</exception>
    /// <exception cref="PlatformNotSupportedException">libsodium can't be loaded.</exception>
    public static JwtKey Jwk(string json) => JwkReader.ReadEdwards(json);

    /// <summary>Makes a random private key.</summary>
    /// <exception cref="PlatformNotSupportedException">libsodium can't be loaded.</exception>
    public static JwtSigningKey GenerateSigningKey(string? keyId = null) =>
        EdwardsSigningKey.Of(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32), keyId);
}

/// <summary>A public key of Ed25519.</summary>
internal sealed class EdwardsKey : JwtKey
{
    private readonly byte[] _publicKey;

    private EdwardsKey(byte[] publicKey, string? keyId)
        : base(EdDsa.Name, keyId, FingerprintOf(EdDsa.Name, publicKey))
    {
        _publicKey = publicKey;
        var verifier = Ed25519.Instance.CreateVerifier(publicKey);
        SecurityKey = new OwnSecurityKey(EdDsa.Name, keyId, verifier, null);
    }

    /// <inheritdoc/>
    internal override SecurityKey SecurityKey { get; }

    /// <inheritdoc/>
    internal override int? SignatureLength => 64;

    /// <summary>Checks the point and makes the key.</summary>
    public static EdwardsKey Of(byte[] publicKey, string? keyId)
    {
        EdwardsPoint.Check(publicKey);
        return new EdwardsKey(publicKey, keyId);
    }

    /// <inheritdoc/>
    public override string ExportPem() => PemKeys.WriteEdwardsPublic(_publicKey);
}

/// <summary>A private key of Ed25519.</summary>
internal sealed class EdwardsSigningKey : JwtSigningKey
{
    private readonly byte[] _seed;

    private EdwardsSigningKey(byte[] seed, Ed25519Pair pair, string? keyId)
        : base(EdwardsKey.Of(pair.PublicKey, keyId))
    {
        _seed = seed;
        SecurityKey = new OwnSecurityKey(EdDsa.Name, keyId, null, pair.Sign);
    }

    /// <inheritdoc/>
    internal override SecurityKey SecurityKey { get; }

    /// <summary>The key of a 32-byte seed (RFC 8032 §5.1.5).</summary>
    public static EdwardsSigningKey Of(byte[] seed, string? keyId) =>
        new(seed, Ed25519.Instance.CreatePair(seed), keyId);

    /// <inheritdoc/>
    public override string ExportPem() => PemKeys.WriteEdwardsPrivate(_seed);
}
