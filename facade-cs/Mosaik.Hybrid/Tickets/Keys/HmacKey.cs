using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.IdentityModel.Tokens;

namespace Mosaik.Hybrid.Tickets;

/// <summary>A secret that both signs and verifies: whoever can check tickets can also issue them.</summary>
/// <remarks>
/// At least as long as the hash (RFC 7518 §3.2), and hard to guess: the GroupId reveals a one-way function of it.
/// </remarks>
public abstract class HmacKey : JwtKey
{
    /// <summary>The longest secret: 1 KiB.</summary>
    public const int SecretLengthMax = 1024;

    private readonly byte[] _secret;

    private protected HmacKey(string algorithm, int lengthMin, ReadOnlySpan<byte> secret, string? keyId)
        : base(algorithm, keyId, FingerprintOf(algorithm, secret))
    {
        Check(algorithm, lengthMin, secret);
        _secret = secret.ToArray();
        HashLength = lengthMin;
        SecurityKey = new SymmetricSecurityKey(_secret)
        {
            KeyId = keyId,
            CryptoProviderFactory = new CryptoProviderFactory { CacheSignatureProviders = false },
        };
    }

    /// <summary>The secret as a signing key; what the conversion does.</summary>
    public JwtSigningKey SigningKey => new HmacSigningKey(this);

    private int HashLength { get; }

    /// <inheritdoc/>
    internal override SecurityKey SecurityKey { get; }

    /// <inheritdoc/>
    internal override int? SignatureLength => HashLength;

    /// <summary>The secret as a signing key.</summary>
    public static implicit operator JwtSigningKey(HmacKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return key.SigningKey;
    }

    /// <summary>The secret as a JSON Web Key with its algorithm: to be kept like a password.</summary>
    public string ExportJwk()
    {
        var id = KeyId is null ? "" : $",\"kid\":{System.Text.Json.JsonSerializer.Serialize(KeyId)}";
        return $"{{\"kty\":\"oct\",\"alg\":\"{Algorithm}\"{id},\"k\":\"{Base64Url.EncodeToString(_secret)}\"}}";
    }

    private protected static byte[] FromHex(string hex)
    {
        ArgumentNullException.ThrowIfNull(hex);
        try
        {
            return Convert.FromHexString(hex);
        }
        catch (FormatException)
        {
            // The message of the framework might show a part of the secret.
            throw new ArgumentException(
                "The secret is no hex: an even number of digits 0-9, a-f.",
                nameof(hex)
            );
        }
    }

    private static void Check(string algorithm, int lengthMin, ReadOnlySpan<byte> secret)
    {
        if (secret.Length < lengthMin || secret.Length > SecretLengthMax)
        {
            throw new ArgumentException(
                $"A secret for {algorithm} has {lengthMin} to {SecretLengthMax} bytes; this one has {secret.Length}.",
                nameof(secret)
            );
        }

        if (secret.IndexOfAnyExcept(secret[0]) < 0)
        {
            throw new ArgumentException("A secret of one repeated byte is none.", nameof(secret));
        }

        if (secret.IndexOf("-----BEGIN"u8) >= 0 || IsPublicKey(secret))
        {
            throw new ArgumentException(
                "This is another kind of key. A public key is no secret: use Es256, Rs256 or the like.",
                nameof(secret)
            );
        }
    }

    private static bool IsPublicKey(ReadOnlySpan<byte> bytes)
    {
        try
        {
            // An outer sequence as long as the whole; random bytes are one about once in 2^24.
            return bytes[0] == 0x30
                && PublicKey.CreateFromSubjectPublicKeyInfo(bytes, out var read) is not null
                && read == bytes.Length;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }
}

/// <summary>An <see cref="HmacKey"/> that signs.</summary>
internal sealed class HmacSigningKey(HmacKey key) : JwtSigningKey(key)
{
    /// <inheritdoc/>
    internal override SecurityKey SecurityKey => VerifyingKey.SecurityKey;
}

/// <summary>A secret for HMAC with SHA-256, of at least 32 bytes.</summary>
public sealed class Hs256 : HmacKey
{
    private const string Name = "HS256";
    private const int Length = 32;

