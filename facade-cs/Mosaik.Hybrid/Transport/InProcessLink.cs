namespace Mosaik.Hybrid.Transport;

/// <summary>One end of an in-process link.</summary>
internal sealed class InProcessLink(
    InProcessNetwork network,
    InProcessCable cable,
    bool isDialler,
    string protocol,
    PeerAddress remoteAddress,
    ReadOnlyMemory<byte> remotePublicKey
) : ILink
{
    private readonly InProcessPipe _incoming = cable.IncomingOf(isDialler);
    private readonly InProcessPipe _outgoing = cable.OutgoingOf(isDialler);

    public PeerId RemotePeer { get; } = isDialler ? cable.Acceptor : cable.Dialler;

    public ReadOnlyMemory<byte> RemotePublicKey { get; } = remotePublicKey;

    public string Protocol { get; } = protocol;

    public string RemoteAddress { get; } = remoteAddress.ToString();

    public bool IsDialler { get; } = isDialler;

    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _incoming.ReadAsync(buffer, cancellationToken);

    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default) =>
        _outgoing.WriteAsync(bytes, cancellationToken);

    public ValueTask CompleteWritesAsync(CancellationToken cancellationToken = default)
    {
        _outgoing.End();
        return ValueTask.CompletedTask;
    }

    public void Abort() => network.Abort(cable, IsDialler);

    public ValueTask DisposeAsync()
    {
        Abort();
        return ValueTask.CompletedTask;
    }
}
