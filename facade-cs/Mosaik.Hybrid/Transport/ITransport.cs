namespace Mosaik.Hybrid.Transport;

/// <summary>Carries authenticated byte streams between peers.</summary>
/// <remarks>
/// TLS 1.3 over TCP is the default; an in-process one serves tests and demos. A transport proves identities: the
/// <see cref="ILink.RemotePeer"/> of every link it hands out holds the identity key behind that id. It knows
/// nothing of groups, frames or tickets. Disposing it stops listening and breaks the links it made.
/// </remarks>
public interface ITransport : IAsyncDisposable
{
    /// <summary>The id of this node.</summary>
    PeerId LocalPeer { get; }

    /// <summary>Where others may dial this node; empty before <see cref="StartAsync"/>.</summary>
    IReadOnlyList<PeerAddress> Addresses { get; }

    /// <summary>Begins to listen. Called once, before anything else.</summary>
    /// <exception cref="IOException">An address can't be listened on; the message names it.</exception>
    ValueTask StartAsync(CancellationToken cancellationToken = default);

    /// <summary>Waits for the next link that a peer dialled and that proved its identity.</summary>
    /// <remarks>One caller at a time. A peer that fails its handshake is dropped and never surfaces here.</remarks>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The transport was disposed.</exception>
    ValueTask<ILink> AcceptAsync(CancellationToken cancellationToken = default);

    /// <summary>Opens a link for one protocol.</summary>
    /// <param name="address">Where to dial; names are resolved, each resulting address is tried in turn.</param>
    /// <param name="protocol">One of <see cref="LinkProtocols"/>; the other end must speak it.</param>
    /// <param name="expected">The peer that must answer; null accepts any identity.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="LinkException">Nobody answers, or somebody else, or without the protocol.</exception>
    ValueTask<ILink> DialAsync(
        PeerAddress address,
        string protocol,
        PeerId? expected,
        CancellationToken cancellationToken = default
    );
}

/// <summary>One authenticated, encrypted stream of bytes in both directions.</summary>
/// <remarks>One reader and one writer at a time; reading and writing are independent.</remarks>
public interface ILink : IAsyncDisposable
{
    /// <summary>Who is at the other end, proved.</summary>
    PeerId RemotePeer { get; }

    /// <summary>The SubjectPublicKeyInfo of the other end's identity key, in DER.</summary>
    ReadOnlyMemory<byte> RemotePublicKey { get; }

    /// <summary>The protocol that both ends agreed on.</summary>
    string Protocol { get; }

    /// <summary>The other end's address, for diagnostics and limits; not an identity.</summary>
    string RemoteAddress { get; }

    /// <summary>True when this end dialled.</summary>
    bool IsDialler { get; }

    /// <summary>Reads at least one byte; 0 at the end of the stream.</summary>
    /// <exception cref="IOException">The link broke.</exception>
    ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

    /// <summary>Writes all bytes and flushes them.</summary>
    /// <exception cref="IOException">The link broke.</exception>
    ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default);

    /// <summary>Ends the outgoing stream: the other end reads 0 after everything written so far.</summary>
    /// <remarks>The last thing that the writer does; reading goes on.</remarks>
    /// <exception cref="IOException">The link broke.</exception>
    ValueTask CompleteWritesAsync(CancellationToken cancellationToken = default);

    /// <summary>Breaks the link at once; pending reads and writes fail. Safe from any thread, more than once.</summary>
    void Abort();
}

/// <summary>The application protocols (ALPN names) of this library.</summary>
public static class LinkProtocols
{
    /// <summary>Bonds of groups.</summary>
    public const string Groups = "mosaik/groups/1";

    /// <summary>Exchange of peer entries.</summary>
    public const string Discovery = "mosaik/discovery/1";

    /// <summary>True for the names above.</summary>
    internal static bool IsKnown(string? protocol) => protocol is Groups or Discovery;
}

/// <summary>Why a link could not be opened.</summary>
public enum LinkFailure
{
    /// <summary>Nobody answers at the address, or the name is unknown.</summary>
    Unreachable,

    /// <summary>The other end was reached, and closed the connection or did not finish in time.</summary>
    Refused,

    /// <summary>The other end is another peer than the expected one.</summary>
    WrongPeer,

    /// <summary>The other end does not speak the protocol.</summary>
    WrongProtocol,

    /// <summary>The other end is this node itself.</summary>
    Self,
}

/// <summary>A link could not be opened. The message says with whom and why.</summary>
public sealed class LinkException : IOException
{
    /// <summary>Creates the exception.</summary>
    public LinkException(LinkFailure failure, string message, Exception? innerException = null)
        : base(message, innerException) => Failure = failure;

    /// <summary>Why.</summary>
    public LinkFailure Failure { get; }
}
