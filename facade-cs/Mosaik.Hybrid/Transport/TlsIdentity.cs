using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mosaik.Hybrid.Transport;

/// <summary>TLS settings of one node: TLS 1.3 only, both ends show their identity key, no authority is asked.</summary>
internal sealed class TlsIdentity(NodeIdentity identity)
{
    // Sent as server name and compared by nobody: the key is the name.
    private const string ServerName = "mosaik";

    private static readonly List<SslApplicationProtocol> Protocols =
    [
        new(LinkProtocols.Groups),
        new(LinkProtocols.Discovery),
    ];

    // Offline and built once: the self-signed certificate has no chain to look up.
    private readonly SslStreamCertificateContext _certificate = SslStreamCertificateContext.Create(
        identity.Certificate,
        additionalCertificates: null,
        offline: true
    );

    /// <summary>Settings for one accepted connection.</summary>
    public SslServerAuthenticationOptions ForServer(PresentedKey presented) =>
        new()
        {
            ServerCertificateContext = _certificate,
            ClientCertificateRequired = true,
            RemoteCertificateValidationCallback = presented.Take,
            CertificateChainPolicy = NoChain(),
            EnabledSslProtocols = SslProtocols.Tls13,
            ApplicationProtocols = Protocols,
            AllowRenegotiation = false,
            // A resumed session could skip the other end's proof of its key.
            AllowTlsResume = false,
        };

    /// <summary>Settings for one dialled connection.</summary>
    public SslClientAuthenticationOptions ForClient(PresentedKey presented, string protocol) =>
        new()
        {
            TargetHost = ServerName,
            ClientCertificateContext = _certificate,
            RemoteCertificateValidationCallback = presented.Take,
            CertificateChainPolicy = NoChain(),
            EnabledSslProtocols = SslProtocols.Tls13,
            ApplicationProtocols = [new SslApplicationProtocol(protocol)],
            AllowRenegotiation = false,
            AllowTlsResume = false,
        };

    // The chain's verdict is not used; this keeps building it from reading stores or the network.
    private static X509ChainPolicy NoChain() =>
        new()
        {
            RevocationMode = X509RevocationMode.NoCheck,
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            DisableCertificateDownloads = true,
            VerificationFlags = X509VerificationFlags.AllFlags,
        };
}

/// <summary>What the other end of one TLS connection showed as its identity.</summary>
internal sealed class PresentedKey
{
    /// <summary>The SubjectPublicKeyInfo; empty until a usable certificate was shown.</summary>
    public ReadOnlyMemory<byte> PublicKey { get; private set; }

    /// <summary>Who that is.</summary>
    public PeerId Peer { get; private set; }

    /// <summary>Why the certificate was refused; null if it was not.</summary>
    public string? Fault { get; private set; }

    /// <summary>Accepts any certificate of a P-256 key; TLS itself proves that the other end holds the key.</summary>
    public bool Take(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        // Names, dates and issuers say nothing here, so the policy errors are not looked at.
        Fault = certificate is null ? "it showed no certificate" : FaultOf(certificate);
        return Fault is null;
    }

    private string? FaultOf(X509Certificate certificate)
    {
        const string wrongKey = "its certificate is not of an ECDSA P-256 key";
        try
        {
            using var parsed = X509CertificateLoader.LoadCertificate(certificate.GetRawCertData());
            var publicKey = parsed.PublicKey.ExportSubjectPublicKeyInfo();
            if (!NodeIdentity.IsPublicKey(publicKey))
            {
                return wrongKey;
            }

            PublicKey = publicKey;
            Peer = NodeIdentity.IdOf(publicKey);
            return null;
        }
        catch (CryptographicException)
        {
            return wrongKey;
        }
    }
}
