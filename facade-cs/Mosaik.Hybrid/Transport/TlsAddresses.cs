using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Mosaik.Hybrid.Transport;

/// <summary>Which addresses a <see cref="TlsTransport"/> binds, and which ones it tells others.</summary>
internal static class TlsAddresses
{
    // Enough for real machines; those with hundreds of virtual interfaces should name what they advertise.
    private const int AdvertisedMax = 16;

    /// <summary>The addresses of a name or literal; at least one.</summary>
    /// <exception cref="SocketException">The name is unknown.</exception>
    public static async ValueTask<IPAddress[]> ResolveAsync(
        string host,
        CancellationToken cancellationToken
    ) =>
        IPAddress.TryParse(host, out var literal)
            ? [literal]
            : await Dns.GetHostAddressesAsync(host, cancellationToken).ConfigureAwait(false);

    /// <summary>The end points to bind for one configured address.</summary>
    /// <exception cref="SocketException">The name is unknown.</exception>
    public static async ValueTask<IEnumerable<IPEndPoint>> ToBindAsync(
        PeerAddress address,
        CancellationToken cancellationToken
    )
    {
        if (address.Host == TlsTransportOptions.AnyHost)
        {
            var any = Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any;
            return [new IPEndPoint(any, address.Port)];
        }

        var resolved = await ResolveAsync(address.Host, cancellationToken).ConfigureAwait(false);
        return resolved.Distinct().Select(found => new IPEndPoint(found, address.Port));
    }

    /// <summary>What to tell others, given what is bound: real addresses and ports, loopback last.</summary>
    public static IReadOnlyList<PeerAddress> ToAdvertise(
        IReadOnlyList<PeerAddress> configured,
        IReadOnlyList<IPEndPoint> bound
    )
    {
        if (configured.Count > 0)
        {
            return
            [
                .. configured.Select(given => given.Port == 0 ? given with { Port = bound[0].Port } : given),
            ];
        }

        return
        [
            .. bound
                .SelectMany(static end => Reachable(end.Address).Select(address => (address, end.Port)))
                .Distinct()
                .OrderBy(static place => IPAddress.IsLoopback(place.address))
                .ThenBy(static place => place.address.AddressFamily == AddressFamily.InterNetworkV6)
                .Select(static place => new PeerAddress(place.address.ToString(), place.Port))
                .Take(AdvertisedMax),
        ];
    }

    private static IEnumerable<IPAddress> Reachable(IPAddress bound)
    {
        var bindsV6 = bound.Equals(IPAddress.IPv6Any);
        if (!bindsV6 && !bound.Equals(IPAddress.Any))
        {
            return [bound];
        }

        return NetworkInterface
            .GetAllNetworkInterfaces()
            .Where(static card => card.OperationalStatus != OperationalStatus.Down)
            .SelectMany(static card => card.GetIPProperties().UnicastAddresses)
            .Select(static unicast => unicast.Address)
            .Where(address =>
                IsUseful(address) && (bindsV6 || address.AddressFamily == AddressFamily.InterNetwork)
            )
            .Append(IPAddress.Loopback)
            .Distinct();
    }

    // A link-local address means nothing on another machine without the name of an interface there.
    private static bool IsUseful(IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetworkV6
            ? !address.IsIPv6LinkLocal && !IPAddress.IsLoopback(address)
            : !address.ToString().StartsWith("169.254.", StringComparison.Ordinal);
}
