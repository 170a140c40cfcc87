using Mosaik.Hybrid.Storage.Files;
using Xunit;
using static Mosaik.Hybrid.Storage.TestKit.Sample;

namespace Mosaik.Hybrid.Storage.Tests.Authors;

/// <summary>What the base class does when records are gone, wrong or can't be written.</summary>
/// <remarks>The rest of the contract: examples/CustomStorage runs the conformance kit over it.</remarks>
public sealed class RecordedLogStoreTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("mosaik-recorded-").FullName;
    private readonly Tape _tape = new();

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task WhatWasWritten_IsThereAgain()
    {
        await WriteAsync(4);
        Assert.Equal(5, _tape.Records.Count);
        await using var store = new TapeStore(_directory, _tape);
        var log = await store.OpenAsync(Peer, Group);
        Assert.Equal(At(1, 4), log.LastPosition);
        Assert.Empty(log.Repairs);
        Assert.Equal(2, _tape.FinishedOpens);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(1)]
    [InlineData(0)]
    public async Task FewerRecordsThanWereAcknowledged_AreALoss_AndNothingIsRemoved(int left)
    {
        await WriteAsync(4);
        _tape.Records.RemoveRange(left, _tape.Records.Count - left);
        var opens = _tape.FinishedOpens;
        var refusal = await RefusalAsync();
        Assert.Equal(StorageFault.Lost, refusal.Fault);
        Assert.Contains("Move the directory away", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(opens, _tape.FinishedOpens);
        Assert.Equal(left, _tape.Records.Count);
    }

    [Fact]
    public async Task ALostWatermark_IsRefused()
    {
        await WriteAsync(4);
        File.Delete(Path.Combine(_directory, WatermarkFile.Name));
        Assert.Equal(StorageFault.Corrupt, (await RefusalAsync()).Fault);
    }

    [Fact]
    public async Task WhatWasRemoved_IsReported()
    {
        await WriteAsync(1);
        _tape.Repair = "Cut off half a record.";
        await using var store = new TapeStore(_directory, _tape);
        Assert.Equal(["Cut off half a record."], (await store.OpenAsync(Peer, Group)).Repairs);
    }

    [Fact]
    public async Task AFirstRecordThatWasNeverWhole_IsWrittenAnew()
    {
        _tape.OnAppend = static () => throw new IOException("cut off");
        Assert.Equal(StorageFault.Io, (await RefusalAsync()).Fault);
        _tape.OnAppend = null;
        await WriteAsync(1);
        Assert.Equal(2, _tape.Records.Count);
    }

    [Fact]
    public async Task ARecordThatMakesNoSense_IsDamage()
    {
        await WriteAsync(2);
        var gap = LogRecord.Write(Batch(null, null, Entries(9, 1, 1)));
        foreach (var wrong in new[] { gap, [3, 0], [9], Array.Empty<byte>() })
        {
            _tape.Records[2] = wrong;
            var refusal = await RefusalAsync();
            Assert.Equal(StorageFault.Corrupt, refusal.Fault);
            Assert.Contains("Record 3 makes no sense", refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task AStoreWithoutAnOwner_IsDamage()
    {
        await WriteAsync(1);
        _tape.Records.RemoveAt(0);
        Assert.Equal(StorageFault.Corrupt, (await RefusalAsync()).Fault);
    }

    [Fact]
    public async Task ANewerVersion_IsRefused()
    {
        await WriteAsync(1);
        _tape.Records[0][1] = 2;
        Assert.Equal(StorageFault.Unsupported, (await RefusalAsync()).Fault);
    }

    [Fact]
    public async Task AFailedWrite_IsTheEnd_AndANewInstanceLooksAgain()
    {
        await using (var store = new TapeStore(_directory, _tape))
        {
            await store.OpenAsync(Peer, Group);
            await store.WriteAsync(Batch(Hard(1), null, Entries(1, 1, 1)));
            _tape.OnAppend = static () => throw new IOException("the device is gone");
            var failure = await WriteFailureAsync(store);
            Assert.Equal(StorageFault.Io, failure.Fault);
            _tape.OnAppend = null;
            Assert.Same(failure, await WriteFailureAsync(store));
            Assert.Same(
                failure,
                await Assert.ThrowsAsync<StorageException>(async () => await store.ReadAsync(Range(1, 1), 1))
            );
        }

        await using var next = new TapeStore(_directory, _tape);
        Assert.Equal(At(1, 1), (await next.OpenAsync(Peer, Group)).LastPosition);
    }

    [Fact]
    public async Task WhatIsNotDurableYet_IsNotReadYet()
    {
        await using var store = new TapeStore(_directory, _tape);
        await store.OpenAsync(Peer, Group);
        await store.WriteAsync(Batch(Hard(1), null, Entries(1, 1, 1)));
        var disk = new TaskCompletionSource();
        _tape.Disk = disk.Task;
        var write = store.WriteAsync(Batch(null, null, Entries(2, 1, 1))).AsTask();
        Assert.False(write.IsCompleted);
        await Assert.ThrowsAsync<ArgumentException>(async () => await store.ReadAsync(Range(2, 2), 1));
        await Assert.ThrowsAsync<InvalidOperationException>(async () =>
            await store.WriteAsync(Batch(null, null, Entries(2, 1, 1)))
        );
        disk.SetResult();
        await write;
        Assert.Equal(1, (await store.ReadAsync(Range(2, 2), 1)).Length);
    }

    [Fact]
    public async Task ABaseWithoutASnapshot_IsDamage()
    {
        await using (var store = new TapeStore(_directory, _tape))
        {
            await store.OpenAsync(Peer, Group);
            await store.WriteAsync(Batch(Hard(1), null, Entries(1, 1, 5)));
            await using (var writer = await store.Snapshots.CreateAsync())
            {
                await writer.CommitAsync(At(1, 3), new byte[] { 1 });
            }

            await store.CompactAsync(At(1, 3));
        }

        Directory.Delete(Path.Combine(_directory, "snapshots"), recursive: true);
        Assert.Equal(StorageFault.Corrupt, (await RefusalAsync()).Fault);
    }

    private static async Task<StorageException> WriteFailureAsync(ILogStorage store) =>
        await Assert.ThrowsAsync<StorageException>(async () =>
            await store.WriteAsync(Batch(null, null, Entries(2, 1, 1)))
        );

    private async Task WriteAsync(ulong batches)
    {
        await using var store = new TapeStore(_directory, _tape);
        await store.OpenAsync(Peer, Group);
        for (var index = 1ul; index <= batches; index++)
        {
            await store.WriteAsync(Batch(index == 1 ? Hard(1) : null, null, Entries(index, 1, 1)));
        }
    }

    private async Task<StorageException> RefusalAsync()
    {
        await using var store = new TapeStore(_directory, _tape);
        return await Assert.ThrowsAsync<StorageException>(async () => await store.OpenAsync(Peer, Group));
    }

    /// <summary>Records that outlive their store, and a disk that does what a test says.</summary>
    private sealed class Tape
    {
        public List<byte[]> Records { get; } = [];

        public string? Repair { get; set; }

        public Action? OnAppend { get; set; }

        public Task Disk { get; set; } = Task.CompletedTask;

        public int FinishedOpens { get; set; }
    }

    private sealed class TapeStore(string directory, Tape tape) : RecordedLogStore(directory)
    {
        protected override IEnumerable<ReadOnlyMemory<byte>> ReadRecords() =>
            tape.Records.Select(static record => new ReadOnlyMemory<byte>(record));

        protected override string? FinishReading()
        {
            tape.FinishedOpens++;
            return tape.Repair;
        }

        protected override async ValueTask AppendAsync(ReadOnlyMemory<byte> record)
        {
            tape.OnAppend?.Invoke();
            await tape.Disk;
            tape.Records.Add(record.ToArray());
        }

        protected override void CloseRecords() { }
    }
}
