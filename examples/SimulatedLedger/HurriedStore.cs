using Mosaik.Hybrid;
using Mosaik.Hybrid.Storage;

namespace SimulatedLedger;

/// <summary>A store with a mistake that looks like an optimisation: a vote without entries waits for the next entries.</summary>
/// <param name="store">A right one.</param>
/// <remarks>
/// It saves most flushes of an election, and no test without crashes finds anything wrong. But a member that crashes
/// meanwhile has forgotten its vote, and may give another one in the same term: two leaders.
/// </remarks>
internal sealed class HurriedStore(ILogStorage store) : ILogStorage
{
    private HardState? _waiting;
    private bool _hasHardState;

    public bool IsVolatile => store.IsVolatile;

    public ISnapshotStorage Snapshots => store.Snapshots;

    public StorageHealth Health => store.Health;

    public async ValueTask<StoredLog> OpenAsync(
        PeerId peer,
        GroupId group,
        CancellationToken cancellationToken = default
    )
    {
        var log = await store.OpenAsync(peer, group, cancellationToken).ConfigureAwait(false);
        _hasHardState = log.Hard is not null;
        return log;
    }

    public ValueTask WriteAsync(LogWriteBatch batch, CancellationToken cancellationToken = default)
    {
        if (_hasHardState && batch.EntryCount == 0 && batch.TruncateFrom is null)
        {
            _waiting = batch.HardState;
            return ValueTask.CompletedTask;
        }

        var whole = new LogWriteBatch(batch.HardState ?? _waiting, batch.TruncateFrom, batch.Entries);
        _waiting = null;
        _hasHardState = true;
        return store.WriteAsync(whole, cancellationToken);
    }

    public ValueTask<ReadOnlyMemory<LogEntry>> ReadAsync(
        LogRange range,
        int bytesMax,
        CancellationToken cancellationToken = default
    ) => store.ReadAsync(range, bytesMax, cancellationToken);

    public ValueTask CompactAsync(LogPosition through, CancellationToken cancellationToken = default) =>
        store.CompactAsync(through, cancellationToken);

    public ValueTask DisposeAsync() => store.DisposeAsync();
}
