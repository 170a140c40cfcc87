using System.Globalization;
using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Storage.Load;
using static Mosaik.Hybrid.Storage.TestKit.Sample;

// Usage: load file|rocksdb DIRECTORY SEED. Says "open", then "ack N" after every call that completed. Runs until it is
// killed, or until the store fails: then it says so and ends with exit code 3.
var (kind, directory, seed) = (args[0], args[1], ulong.Parse(args[2], CultureInfo.InvariantCulture));
ILogStorage store =
    kind == "rocksdb"
        ? new RocksDbLogStore(directory)
        : new FileLogStore(directory, new FileLogOptions { SegmentBytes = 256 * 1024 });
try
{
    var opened = await store.OpenAsync(Peer, Group);
    var (start, last) = (opened.BasePosition, opened.LastPosition);
    var term = opened.Hard?.CurrentTerm.Value ?? 0;
    var story = new LoadStory(seed);
    await Console.Out.WriteLineAsync("open");
    for (var count = 1; ; count++)
    {
        if (story.Next(start, last, Math.Max(term, 1)) is { } batch)
        {
            await store.WriteAsync(batch);
            term = batch.HardState?.CurrentTerm.Value ?? term;
            last = batch.Entries.Span[^1].Span[^1].Position;
        }
        else
        {
            await using (var writer = await store.Snapshots.CreateAsync())
            {
                await writer.CommitAsync(last, default);
            }

            await store.CompactAsync(last);
            start = last;
        }

        await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"ack {count}"));
    }
}
catch (StorageException exception)
{
    await Console.Error.WriteLineAsync($"storage failed: {exception.Message}");
    await store.DisposeAsync();
    return 3;
}
