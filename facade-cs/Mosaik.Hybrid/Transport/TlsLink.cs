using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace Mosaik.Hybrid.Transport;

/// <summary>A link over one TLS connection whose handshake has ended well.</summary>
internal sealed class TlsLink(
    Socket socket,
    SslStream stream,
    PresentedKey presented,
    string protocol,
    string remoteAddress,
    bool isDialler,
    Action<TlsLink> closed
) : ILink
{
    private int _aborted;

    public PeerId RemotePeer { get; } = presented.Peer;

    public ReadOnlyMemory<byte> RemotePublicKey { get; } = presented.PublicKey;

    public string Protocol { get; } = protocol;

    public string RemoteAddress { get; } = remoteAddress;

    public bool IsDialler { get; } = isDialler;

    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (IsBreak(exception))
        {
            throw Broken(exception);
        }
    }

    public async ValueTask WriteAsync(
        ReadOnlyMemory<byte> bytes,
        CancellationToken cancellationToken = default
    )
    {
        try
        {
            await stream.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (IsBreak(exception))
        {
            throw Broken(exception);
        }
    }

    public async ValueTask CompleteWritesAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            await stream.ShutdownAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception exception) when (IsBreak(exception))
        {
            throw Broken(exception);
        }
    }

    public void Abort()
    {
        if (Interlocked.Exchange(ref _aborted, 1) == 0)
        {
            socket.Dispose();
            closed(this);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Abort();
        await stream.DisposeAsync().ConfigureAwait(false);
    }

    // A stream that is closed under a pending call says so in many ways; callers know one.
    private static bool IsBreak(Exception exception) =>
        exception
            is IOException
                or SocketException
                or ObjectDisposedException
                or InvalidOperationException
                or AuthenticationException;

    private IOException Broken(Exception exception) =>
        new(
            Volatile.Read(ref _aborted) == 1
                ? $"The link to {RemotePeer.Short} at {RemoteAddress} was aborted."
                : $"The link to {RemotePeer.Short} at {RemoteAddress} broke: {exception.Message}",
            exception
        );
}
