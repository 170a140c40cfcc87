using Microsoft.IdentityModel.Tokens;

namespace Mosaik.Hybrid.Tickets;

/// <summary>A key whose signatures the token library leaves to us: it does not know the algorithm.</summary>
internal sealed class OwnSecurityKey : SecurityKey
{
    public OwnSecurityKey(string algorithm, string? keyId, JwtVerify? verify, JwtSign? sign)
    {
        KeyId = keyId;
        CryptoProviderFactory = new CryptoProviderFactory
        {
            CustomCryptoProvider = new OwnCryptoProvider(this, algorithm, verify, sign),
            CacheSignatureProviders = false,
        };
    }

    /// <inheritdoc/>
    public override int KeySize => 256;
}

/// <summary>Hands the library a signature provider for the one algorithm of one key.</summary>
internal sealed class OwnCryptoProvider(SecurityKey key, string algorithm, JwtVerify? verify, JwtSign? sign)
    : ICryptoProvider
{
    /// <inheritdoc/>
    public bool IsSupportedAlgorithm(string name, params object[] args) => name == algorithm;

    /// <inheritdoc/>
    public object Create(string name, params object[] args) =>
        new OwnSignatureProvider(key, algorithm, verify, sign);

    /// <inheritdoc/>
    public void Release(object cryptoInstance) => (cryptoInstance as IDisposable)?.Dispose();
}

/// <summary>Signs and verifies by functions.</summary>
internal sealed class OwnSignatureProvider(
    SecurityKey key,
    string algorithm,
    JwtVerify? verify,
    JwtSign? sign
) : SignatureProvider(key, algorithm)
{
    /// <inheritdoc/>
    public override byte[] Sign(byte[] input) =>
        sign?.Invoke(input) ?? throw new InvalidOperationException("This key only verifies.");

    /// <inheritdoc/>
    public override bool Sign(ReadOnlySpan<byte> data, Span<byte> destination, out int bytesWritten)
    {
        var signature = sign?.Invoke(data) ?? throw new InvalidOperationException("This key only verifies.");
        bytesWritten = signature.AsSpan().TryCopyTo(destination) ? signature.Length : 0;
        return bytesWritten > 0;
    }

    /// <inheritdoc/>
    public override bool Verify(byte[] input, byte[] signature) =>
        verify?.Invoke(input, signature) ?? throw new InvalidOperationException("This key only signs.");

    /// <inheritdoc/>
    public override bool Verify(
        byte[] input,
        int inputOffset,
        int inputLength,
        byte[] signature,
        int signatureOffset,
        int signatureLength
    ) =>
        verify?.Invoke(
            input.AsSpan(inputOffset, inputLength),
            signature.AsSpan(signatureOffset, signatureLength)
        )
        ?? throw new InvalidOperationException("This key only signs.");

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // Nothing is held: the functions belong to the key.
    }
}
