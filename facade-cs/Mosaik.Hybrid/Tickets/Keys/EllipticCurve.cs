using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;

namespace Mosaik.Hybrid.Tickets;

/// <summary>A curve y² = x³ + ax + b over a prime field, with the algorithm that signs on it.</summary>
/// <remarks>
/// The framework signs and verifies; here is what it does not do: points in compressed form, and the check that a
/// point is on its curve. The cofactor of all of them is 1, so a point on the curve is in the right group (SEC 1
/// §3.2.2.1). Parameters from SEC 2.
/// </remarks>
internal sealed class EllipticCurve
{
    private readonly BigInteger _p;
    private readonly BigInteger _a;
    private readonly BigInteger _b;

    private EllipticCurve(
        string algorithm,
        string jwkName,
        string oid,
        HashAlgorithmName hash,
        int bits,
        string p,
        BigInteger a,
        string b
    )
    {
        Algorithm = algorithm;
        JwkName = jwkName;
        Oid = oid;
        Hash = hash;
        FieldLength = (bits + 7) / 8;
        _p = Hex(p);
        _a = a;
        _b = Hex(b);
    }

    /// <summary>NIST P-256, for ES256.</summary>
    public static EllipticCurve P256 { get; } =
        new(
            "ES256",
            "P-256",
            "1.2.840.10045.3.1.7",
            HashAlgorithmName.SHA256,
            256,
            "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
            -3,
            "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b"
        );

    /// <summary>NIST P-384, for ES384.</summary>
    public static EllipticCurve P384 { get; } =
        new(
            "ES384",
            "P-384",
            "1.3.132.0.34",
            HashAlgorithmName.SHA384,
            384,
            "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe"
                + "ffffffff0000000000000000ffffffff",
            -3,
            "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875a"
                + "c656398d8a2ed19d2a85c8edd3ec2aef"
        );

    /// <summary>NIST P-521, for ES512.</summary>
    public static EllipticCurve P521 { get; } =
        new(
            "ES512",
            "P-521",
            "1.3.132.0.35",
            HashAlgorithmName.SHA512,
            521,
            "01ff" + new string('f', 128),
            -3,
            "0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef1"
                + "09e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b50"
                + "3f00"
        );

    /// <summary>secp256k1, for ES256K (RFC 8812).</summary>
    public static EllipticCurve Secp256k1 { get; } =
        new(
            "ES256K",
            "secp256k1",
            "1.3.132.0.10",
            HashAlgorithmName.SHA256,
            256,
            "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f",
            0,
            "07"
        );

    /// <summary>All curves.</summary>
    public static IReadOnlyList<EllipticCurve> All { get; } = [P256, P384, P521, Secp256k1];

    /// <summary>The algorithm's name in tokens.</summary>
    public string Algorithm { get; }

    /// <summary>The curve's name in JSON Web Keys.</summary>
    public string JwkName { get; }

    /// <summary>The curve's object identifier.</summary>
    public string Oid { get; }

    /// <summary>What is signed: the hash of the signing input.</summary>
    public HashAlgorithmName Hash { get; }

    /// <summary>The bytes of one coordinate.</summary>
    public int FieldLength { get; }

    /// <summary>The curve for the framework.</summary>
    public ECCurve Named => ECCurve.CreateFromValue(Oid);

    /// <summary>Reads a point in SEC 1 form: compressed (02 or 03 first) or uncompressed (04 first).</summary>
    /// <exception cref="ArgumentException">Wrong length or form, or not on the curve.</exception>
    public ECPoint ReadPoint(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length == 1 + FieldLength && bytes[0] is 2 or 3)
        {
            return Decompress(bytes);
        }

        if (bytes.Length == 1 + 2 * FieldLength && bytes[0] == 4)
        {
            return Checked(bytes.Slice(1, FieldLength), bytes[(1 + FieldLength)..]);
        }

        throw new ArgumentException(
            $"A point of {JwkName} has {1 + FieldLength} bytes and begins with 02 or 03, or {1 + 2 * FieldLength} and 04."
        );
    }

    /// <summary>The point with these coordinates.</summary>
    /// <exception cref="ArgumentException">Wrong lengths, or not on the curve.</exception>
    public ECPoint Checked(ReadOnlySpan<byte> x, ReadOnlySpan<byte> y)
    {
        if (x.Length != FieldLength || y.Length != FieldLength)
        {
            throw new ArgumentException($"A coordinate of {JwkName} has {FieldLength} bytes.");
        }

        var (left, right) = (Number(x), Number(y));
        if (left >= _p || right >= _p || !(right * right - RightSide(left) % _p).IsMultipleOf(_p))
        {
            throw NotOnCurve();
        }

        return new ECPoint { X = x.ToArray(), Y = y.ToArray() };
    }

    /// <summary>The point in uncompressed SEC 1 form.</summary>
    public static byte[] Uncompressed(ECPoint point) => [4, .. point.X!, .. point.Y!];

    /// <summary>The point in compressed SEC 1 form.</summary>
    public static byte[] Compressed(ECPoint point) => [(byte)(2 + (point.Y![^1] & 1)), .. point.X!];

    /// <summary>All four primes are 3 modulo 4, so a root of z is z^((p+1)/4), if there is one (SEC 1 §2.3.4).</summary>
    private ECPoint Decompress(ReadOnlySpan<byte> bytes)
    {
        var x = Number(bytes[1..]);
        if (x >= _p)
        {
            throw NotOnCurve();
        }

        var square = RightSide(x) % _p;
        var y = BigInteger.ModPow(square < 0 ? square + _p : square, (_p + 1) / 4, _p);
        if (!(y * y - square).IsMultipleOf(_p))
        {
            throw NotOnCurve();
        }

        if (y.IsEven != (bytes[0] == 2))
        {
            y = _p - y;
        }

        var coordinate = new byte[FieldLength];
        var digits = y.ToByteArray(isUnsigned: true, isBigEndian: true);
        digits.CopyTo(coordinate, FieldLength - digits.Length);
        return new ECPoint { X = bytes[1..].ToArray(), Y = coordinate };
    }

    private BigInteger RightSide(BigInteger x) => x * x * x + _a * x + _b;

    private ArgumentException NotOnCurve() => new($"The point is not on {JwkName}.");

    private static BigInteger Number(ReadOnlySpan<byte> bytes) =>
        new(bytes, isUnsigned: true, isBigEndian: true);

    private static BigInteger Hex(string digits) =>
        BigInteger.Parse("0" + digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}

/// <summary>Arithmetic that reads better with a name.</summary>
internal static class BigIntegerExtensions
{
    /// <summary>True when the divisor divides the number.</summary>
    public static bool IsMultipleOf(this BigInteger number, BigInteger divisor) => (number % divisor).IsZero;
}