    /// <summary>Takes a secret.</summary>
    /// <param name="secret">32 bytes to 1 KiB; copied.</param>
    /// <param name="keyId">See <see cref="JwtKey.KeyId"/>.</param>
    /// <exception cref="ArgumentException">Too short, too long, or no secret at all.</exception>
    public Hs256(ReadOnlySpan<byte> secret, string? keyId = null)
        : base(Name, Length, secret, keyId) { }

    /// <summary>Reads a secret of at least 64 hex digits.</summary>
    /// <exception cref="ArgumentException">No hex, too short, too long, or no secret at all.</exception>
    public static Hs256 Hex(string hex, string? keyId = null) => new(FromHex(hex), keyId);

    /// <summary>Reads a JSON Web Key of type <c>oct</c>; its <c>kid</c> becomes the key id.</summary>
    /// <exception cref="ArgumentException">It is something else, or too weak.</exception>
    public static Hs256 Jwk(string json) => Of(JwkReader.ReadSecret(json, Name));

    /// <summary>Makes a secret of 32 random bytes.</summary>
    public static Hs256 Generate(string? keyId = null) => new(RandomNumberGenerator.GetBytes(Length), keyId);

    private static Hs256 Of((byte[] Secret, string? KeyId) key) => new(key.Secret, key.KeyId);
}

/// <summary>A secret for HMAC with SHA-384, of at least 48 bytes.</summary>
public sealed class Hs384 : HmacKey
{
    private const string Name = "HS384";
    private const int Length = 48;

    /// <summary>Takes a secret.</summary>
    /// <param name="secret">48 bytes to 1 KiB; copied.</param>
    /// <param name="keyId">See <see cref="JwtKey.KeyId"/>.</param>
    /// <exception cref="ArgumentException">Too short, too long, or no secret at all.</exception>
    public Hs384(ReadOnlySpan<byte> secret, string? keyId = null)
        : base(Name, Length, secret, keyId) { }

    /// <summary>Reads a secret of at least 96 hex digits.</summary>
    /// <exception cref="ArgumentException">No hex, too short, too long, or no secret at all.</exception>
    public static Hs384 Hex(string hex, string? keyId = null) => new(FromHex(hex), keyId);

    /// <summary>Reads a JSON Web Key of type <c>oct</c>; its <c>kid</c> becomes the key id.</summary>
    /// <exception cref="ArgumentException">It is something else, or too weak.</exception>
    public static Hs384 Jwk(string json) => Of(JwkReader.ReadSecret(json, Name));

    /// <summary>Makes a secret of 48 random bytes.</summary>
    public static Hs384 Generate(string? keyId = null) => new(RandomNumberGenerator.GetBytes(Length), keyId);

    private static Hs384 Of((byte[] Secret, string? KeyId) key) => new(key.Secret, key.KeyId);
}

/// <summary>A secret for HMAC with SHA-512, of at least 64 bytes.</summary>
public sealed class Hs512 : HmacKey
{
    private const string Name = "HS512";
    private const int Length = 64;

    /// <summary>Takes a secret.</summary>
    /// <param name="secret">64 bytes to 1 KiB; copied.</param>
    /// <param name="keyId">See <see cref="JwtKey.KeyId"/>.</param>
    /// <exception cref="ArgumentException">Too short, too long, or no secret at all.</exception>
    public Hs512(ReadOnlySpan<byte> secret, string? keyId = null)
        : base(Name, Length, secret, keyId) { }

    /// <summary>Reads a secret of at least 128 hex digits.</summary>
    /// <exception cref="ArgumentException">No hex, too short, too long, or no secret at all.</exception>
    public static Hs512 Hex(string hex, string? keyId = null) => new(FromHex(hex), keyId);

    /// <summary>Reads a JSON Web Key of type <c>oct</c>; its <c>kid</c> becomes the key id.</summary>
    /// <exception cref="ArgumentException">It is something else, or too weak.</exception>
    public static Hs512 Jwk(string json) => Of(JwkReader.ReadSecret(json, Name));

    /// <summary>Makes a secret of 64 random bytes.</summary>
    public static Hs512 Generate(string? keyId = null) => new(RandomNumberGenerator.GetBytes(Length), keyId);

    private static Hs512 Of((byte[] Secret, string? KeyId) key) => new(key.Secret, key.KeyId);
}
