using Xunit;
using static Mosaik.Hybrid.Storage.TestKit.Sample;

namespace Mosaik.Hybrid.Storage.TestKit;

/// <summary>What every store must do. Inherit it in a test project, say how to make the store, and run the tests.</summary>
/// <remarks>
/// A store that survives its process inherits <see cref="DurableLogStorageConformance"/>, which asks for more.
/// </remarks>
public abstract partial class LogStorageConformance : IAsyncLifetime
{
    private StorePlace? _place;
    private ILogStorage? _store;

    /// <summary>Where the store of this test keeps its data.</summary>
    protected StorePlace Place => _place ?? throw new InvalidOperationException("The test has not begun.");

    /// <summary>The store of this test.</summary>
    protected ILogStorage Store => _store ?? throw new InvalidOperationException("The test has not begun.");

    /// <summary>What the store said when it was opened.</summary>
    protected StoredLog Opened { get; private set; } = StoredLog.Fresh;

    /// <summary>A place that nothing was written to yet.</summary>
    protected abstract StorePlace CreatePlace();

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        _place = CreatePlace();
        await OpenNewAsync();
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        await Store.DisposeAsync();
        await Place.DisposeAsync();
    }

    /// <summary>Opens a new store over what is there; the one before is disposed of already.</summary>
    protected async Task OpenNewAsync()
    {
        _store = Place.NewStore();
        Opened = await _store.OpenAsync(Peer, Group);
    }

    /// <summary>Closes the store, and opens a new one over what it left.</summary>
    protected async Task ReopenAsync()
    {
        await Store.DisposeAsync();
        await OpenNewAsync();
    }

    /// <summary>Ends the store as the death of its process would, and opens a new one over what it left.</summary>
    protected async Task CrashAsync()
    {
        await Place.CrashAsync(Store);
        await OpenNewAsync();
    }

    /// <summary>Writes a batch.</summary>
    protected ValueTask WriteAsync(
        HardState? hard,
        ulong? truncateFrom = null,
        params ReadOnlyMemory<LogEntry>[] runs
    ) => Store.WriteAsync(Batch(hard, truncateFrom, runs));

    /// <summary>Reads a range, in as many parts as it takes.</summary>
    protected async Task<IReadOnlyList<LogEntry>> ReadAllAsync(
        ulong first,
        ulong last,
        int bytesMax = int.MaxValue
    )
    {
        var all = new List<LogEntry>();
        while (first <= last)
        {
            var part = await Store.ReadAsync(Range(first, last), bytesMax);
            all.AddRange(part.ToArray());
            first += (ulong)part.Length;
        }

        return all;
    }

    /// <summary>Fails unless a range holds entries of these positions.</summary>
    protected async Task AssertPositionsAsync(ulong first, params string[] positions)
    {
        ArgumentNullException.ThrowIfNull(positions);
        var all = await ReadAllAsync(first, first + (ulong)positions.Length - 1);
        Assert.Equal(positions, all.Select(static entry => entry.Position.ToString()));
    }

    /// <summary>Saves a snapshot.</summary>
    protected async Task<SnapshotInfo> SaveAsync(LogPosition position, byte[] content)
    {
        ArgumentNullException.ThrowIfNull(content);
        await using var writer = await Store.Snapshots.CreateAsync();
        await writer.Content.WriteAsync(content);
        return await writer.CommitAsync(position, new byte[] { 1, 2, 3 });
    }

    /// <summary>The content of the newest snapshot.</summary>
    protected async Task<byte[]> ContentAsync()
    {
        await using var snapshot = await Store.Snapshots.OpenAsync();
        Assert.NotNull(snapshot);
        using var content = new MemoryStream();
        await snapshot.Content.CopyToAsync(content);
        return content.ToArray();
    }
}
