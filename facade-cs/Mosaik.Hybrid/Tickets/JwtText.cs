using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace Mosaik.Hybrid.Tickets;

/// <summary>A token taken apart, before anything in it is believed. Nothing cryptographic happens here.</summary>
/// <remarks>
/// Stricter than the standards where readers differ: one form of base64url, no name twice, a bound on depth and size.
/// So whatever reads the token after this reads the same.
/// </remarks>
internal sealed class JwtText
{
    private const int PartsMax = 3;
    private const int HeaderLengthMax = 1024;
    private const int DepthMax = 8;

    private static readonly JsonDocumentOptions s_strict = new()
    {
        AllowDuplicateProperties = false,
        MaxDepth = DepthMax,
    };

    private static readonly SearchValues<byte> s_alphabet = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"u8
    );

    /// <summary>Header parameters that ask for what is never done.</summary>
    private static readonly string[] s_refused =
    [
        "crit",
        "b64",
        "jwk",
        "jku",
        "x5u",
        "x5c",
        "enc",
        "zip",
        "cty",
        "epk",
    ];

    private JwtText(string token, string algorithm, string? keyId, int signatureLength, JsonElement claims)
    {
        Token = token;
        Algorithm = algorithm;
        KeyId = keyId;
        SignatureLength = signatureLength;
        Claims = claims;
    }

    /// <summary>The token as it stands.</summary>
    public string Token { get; }

    /// <summary>What the header says; only compared, never obeyed.</summary>
    public string Algorithm { get; }

    /// <summary>Which of the configured keys the header names; null for none.</summary>
    public string? KeyId { get; }

    /// <summary>The decoded signature's bytes.</summary>
    public int SignatureLength { get; }

    /// <summary>The claims: a JSON object, not yet to be believed.</summary>
    public JsonElement Claims { get; }

    /// <summary>Takes a token apart.</summary>
    /// <exception cref="InvalidTicketException">It is malformed.</exception>
    public static JwtText Read(ReadOnlySpan<byte> data)
    {
        Span<Range> parts = stackalloc Range[PartsMax + 1];
        var count = Split(data, parts);
        if (count != PartsMax)
        {
            throw new InvalidTicketException(
                TicketFault.NotAToken,
                $"a signed token has three parts, this one has {(count > PartsMax ? "more" : "fewer")}"
            );
        }

        var header = Decode(data[parts[0]], "header");
        var claims = Decode(data[parts[1]], "claims");
        var signature = Decode(data[parts[2]], "signature");
        if (header.Length > HeaderLengthMax)
        {
            throw new InvalidTicketException(
                TicketFault.TooLarge,
                $"the header has {header.Length} bytes, at most {HeaderLengthMax} are read"
            );
        }

        var (algorithm, keyId) = ReadHeader(Parse(header, "header"));
        return new JwtText(
            Encoding.ASCII.GetString(data),
            algorithm,
            keyId,
            signature.Length,
            Parse(claims, "claims")
        );
    }

    /// <summary>A string of whichever element; a text that can't be one in UTF-16 is refused.</summary>
    public static string? TextOf(JsonElement element)
    {
        try
        {
            return element.ValueKind == JsonValueKind.String ? element.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            throw new InvalidTicketException(TicketFault.BadJson, "a text holds half a surrogate pair");
        }
    }

    private static int Split(ReadOnlySpan<byte> data, Span<Range> parts)
    {
        var count = 0;
        foreach (var part in data.Split((byte)'.'))
        {
            if (count == parts.Length)
            {
                break;
            }

            parts[count++] = part;
        }

        return count;
    }

    private static byte[] Decode(ReadOnlySpan<byte> part, string name)
    {
        if (part.IsEmpty)
        {
            throw new InvalidTicketException(TicketFault.NotAToken, $"the {name} is empty");
        }

        // The alphabet first: the decoder passes over white space and padding. It does refuse bits behind the last
        // byte, of which two texts for the same bytes could be made.
        var bytes = new byte[Base64Url.GetMaxDecodedLength(part.Length)];
        return
            !part.ContainsAnyExcept(s_alphabet)
            && Base64Url.DecodeFromUtf8(part, bytes, out _, out var written) == OperationStatus.Done
            ? bytes[..written]
            : throw new InvalidTicketException(
                TicketFault.BadEncoding,
                $"the {name} is no base64url in its canonical form"
            );
    }

    private static JsonElement Parse(byte[] utf8, string name)
    {
        if (!System.Text.Unicode.Utf8.IsValid(utf8))
        {
            throw new InvalidTicketException(TicketFault.BadJson, $"the {name} is no UTF-8");
        }

        try
        {
            using var document = JsonDocument.Parse(utf8, s_strict);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? document.RootElement.Clone()
                : throw new InvalidTicketException(TicketFault.BadJson, $"the {name} is no JSON object");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // The parser's message may show what the peer wrote.
            throw new InvalidTicketException(
                TicketFault.BadJson,
                $"the {name} is no JSON, is deeper than {DepthMax}, or names something twice"
            );
        }
    }

    private static (string Algorithm, string? KeyId) ReadHeader(JsonElement header)
    {
        foreach (var parameter in s_refused)
        {
            if (header.TryGetProperty(parameter, out _))
            {
                throw new InvalidTicketException(TicketFault.BadHeader, $"the header has '{parameter}'");
            }
        }

        if (
            header.TryGetProperty("typ", out var type)
            && !string.Equals(TextOf(type), "JWT", StringComparison.OrdinalIgnoreCase)
        )
        {
            throw new InvalidTicketException(TicketFault.BadHeader, "the header's type is not JWT");
        }

        if (!header.TryGetProperty("alg", out var algorithm) || TextOf(algorithm) is not { } name)
        {
            throw new InvalidTicketException(TicketFault.WrongAlgorithm, "the header names no algorithm");
        }

        if (!header.TryGetProperty("kid", out var keyId))
        {
            return (name, null);
        }

        return TextOf(keyId) is { Length: > 0 and <= JwtKey.KeyIdLengthMax } id
            ? (name, id)
            : throw new InvalidTicketException(
                TicketFault.BadHeader,
                $"the header's key id is no text of 1 to {JwtKey.KeyIdLengthMax} characters"
            );
    }
}

/// <summary>Carries the reason out of a validation's depths; never leaves the validator.</summary>
internal sealed class InvalidTicketException(TicketFault fault, string detail) : Exception(detail)
{
    /// <summary>The reason.</summary>
    public InvalidTicket Error { get; } = new(fault, detail);
}
