using NSec.Cryptography;

namespace Mosaik.Hybrid.Tickets;

/// <summary>Ed25519, which the framework does not have. The one place to change for another library.</summary>
internal interface IEd25519
{
    /// <summary>The key pair of a 32-byte seed.</summary>
    Ed25519Pair CreatePair(ReadOnlySpan<byte> seed);

    /// <summary>A function that verifies signatures of 64 bytes under a public key of 32.</summary>
    JwtVerify CreateVerifier(ReadOnlySpan<byte> publicKey);
}

/// <summary>A key pair that signs.</summary>
/// <param name="PublicKey">32 bytes.</param>
/// <param name="Sign">Makes a signature of 64 bytes.</param>
internal sealed record Ed25519Pair(byte[] PublicKey, JwtSign Sign);

/// <summary>The implementation that is used.</summary>
internal static class Ed25519
{
    /// <summary>libsodium, by NSec.</summary>
    public static IEd25519 Instance { get; } = new SodiumEd25519();
}

/// <summary>Ed25519 of libsodium: strict about the scalar's range, so a signature has no second form.</summary>
internal sealed class SodiumEd25519 : IEd25519
{
    /// <inheritdoc/>
    public Ed25519Pair CreatePair(ReadOnlySpan<byte> seed)
    {
        try
        {
            var algorithm = SignatureAlgorithm.Ed25519;
            var key = Key.Import(algorithm, seed, KeyBlobFormat.RawPrivateKey);
            return new Ed25519Pair(
                key.PublicKey.Export(KeyBlobFormat.RawPublicKey),
                input => algorithm.Sign(key, input)
            );
        }
        catch (Exception exception) when (IsMissing(exception))
        {
            throw Missing(exception);
        }
    }

    /// <inheritdoc/>
    public JwtVerify CreateVerifier(ReadOnlySpan<byte> publicKey)
    {
        try
        {
            var algorithm = SignatureAlgorithm.Ed25519;
            var key = PublicKey.Import(algorithm, publicKey, KeyBlobFormat.RawPublicKey);
            return (input, signature) => algorithm.Verify(key, input, signature);
        }
        catch (Exception exception) when (IsMissing(exception))
        {
            throw Missing(exception);
        }
    }

    private static bool IsMissing(Exception exception) =>
        exception is DllNotFoundException or TypeInitializationException or PlatformNotSupportedException;

    private static PlatformNotSupportedException Missing(Exception exception) =>
        new("EdDSA needs libsodium, which the package 'libsodium' brings for most platforms.", exception);
}
