using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mosaik.Hybrid;

/// <summary>The identity key of a node: ECDSA on the curve P-256. Whoever holds it is the peer <see cref="Id"/>.</summary>
/// <remarks>
/// All members may be called from several threads. The private key leaves only through <see cref="ToPem"/>
/// and the file of <see cref="LoadOrCreate"/>. Dispose it after every network and transport that uses it.
/// </remarks>
public sealed class NodeIdentity : IDisposable
{
    /// <summary>The number of bytes of every signature: 64.</summary>
    public const int SignatureSize = 64;

    /// <summary>The number of bytes of every public key: 91.</summary>
    public const int PublicKeySize = 91;

    // A P-256 SubjectPublicKeyInfo with a named curve and an uncompressed point has exactly one encoding, which
    // begins like this. Any other encoding of the same key would hash to another PeerId, so none is taken.
    private static ReadOnlySpan<byte> PublicKeyPrefix =>
        [
            0x30,
            0x59,
            0x30,
            0x13,
            0x06,
            0x07,
            0x2A,
            0x86,
            0x48,
            0xCE,
            0x3D,
            0x02,
            0x01,
            0x06,
            0x08,
            0x2A,
            0x86,
            0x48,
            0xCE,
            0x3D,
            0x03,
            0x01,
            0x07,
            0x03,
            0x42,
            0x00,
            0x04,
        ];

    private readonly Lock _gate = new();
    private readonly ECDsa _key;
    private readonly byte[] _publicKey;
    private X509Certificate2? _certificate;
    private bool _disposed;

    private NodeIdentity(ECDsa key)
    {
        _key = key;
        _publicKey = key.ExportSubjectPublicKeyInfo();
        Id = IdOf(_publicKey);
    }

    /// <summary>SHA-256 of <see cref="PublicKey"/>.</summary>
    public PeerId Id { get; }

    /// <summary>The SubjectPublicKeyInfo of the key in DER: <see cref="PublicKeySize"/> bytes.</summary>
    public ReadOnlyMemory<byte> PublicKey => _publicKey;

