using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Runtime;
using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Storage;

/// <summary>What a member starts from, when a crash came between a snapshot and what follows from it.</summary>
public sealed class LogRecoveryTests : IDisposable
{
    private static readonly PeerId s_peer = Tickets.Forge.PeerOf(1);
    private static readonly GroupId s_group = GroupId.FromBytes(new byte[32]);
    private static readonly Lineage s_lineage = new(new Bytes16(5, 5));
    private static readonly MemberId s_member = new(s_peer, new Incarnation(new Bytes16(1, 2)));
    private static readonly byte[] s_configuration = ConfigurationModule.encode(
        s_lineage,
        ConfigurationModule.ofVoters([s_member])
    );

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("mosaik-recovery-");

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public async Task ASnapshotBeyondTheLog_TakesItsPlace()
    {
        await WriteAsync(s_lineage, entries: 3, snapshotAt: At(4, 10));
        var stored = await OpenAsync();
        Assert.Equal(At(4, 10), stored.Outline.Base);
        Assert.Equal(At(4, 10), stored.Outline.Last);
        Assert.Equal(At(4, 10), stored.Snapshot.Value.Position);
        Assert.Equal(77, stored.LastTimestamp);
        var (index, configuration) = Assert.Single(stored.Configurations);
        Assert.Equal(new LogIndex(10), index);
        Assert.Equal(s_member, Assert.Single(configuration.Voters));
        // And it stays so.
        Assert.Equal(At(4, 10), (await OpenAsync()).Outline.Base);
    }

    [Fact]
    public async Task ASnapshotBesideTheLog_TakesItsPlace()
    {
        await WriteAsync(s_lineage, entries: 3, snapshotAt: At(2, 3));
        Assert.Equal(At(2, 3), (await OpenAsync()).Outline.Last);
    }

    [Fact]
    public async Task ASnapshotWithinTheLog_LeavesItAsItIs()
    {
        await WriteAsync(s_lineage, entries: 3, snapshotAt: At(1, 2));
        var stored = await OpenAsync();
        Assert.Equal(LogPosition.Zero, stored.Outline.Base);
        Assert.Equal(At(1, 3), stored.Outline.Last);
        Assert.Equal(At(1, 2), stored.Snapshot.Value.Position);
        // The last entry's, which is later than the snapshot's.
        Assert.Equal(103, stored.LastTimestamp);
    }

    [Fact]
    public async Task AFirstLineage_IsThatOfTheSnapshot()
    {
        await WriteAsync(Lineage.None, entries: 0, snapshotAt: At(4, 10));
        Assert.Equal(s_lineage, (await OpenAsync()).Hard.Lineage);
    }

    [Fact]
    public async Task ASnapshotOfAnotherLineage_IsRefused()
    {
        await WriteAsync(new Lineage(new Bytes16(6, 6)), entries: 3, snapshotAt: At(4, 10));
        var refusal = await Assert.ThrowsAsync<StorageException>(OpenAsync);
        Assert.Equal(StorageFault.Corrupt, refusal.Fault);
        Assert.Contains("mixed", refusal.Message, StringComparison.Ordinal);
    }

    private static LogPosition At(ulong term, ulong index) => new(new Term(term), new LogIndex(index));

    private FileLogStore Store() => new(_root.FullName);

    private async Task<StoredState> OpenAsync()
    {
        await using var store = Store();
        var machine = new MachineAdapter<string, int, string[]>(
            new SavedJournal(),
            new JsonCommandCodec<string>()
        );
        return await LogRecovery.OpenAsync(
            store,
            s_peer,
            s_group,
            machine,
            static _ => { },
            CancellationToken.None
        );
    }

    /// <summary>A log of term 1 that begins with the configuration, and a snapshot with an empty table.</summary>
    private async Task WriteAsync(Lineage lineage, int entries, LogPosition snapshotAt)
    {
        await using var store = Store();
        await store.OpenAsync(s_peer, s_group);
        var hard = new HardState(s_member, 1, lineage, new Term(1), null, LogPosition.Zero);
        var log = Enumerable
            .Range(1, entries)
            .Select(index => new LogEntry(
                new LogIndex((ulong)index),
                new Term(1),
                index == 1 ? EntryKind.Configuration : EntryKind.NoOp,
                0,
                100 + index,
                null,
                0,
                index == 1 ? s_configuration : ReadOnlyMemory<byte>.Empty
            ))
            .ToArray();
        await store.WriteAsync(new LogWriteBatch(hard, null, new ReadOnlyMemory<LogEntry>[] { log }));
        await using var writer = await store.Snapshots.CreateAsync();
        await writer.Content.WriteAsync(SnapshotHeadModule.encode(new SnapshotHead(77, [])));
        await writer.Content.WriteAsync("[]"u8.ToArray());
        await writer.CommitAsync(snapshotAt, s_configuration);
    }
}
