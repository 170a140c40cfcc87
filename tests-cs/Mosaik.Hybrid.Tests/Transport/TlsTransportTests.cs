using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Mosaik.Hybrid.Tests.Support;
using Mosaik.Hybrid.Transport;
using Xunit;

namespace Mosaik.Hybrid.Tests.Transport;

public sealed class TlsTransportTests : IAsyncLifetime
{
    private readonly NodeIdentity _a = NodeIdentity.Generate();
    private readonly NodeIdentity _b = NodeIdentity.Generate();
    private readonly FakeTimeProvider _time = new();
    private readonly TlsTransport _listening;
    private readonly TlsTransport _dialling;

    public TlsTransportTests()
    {
        _listening = new TlsTransport(_b, LinkPair.OnLoopback(), _time);
        _dialling = new TlsTransport(_a, LinkPair.OnLoopback(), _time);
    }

    private PeerAddress Address => _listening.Addresses[0];

    public async Task InitializeAsync()
    {
        await _listening.StartAsync();
        await _dialling.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _dialling.DisposeAsync();
        await _listening.DisposeAsync();
        _a.Dispose();
        _b.Dispose();
    }

    [Fact]
    public async Task Read_ThatWasCancelled_LosesNothing()
    {
        await using var pair = await LinkPair.TlsAsync(_a, _b);

        await LinkContract.ACancelledReadLosesNothing(pair);
    }

    [Fact]
    public async Task Link_KnowsBothEnds_AndCarriesBytesUntilTheEnd()
    {
        await using var pair = await LinkPair.TlsAsync(_a, _b);

        await LinkContract.CarriesBytesBothWaysUntilTheEnd(pair, _a, _b);
    }

    [Fact]
    public async Task Abort_EndsPendingReadsOfBothEnds()
    {
        await using var pair = await LinkPair.TlsAsync(_a, _b);
        var local = pair.Dialled.ReadAsync(new byte[1]);
        var remote = pair.Accepted.ReadAsync(new byte[1]).AsTask();

        pair.Dialled.Abort();

        await Assert.ThrowsAsync<IOException>(() => local.Soon("the local read fails"));
        await LinkContract.Ends(remote);
        await Assert.ThrowsAsync<IOException>(() => pair.Dialled.WriteAsync(new byte[1]).Soon("a write"));
    }

    [Fact]
    public async Task Close_OfAFramedLink_DeliversTheLastFrame_ThoughMoreArrivesUnread()
    {
        await using var pair = await LinkPair.TlsAsync(_a, _b);
        var closing = new FramedLink(pair.Accepted, TimeProvider.System);
        await using var hearing = new FramedLink(pair.Dialled, TimeProvider.System);
        for (var count = 0; count < 100; count++)
        {
            hearing.TrySend(FrameLane.Bulk, new byte[10_000]);
        }

        var closed = closing.CloseAsync(new byte[] { 42 }, TimeSpan.FromSeconds(20)).AsTask();

        Assert.Equal([42], (await hearing.ReceiveAsync().Soon("the last frame"))!.Value.ToArray());
        Assert.Null(await hearing.ReceiveAsync().Soon("the end"));
        await hearing.CloseAsync(default, TimeSpan.FromSeconds(20)).Soon("the other close");
        await closed.Soon("the close");
    }

