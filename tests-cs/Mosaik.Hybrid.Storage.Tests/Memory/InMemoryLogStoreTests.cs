using Mosaik.Hybrid.Storage.TestKit;
using Xunit;
using static Mosaik.Hybrid.Storage.TestKit.Sample;

namespace Mosaik.Hybrid.Storage.Tests.Memory;

/// <summary>What the store in memory does besides the contract.</summary>
public sealed class InMemoryLogStoreTests : IAsyncLifetime
{
    private readonly InMemoryLogStore _store = new();

    public async Task InitializeAsync() => await _store.OpenAsync(Peer, Group);

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [Fact]
    public void IsVolatile() => Assert.True(_store.IsVolatile);

    [Fact]
    public void Write_CompletesSynchronously()
    {
        var write = _store.WriteAsync(Batch(Hard(1), null, Entries(1, 1, 5))).AsTask();
        Assert.True(write.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Read_HandsOutWhatWasHandedIn()
    {
        var entries = Entries(1, 1, 5);
        await _store.WriteAsync(Batch(Hard(1), null, entries));
        var read = await _store.ReadAsync(Range(1, 5), int.MaxValue);
        Assert.Equal(5, read.Length);
        Assert.True(entries[2].Payload.Equals(read.Span[2].Payload));
    }

    [Fact]
    public async Task Read_ReturnsAsMuchAsFits()
    {
        await _store.WriteAsync(Batch(Hard(1), null, Entries(1, 1, 10, bytes: 100)));
        Assert.Equal(2, (await _store.ReadAsync(Range(1, 10), 200)).Length);
        Assert.Equal(3, (await _store.ReadAsync(Range(1, 3), int.MaxValue)).Length);
    }
}
