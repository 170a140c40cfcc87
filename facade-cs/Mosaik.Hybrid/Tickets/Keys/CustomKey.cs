using System.Text;
using Microsoft.IdentityModel.Tokens;

namespace Mosaik.Hybrid.Tickets;

/// <summary>A key of an algorithm of the user's own.</summary>
internal sealed class CustomKey : JwtKey
{
    private const int NameLengthMax = 64;

    /// <summary>Names that mean something already, some of them nothing good.</summary>
    private static readonly HashSet<string> s_taken = new(StringComparer.OrdinalIgnoreCase)
    {
        "none",
        "HS256",
        "HS384",
        "HS512",
        "ES256",
        "ES384",
        "ES512",
        "ES256K",
        "RS256",
        "RS384",
        "RS512",
        "PS256",
        "PS384",
        "PS512",
        "EdDSA",
    };

    private readonly JwtVerify _verify;

    public CustomKey(string algorithm, ReadOnlySpan<byte> material, JwtVerify verify, string? keyId)
        : base(algorithm, keyId, FingerprintOf($"custom {algorithm}", material))
    {
        _verify = verify;
        SecurityKey = new OwnSecurityKey(algorithm, keyId, Verify, null);
    }

    /// <inheritdoc/>
    internal override SecurityKey SecurityKey { get; }

    /// <inheritdoc/>
    internal override int? SignatureLength => null;

    /// <summary>The name, if nothing else has it.</summary>
    public static string CheckedName(string algorithm)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(algorithm);
        if (algorithm.Length > NameLengthMax || !Ascii.IsValid(algorithm))
        {
            throw new ArgumentException(
                $"An algorithm's name has at most {NameLengthMax} ASCII characters.",
                nameof(algorithm)
            );
        }

        return s_taken.Contains(algorithm)
            ? throw new ArgumentException(
                $"'{algorithm}' can't be an algorithm of your own.",
                nameof(algorithm)
            )
            : algorithm;
    }

    private bool Verify(ReadOnlySpan<byte> signingInput, ReadOnlySpan<byte> signature) =>
        _verify(signingInput, signature);
}

/// <summary>The signing half of <see cref="CustomKey"/>.</summary>
internal sealed class CustomSigningKey(CustomKey verifyingKey, JwtSign sign) : JwtSigningKey(verifyingKey)
{
    /// <inheritdoc/>
    internal override SecurityKey SecurityKey { get; } =
        new OwnSecurityKey(verifyingKey.Algorithm, verifyingKey.KeyId, null, sign);
}
