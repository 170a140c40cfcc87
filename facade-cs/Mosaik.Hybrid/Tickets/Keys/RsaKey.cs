using System.Numerics;
using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;

namespace Mosaik.Hybrid.Tickets;

/// <summary>A public key of RSA.</summary>
internal sealed class RsaKey : JwtKey
{
    private readonly RSA _key;

    private RsaKey(string algorithm, RSAParameters parameters, string? keyId)
        : base(
            algorithm,
            keyId,
            FingerprintOf(
                algorithm,
                new CanonicalHash("rsa").Append(parameters.Modulus).Append(parameters.Exponent).ToBytes()
            )
        )
    {
        _key = RSA.Create(parameters);
        SignatureLength = parameters.Modulus!.Length;
        SecurityKey = ToSecurityKey(_key, keyId);
    }

    /// <inheritdoc/>
    internal override SecurityKey SecurityKey { get; }

    /// <inheritdoc/>
    internal override int? SignatureLength { get; }

    /// <summary>Checks the numbers and makes the key.</summary>
    /// <exception cref="ArgumentException">The key is weak or malformed.</exception>
    public static RsaKey Of(string algorithm, RSAParameters parameters, string? keyId)
    {
        var modulus = RsaWeakness.Trimmed(parameters.Modulus);
        var exponent = RsaWeakness.Trimmed(parameters.Exponent);
        if (RsaWeakness.Of(modulus, exponent) is { } weakness)
        {
            throw new ArgumentException($"This RSA key is refused: {weakness}.");
        }

        try
        {
            var own = new RSAParameters { Modulus = modulus, Exponent = exponent };
            return new RsaKey(algorithm, own, keyId);
        }
        catch (CryptographicException exception)
        {
            throw new ArgumentException($"The platform refuses this key: {exception.Message}", exception);
        }
    }

    /// <inheritdoc/>
    public override string ExportPem() => _key.ExportSubjectPublicKeyInfoPem();

    /// <summary>What the library signs with.</summary>
    public static SecurityKey ToSecurityKey(RSA key, string? keyId) =>
        new RsaSecurityKey(key)
        {
            KeyId = keyId,
            CryptoProviderFactory = new CryptoProviderFactory { CacheSignatureProviders = false },
        };
}

/// <summary>A private key of RSA.</summary>
internal sealed class RsaSigningKey : JwtSigningKey
{
    private const int GeneratedBits = 3072;

    private readonly RSA _key;

    /// <summary>Takes over a private key.</summary>
    public RsaSigningKey(string algorithm, RSA key, string? keyId)
        : base(RsaKey.Of(algorithm, key.ExportParameters(false), keyId))
    {
        _key = key;
        SecurityKey = RsaKey.ToSecurityKey(key, keyId);
    }

    /// <inheritdoc/>
    internal override SecurityKey SecurityKey { get; }

    /// <summary>Makes a random key.</summary>
    public static RsaSigningKey Generate(string algorithm, string? keyId) =>
        new(algorithm, RSA.Create(GeneratedBits), keyId);

    /// <inheritdoc/>
    public override string ExportPem() => _key.ExportPkcs8PrivateKeyPem();
}

/// <summary>Why an RSA key can't be trusted, as far as its public numbers show.</summary>
internal static class RsaWeakness
{
    private const int BitsMin = 2048;
    private const int BitsMax = 8192;
    private const int ExponentMin = 65537;
    private const int ExponentLengthMax = 4;

    /// <summary>Small primes that no honest modulus is divisible by, and by which ROCA shows.</summary>
    private static readonly int[] s_primes =
    [
        3,
        5,
        7,
        11,
        13,
        17,
        19,
        23,
        29,
        31,
        37,
        41,
        43,
        47,
        53,
        59,
        61,
        67,
        71,
        73,
        79,
        83,
        89,
        97,
        101,
        103,
        107,
        109,
        113,
        127,
        131,
        137,
        139,
        149,
        151,
        157,
        163,
        167,
    ];

    /// <summary>A fault in words; null when none shows.</summary>
    public static string? Of(byte[] modulus, byte[] exponent)
    {
        var number = new BigInteger(modulus, isUnsigned: true, isBigEndian: true);
        var power = new BigInteger(exponent, isUnsigned: true, isBigEndian: true);
        var bits = number.GetBitLength();
        return bits is < BitsMin or > BitsMax ? $"it has {bits} bits; {BitsMin} to {BitsMax} are taken"
            : exponent.Length > ExponentLengthMax || power < ExponentMin || power.IsEven
                ? "its exponent is no odd number from 65537 to 4294967295"
            : number.IsEven || s_primes.Any(prime => (number % prime).IsZero)
                ? "its modulus has a small factor"
            : IsRoca(number) ? "its primes can be found (ROCA, CVE-2017-15361)"
            : null;
    }

    /// <summary>The number without leading zeros.</summary>
    public static byte[] Trimmed(byte[]? number) =>
        number is null ? [] : [.. number.SkipWhile(digit => digit == 0)];

    /// <summary>
    /// Primes of the faulty generator are powers of 65537 modulo a product of small primes, and so is the modulus;
    /// of honest ones, one in 2^27 is (Nemec et al., CCS 2017, §2.2).
    /// </summary>
    private static bool IsRoca(BigInteger modulus) =>
        Array.TrueForAll(s_primes, prime => IsPower((int)(modulus % prime), prime));

    private static bool IsPower(int rest, int prime)
    {
        var power = 1;
        do
        {
            if (power == rest)
            {
                return true;
            }

            power = power * (ExponentMin % prime) % prime;
        } while (power != 1);

        return false;
    }
}
