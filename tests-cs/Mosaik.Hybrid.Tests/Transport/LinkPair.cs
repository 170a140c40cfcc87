using Mosaik.Hybrid.Tests.Support;
using Mosaik.Hybrid.Transport;

namespace Mosaik.Hybrid.Tests.Transport;

/// <summary>Both ends of one link, and the transports that made it.</summary>
internal sealed class LinkPair(ITransport dialler, ITransport acceptor, ILink dialled, ILink accepted)
    : IAsyncDisposable
{
    public ILink Dialled { get; } = dialled;

    public ILink Accepted { get; } = accepted;

    public static Task<LinkPair> InProcessAsync(NodeIdentity dialler, NodeIdentity acceptor) =>
        InProcessAsync(new InProcessNetwork(), dialler, acceptor);

    public static Task<LinkPair> InProcessAsync(
        InProcessNetwork network,
        NodeIdentity dialler,
        NodeIdentity acceptor
    ) => ConnectAsync(network.CreateTransport(dialler), network.CreateTransport(acceptor));

    public static Task<LinkPair> TlsAsync(NodeIdentity dialler, NodeIdentity acceptor) =>
        ConnectAsync(new TlsTransport(dialler, OnLoopback()), new TlsTransport(acceptor, OnLoopback()));

    public static TlsTransportOptions OnLoopback() =>
        new() { ListenAddresses = [new PeerAddress("127.0.0.1", 0)] };

    public async ValueTask DisposeAsync()
    {
        await Dialled.DisposeAsync();
        await Accepted.DisposeAsync();
        await dialler.DisposeAsync();
        await acceptor.DisposeAsync();
    }

    private static async Task<LinkPair> ConnectAsync(ITransport dialler, ITransport acceptor)
    {
        await dialler.StartAsync();
        await acceptor.StartAsync();
        var dialled = await dialler
            .DialAsync(acceptor.Addresses[0], LinkProtocols.Groups, acceptor.LocalPeer)
            .Soon("dialling");
        return new LinkPair(dialler, acceptor, dialled, await acceptor.AcceptAsync().Soon("accepting"));
    }
}
