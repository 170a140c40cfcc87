using System.Net;
using System.Net.Sockets;

namespace Mosaik.Hybrid.Transport;

/// <summary>Bounds how many connections may be proving their identity, in all and from one host.</summary>
internal sealed class TlsAdmission(int handshakesMax, int handshakesPerHostMax)
{
    private const int HostPrefixBytes = 8;

    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, int> _byHost = [];
    private int _total;

    /// <summary>Counts a connection in; the reason if it must be refused, else null.</summary>
    public string? TryEnter(IPAddress host)
    {
        lock (_gate)
        {
            var fromHost = _byHost.GetValueOrDefault(host);
            if (_total >= handshakesMax)
            {
                return "too many connections are proving their identity";
            }

            if (fromHost >= handshakesPerHostMax)
            {
                return "too many connections from this host are proving their identity";
            }

            _byHost[host] = fromHost + 1;
            _total++;
            return null;
        }
    }

    /// <summary>Counts it out.</summary>
    public void Leave(IPAddress host)
    {
        lock (_gate)
        {
            _total--;
            if (--_byHost[host] == 0)
            {
                _byHost.Remove(host);
            }
        }
    }

    /// <summary>The host behind an end point: an IPv4 address, or the 64 bits of IPv6 that one host can vary within.</summary>
    public static IPAddress HostOf(EndPoint? endPoint)
    {
        if (endPoint is not IPEndPoint { Address: var address })
        {
            return IPAddress.None;
        }

        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }

        if (address.AddressFamily != AddressFamily.InterNetworkV6 || IPAddress.IsLoopback(address))
        {
            return address;
        }

        var bytes = address.GetAddressBytes();
        bytes.AsSpan(HostPrefixBytes).Clear();
        return new IPAddress(bytes);
    }
}
