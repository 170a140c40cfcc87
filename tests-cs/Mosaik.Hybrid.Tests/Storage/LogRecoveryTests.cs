using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Runtime;
using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Storage;

/// <summary>What a member starts from: its snapshot and the log after it, whatever moment the process had died in.</summary>
public sealed class LogRecoveryTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("mosaik-recovery-");
    private readonly List<string> _repairs = [];

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public async Task ASnapshotBeyondTheLog_IsWhereTheLogBegins_AndItsLineageIsTheMembers()
    {
        await WriteAsync(Made.Hard(LogPosition.Zero, Lineage.None), [], Made.At(5, 200));
        var state = await OpenAsync();
        Assert.Equal(Made.At(5, 200), state.Outline.Base);
        Assert.Equal(Made.At(5, 200), state.Outline.Last);
        Assert.Equal(Made.Lineage, state.Hard.Lineage);
        Assert.Equal(77, state.LastTimestamp);
        Assert.Equal(new LogIndex(200), Assert.Single(state.Configurations).Item1);
    }

    [Fact]
    public async Task ASnapshotWithoutALog_IsTheBeginningOfANewMember()
    {
        await WriteAsync(null, [], Made.At(5, 200));
        var state = await OpenAsync();
        Assert.Equal(Made.At(5, 200), state.Outline.Base);
        Assert.Equal(Made.Lineage, state.Hard.Lineage);
        Assert.NotEqual(Made.Member, state.Hard.Member);
    }

    [Fact]
    public async Task ALogThatDiffersFromTheSnapshot_GoesWhole_ThoughItWasAcknowledgedFurther()
    {
        // Uncommitted entries of a leader of term 7; what is committed at 3 is of term 5.
        await WriteAsync(
            Made.Hard(Made.At(7, 4)),
            [
                Made.Founding(),
                Made.Command(1, 2, 1, "kept"),
                Made.Command(7, 3, 2, "lost"),
                Made.Command(7, 4, 3, "lost"),
            ],
            Made.At(5, 3)
        );
        var first = await OpenAsync();
        Assert.Equal(Made.At(5, 3), first.Outline.Base);
        Assert.Equal(Made.At(5, 3), first.Outline.Last);
        // And is not taken for a loss at the next start, whatever the core had come to write in between.
        var second = await OpenAsync();
        Assert.Equal(Made.At(5, 3), second.Outline.Last);
        Assert.Equal(Made.At(5, 3), second.Hard.Acknowledged);
    }

    [Fact]
    public async Task EntriesAfterTheSnapshotStay_AndTheLastOfThemTellsTheTime()
    {
        await WriteAsync(
            Made.Hard(Made.At(1, 3)),
            [Made.Founding(), Made.Command(1, 2, 1, "in it"), Made.Command(1, 3, 2, "after it")],
            Made.At(1, 2)
        );
        var state = await OpenAsync();
        Assert.Equal(LogPosition.Zero, state.Outline.Base);
        Assert.Equal(Made.At(1, 3), state.Outline.Last);
        Assert.Equal(Made.At(1, 2), state.Snapshot.Value.Position);
        Assert.Equal(1_003, state.LastTimestamp);
    }

    [Fact]
    public async Task ALogThatEndsWithTheSnapshot_HasTheSnapshotsTime()
    {
        await WriteAsync(
            Made.Hard(Made.At(1, 2)),
            [Made.Founding(), Made.Command(1, 2, 1, "in it")],
            Made.At(1, 2),
            Made.At(1, 2)
        );
        var state = await OpenAsync();
        Assert.Equal(Made.At(1, 2), state.Outline.Base);
        Assert.Equal(77, state.LastTimestamp);
    }

    [Fact]
    public async Task ADamagedSnapshot_BesideAWholeLog_IsReported_AndTheLogIsEnough()
    {
        await WriteAsync(
            Made.Hard(Made.At(1, 2)),
            [Made.Founding(), Made.Command(1, 2, 1, "in it")],
            Made.At(1, 2)
        );
        Damage();
        var state = await OpenAsync();
        Assert.True(state.Snapshot.IsNone);
        Assert.Equal(Made.At(1, 2), state.Outline.Last);
        Assert.Contains(
            _repairs,
            static repair => repair.Contains("applied from its beginning", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task ADamagedSnapshot_ThatTheLogBeginsWith_IsRefused()
    {
        await WriteAsync(
            Made.Hard(Made.At(1, 2)),
            [Made.Founding(), Made.Command(1, 2, 1, "in it")],
            Made.At(1, 2),
            Made.At(1, 2)
        );
        Damage();
        var refusal = await Assert.ThrowsAsync<StorageException>(OpenAsync);
        Assert.Equal(StorageFault.Corrupt, refusal.Fault);
    }

    [Fact]
    public async Task ASnapshotOfAnotherLineage_IsRefused()
    {
        await WriteAsync(Made.Hard(LogPosition.Zero, new Lineage(new Bytes16(5, 6))), [], Made.At(1, 2));
        var refusal = await Assert.ThrowsAsync<StorageException>(OpenAsync);
        Assert.Equal(StorageFault.Corrupt, refusal.Fault);
        Assert.Contains("mixed", refusal.Message, StringComparison.Ordinal);
    }

    private void Damage()
    {
        foreach (var file in _root.GetFiles("snapshot-*", SearchOption.AllDirectories))
        {
            using var stream = file.Open(FileMode.Open);
            stream.Position = 70;
            stream.WriteByte(0xAA);
        }
    }

    /// <summary>A store as a process has left it.</summary>
    private async Task WriteAsync(
        HardState? hard,
        LogEntry[] entries,
        LogPosition snapshot,
        LogPosition? compacted = null
    )
    {
        await using var store = new FileLogStore(_root.FullName);
        await store.OpenAsync(Made.Peer, Made.Group);
        if (hard is not null)
        {
            await store.WriteAsync(Made.Batch(hard, entries));
        }

        await Made.SaveAsync(store, snapshot, Made.SnapshotBytes(77, 1, 2, "in it"));
        if (compacted is { } through)
        {
            await store.CompactAsync(through);
        }
    }

    private async Task<StoredState> OpenAsync()
    {
        await using var store = new FileLogStore(_root.FullName);
        return await LogRecovery.OpenAsync(
            store,
            Made.Peer,
            Made.Group,
            Made.Adapter(new SavedJournal()),
            _repairs.Add,
            CancellationToken.None
        );
    }
}
