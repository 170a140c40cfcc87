using System.Globalization;
using System.Numerics;

namespace Mosaik.Hybrid.Tickets;

/// <summary>Checks that 32 bytes are a public key of Ed25519 that only its owner can sign for.</summary>
/// <remarks>RFC 8032 §5.1.3. A point of small order accepts signatures that anybody can make.</remarks>
internal static class EdwardsPoint
{
    private const int Length = 32;

    private static readonly BigInteger s_p = BigInteger.Pow(2, 255) - 19;

    private static readonly BigInteger s_d = Mod(-121665 * Inverse(121666));

    /// <summary>The y coordinates of the points whose order divides 8: 1, -1, 0, and two of order 8.</summary>
    private static readonly BigInteger[] s_small =
    [
        BigInteger.One,
        s_p - 1,
        BigInteger.Zero,
        Number("7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7"),
        Number("05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826"),
    ];

    /// <exception cref="ArgumentException">It is no such key.</exception>
    public static void Check(ReadOnlySpan<byte> publicKey)
    {
        if (publicKey.Length != Length)
        {
            throw new ArgumentException($"A public key of Ed25519 has {Length} bytes.");
        }

        Span<byte> digits = stackalloc byte[Length];
        publicKey.CopyTo(digits);
        digits[^1] &= 0x7f;
        var y = new BigInteger(digits, isUnsigned: true);
        if (y >= s_p || s_small.Contains(y))
        {
            throw new ArgumentException("The point has a small order or is not in its one canonical form.");
        }

        // x² = (y² - 1) / (dy² + 1); there is an x exactly when that is a square (Euler).
        var square = Mod(Mod(y * y - 1) * Inverse(Mod(s_d * y * y + 1)));
        if (!BigInteger.ModPow(square, (s_p - 1) / 2, s_p).IsOne)
        {
            throw new ArgumentException("The point is not on Ed25519.");
        }
    }

    private static BigInteger Mod(BigInteger number)
    {
        var rest = number % s_p;
        return rest < 0 ? rest + s_p : rest;
    }

    private static BigInteger Inverse(BigInteger number) => BigInteger.ModPow(Mod(number), s_p - 2, s_p);

    private static BigInteger Number(string hex) =>
        BigInteger.Parse("0" + hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
