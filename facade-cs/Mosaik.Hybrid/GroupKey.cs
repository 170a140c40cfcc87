using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid;

/// <summary>The secret that all members of a group share. Who has it may try to join.</summary>
/// <remarks>
/// Immutable, safe for threads, and silent: neither <see cref="ToString"/> nor an exception shows the secret, and it
/// never leaves the process except through <see cref="Export"/>. Bonds prove it by HMAC over both sides' nonces. The
/// GroupId reveals a one-way function of it, so a secret that can be guessed can be found by trying: use
/// <see cref="Generate"/>, or a secret with at least 128 bits of entropy, never a word.
/// </remarks>
public sealed class GroupKey : IEquatable<GroupKey>
{
    private const string Prefix = "mosaik-key-1-";
    private const int SecretLength = 32;
    private const int ChecksumLength = 4;

    private readonly byte[] _secret;
    private readonly byte[] _bondKey;

    private GroupKey(byte[] secret)
    {
        _secret = secret;
        _bondKey = Derive("mosaik bond v1");
    }

    /// <summary>Makes a key of 32 random bytes.</summary>
    public static GroupKey Generate() => new(RandomNumberGenerator.GetBytes(SecretLength));

    /// <summary>Makes the key of a secret text: of its UTF-8 bytes.</summary>
    /// <param name="secret">Not empty, and hard to guess. The same text gives the same key everywhere.</param>
    /// <exception cref="ArgumentException">The text is empty.</exception>
    public static GroupKey FromSecret(string secret)
    {
        ArgumentException.ThrowIfNullOrEmpty(secret);
        return FromSecret(Encoding.UTF8.GetBytes(secret));
    }

    /// <summary>Makes the key of secret bytes.</summary>
    /// <param name="secret">Not empty, and hard to guess; copied. The same bytes give the same key everywhere.</param>
    /// <exception cref="ArgumentException">There are no bytes.</exception>
    public static GroupKey FromSecret(ReadOnlySpan<byte> secret)
    {
        if (secret.IsEmpty)
        {
            throw new ArgumentException("A secret has at least one byte.", nameof(secret));
        }

        return new GroupKey(new CanonicalHash("mosaik key from secret v1").Append(secret).ToDigest());
    }

    /// <summary>Makes the key that belongs to a ticket validator, from its signature.</summary>
    /// <remarks>
    /// For groups that tickets protect. Whoever knows the validator's configuration knows this key, so require the
    /// ticket too: <c>RequireTicket(validator)</c>.
    /// </remarks>
    public static GroupKey From(ITicketValidator validator)
    {
        ArgumentNullException.ThrowIfNull(validator);
        return new GroupKey(
            new CanonicalHash("mosaik key from validator v1").Append(validator.Signature.Span).ToDigest()
        );
    }

    /// <summary>Reads what <see cref="Export"/> wrote.</summary>
    /// <exception cref="FormatException">
    /// The text is something else, or mistyped. The message doesn't repeat it.
    /// </exception>
    public static GroupKey Parse(string text) =>
        TryParse(text, out var key)
            ? key
            : throw new FormatException(
                $"This is not a group key: it begins with '{Prefix}', and 48 letters, digits, '-' or '_' follow."
            );

    /// <summary>
    /// Reads what <see cref="Export"/> wrote; false for anything else. White space around it is ignored.
    /// </summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out GroupKey? key)
    {
        key = null;
        var trimmed = text.AsSpan().Trim();
        if (!trimmed.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[SecretLength + ChecksumLength];
        var digits = trimmed[Prefix.Length..];
        if (
            digits.Length != Base64Url.GetEncodedLength(bytes.Length)
            || Base64Url.DecodeFromChars(digits, bytes, out _, out var written) != OperationStatus.Done
            || written != bytes.Length
            || !Checksum(bytes[..SecretLength]).SequenceEqual(bytes[SecretLength..])
        )
        {
            return false;
        }

        key = new GroupKey(bytes[..SecretLength].ToArray());
        return true;
    }

    /// <summary>The secret as text, to be carried to the other members and kept like a password.</summary>
    /// <returns>
    /// <c>mosaik-key-1-</c> and 48 characters of base64url: the 32 bytes of the key, and the first 4 of their SHA-256
    /// digest, so that a mistyped key is noticed.
    /// </returns>
    public string Export() => Prefix + Base64Url.EncodeToString([.. _secret, .. Checksum(_secret)]);

    /// <summary>Equal when the secrets are; takes the same time whether they are or not.</summary>
    public bool Equals(GroupKey? other) =>
        other is not null && CryptographicOperations.FixedTimeEquals(_secret, other._secret);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as GroupKey);

    /// <summary>A hash of the public tag; tells nothing of the secret.</summary>
    public override int GetHashCode() => BitConverter.ToInt32(PublicTag());

    /// <summary><c>GroupKey(redacted)</c>: keys end up in logs by accident.</summary>
    public override string ToString() => "GroupKey(redacted)";

    /// <summary>32 bytes of HKDF-SHA256 over the secret, without salt, for one purpose.</summary>
    internal byte[] Derive(string info) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _secret, 32, salt: [], info: Encoding.UTF8.GetBytes(info));

    /// <summary>What the GroupId may reveal of the secret: SHA-256 of a key derived for nothing else.</summary>
    internal byte[] PublicTag() => SHA256.HashData(Derive("mosaik group tag v1"));

    /// <summary>Proves knowledge of the secret: HMAC-SHA256 under the bond key.</summary>
    internal Bytes32 Prove(ReadOnlySpan<byte> transcript) =>
        Bytes32.FromBytes(HMACSHA256.HashData(_bondKey, transcript));

    /// <summary>Checks a proof, in the same time whether it is right or wrong.</summary>
    internal bool Verify(ReadOnlySpan<byte> transcript, Bytes32 proof)
    {
        Span<byte> claimed = stackalloc byte[32];
        proof.CopyTo(claimed);
        return CryptographicOperations.FixedTimeEquals(HMACSHA256.HashData(_bondKey, transcript), claimed);
    }

    private static ReadOnlySpan<byte> Checksum(ReadOnlySpan<byte> secret) =>
        SHA256.HashData(secret).AsSpan(0, ChecksumLength);
}
