using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Mosaik.Hybrid.Transport;

/// <summary>The accepting half of <see cref="TlsTransport"/>.</summary>
/// <remarks>
/// Accepting never waits for a handshake, and no connection can end it. Each connection is counted in, has one
/// deadline for all of its handshake, and is judged before anyone hears of it.
/// </remarks>
internal sealed partial class TlsListener(
    PeerId localPeer,
    TlsIdentity identity,
    TlsTransportOptions options,
    TlsLinks links,
    TimeProvider timeProvider,
    ILogger logger
) : IAsyncDisposable
{
    private const int Backlog = 512;

    private static readonly TimeSpan AcceptRetryDelay = TimeSpan.FromMilliseconds(100);

    private readonly TlsRefusals _refusals = new(logger);
    private readonly TlsAdmission _admission = new(options.HandshakesMax, options.HandshakesPerHostMax);
    private readonly Channel<TlsLink> _ready = Channel.CreateUnbounded<TlsLink>();
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Socket> _sockets = [];
    private readonly List<Task> _loops = [];
    private int _waiting;

    /// <summary>How many connections were refused.</summary>
    public long Refused => _refusals.Count;

    /// <summary>Binds, and begins to accept; what was bound.</summary>
    /// <exception cref="IOException">An address can't be listened on.</exception>
    public async ValueTask<IReadOnlyList<IPEndPoint>> StartAsync(CancellationToken cancellationToken)
    {
        foreach (var address in options.ListenAddresses)
        {
            try
            {
                var ends = await TlsAddresses.ToBindAsync(address, cancellationToken).ConfigureAwait(false);
                _sockets.AddRange(ends.Select(Bind));
            }
            catch (SocketException exception)
            {
                throw new IOException($"Can't listen on {address}: {exception.Message}", exception);
            }
        }

        _loops.AddRange(_sockets.Select(AcceptAllAsync));
        return [.. _sockets.Select(static socket => (IPEndPoint)socket.LocalEndPoint!)];
    }

    /// <summary>The next link that is ready.</summary>
    /// <exception cref="ChannelClosedException">The listener was disposed.</exception>
    public async ValueTask<ILink> NextAsync(CancellationToken cancellationToken)
    {
        var link = await _ready.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        Interlocked.Decrement(ref _waiting);
        return link;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        _sockets.ForEach(static socket => socket.Dispose());
        await Task.WhenAll(_loops).ConfigureAwait(false);
        _ready.Writer.TryComplete();
    }

    private static Socket Bind(IPEndPoint end)
    {
        var socket = new Socket(end.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (end.AddressFamily == AddressFamily.InterNetworkV6)
            {
                socket.DualMode = end.Address.Equals(IPAddress.IPv6Any);
            }

            socket.Bind(end);
            socket.Listen(Backlog);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task AcceptAllAsync(Socket listening)
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                Admit(await listening.AcceptAsync(_stopping.Token).ConfigureAwait(false));
            }
            catch (Exception exception) when (_stopping.IsCancellationRequested)
            {
                Stopped(logger, exception.Message);
            }
            catch (Exception exception)
            {
                // One connection that died in the queue, or no file handles left: neither ends the listener.
                // The pause keeps the latter from becoming a busy loop.
                AcceptFailed(logger, exception);
                await PauseAsync().ConfigureAwait(false);
            }
        }
    }

    private async Task PauseAsync() =>
        await Task.Delay(AcceptRetryDelay, timeProvider, _stopping.Token)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private void Admit(Socket socket)
    {
        var host = TlsAdmission.HostOf(socket.RemoteEndPoint);
        if (_admission.TryEnter(host) is { } refusal)
        {
            socket.Dispose();
            _refusals.Add(host, refusal);
            return;
        }

        // Elsewhere: the cryptography of a handshake must not delay the next connection.
        _ = Task.Run(() => HandshakeAsync(socket, host));
    }

    private async Task HandshakeAsync(Socket socket, IPAddress host)
    {
        var presented = new PresentedKey();
        SslStream? stream = null;
        using var deadline = new CancellationTokenSource(options.HandshakeTimeout, timeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, _stopping.Token);
        try
        {
            // Inside the try: this fails when the other end has gone already.
            stream = new SslStream(new NetworkStream(socket, ownsSocket: true), leaveInnerStreamOpen: false);
            var refusal = await NegotiateAsync(socket, stream, presented, either.Token).ConfigureAwait(false);
            if (refusal is not null)
            {
                await stream.DisposeAsync().ConfigureAwait(false);
                _refusals.Add(host, refusal);
            }
        }
        catch (Exception exception)
        {
            // Strangers cause every kind of failure; each is the end of that connection and of nothing else.
            socket.Dispose();
            stream?.Dispose();
            if (!_stopping.IsCancellationRequested)
            {
                var timedOut = deadline.IsCancellationRequested;
                var reason = timedOut ? "it did not prove its identity in time" : presented.Fault;
                _refusals.Add(host, reason ?? "its TLS handshake failed", exception);
            }
        }
        finally
        {
            _admission.Leave(host);
        }
    }

    /// <summary>Runs the handshake and hands the link on; why it is refused instead, or null.</summary>
    private async Task<string?> NegotiateAsync(
        Socket socket,
        SslStream stream,
        PresentedKey presented,
        CancellationToken cancellationToken
    )
    {
        socket.NoDelay = true;
        var remote = socket.RemoteEndPoint?.ToString() ?? "unknown";
        await stream
            .AuthenticateAsServerAsync(identity.ForServer(presented), cancellationToken)
            .ConfigureAwait(false);
        var protocol = stream.NegotiatedApplicationProtocol.ToString();
        if (!LinkProtocols.IsKnown(protocol))
        {
            // A client that offers no protocol at all gets through TLS; it must not get further.
            return "it offered no protocol of this library";
        }

        if (presented.PublicKey.IsEmpty || presented.Peer == localPeer)
        {
            return presented.PublicKey.IsEmpty ? "it showed no certificate" : "it is this node itself";
        }

        var link = new TlsLink(socket, stream, presented, protocol, remote, isDialler: false, links.Remove);
        if (!links.TryAdd(link))
        {
            return "too many links are open";
        }

        return await HandOverAsync(link, cancellationToken).ConfigureAwait(false);
    }

    private async Task<string?> HandOverAsync(TlsLink link, CancellationToken cancellationToken)
    {
        var handedOver = false;
        try
        {
            if (Interlocked.Increment(ref _waiting) > options.UnacceptedLinksMax)
            {
                return "too many links wait to be accepted";
            }

            await link.WriteAsync(TlsTransport.Welcome, cancellationToken).ConfigureAwait(false);
            handedOver = _ready.Writer.TryWrite(link);
            return handedOver ? null : "this node is stopping";
        }
        finally
        {
            if (!handedOver)
            {
                Interlocked.Decrement(ref _waiting);
                link.Abort();
            }
        }
    }

    [LoggerMessage(EventId = 312, Level = LogLevel.Warning, Message = "A connection could not be accepted.")]
    private static partial void AcceptFailed(ILogger logger, Exception exception);

    [LoggerMessage(EventId = 313, Level = LogLevel.Debug, Message = "Stopped listening: {Reason}")]
    private static partial void Stopped(ILogger logger, string reason);
}
