using Mosaik.Hybrid.Tests.Support;
using Mosaik.Hybrid.Transport;
using Xunit;

namespace Mosaik.Hybrid.Tests.Transport;

public sealed class InProcessTransportTests : IDisposable
{
    private readonly NodeIdentity _a = NodeIdentity.Generate();
    private readonly NodeIdentity _b = NodeIdentity.Generate();
    private readonly InProcessNetwork _network = new();

    public void Dispose()
    {
        _a.Dispose();
        _b.Dispose();
    }

    [Fact]
    public async Task Read_ThatWasCancelled_LosesNothing()
    {
        await using var pair = await LinkPair.InProcessAsync(_network, _a, _b);

        await LinkContract.ACancelledReadLosesNothing(pair);
    }

    [Fact]
    public async Task Link_KnowsBothEnds_AndCarriesBytesUntilTheEnd()
    {
        await using var pair = await LinkPair.InProcessAsync(_network, _a, _b);

        await LinkContract.CarriesBytesBothWaysUntilTheEnd(pair, _a, _b);
    }

    [Fact]
    public async Task Write_BeyondTheBuffers_WaitsForTheReader()
    {
        await using var pair = await LinkPair.InProcessAsync(_network, _a, _b);
        var bytes = new byte[3 * InProcessPipe.Capacity];
        bytes[^1] = 9;

        var writing = pair.Dialled.WriteAsync(bytes).AsTask();
        Assert.False(writing.IsCompleted);
        var read = await LinkContract.ReadExactly(pair.Accepted, bytes.Length);

        await writing.Soon("the write");
        Assert.Equal(9, read[^1]);
    }

    [Fact]
    public async Task Abort_BreaksBothEnds()
    {
        await using var pair = await LinkPair.InProcessAsync(_network, _a, _b);
        var reading = pair.Dialled.ReadAsync(new byte[1]);

        pair.Dialled.Abort();

        await Assert.ThrowsAsync<IOException>(() => reading.Soon("the local read fails"));
        await LinkContract.ReadFails(pair.Accepted);
        await Assert.ThrowsAsync<IOException>(() => pair.Accepted.WriteAsync(new byte[1]).Soon("a write"));
    }

    [Fact]
    public async Task Partition_SwallowsBytes_AndHealingBreaksTheLinkThatLostThem()
    {
        await using var pair = await LinkPair.InProcessAsync(_network, _a, _b);
        _network.Partition(_b.Id, _a.Id);
        var reading = pair.Accepted.ReadAsync(new byte[1]).AsTask();

        await pair.Dialled.WriteAsync(new byte[2 * InProcessPipe.Capacity]).Soon("a write into the void");
        Assert.False(reading.IsCompleted);
        _network.Heal(_a.Id, _b.Id);

        await Assert.ThrowsAsync<IOException>(() => reading.Soon("the read fails"));
        await LinkContract.ReadFails(pair.Dialled);
    }

    [Fact]
    public async Task Partition_ThatLosesNothing_HoldsBytesBack_AndHealingLetsThemOn()
    {
        await using var pair = await LinkPair.InProcessAsync(_network, _a, _b);
        await pair.Dialled.WriteAsync(new byte[] { 7 });
        _network.Partition(_a.Id, _b.Id);
        var reading = pair.Accepted.ReadAsync(new byte[1]).AsTask();
        Assert.False(reading.IsCompleted);

        _network.Heal(_a.Id, _b.Id);

        Assert.Equal(1, await reading.Soon("the read"));
        await pair.Accepted.WriteAsync(new byte[] { 8 });
        Assert.Equal([8], await LinkContract.ReadExactly(pair.Dialled, 1));
    }

    [Fact]
    public async Task Partition_HidesAnAbort_UntilHealed()
    {
        await using var pair = await LinkPair.InProcessAsync(_network, _a, _b);
        _network.Isolate(_a.Id);
        var reading = pair.Accepted.ReadAsync(new byte[1]).AsTask();

        pair.Dialled.Abort();
        Assert.False(reading.IsCompleted);
        _network.Rejoin(_a.Id);

        await Assert.ThrowsAsync<IOException>(() => reading.Soon("the read fails"));
    }

    [Fact]
    public async Task Partition_OfTwo_LeavesOthersAlone()
    {
        using var c = NodeIdentity.Generate();
        await using var pair = await LinkPair.InProcessAsync(_network, _a, _b);
        _network.Partition(_a.Id, c.Id);
        _network.Isolate(c.Id);

        await LinkContract.CarriesBytesBothWaysUntilTheEnd(pair, _a, _b);
    }

    [Fact]
    public async Task Dial_AcrossACut_HangsUntilCancelledOrHealed()
    {
        await using var a = await StartAsync(_a);
        await using var b = await StartAsync(_b);
        _network.Isolate(_b.Id);
        using var cancellation = new CancellationTokenSource();

        var cancelled = a.DialAsync(b.Addresses[0], LinkProtocols.Groups, null, cancellation.Token).AsTask();
        var patient = a.DialAsync(b.Addresses[0], LinkProtocols.Groups, null).AsTask();
        Assert.False(cancelled.IsCompleted || patient.IsCompleted);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.Soon("the dial ends"));
        _network.HealAll();

        await using var link = await patient.Soon("the dial");
        Assert.Equal(_b.Id, link.RemotePeer);
    }

    [Fact]
    public async Task Break_ResetsLinks_ThatMayBeDialledAgain()
    {
        await using var pair = await LinkPair.InProcessAsync(_network, _a, _b);

        _network.Break(_b.Id, _a.Id);

        await LinkContract.ReadFails(pair.Dialled);
        await LinkContract.ReadFails(pair.Accepted);
    }

    [Fact]
    public async Task Dial_OfTheWrongPlace_SaysWhy()
    {
        using var c = NodeIdentity.Generate();
        await using var a = await StartAsync(_a);
        await using var b = await StartAsync(_b);

        await Fails(
            LinkFailure.Unreachable,
            new PeerAddress("inprocess-nobody", 1),
            LinkProtocols.Groups,
            null
        );
        await Fails(LinkFailure.WrongPeer, b.Addresses[0], LinkProtocols.Groups, c.Id);
        await Fails(LinkFailure.WrongProtocol, b.Addresses[0], "other/1", _b.Id);
        await Fails(LinkFailure.Self, a.Addresses[0], LinkProtocols.Groups, null);

        async Task Fails(LinkFailure failure, PeerAddress address, string protocol, PeerId? expected)
        {
            var error = await Assert.ThrowsAsync<LinkException>(() =>
                a.DialAsync(address, protocol, expected).Soon("the dial fails")
            );
            Assert.Equal(failure, error.Failure);
            Assert.Contains(address.ToString(), error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Dispose_EndsAccepting_BreaksLinks_AndFreesTheAddress()
    {
        await using var pair = await LinkPair.InProcessAsync(_network, _a, _b);
        using var c = NodeIdentity.Generate();
        var transport = await StartAsync(c);
        await using var other = await StartAsync(NodeIdentity.Generate());
        await using var link = await other.DialAsync(transport.Addresses[0], LinkProtocols.Discovery, c.Id);
        var accepted = await transport.AcceptAsync().Soon("accepting");
        var accepting = transport.AcceptAsync().AsTask();

        await transport.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => accepting.Soon("accepting ends"));
        await LinkContract.ReadFails(accepted);
        await LinkContract.ReadFails(link);
        await using var again = await StartAsync(c);
    }

    private async Task<InProcessTransport> StartAsync(NodeIdentity identity)
    {
        var transport = _network.CreateTransport(identity);
        await transport.StartAsync();
        return transport;
    }
}
