using System.Security.Cryptography;
using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid.Tests.Tickets;

/// <summary>A way to make a fresh key for each algorithm; those of RSA are made once, since that takes long.</summary>
internal static class SigningKeys
{
    private static readonly Lazy<string> s_rs = new(static () => NewRsa());
    private static readonly Lazy<string> s_ps = new(static () => NewRsa());

    public static Dictionary<string, Func<JwtSigningKey>> All { get; } =
        new()
        {
            ["HS256"] = static () => Hs256.Generate(),
            ["HS384"] = static () => Hs384.Generate(),
            ["HS512"] = static () => Hs512.Generate(),
            ["ES256"] = static () => Es256.GenerateSigningKey(),
            ["ES384"] = static () => Es384.GenerateSigningKey(),
            ["ES512"] = static () => Es512.GenerateSigningKey(),
            ["ES256K"] = static () => Es256k.GenerateSigningKey(),
            ["RS256"] = static () => JwtSigningKey.FromPem(s_rs.Value),
            ["PS256"] = static () => JwtSigningKey.FromPem(s_ps.Value, "PS256"),
            ["EdDSA"] = static () => EdDsa.GenerateSigningKey(),
            ["X-MAC"] = static () => Custom(),
        };

    private static string NewRsa()
    {
        using var key = RSA.Create(2048);
        return key.ExportPkcs8PrivateKeyPem();
    }

    private static JwtSigningKey Custom()
    {
        var secret = RandomNumberGenerator.GetBytes(32);
        var verifying = JwtKey.Custom(
            "X-MAC",
            SHA256.HashData(secret),
            (input, signature) => CryptographicOperations.FixedTimeEquals(Mac(secret, input), signature)
        );
        return JwtSigningKey.Custom(verifying, input => Mac(secret, input));
    }

    private static byte[] Mac(byte[] secret, ReadOnlySpan<byte> input) => HMACSHA256.HashData(secret, input);
}
