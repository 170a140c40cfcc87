using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Mosaik.Hybrid.Storage.TestKit;
using Mosaik.Hybrid.Storage.Tests.Faults;
using Xunit;
using static Mosaik.Hybrid.Storage.TestKit.Sample;

namespace Mosaik.Hybrid.Storage.Tests.FileLog;

/// <summary>The format on disk, pinned: what version 1 wrote is what is written, and what is read.</summary>
/// <remarks>Run with UPDATE_GOLDEN=1 to write the file anew; a difference is a new version of the format.</remarks>
public sealed class GoldenFileTests
{
    private static readonly LogWriteBatch[] s_batches =
    [
        Batch(Hard(1, Member(2)), null, new[] { Entry(1, 1, 0, EntryKind.NoOp), Entry(2, 1, 5) }),
        Batch(null, null, new[] { Entry(3, 1, 16, EntryKind.Configuration) }),
        Batch(Hard(2, null, At(1, 2)), 3, new[] { Entry(3, 2, 9) }),
    ];

    [Fact]
    public async Task TheBytes_AreThoseOfTheGoldenFile()
    {
        var (log, snapshots) = await WriteAsync();
        var text = new StringBuilder();
        foreach (var name in log.Names.Where(static name => name is not "LOCK"))
        {
            Dump(name, log[name], text);
        }

        foreach (var name in snapshots.Names)
        {
            Dump("snapshots/" + name, snapshots[name], text);
        }

        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            await File.WriteAllTextAsync(GoldenPath(), text.ToString());
        }

        Assert.Equal(await File.ReadAllTextAsync(GoldenPath()), text.ToString());
    }

    [Fact]
    public async Task TheGoldenFile_IsRead()
    {
        var (log, snapshots) = Load(await File.ReadAllLinesAsync(GoldenPath()));
        await using var store = new FileLogStore(log, snapshots, Options());
        var opened = await store.OpenAsync(Peer, Group);
        var model = new StoreModel();
        foreach (var batch in s_batches)
        {
            model.Apply(batch);
        }

        model.Compact(At(1, 1));
        model.AssertDescribes(opened);
        await model.AssertHoldsAsync(store);
        Assert.Equal(At(1, 2), store.Snapshots.Newest?.Position);
        await using var snapshot = await store.Snapshots.OpenAsync();
        Assert.Equal(new byte[] { 10, 20, 30 }, snapshot!.Info.Configuration.ToArray());
    }

    [Fact]
    public void Crc32C_IsTheOneOfTheStandard() => Assert.Equal(0xE3069283u, Crc32C.Of("123456789"u8));

    [Fact]
    public void Crc32C_GoesOnWhereItEnded() =>
        Assert.Equal(Crc32C.Of("123456789"u8), Crc32C.Append(Crc32C.Of("1234"u8), "56789"u8));

    private static FileLogOptions Options() =>
        new()
        {
            SegmentBytes = 2048,
            Salts = static () => 0x1122334455667788,
            Boot = Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"),
        };

    private static async Task<(FaultyDisk Log, FaultyDisk Snapshots)> WriteAsync()
    {
        var (log, snapshots) = (new FaultyDisk(), new FaultyDisk());
        await using var store = new FileLogStore(log, snapshots, Options());
        await store.OpenAsync(Peer, Group);
        foreach (var batch in s_batches)
        {
            await store.WriteAsync(batch);
        }

        await using (var writer = await store.Snapshots.CreateAsync())
        {
            await writer.Content.WriteAsync("the state at entry two"u8.ToArray());
            await writer.CommitAsync(At(1, 2), new byte[] { 10, 20, 30 });
        }

        await store.CompactAsync(At(1, 1));
        await store.DisposeAsync();
        return (log, snapshots);
    }

    private static void Dump(string name, byte[] bytes, StringBuilder text)
    {
        text.Append(CultureInfo.InvariantCulture, $"file {name} {bytes.Length}\n");
        for (var offset = 0; offset < bytes.Length; offset += 16)
        {
            var line = bytes.AsSpan(offset, Math.Min(16, bytes.Length - offset));
            if (line.ContainsAnyExcept((byte)0))
            {
                text.Append(CultureInfo.InvariantCulture, $"{offset:x6} {Convert.ToHexStringLower(line)}\n");
            }
        }
    }

    private static (FaultyDisk Log, FaultyDisk Snapshots) Load(string[] lines)
    {
        var (log, snapshots) = (new FaultyDisk(), new FaultyDisk());
        var files = new Dictionary<string, byte[]>();
        byte[] current = [];
        foreach (var line in lines)
        {
            var words = line.Split(' ');
            if (words[0] == "file")
            {
                current = files[words[1]] = new byte[int.Parse(words[2], CultureInfo.InvariantCulture)];
            }
            else
            {
                Convert.FromHexString(words[1]).CopyTo(current, Convert.ToInt32(words[0], 16));
            }
        }

        foreach (var (name, bytes) in files)
        {
            var (disk, place) = name.StartsWith("snapshots/", StringComparison.Ordinal)
                ? (snapshots, name["snapshots/".Length..])
                : (log, name);
            disk[place] = bytes;
        }

        return (log, snapshots);
    }

    private static string GoldenPath([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "testdata", "file-log-v1.txt");
}
