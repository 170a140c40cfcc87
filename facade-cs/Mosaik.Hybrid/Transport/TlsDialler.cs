using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace Mosaik.Hybrid.Transport;

/// <summary>The dialling half of <see cref="TlsTransport"/>.</summary>
internal sealed class TlsDialler(
    PeerId localPeer,
    TlsIdentity identity,
    TlsTransportOptions options,
    TlsLinks links,
    TimeProvider timeProvider
)
{
    // A name with more addresses than this is a mistake; trying them all would take minutes.
    private const int AddressesMax = 16;

    /// <summary>Tries each address of the host in turn.</summary>
    /// <exception cref="LinkException">None gave a link; the message has a reason for each.</exception>
    public async ValueTask<ILink> DialAsync(
        PeerAddress address,
        string protocol,
        PeerId? expected,
        CancellationToken cancellationToken
    )
    {
        var failures = new List<LinkException>();
        foreach (var found in await ResolveAsync(address, cancellationToken).ConfigureAwait(false))
        {
            try
            {
                var end = new IPEndPoint(found, address.Port);
                return await DialAsync(end, protocol, expected, cancellationToken).ConfigureAwait(false);
            }
            catch (LinkException failure)
            {
                failures.Add(failure);
            }
        }

        // The enumeration goes from the least to the most telling failure.
        throw new LinkException(
            failures.Max(static failure => failure.Failure),
            $"No link to {address} for {protocol}: {string.Join("; ", failures.Select(static one => one.Message))}.",
            failures[^1]
        );
    }

    private static async ValueTask<IEnumerable<IPAddress>> ResolveAsync(
        PeerAddress address,
        CancellationToken cancellationToken
    )
    {
        try
        {
            var found = await TlsAddresses
                .ResolveAsync(address.Host, cancellationToken)
                .ConfigureAwait(false);
            return found.Length > 0
                ? found.Take(AddressesMax)
                : throw new LinkException(
                    LinkFailure.Unreachable,
                    $"The name {address.Host} has no addresses."
                );
        }
        catch (SocketException exception)
        {
            throw new LinkException(
                LinkFailure.Unreachable,
                $"The name {address.Host} can't be resolved: {exception.Message}",
                exception
            );
        }
    }

    private async ValueTask<ILink> DialAsync(
        IPEndPoint end,
        string protocol,
        PeerId? expected,
        CancellationToken cancellationToken
    )
    {
        var socket = await ConnectAsync(end, cancellationToken).ConfigureAwait(false);
        using var deadline = new CancellationTokenSource(options.HandshakeTimeout, timeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        var presented = new PresentedKey();
        SslStream? stream = null;
        try
        {
            stream = new SslStream(new NetworkStream(socket, ownsSocket: true), leaveInnerStreamOpen: false);
            return await NegotiateAsync(socket, stream, end, presented, protocol, expected, either.Token)
                .ConfigureAwait(false);
        }
        catch (LinkException)
        {
            socket.Dispose();
            stream?.Dispose();
            throw;
        }
        catch (Exception exception)
        {
            socket.Dispose();
            stream?.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            var reason = deadline.IsCancellationRequested
                ? $"{end} did not finish the handshake within {Seconds(options.HandshakeTimeout)}"
                : $"{end} ended the handshake: {presented.Fault ?? exception.Message}";
            throw new LinkException(LinkFailure.Refused, reason, exception);
        }
    }

    private async ValueTask<Socket> ConnectAsync(IPEndPoint end, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(options.ConnectTimeout, timeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        var socket = new Socket(end.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.NoDelay = true;
            await socket.ConnectAsync(end, either.Token).ConfigureAwait(false);
            return socket;
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException)
        {
            socket.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            var reason = deadline.IsCancellationRequested
                ? $"{end} did not answer within {Seconds(options.ConnectTimeout)}"
                : $"{end} can't be reached: {exception.Message}";
            throw new LinkException(LinkFailure.Unreachable, reason, exception);
        }
    }

    private async ValueTask<ILink> NegotiateAsync(
        Socket socket,
        SslStream stream,
        IPEndPoint end,
        PresentedKey presented,
        string protocol,
        PeerId? expected,
        CancellationToken cancellationToken
    )
    {
        var settings = identity.ForClient(presented, protocol);
        await stream.AuthenticateAsClientAsync(settings, cancellationToken).ConfigureAwait(false);
        if (expected is { } wanted && wanted != presented.Peer)
        {
            throw new LinkException(
                LinkFailure.WrongPeer,
                $"{end} answers as peer {presented.Peer}, expected {wanted}"
            );
        }

        if (presented.Peer == localPeer)
        {
            throw new LinkException(LinkFailure.Self, $"{end} is this node itself");
        }

        if (stream.NegotiatedApplicationProtocol.ToString() != protocol)
        {
            throw new LinkException(LinkFailure.WrongProtocol, $"{end} does not speak {protocol}");
        }

        // The other end judges this node only after this end's handshake is over; its first byte says that it did.
        var welcome = new byte[1];
        if (await stream.ReadAsync(welcome, cancellationToken).ConfigureAwait(false) == 0)
        {
            throw new LinkException(
                LinkFailure.Refused,
                $"{end} closed the connection: it refuses this node or is full"
            );
        }

        if (welcome[0] != TlsTransport.Welcome.Span[0])
        {
            throw new LinkException(
                LinkFailure.WrongProtocol,
                $"{end} does not begin {protocol} as this node does"
            );
        }

        var link = new TlsLink(
            socket,
            stream,
            presented,
            protocol,
            end.ToString(),
            isDialler: true,
            links.Remove
        );
        ObjectDisposedException.ThrowIf(!links.TryAdd(link), typeof(TlsTransport));
        return link;
    }

    private static string Seconds(TimeSpan time) =>
        string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.###} s");
}
