using Mosaik.Hybrid.Storage.TestKit;
using Xunit;
using static Mosaik.Hybrid.Storage.TestKit.Sample;

namespace Mosaik.Hybrid.Storage.Tests.Faults;

/// <summary>Bytes and files that no crash changes: refused, naming the file, or harmless. Never a shorter log.</summary>
public sealed class DamageTests
{
    private static readonly IReadOnlyList<LogWriteBatch> s_story = FaultyStore.Story(8, 25);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ABitFlip_Anywhere_IsRefusedOrHarmless(bool isClosed)
    {
        var disk = await WrittenAsync(isClosed);
        var dice = new Dice(99);
        var refused = 0;
        foreach (var name in disk.Names)
        {
            var bytes = disk[name];
            for (var place = 0; place < bytes.Length; place += place % 97 == 0 ? 1 : dice.Below(5) + 1)
            {
                var damaged = disk.Killed();
                var flipped = (byte[])bytes.Clone();
                flipped[place] ^= (byte)(1 << dice.Below(8));
                damaged[name] = flipped;
                refused += await IsRefusedAsync(damaged, name) ? 1 : 0;
            }
        }

        Assert.True(refused > 1_000, $"Only {refused} flips were refused.");
    }

    [Fact]
    public async Task AFlippedRecord_IsNamedByFileAndOffset()
    {
        var disk = await WrittenAsync(isClosed: true);
        var bytes = disk["log-0000000000000001"];
        bytes[512 + 40] ^= 4;
        disk["log-0000000000000001"] = bytes;
        var refusal = await RefusalAsync(disk);
        Assert.Equal(StorageFault.Corrupt, refusal.Fault);
        Assert.Equal("disk/log-0000000000000001", refusal.Path);
        Assert.Equal(512, refusal.Offset);
        Assert.Contains("move it away", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BothSlotsDamaged_IsRefused()
    {
        var disk = await WrittenAsync(isClosed: true);
        var bytes = disk["STATE"];
        bytes[20] ^= 1;
        bytes[4096 + 20] ^= 1;
        disk["STATE"] = bytes;
        var refusal = await RefusalAsync(disk);
        Assert.Equal(StorageFault.Corrupt, refusal.Fault);
        Assert.Equal("disk/STATE", refusal.Path);
    }

    [Fact]
    public async Task AFile_ThatIsMissing_IsRefusedUnlessItHoldsNothing()
    {
        var disk = await WrittenAsync(isClosed: true);
        Assert.True(disk.Names.Count(static name => name.StartsWith("log-", StringComparison.Ordinal)) > 3);
        foreach (var name in disk.Names)
        {
            var damaged = disk.Killed();
            damaged.Delete(name);
            Assert.Equal(
                !name.StartsWith("spare-", StringComparison.Ordinal),
                await IsRefusedAsync(damaged, null)
            );
        }
    }

    [Fact]
    public async Task ASegment_ThatIsCutShortOrBlank_IsRefused()
    {
        var disk = await WrittenAsync(isClosed: true);
        foreach (
            var name in disk.Names.Where(static name => name.StartsWith("log-", StringComparison.Ordinal))
        )
        {
            foreach (var length in new[] { 0, 100, 600 })
            {
                var damaged = disk.Killed();
                damaged[name] = disk[name][..length];
                Assert.True(await IsRefusedAsync(damaged, name));
            }

            var blank = disk.Killed();
            blank[name] = new byte[disk[name].Length];
            Assert.True(await IsRefusedAsync(blank, name));
        }
    }

    [Fact]
    public async Task ALostTail_ThatWasAcknowledged_IsALossAndNoTornTail()
    {
        var disk = new FaultyDisk();
        var store = FaultyStore.On(disk);
        await store.OpenAsync(Peer, Group);
        await store.WriteAsync(Batch(Hard(1), null, Entries(1, 1, 3)));
        var shorter = disk.Killed();
        await store.WriteAsync(Batch(null, null, Entries(4, 1, 2)));
        var killed = disk.Killed();
        await store.DisposeAsync();
        killed["log-0000000000000001"] = shorter["log-0000000000000001"];
        var refusal = await RefusalAsync(killed);
        Assert.Equal(StorageFault.Lost, refusal.Fault);
        Assert.Contains("ends at entry 1/3", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("acknowledged 1/5", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("Move the directory away", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DamageBeforeTheEnd_IsNoTornTail_EvenWhereTheWatermarkIsOld()
    {
        var disk = new FaultyDisk();
        var store = FaultyStore.On(disk);
        await store.OpenAsync(Peer, Group);
        await store.WriteAsync(Batch(Hard(1), null, Entries(1, 1, 1)));
        var old = disk.Killed();
        await store.WriteAsync(Batch(null, null, Entries(2, 1, 1)));
        await store.WriteAsync(Batch(null, null, Entries(3, 1, 1)));
        var killed = disk.Killed();
        await store.DisposeAsync();
        killed["STATE"] = old["STATE"];
        var bytes = killed["log-0000000000000001"];
        // The second batch: behind the head, and the hard state, entry and commit of the first.
        var second = 512 + 168 + 120 + 48;
        bytes[second + 30] ^= 1;
        killed["log-0000000000000001"] = bytes;
        var refusal = await RefusalAsync(killed);
        Assert.Equal(StorageFault.Corrupt, refusal.Fault);
        Assert.Equal(second, refusal.Offset);
    }

    [Fact]
    public async Task ExtraFiles_AreHarmlessOrRefused()
    {
        var disk = await WrittenAsync(isClosed: true);
        var last = disk.Names.Last(static name => name.StartsWith("log-", StringComparison.Ordinal));
        var extra = disk.Killed();
        extra["STATE.tmp"] = [1, 2, 3];
        extra["spare-0000000099"] = new byte[10];
        extra["notes.txt"] = [1];
        extra["log-nonsense"] = [1];
        Assert.False(await IsRefusedAsync(extra, null));
        Assert.DoesNotContain("spare-0000000099", extra.Names);
        var copied = disk.Killed();
        copied["log-00000000000000ff"] = disk[last];
        Assert.True(await IsRefusedAsync(copied, null));
        var next = disk.Killed();
        next[$"log-{Convert.ToUInt64(last[4..], 16) + 1:x16}"] = disk[last];
        Assert.True(await IsRefusedAsync(next, null));
    }

    [Theory]
    [InlineData("STATE", 8)]
    [InlineData("log-0000000000000001", 8)]
    public async Task ANewerVersion_IsRefusedAndNothingIsWritten(string name, int place)
    {
        var disk = await WrittenAsync(isClosed: true);
        var bytes = disk[name];
        foreach (var slot in name == "STATE" ? new[] { 0, 4096 } : [0])
        {
            bytes[slot + place] = 2;
            BitConverter.TryWriteBytes(bytes.AsSpan(slot + 508), Crc32C.Of(bytes.AsSpan(slot, 508)));
        }

        disk[name] = bytes;
        var before = disk.Names.ToDictionary(static name => name, name => disk[name]);
        var refusal = await RefusalAsync(disk);
        Assert.Equal(StorageFault.Unsupported, refusal.Fault);
        Assert.Contains("format 2", refusal.Message, StringComparison.Ordinal);
        Assert.All(before, item => Assert.Equal(item.Value, disk[item.Key]));
    }

    [Theory]
    [InlineData(Durability.OsCache)]
    [InlineData(Durability.None)]
    public async Task WithoutFsync_AStoreThatWasNotClosed_NeverComesBackShorter(Durability durability)
    {
        for (var seed = 1ul; seed < 40; seed++)
        {
            var disk = new FaultyDisk();
            var store = FaultyStore.On(disk, durability);
            await store.OpenAsync(Peer, Group);
            foreach (var batch in s_story)
            {
                await store.WriteAsync(batch);
            }

            var lost = disk.PowerLost(new Dice(seed));
            var killed = disk.Killed();
            await store.DisposeAsync();
            if (durability == Durability.OsCache)
            {
                await FaultyStore.AssertHoldsAsync(
                    killed,
                    new FaultyDisk(),
                    [FaultyStore.After(s_story, s_story.Count)]
                );
                // The boot id of a later run of the system is another one.
                Forget(lost);
            }

            var refusal = await RefusalAsync(lost);
            Assert.Equal(StorageFault.Lost, refusal.Fault);
            await FaultyStore.AssertHoldsAsync(
                disk.PowerLost(new Dice(seed)),
                new FaultyDisk(),
                [FaultyStore.After(s_story, s_story.Count)]
            );
        }
    }

    private static void Forget(FaultyDisk disk)
    {
        var bytes = disk["STATE"];
        foreach (var slot in new[] { 0, 4096 })
        {
            bytes[slot + 120] ^= 0xFF;
            BitConverter.TryWriteBytes(bytes.AsSpan(slot + 508), Crc32C.Of(bytes.AsSpan(slot, 508)));
        }

        disk["STATE"] = bytes;
    }

    private static async Task<FaultyDisk> WrittenAsync(bool isClosed)
    {
        var disk = new FaultyDisk();
        var store = FaultyStore.On(disk);
        await store.OpenAsync(Peer, Group);
        foreach (var batch in s_story)
        {
            await store.WriteAsync(batch);
        }

        var killed = disk.Killed();
        await store.DisposeAsync();
        return isClosed ? disk.Killed() : killed;
    }

    private static async Task<StorageException> RefusalAsync(FaultyDisk disk)
    {
        await using var store = FaultyStore.On(disk);
        return await Assert.ThrowsAsync<StorageException>(async () => await store.OpenAsync(Peer, Group));
    }

    /// <summary>False when the store opened and holds everything.</summary>
    private static async Task<bool> IsRefusedAsync(FaultyDisk disk, string? name)
    {
        try
        {
            await FaultyStore.AssertHoldsAsync(
                disk,
                new FaultyDisk(),
                [FaultyStore.After(s_story, s_story.Count)]
            );
            return false;
        }
        catch (StorageException exception)
        {
            Assert.True(exception.Fault is StorageFault.Corrupt or StorageFault.Lost, exception.Message);
            Assert.NotNull(exception.Path);
            Assert.True(name is null || exception.Offset is not null || name == "STATE");
            return true;
        }
    }
}
