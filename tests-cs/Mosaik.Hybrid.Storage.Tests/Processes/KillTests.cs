using System.Globalization;
using Mosaik.Hybrid.Storage.Load;
using Mosaik.Hybrid.Storage.TestKit;
using Mosaik.Hybrid.Storage.Tests.RocksDb;
using Xunit;
using static Mosaik.Hybrid.Storage.TestKit.Sample;

namespace Mosaik.Hybrid.Storage.Tests.Processes;

/// <summary>A process under load, killed again and again: whatever it had acknowledged is there the next time.</summary>
/// <remarks>A few rounds here; MOSAIK_KILL_ROUNDS=300 for many.</remarks>
public sealed class KillTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("mosaik-kill-");

    private static int Rounds =>
        int.TryParse(
            Environment.GetEnvironmentVariable("MOSAIK_KILL_ROUNDS"),
            CultureInfo.InvariantCulture,
            out var rounds
        )
            ? rounds
            : 5;

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public Task FileStore_Killed_KeepsWhatItAcknowledged() =>
        KillRepeatedlyAsync("file", static directory => new FileLogStore(directory));

    [RocksDbFact]
    public Task RocksDbStore_Killed_KeepsWhatItAcknowledged() =>
        KillRepeatedlyAsync("rocksdb", static directory => new RocksDbLogStore(directory));

    private async Task KillRepeatedlyAsync(string kind, Func<string, ILogStorage> create)
    {
        var directory = Path.Combine(_root.FullName, kind);
        var dice = new Dice(17);
        var model = new StoreModel();
        for (var round = 1; round <= Rounds; round++)
        {
            var seed = dice.Next();
            using var process = LoadProcess.Start(kind, directory, seed);
            var acknowledged = await LoadProcess.KillAfterAsync(process, 1 + dice.Below(150));
            model = await ReopenAsync(create(directory), model, seed, acknowledged);
        }
    }

    /// <summary>Opens what the killed process left: all that was acknowledged, and perhaps the call after it.</summary>
    private static async Task<StoreModel> ReopenAsync(
        ILogStorage store,
        StoreModel model,
        ulong seed,
        int acknowledged
    )
    {
        await using var opened = store;
        var stored = await store.OpenAsync(Peer, Group);
        var story = new LoadStory(seed);
        for (var call = 0; call < acknowledged; call++)
        {
            Advance(model, story);
        }

        var next = model.Copy();
        Advance(next, story);
        var kept =
            stored.LastPosition == next.Last
            && stored.BasePosition == next.Base
            && IsSame(next.Hard, stored.Hard)
                ? next
                : model;
        kept.AssertDescribes(stored);
        await kept.AssertHoldsAsync(store);
        return kept;
    }

    private static void Advance(StoreModel model, LoadStory story)
    {
        if (story.Next(model.Base, model.Last, Math.Max(model.Hard?.CurrentTerm.Value ?? 0, 1)) is { } batch)
        {
            model.Apply(batch);
        }
        else
        {
            model.Compact(model.Last);
        }
    }

    private static bool IsSame(HardState? left, HardState? right) =>
        left?.CurrentTerm == right?.CurrentTerm && Equals(left?.VotedFor, right?.VotedFor);
}
