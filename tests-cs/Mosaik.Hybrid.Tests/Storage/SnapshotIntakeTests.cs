using System.Threading.Channels;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Runtime;
using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Tests.Support;
using Xunit;
using SnapshotIntake = Mosaik.Hybrid.Runtime.SnapshotIntake;

namespace Mosaik.Hybrid.Tests.Storage;

/// <summary>Bytes of a snapshot from a leader: what follows on is kept, and the core hears how much is here.</summary>
public sealed class SnapshotIntakeTests : IAsyncLifetime
{
    private static readonly byte[] s_bytes = Made.SnapshotBytes(77, 3, 5, "one", "two");

    private readonly FaultySnapshots _store = new();
    private readonly Channel<GroupInput> _told = Channel.CreateUnbounded<GroupInput>();
    private readonly Channel<Exception> _failures = Channel.CreateUnbounded<Exception>();
    private SnapshotIntake _intake = null!;
    private Task _running = Task.CompletedTask;

    public async Task InitializeAsync()
    {
        await _store.OpenAsync();
        _intake = new SnapshotIntake(
            _store,
            item => _told.Writer.TryWrite((GroupInput)item),
            failure => _failures.Writer.TryWrite(failure),
            CancellationToken.None
        );
        _running = Task.Run(_intake.RunAsync);
    }

    public async Task DisposeAsync()
    {
        _intake.End();
        await _running.Soon("the intake ends");
    }

    [Fact]
    public async Task AnOffer_ThenAllBytesInParts_AreASnapshot()
    {
        var facts = Facts();
        Keep(facts, 0, 0);
        Assert.Equal(0, await GrewAsync());
        Keep(facts, 0, 20);
        Assert.Equal(20, await GrewAsync());
        Keep(facts, 20, s_bytes.Length - 20);
        var received = await ReceivedAsync();
        Assert.Equal(77, received.timestamp);
        Assert.Equal(facts.Position, received.snapshot.Position);
        Assert.Equal(facts.Position, _store.Newest?.Position);
    }

    [Fact]
    public async Task WhatDoesNotFollowOn_OrCameBefore_IsDropped()
    {
        var facts = Facts();
        Keep(facts, 20, 20);
        Assert.Equal(0, await GrewAsync());
        Keep(facts, 0, 20);
        Assert.Equal(20, await GrewAsync());
        Keep(facts, 0, 20);
        Assert.Equal(20, await GrewAsync());
        Keep(facts, 20, s_bytes.Length - 20);
        await ReceivedAsync();
    }

    [Fact]
    public async Task BytesWithAnotherChecksum_AreRefused_AndFetchedFromTheBeginning()
    {
        var wrong = Facts(checksum: 1);
        Keep(wrong, 0, s_bytes.Length);
        Assert.Equal(0, await GrewAsync());
        Assert.Null(_store.Newest);
        var failure = Assert.IsType<StorageException>(await _failures.Reader.ReadAsync().Soon("a failure"));
        Assert.Equal(StorageFault.Corrupt, failure.Fault);
        Keep(Facts(), 0, s_bytes.Length);
        await ReceivedAsync();
    }

    [Fact]
    public async Task OneThatCouldNotBeReadBack_IsToldAtTheNextOffer_AndOnce()
    {
        _store.Fault = new StorageException(StorageFault.Io, "no luck");
        Keep(Facts(), 0, s_bytes.Length);
        await _failures.Reader.ReadAsync().Soon("reading it back fails");
        _store.Fault = null;
        Keep(Facts(), 0, 0);
        await ReceivedAsync();
        var opens = _store.Opens;
        Keep(Facts(), 0, 0);
        Keep(Facts(), 0, s_bytes.Length);
        _intake.End();
        await _running.Soon("the intake ends");
        Assert.Equal(opens, _store.Opens);
        Assert.False(_told.Reader.TryRead(out _));
    }

    [Fact]
    public async Task OffersDoNotTakeTheRoomOfBytes()
    {
        var gate = new TaskCompletionSource();
        _store.Gate = gate.Task;
        Keep(Facts(), 0, 10);
        for (var count = 0; count < 100; count++)
        {
            Keep(Facts(), 0, 0);
        }

        for (var offset = 10; offset < 50; offset += 10)
        {
            Keep(Facts(), offset, 10);
        }

        gate.SetResult();
        while (await GrewAsync() < 50) { }
    }

    [Fact]
    public async Task ASlowDisk_DoesNotGatherWhatIsSentAgain()
    {
        var gate = new TaskCompletionSource();
        _store.Gate = gate.Task;
        for (var count = 0; count < 1_000; count++)
        {
            Keep(Facts(), 0, 20);
        }

        gate.SetResult();
        _intake.End();
        await _running.Soon("the intake ends");
        var answers = 0;
        while (_told.Reader.TryRead(out _))
        {
            answers++;
        }

        Assert.InRange(answers, 1, 16);
    }

    private static SnapshotFacts Facts(uint? checksum = null) =>
        new(Made.Lineage, Made.At(2, 9), Made.Configuration, s_bytes.Length, checksum ?? Crc32C.Of(s_bytes));

    private void Keep(SnapshotFacts facts, int offset, int count) =>
        _intake.Keep(facts, new SnapshotChunk(offset, s_bytes.AsMemory(offset, count)));

    private async Task<long> GrewAsync() =>
        Assert
            .IsType<GroupInput.SnapshotGrew>(await _told.Reader.ReadAsync().Soon("how much is here"))
            .offset;

    private async Task<GroupInput.SnapshotReceived> ReceivedAsync() =>
        Assert.IsType<GroupInput.SnapshotReceived>(await _told.Reader.ReadAsync().Soon("all is here"));
}
