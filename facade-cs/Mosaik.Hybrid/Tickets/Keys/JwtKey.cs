using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;

namespace Mosaik.Hybrid.Tickets;

/// <summary>A key that checks the signatures of tokens. It has one algorithm, whatever a token says.</summary>
/// <remarks>
/// Immutable, safe from any thread. Made by <see cref="Hs256"/>, <see cref="Es256"/>, <see cref="Rs256"/>,
/// <see cref="EdDsa"/> and their relatives, or <see cref="Custom"/>. A key that is too weak or malformed is refused
/// when it is made.
/// </remarks>
public abstract class JwtKey
{
    /// <summary>The longest key id: 128 characters.</summary>
    public const int KeyIdLengthMax = 128;

    private protected JwtKey(string algorithm, string? keyId, byte[] fingerprint)
    {
        if (keyId is "" or { Length: > KeyIdLengthMax })
        {
            throw new ArgumentException($"A key id has 1 to {KeyIdLengthMax} characters.", nameof(keyId));
        }

        Algorithm = algorithm;
        KeyId = keyId;
        Fingerprint = fingerprint;
    }

    /// <summary>The algorithm's name in tokens, as <c>ES256</c>.</summary>
    public string Algorithm { get; }

    /// <summary>
    /// The id by which tokens may choose this key among several; null when it is tried for every token of its
    /// algorithm.
    /// </summary>
    public string? KeyId { get; }

    /// <summary>32 bytes that stand for algorithm and key, and tell nothing of a secret.</summary>
    internal ReadOnlyMemory<byte> Fingerprint { get; }

    /// <summary>The key as the token library knows it.</summary>
    internal abstract SecurityKey SecurityKey { get; }

    /// <summary>The only length that a signature of this key has, in bytes; null when there are several.</summary>
    internal abstract int? SignatureLength { get; }

    /// <summary>A key of an algorithm of your own.</summary>
    /// <param name="algorithm">
    /// Its name in the header of tokens; not <c>none</c> in any spelling, and none of those that are built in.
    /// </param>
    /// <param name="material">
    /// What tells this key from others, as its public bytes. Part of <see cref="Jwt.Signature"/>, hashed.
    /// </param>
    /// <param name="verify">Says whether a signature is right. Called from several threads; an exception is a no.</param>
    /// <param name="keyId">See <see cref="KeyId"/>.</param>
    /// <exception cref="ArgumentException">The name is taken, too long or empty, or the key id is too long.</exception>
    public static JwtKey Custom(
        string algorithm,
        ReadOnlySpan<byte> material,
        JwtVerify verify,
        string? keyId = null
    )
    {
        ArgumentNullException.ThrowIfNull(verify);
        return new CustomKey(CustomKey.CheckedName(algorithm), material, verify, keyId);
    }

    /// <summary>Reads a public key of an elliptic curve, of Ed25519 or of RSA, whichever it is.</summary>
    /// <param name="pem"><c>-----BEGIN PUBLIC KEY-----</c>.</param>
    /// <param name="algorithm">For RSA <c>RS256</c> (unless given) or <c>PS256</c>; other keys know their own.</param>
    /// <param name="keyId">See <see cref="KeyId"/>.</param>
    /// <exception cref="ArgumentException">It is something else, too weak, or of another algorithm.</exception>
    public static JwtKey FromPem(string pem, string? algorithm = null, string? keyId = null) =>
        PemKeys.ReadVerifying(pem, algorithm, keyId);

    /// <summary>Reads a JSON Web Key, whichever it is: a public key, or a shared secret.</summary>
    /// <param name="json">The key; its <c>kid</c> becomes the key id.</param>
    /// <param name="algorithm">Needed where the key does not tell it: for a secret or RSA without <c>alg</c>.</param>
    /// <exception cref="ArgumentException">It is something else, private, too weak, or of another algorithm.</exception>
    public static JwtKey FromJwk(string json, string? algorithm = null) =>
        JwkReader.ReadVerifying(json, algorithm);

    /// <summary>The public key as a PEM text that begins with <c>-----BEGIN PUBLIC KEY-----</c>.</summary>
    /// <exception cref="NotSupportedException">The key is a shared secret, or of an algorithm of your own.</exception>
    public virtual string ExportPem() =>
        throw new NotSupportedException($"A key of {Algorithm} has no public form.");

    /// <summary>Algorithm and key id; never the key.</summary>
    public override string ToString() => KeyId is null ? Algorithm : $"{Algorithm} {KeyId}";

    internal static byte[] FingerprintOf(string algorithm, ReadOnlySpan<byte> key) =>
        new CanonicalHash("mosaik jwt key v1").Append(algorithm).Append(key).ToDigest();
}

/// <summary>Says whether a signature is right.</summary>
/// <param name="signingInput">What was signed: header, dot and claims, as they stand in the token.</param>
/// <param name="signature">The decoded signature, of any length.</param>
public delegate bool JwtVerify(ReadOnlySpan<byte> signingInput, ReadOnlySpan<byte> signature);

/// <summary>Makes a signature.</summary>
/// <param name="signingInput">What is to be signed: header, dot and claims, as they will stand in the token.</param>
/// <returns>The signature, not encoded.</returns>
public delegate byte[] JwtSign(ReadOnlySpan<byte> signingInput);
