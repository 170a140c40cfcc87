using Microsoft.IdentityModel.Tokens;

namespace Mosaik.Hybrid.Tickets;

/// <summary>Keys of RSA with PKCS #1 v1.5 padding and SHA-256: RS256.</summary>
public static class Rs256
{
    private const string Name = SecurityAlgorithms.RsaSha256;

    /// <summary>Reads a public key in PEM: <c>-----BEGIN PUBLIC KEY-----</c> or <c>RSA PUBLIC KEY</c>.</summary>
    /// <exception cref="ArgumentException">It is something else, or weak: under 2048 bits, say.</exception>
    public static JwtKey Pem(string pem, string? keyId = null) => PemKeys.ReadRsa(Name, pem, keyId);

    /// <summary>Reads a public JSON Web Key of type <c>RSA</c>; its <c>kid</c> becomes the key id.</summary>
    /// <exception cref="ArgumentException">It is something else, weak, private, or not for signatures.</exception>
    public static JwtKey Jwk(string json) => JwkReader.ReadRsa(json, Name);

    /// <summary>Makes a random private key of 3072 bits, which takes up to seconds.</summary>
    public static JwtSigningKey GenerateSigningKey(string? keyId = null) =>
        RsaSigningKey.Generate(Name, keyId);
}

/// <summary>Keys of RSA with PSS padding and SHA-256: PS256.</summary>
public static class Ps256
{
    private const string Name = SecurityAlgorithms.RsaSsaPssSha256;

    /// <summary>Reads a public key in PEM: <c>-----BEGIN PUBLIC KEY-----</c> or <c>RSA PUBLIC KEY</c>.</summary>
    /// <exception cref="ArgumentException">It is something else, or weak: under 2048 bits, say.</exception>
    public static JwtKey Pem(string pem, string? keyId = null) => PemKeys.ReadRsa(Name, pem, keyId);

    /// <summary>Reads a public JSON Web Key of type <c>RSA</c>; its <c>kid</c> becomes the key id.</summary>
    /// <exception cref="ArgumentException">It is something else, weak, private, or not for signatures.</exception>
    public static JwtKey Jwk(string json) => JwkReader.ReadRsa(json, Name);

    /// <summary>Makes a random private key of 3072 bits, which takes up to seconds.</summary>
    public static JwtSigningKey GenerateSigningKey(string? keyId = null) =>
        RsaSigningKey.Generate(Name, keyId);
}
