using Mosaik.Hybrid.Tests.Support;
using Mosaik.Hybrid.Transport;
using Xunit;

namespace Mosaik.Hybrid.Tests.Transport;

/// <summary>What the links of every transport have in common.</summary>
internal static class LinkContract
{
    public static async Task CarriesBytesBothWaysUntilTheEnd(
        LinkPair pair,
        NodeIdentity dialler,
        NodeIdentity acceptor
    )
    {
        Assert.True(pair.Dialled.IsDialler);
        Assert.False(pair.Accepted.IsDialler);
        Assert.Equal(acceptor.Id, pair.Dialled.RemotePeer);
        Assert.Equal(dialler.Id, pair.Accepted.RemotePeer);
        Assert.Equal(acceptor.PublicKey.ToArray(), pair.Dialled.RemotePublicKey.ToArray());
        Assert.Equal(dialler.PublicKey.ToArray(), pair.Accepted.RemotePublicKey.ToArray());
        Assert.Equal(LinkProtocols.Groups, pair.Dialled.Protocol);
        Assert.Equal(LinkProtocols.Groups, pair.Accepted.Protocol);

        await pair.Dialled.WriteAsync(new byte[] { 1, 2, 3 }).Soon("a write");
        await pair.Dialled.CompleteWritesAsync().Soon("the end of writes");
        Assert.Equal([1, 2, 3], await ReadExactly(pair.Accepted, 3));
        Assert.Equal(0, await pair.Accepted.ReadAsync(new byte[1]).Soon("the end of the stream"));

        // The other direction outlives the first.
        await pair.Accepted.WriteAsync(new byte[] { 4 }).Soon("a write back");
        Assert.Equal([4], await ReadExactly(pair.Dialled, 1));
        await pair.Accepted.CompleteWritesAsync().Soon("the end of writes");
        Assert.Equal(0, await pair.Dialled.ReadAsync(new byte[1]).Soon("the end of the stream"));
    }

    public static async Task ACancelledReadLosesNothing(LinkPair pair)
    {
        using var cancellation = new CancellationTokenSource();
        var reading = pair.Accepted.ReadAsync(new byte[1], cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.Soon("the read is cancelled"));

        await pair.Dialled.WriteAsync(new byte[] { 5, 6 }).Soon("a write");

        Assert.Equal([5, 6], await ReadExactly(pair.Accepted, 2));
    }

    public static async Task<byte[]> ReadExactly(ILink link, int length)
    {
        var bytes = new byte[length];
        var count = 0;
        while (count < length)
        {
            var read = await link.ReadAsync(bytes.AsMemory(count)).Soon($"byte {count} of {length}");
            Assert.NotEqual(0, read);
            count += read;
        }

        return bytes;
    }

    public static Task ReadFails(ILink link) =>
        Assert.ThrowsAsync<IOException>(() => link.ReadAsync(new byte[1]).Soon("the read fails"));

    /// <summary>Waits for a pending read to end, in whichever way the other end's abort shows.</summary>
    public static async Task Ends(Task<int> reading)
    {
        try
        {
            Assert.Equal(0, await reading.Soon("the read ends"));
        }
        catch (IOException broken)
        {
            Assert.NotEmpty(broken.Message);
        }
    }
}
