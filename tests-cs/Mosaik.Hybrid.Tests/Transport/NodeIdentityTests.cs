using System.Security.Cryptography;
using Xunit;

namespace Mosaik.Hybrid.Tests.Transport;

public sealed class NodeIdentityTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mosaik-identity-").FullName;
    private readonly NodeIdentity _identity = NodeIdentity.Generate();

    public void Dispose()
    {
        _identity.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Id_IsTheDigestOfThePublicKey()
    {
        Assert.Equal(NodeIdentity.PublicKeySize, _identity.PublicKey.Length);
        Assert.Equal(SHA256.HashData(_identity.PublicKey.Span), _identity.Id.Value.ToArray());
    }

    [Fact]
    public void Pem_RoundTrips()
    {
        using var copy = NodeIdentity.FromPem(_identity.ToPem());

        Assert.Equal(_identity.Id, copy.Id);
        Assert.True(NodeIdentity.Verify(_identity.PublicKey.Span, [1, 2], copy.Sign([1, 2])));
    }

    [Fact]
    public void Pem_OfOpenSslWithParametersBeforeTheKey_IsRead()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";

        using var identity = NodeIdentity.FromPem(parameters + key.ExportECPrivateKeyPem());

        Assert.Equal(key.ExportSubjectPublicKeyInfo(), identity.PublicKey.ToArray());
    }

    [Theory]
    [InlineData("")]
    [InlineData("not a key")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")]
    public void Pem_Malformed_SaysWhatIsNeeded(string pem)
    {
        var error = Assert.Throws<FormatException>(() => NodeIdentity.FromPem(pem));

        Assert.Contains("P-256 private key in PEM", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Pem_OfOtherKinds_IsRefused()
    {
        using var otherCurve = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using var publicOnly = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var rsa = RSA.Create(2048);

        Assert.Throws<FormatException>(() => NodeIdentity.FromPem(otherCurve.ExportPkcs8PrivateKeyPem()));
        Assert.Throws<FormatException>(() =>
            NodeIdentity.FromPem(publicOnly.ExportSubjectPublicKeyInfoPem())
        );
        Assert.Throws<FormatException>(() => NodeIdentity.FromPem(rsa.ExportPkcs8PrivateKeyPem()));
    }

    [Fact]
    public void LoadOrCreate_KeepsTheKeyForTheOwnerOnly()
    {
        var path = Path.Combine(_folder, "new", "node.pem");

        using var first = NodeIdentity.LoadOrCreate(path);
        using var second = NodeIdentity.LoadOrCreate(path);

        Assert.Equal(first.Id, second.Id);
        Assert.Equal([path], Directory.GetFiles(Path.GetDirectoryName(path)!));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        }
    }

    [Fact]
    public void LoadOrCreate_InARace_GivesEveryoneTheSameKey()
    {
        var path = Path.Combine(_folder, "node.pem");

        var ids = ParallelEnumerable
            .Range(0, 16)
            .WithDegreeOfParallelism(8)
            .Select(_ =>
            {
                using var identity = NodeIdentity.LoadOrCreate(path);
                return identity.Id;
            })
            .ToArray();

        Assert.Single(ids.Distinct());
    }

    [Fact]
    public void LoadOrCreate_OfAMalformedFile_NamesItAndLeavesIt()
    {
        var path = Path.Combine(_folder, "node.pem");
        File.WriteAllText(path, "torn");

        var error = Assert.Throws<FormatException>(() => NodeIdentity.LoadOrCreate(path));

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains("Restore it from a backup", error.Message, StringComparison.Ordinal);
        Assert.Equal("torn", File.ReadAllText(path));
    }

    [Fact]
    public void Verify_OfAnythingElse_IsFalse()
    {
        var data = new byte[] { 1, 2, 3 };
        var signature = _identity.Sign(data);
        var key = _identity.PublicKey.ToArray();
        using var other = NodeIdentity.Generate();
        using var otherCurve = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var offCurve = key.ToArray();
        offCurve[^1] ^= 1;

        Assert.Equal(NodeIdentity.SignatureSize, signature.Length);
        Assert.True(NodeIdentity.Verify(key, data, signature));
        Assert.False(NodeIdentity.Verify(key, [1, 2, 4], signature));
        Assert.False(NodeIdentity.Verify(other.PublicKey.Span, data, signature));
        Assert.False(NodeIdentity.Verify(otherCurve.ExportSubjectPublicKeyInfo(), data, signature));
        Assert.False(NodeIdentity.Verify(offCurve, data, signature));
        Assert.False(NodeIdentity.Verify([], data, signature));
        Assert.False(NodeIdentity.Verify(key, data, []));
        Assert.False(NodeIdentity.Verify(key, data, new byte[NodeIdentity.SignatureSize]));
        Assert.False(NodeIdentity.Verify(key, data, [.. signature, 0]));
    }

    [Fact]
    public void ToString_ShowsNoSecret()
    {
        Assert.Equal($"NodeIdentity {_identity.Id.Short}", _identity.ToString());
    }

    [Fact]
    public void Sign_AfterDispose_Throws()
    {
        var identity = NodeIdentity.Generate();
        identity.Dispose();

        Assert.Throws<ObjectDisposedException>(() => identity.Sign([1]));
        Assert.Throws<ObjectDisposedException>(() => identity.ToPem());
    }
}
