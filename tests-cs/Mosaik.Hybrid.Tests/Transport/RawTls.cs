using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Mosaik.Hybrid.Transport;

namespace Mosaik.Hybrid.Tests.Transport;

/// <summary>Connections made by hand, as strangers and attackers make them.</summary>
internal static class RawTls
{
    public static async Task<Socket> ConnectAsync(PeerAddress address)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Parse(address.Host), address.Port);
        return socket;
    }

    public static SslClientAuthenticationOptions Client(X509Certificate2? certificate, string? protocol)
    {
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = "stranger",
            RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null,
            EnabledSslProtocols = SslProtocols.Tls13,
        };
        if (certificate is not null)
        {
            options.ClientCertificateContext = SslStreamCertificateContext.Create(
                certificate,
                null,
                offline: true
            );
        }

        if (protocol is not null)
        {
            options.ApplicationProtocols = [new SslApplicationProtocol(protocol)];
        }

        return options;
    }

    /// <summary>Speaks TLS to the address; true when the other end welcomes this one as a link.</summary>
    public static async Task<bool> IsWelcomeAsync(PeerAddress address, SslClientAuthenticationOptions options)
    {
        using var socket = await ConnectAsync(address);
        await using var stream = new SslStream(new NetworkStream(socket));
        try
        {
            await stream.AuthenticateAsClientAsync(options);
            return await stream.ReadAsync(new byte[1]) == 1;
        }
        catch (Exception exception) when (exception is AuthenticationException or IOException)
        {
            return false;
        }
    }

    /// <summary>True when the other end closes a connection on which nothing was said.</summary>
    public static async Task<bool> IsClosedAsync(Socket socket)
    {
        try
        {
            return await socket.ReceiveAsync(new byte[1]) == 0;
        }
        catch (SocketException)
        {
            return true;
        }
    }
}
