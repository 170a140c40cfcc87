namespace Mosaik.Hybrid.Tickets;

/// <summary>Keys of ECDSA on P-256 with SHA-256: ES256.</summary>
public static class Es256
{
    /// <summary>Reads a public key: a point in SEC 1 form, compressed (33 bytes) or uncompressed (65), in hex.</summary>
    /// <exception cref="ArgumentException">It is no hex, or no point of P-256.</exception>
    public static JwtKey Hex(string point, string? keyId = null) =>
        EllipticKey.FromHex(EllipticCurve.P256, point, keyId);

    /// <summary>Reads a public key in PEM: <c>-----BEGIN PUBLIC KEY-----</c>.</summary>
    /// <exception cref="ArgumentException">It is something else, or a key of another curve.</exception>
    public static JwtKey Pem(string pem, string? keyId = null) =>
        PemKeys.ReadElliptic(EllipticCurve.P256, pem, keyId);

    /// <summary>Reads a public JSON Web Key of type <c>EC</c>; its <c>kid</c> becomes the key id.</summary>
    /// <exception cref="ArgumentException">It is something else, private, or not for signatures.</exception>
    public static JwtKey Jwk(string json) => JwkReader.ReadElliptic(json, EllipticCurve.P256);

    /// <summary>Makes a random private key.</summary>
    public static JwtSigningKey GenerateSigningKey(string? keyId = null) =>
        EllipticSigningKey.Generate(EllipticCurve.P256, keyId);
}

/// <summary>Keys of ECDSA on P-384 with SHA-384: ES384.</summary>
public static class Es384
{
    /// <summary>Reads a public key: a point in SEC 1 form, compressed (49 bytes) or uncompressed (97), in hex.</summary>
    /// <exception cref="ArgumentException">It is no hex, or no point of P-384.</exception>
    public static JwtKey Hex(string point, string? keyId = null) =>
        EllipticKey.FromHex(EllipticCurve.P384, point, keyId);

    /// <summary>Reads a public key in PEM: <c>-----BEGIN PUBLIC KEY-----</c>.</summary>
    /// <exception cref="ArgumentException">It is something else, or a key of another curve.</exception>
    public static JwtKey Pem(string pem, string? keyId = null) =>
        PemKeys.ReadElliptic(EllipticCurve.P384, pem, keyId);

    /// <summary>Reads a public JSON Web Key of type <c>EC</c>; its <c>kid</c> becomes the key id.</summary>
    /// <exception cref="ArgumentException">It is something else, private, or not for signatures.</exception>
    public static JwtKey Jwk(string json) => JwkReader.ReadElliptic(json, EllipticCurve.P384);

    /// <summary>Makes a random private key.</summary>
    public static JwtSigningKey GenerateSigningKey(string? keyId = null) =>
        EllipticSigningKey.Generate(EllipticCurve.P384, keyId);
}

/// <summary>Keys of ECDSA on P-521 with SHA-512: ES512.</summary>
public static class Es512
{
    /// <summary>Reads a public key: a point in SEC 1 form, compressed (67 bytes) or uncompressed (133), in hex.</summary>
    /// <exception cref="ArgumentException">It is no hex, or no point of P-521.</exception>
    public static JwtKey Hex(string point, string? keyId = null) =>
        EllipticKey.FromHex(EllipticCurve.P521, point, keyId);

    /// <summary>Reads a public key in PEM: <c>-----BEGIN PUBLIC KEY-----</c>.</summary>
    /// <exception cref="ArgumentException">It is something else, or a key of another curve.</exception>
    public static JwtKey Pem(string pem, string? keyId = null) =>
        PemKeys.ReadElliptic(EllipticCurve.P521, pem, keyId);

    /// <summary>Reads a public JSON Web Key of type <c>EC</c>; its <c>kid</c> becomes the key id.</summary>
    /// <exception cref="ArgumentException">It is something else, private, or not for signatures.</exception>
    public static JwtKey Jwk(string json) => JwkReader.ReadElliptic(json, EllipticCurve.P521);

    /// <summary>Makes a random private key.</summary>
    public static JwtSigningKey GenerateSigningKey(string? keyId = null) =>
        EllipticSigningKey.Generate(EllipticCurve.P521, keyId);
}

/// <summary>Keys of ECDSA on secp256k1 with SHA-256: ES256K (RFC 8812).</summary>
public static class Es256k
{
    /// <summary>Reads a public key: a point in SEC 1 form, compressed (33 bytes) or uncompressed (65), in hex.</summary>
    /// <exception cref="ArgumentException">It is no hex, or no point of secp256k1.</exception>
    public static JwtKey Hex(string point, string? keyId = null) =>
        EllipticKey.FromHex(EllipticCurve.Secp256k1, point, keyId);

    /// <summary>Reads a public key in PEM: <c>-----BEGIN PUBLIC KEY-----</c>.</summary>
    /// <exception cref="ArgumentException">It is something else, or a key of another curve.</exception>
    public static JwtKey Pem(string pem, string? keyId = null) =>
        PemKeys.ReadElliptic(EllipticCurve.Secp256k1, pem, keyId);

    /// <summary>Reads a public JSON Web Key of type <c>EC</c>; its <c>kid</c> becomes the key id.</summary>
    /// <exception cref="ArgumentException">It is something else, private, or not for signatures.</exception>
    public static JwtKey Jwk(string json) => JwkReader.ReadElliptic(json, EllipticCurve.Secp256k1);

    /// <summary>Makes a random private key.</summary>
    public static JwtSigningKey GenerateSigningKey(string? keyId = null) =>
        EllipticSigningKey.Generate(EllipticCurve.Secp256k1, keyId);
}