    /// <summary>Makes a new random key.</summary>
    public static NodeIdentity Generate() => new(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>Reads an unencrypted private key: <c>PRIVATE KEY</c> (PKCS#8) or <c>EC PRIVATE KEY</c> (SEC 1).</summary>
    /// <exception cref="FormatException">The text holds no such key, or one of another curve.</exception>
    public static NodeIdentity FromPem(string pem)
    {
        ArgumentNullException.ThrowIfNull(pem);
        return FromPem(pem, "The text");
    }

    /// <summary>Reads the private key in a PEM file, as <see cref="FromPem(string)"/> does.</summary>
    /// <exception cref="FormatException">The file holds no such key; the message names it and says what to do.</exception>
    /// <exception cref="IOException">The file can't be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static NodeIdentity FromPemFile(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return FromPem(File.ReadAllText(path), $"The identity file '{Path.GetFullPath(path)}'");
    }

    /// <summary>Reads the key in a PEM file, or makes a new one and keeps it there if there is no such file.</summary>
    /// <remarks>
    /// The file appears whole or not at all, readable by its owner only (on Unix); missing folders are made. When two
    /// processes race, both end up with the same key. A file that is there but unusable is never replaced.
    /// </remarks>
    /// <exception cref="FormatException">The file holds no such key; the message names it and says what to do.</exception>
    /// <exception cref="IOException">The file can't be read or written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read or written.</exception>
    public static NodeIdentity LoadOrCreate(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return File.Exists(path) ? FromPemFile(path) : Create(Path.GetFullPath(path));
    }

    /// <summary>True when the signature over the data was made with the key; false for anything else, never an error.</summary>
    /// <param name="publicKey">A P-256 SubjectPublicKeyInfo in DER; other keys give false.</param>
    /// <param name="data">What was signed.</param>
    /// <param name="signature">What <see cref="Sign"/> returned.</param>
    public static bool Verify(
        ReadOnlySpan<byte> publicKey,
        ReadOnlySpan<byte> data,
        ReadOnlySpan<byte> signature
    )
    {
        if (signature.Length != SignatureSize || !IsPublicKey(publicKey))
        {
            return false;
        }

        try
        {
            using var key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(publicKey, out _);
            return key.VerifyData(
                data,
                signature,
                HashAlgorithmName.SHA256,
                DSASignatureFormat.IeeeP1363FixedFieldConcatenation
            );
        }
        catch (CryptographicException)
        {
            // The point is not on the curve: no key, so nobody can have signed with it.
            return false;
        }
    }

    /// <summary>Signs the data: ECDSA with SHA-256, as the fixed <see cref="SignatureSize"/> bytes of IEEE P1363.</summary>
    /// <exception cref="ObjectDisposedException">The identity was disposed.</exception>
    public byte[] Sign(ReadOnlySpan<byte> data)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _key.SignData(
                data,
                HashAlgorithmName.SHA256,
                DSASignatureFormat.IeeeP1363FixedFieldConcatenation
            );
        }
    }

    /// <summary>The private key as PEM (PKCS#8, not encrypted). Keep it secret.</summary>
    /// <exception cref="ObjectDisposedException">The identity was disposed.</exception>
    public string ToPem()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _key.ExportPkcs8PrivateKeyPem() + "\n";
        }
    }

    /// <summary>The short id; never the private key.</summary>
    public override string ToString() => $"NodeIdentity {Id.Short}";

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _certificate?.Dispose();
            _key.Dispose();
        }
    }

    /// <summary>The id of the peer that holds the key behind a SubjectPublicKeyInfo.</summary>
    internal static PeerId IdOf(ReadOnlySpan<byte> publicKey)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(publicKey, digest);
        return PeerId.FromBytes(digest);
    }

    /// <summary>True when the bytes have the one form in which an identity's public key is written.</summary>
    internal static bool IsPublicKey(ReadOnlySpan<byte> publicKey) =>
        publicKey.Length == PublicKeySize && publicKey.StartsWith(PublicKeyPrefix);

    /// <summary>The self-signed certificate that shows this key in TLS; owned by the identity, made once.</summary>
    /// <exception cref="ObjectDisposedException">The identity was disposed.</exception>
    internal X509Certificate2 Certificate
    {
        get
        {
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                return _certificate ??= CreateCertificate();
            }
        }
    }

    private X509Certificate2 CreateCertificate()
    {
        var request = new CertificateRequest($"CN={Id}", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        // The identity is the key and has no end. 9999-12-31 is how RFC 5280 §4.1.2.5 writes that.
        var certificate = request.CreateSelfSigned(
            new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero),
            new DateTimeOffset(9999, 12, 31, 23, 59, 59, TimeSpan.Zero)
        );
        if (!OperatingSystem.IsWindows())
        {
            return certificate;
        }

        // Windows' TLS can't use a key that lives only in this process's memory; an import gives it a place.
        using (certificate)
        {
            return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
        }
    }

    private static NodeIdentity FromPem(string pem, string source)
    {
        const string remedy =
            "needs an unencrypted P-256 private key in PEM (PRIVATE KEY or EC PRIVATE KEY). "
            + "Restore it from a backup, or remove it to start as a new peer.";
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(pem);
            key.ExportParameters(includePrivateParameters: true);
            if (IsPublicKey(key.ExportSubjectPublicKeyInfo()))
            {
                return new NodeIdentity(key);
            }
        }
        catch (Exception exception) when (exception is ArgumentException or CryptographicException)
        {
            key.Dispose();
            throw new FormatException($"{source} {remedy}", exception);
        }

        key.Dispose();
        throw new FormatException($"{source} holds a key of another curve; it {remedy}");
    }

    private static NodeIdentity Create(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var suffix = RandomNumberGenerator.GetHexString(16, lowercase: true);
        var temporary = string.Create(CultureInfo.InvariantCulture, $"{path}.{suffix}.tmp");
        var identity = Generate();
        try
        {
            using (var stream = new FileStream(temporary, options))
            using (var writer = new StreamWriter(stream))
            {
                writer.Write(identity.ToPem());
                writer.Flush();
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: false);
            return identity;
        }
        catch (IOException) when (File.Exists(path))
        {
            // Another process was faster; its key is the one that is kept.
            identity.Dispose();
            return FromPemFile(path);
        }
        catch
        {
            identity.Dispose();
            throw;
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}