    [Fact]
    public async Task Dial_OfAnotherPeerThanExpected_SaysWhoAnsweredAndWhoShouldHave()
    {
        using var c = NodeIdentity.Generate();

        var error = await DialFails(LinkFailure.WrongPeer, Address, LinkProtocols.Groups, c.Id);

        Assert.Contains(_b.Id.ToString(), error.Message, StringComparison.Ordinal);
        Assert.Contains(c.Id.ToString(), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dial_OfNobody_OfOneself_OfAnUnknownName_SaysSo()
    {
        using var free = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        free.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var nobody = new PeerAddress("127.0.0.1", ((IPEndPoint)free.LocalEndPoint!).Port);

        await DialFails(LinkFailure.Unreachable, nobody, LinkProtocols.Groups, null);
        await DialFails(LinkFailure.Self, _dialling.Addresses[0], LinkProtocols.Groups, null);
        await DialFails(
            LinkFailure.Unreachable,
            new PeerAddress("no.such.invalid", 1),
            LinkProtocols.Groups,
            null
        );
    }

    [Fact]
    public async Task Dial_ByName_TriesEachOfItsAddresses()
    {
        var byName = Address with { Host = "localhost" };

        await using var link = await _dialling
            .DialAsync(byName, LinkProtocols.Groups, _b.Id)
            .Soon("dialling");

        Assert.Equal(_b.Id, link.RemotePeer);
    }

    [Fact]
    public async Task Dial_OfAServerWithoutOurProtocol_SaysSo()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var address = new PeerAddress("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port);
        var serving = Task.Run(async () =>
        {
            using var socket = await listener.AcceptSocketAsync();
            await using var stream = new SslStream(new NetworkStream(socket));
            await stream.AuthenticateAsServerAsync(
                new SslServerAuthenticationOptions { ServerCertificate = _b.Certificate }
            );
            await RawTls.IsClosedAsync(socket);
        });

        await DialFails(LinkFailure.WrongProtocol, address, LinkProtocols.Groups, _b.Id);
        await serving.Soon("the server ends");
    }

    [Fact]
    public async Task Dial_OfAListenerThatSaysNothing_EndsAtItsDeadline()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var address = new PeerAddress("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port);

        var dialling = _dialling.DialAsync(address, LinkProtocols.Groups, _b.Id).AsTask();
        using var silent = await listener.AcceptSocketAsync();
        await silent.ReceiveAsync(new byte[1]);
        _time.Advance(TimeSpan.FromSeconds(5));

        var error = await Assert.ThrowsAsync<LinkException>(() => dialling.Soon("the dial fails"));
        Assert.Equal(LinkFailure.Refused, error.Failure);
        Assert.Contains("within 5 s", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Strangers_WithoutCertificateKeyOrProtocol_AreRefused()
    {
        using var otherCurve = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using var rsa = RSA.Create(2048);
        using var p384 = SelfSigned(new CertificateRequest("CN=x", otherCurve, HashAlgorithmName.SHA256));
        using var withRsa = SelfSigned(
            new CertificateRequest("CN=x", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
        );
        var oldTls = RawTls.Client(_a.Certificate, LinkProtocols.Groups);
        oldTls.EnabledSslProtocols = SslProtocols.Tls12;

        Assert.True(await Welcome(RawTls.Client(_a.Certificate, LinkProtocols.Groups)));
        Assert.False(await Welcome(RawTls.Client(null, LinkProtocols.Groups)));
        Assert.False(await Welcome(RawTls.Client(p384, LinkProtocols.Groups)));
        Assert.False(await Welcome(RawTls.Client(withRsa, LinkProtocols.Groups)));
        Assert.False(await Welcome(RawTls.Client(_a.Certificate, "h2")));
        Assert.False(await Welcome(RawTls.Client(_a.Certificate, null)));
        Assert.False(await Welcome(oldTls));

        await Waiting.Until(() => _listening.RefusedConnections == 6, "six refusals are counted");

        Task<bool> Welcome(SslClientAuthenticationOptions options) =>
            RawTls.IsWelcomeAsync(Address, options).Soon("an answer to a stranger");
    }

    [Fact]
    public async Task Garbage_EndsThatConnectionOnly()
    {
        using var socket = await RawTls.ConnectAsync(Address);
        await socket.SendAsync(RandomNumberGenerator.GetBytes(4096));

        Assert.True(await RawTls.IsClosedAsync(socket).Soon("the connection is closed"));
        await DialAndAcceptAsync();
    }

    [Fact]
    public async Task Refusals_AreCountedEach_AndLoggedOnceAReason()
    {
        using var c = NodeIdentity.Generate();
        var logger = new CountingLogger();
        await using var logging = new TlsTransport(c, LinkPair.OnLoopback(), _time, logger);
        await logging.StartAsync();

        for (var count = 1; count <= 5; count++)
        {
            using var socket = await RawTls.ConnectAsync(logging.Addresses[0]);
            await socket.SendAsync(new byte[] { 1, 2, 3, 4, 5, 6, 7, 8 });
            await RawTls.IsClosedAsync(socket).Soon("the connection is closed");
        }

        await Waiting.Until(() => logging.RefusedConnections == 5, "five refusals are counted");
        Assert.Equal(1, logger.Count);
    }

    [Fact]
    public async Task Slowloris_IsCutOffAtTheDeadline_HoweverMuchItSays()
    {
        using var socket = await RawTls.ConnectAsync(Address);
        await Waiting.Until(() => _time.ArmedTimers > 0, "the deadline is set");
        for (var count = 0; count < 4; count++)
        {
            // The beginning of a TLS record that never ends.
            await socket.SendAsync(new byte[] { 22 });
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        var closed = RawTls.IsClosedAsync(socket);
        Assert.False(closed.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.True(await closed.Soon("the connection is closed"));
        await Waiting.Until(() => _listening.RefusedConnections == 1, "the refusal is counted");
    }

    [Fact]
    public async Task Flood_OfSilentConnections_LeavesLinksAlone_AndEndsAtTheDeadline()
    {
        var (dialled, accepted) = await DialAndAcceptAsync();
        await Waiting.Until(() => _time.ArmedTimers == 0, "that handshake is no longer counted");
        var flood = new List<Socket>();
        for (var count = 0; count < 200; count++)
        {
            flood.Add(await RawTls.ConnectAsync(Address));
        }

        // One host may keep 16 connections waiting; the others are closed at once.
        await Waiting.Until(() => _listening.RefusedConnections == 184, "the flood is refused");
        await dialled.WriteAsync(new byte[] { 1 }).Soon("a write");
        Assert.Equal([1], await LinkContract.ReadExactly(accepted, 1));
        await DialFails(LinkFailure.Refused, Address, LinkProtocols.Groups, _b.Id);

        await Waiting.Until(() => _time.ArmedTimers >= 16, "all deadlines are set");
        _time.Advance(TimeSpan.FromSeconds(5));
        await Waiting.Until(() => _listening.RefusedConnections == 201, "all of it is refused");
        await Waiting.Until(() => _time.ArmedTimers == 0, "no handshake is counted any more");
        await DialAndAcceptAsync();
        flood.ForEach(static socket => socket.Dispose());
    }

    [Fact]
    public async Task Links_BeyondTheBound_AreRefused_UntilOneEnds()
    {
        var options = LinkPair.OnLoopback();
        options.LinksMax = 2;
        using var c = NodeIdentity.Generate();
        await using var small = new TlsTransport(c, options);
        await small.StartAsync();
        var first = await Dial();
        await using var second = await Dial();

        await Assert.ThrowsAsync<LinkException>(Dial);
        var accepted = await small.AcceptAsync().Soon("accepting");
        await accepted.DisposeAsync();

        await using var third = await Dial();
        await first.DisposeAsync();

        Task<ILink> Dial() =>
            _dialling.DialAsync(small.Addresses[0], LinkProtocols.Groups, c.Id).Soon("a dial");
    }

    [Fact]
    public async Task Dispose_EndsAccepting_AndBreaksLinks()
    {
        var (dialled, accepted) = await DialAndAcceptAsync();
        var accepting = _listening.AcceptAsync().AsTask();

        await _listening.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => accepting.Soon("accepting ends"));
        await LinkContract.ReadFails(accepted);
        await LinkContract.Ends(dialled.ReadAsync(new byte[1]).AsTask());
        await DialFails(LinkFailure.Unreachable, Address, LinkProtocols.Groups, null);
    }

    [Fact]
    public async Task Addresses_OfAnyHost_HaveRealPorts_AndLoopbackLast()
    {
        using var c = NodeIdentity.Generate();
        await using var transport = new TlsTransport(c);
        Assert.Empty(transport.Addresses);

        await transport.StartAsync();

        Assert.All(transport.Addresses, static address => Assert.NotEqual(0, address.Port));
        Assert.Equal("127.0.0.1", transport.Addresses[^1].Host);
        await using var link = await _dialling
            .DialAsync(transport.Addresses[^1], LinkProtocols.Discovery, c.Id)
            .Soon("dialling");
    }

    [Fact]
    public async Task Start_OnAnAddressInUse_NamesIt()
    {
        using var c = NodeIdentity.Generate();
        await using var second = new TlsTransport(c, new TlsTransportOptions { ListenAddresses = [Address] });

        var error = await Assert.ThrowsAsync<IOException>(() => second.StartAsync().AsTask());

        Assert.Contains(Address.ToString(), error.Message, StringComparison.Ordinal);
    }

    private static X509Certificate2 SelfSigned(CertificateRequest request) =>
        request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));

    private async Task<(ILink Dialled, ILink Accepted)> DialAndAcceptAsync()
    {
        var dialled = await _dialling.DialAsync(Address, LinkProtocols.Groups, _b.Id).Soon("dialling");
        return (dialled, await _listening.AcceptAsync().Soon("accepting"));
    }

    private async Task<LinkException> DialFails(
        LinkFailure failure,
        PeerAddress address,
        string protocol,
        PeerId? expected
    )
    {
        var error = await Assert.ThrowsAsync<LinkException>(() =>
            _dialling.DialAsync(address, protocol, expected).Soon("the dial fails")
        );
        Assert.Equal(failure, error.Failure);
        return error;
    }

    private sealed class CountingLogger : ILogger<TlsTransport>
    {
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => Interlocked.Increment(ref _count);
    }
}
