using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Mosaik.Hybrid.Transport;

/// <summary>Where a peer listens: a host name or IP address, and a port.</summary>
/// <param name="Host">A host name, an IPv4 or an IPv6 address without brackets; 1 to 253 characters.</param>
/// <param name="Port">0 to 65,535; 0 only for listening: any free port.</param>
public sealed record PeerAddress(string Host, int Port)
{
    /// <summary>The longest host that is taken.</summary>
    public const int HostLengthMax = 253;

    /// <summary>Reads <c>host:port</c> or <c>[ipv6]:port</c>.</summary>
    /// <exception cref="FormatException">The text is neither.</exception>
    public static PeerAddress Parse(string text) =>
        TryParse(text, out var address)
            ? address
            : throw new FormatException($"'{text}' is not an address; write host:port or [ipv6]:port.");

    /// <summary>Reads <c>host:port</c> or <c>[ipv6]:port</c>; false for anything else.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out PeerAddress? address)
    {
        address = null;
        var colon = text?.LastIndexOf(':') ?? -1;
        if (text is null || colon <= 0)
        {
            return false;
        }

        var host = text[..colon];
        if (host.StartsWith('[') && host.EndsWith(']'))
        {
            host = host[1..^1];
        }
        else if (host.Contains(':', StringComparison.Ordinal))
        {
            return false;
        }

        if (
            !ushort.TryParse(
                text.AsSpan(colon + 1),
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out var port
            )
            || host.Length is 0 or > HostLengthMax
            || host.Any(static character => char.IsWhiteSpace(character) || char.IsControl(character))
        )
        {
            return false;
        }

        address = new PeerAddress(host, port);
        return true;
    }

    /// <summary><c>host:port</c>, an IPv6 address in brackets.</summary>
    public override string ToString() =>
        Host.Contains(':', StringComparison.Ordinal)
            ? string.Create(CultureInfo.InvariantCulture, $"[{Host}]:{Port}")
            : string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");
}
