using Mosaik.Hybrid.Runtime;
using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid;

/// <summary>One store that survived the permanent loss of a majority: the beginning of a new lineage.</summary>
/// <remarks>
/// <para>
/// For the last resort, offline. As long as a majority of the voters can come back, start them instead: nothing is lost
/// then. <see cref="BeginLineageAsync"/> makes the log of one member the log of a new lineage, with a new incarnation of
/// that member as its only voter. <b>What only others had acknowledged is lost</b>; what stands in this log and was never
/// committed takes effect. Use the store with the last position that is highest by term, then index.
/// </para>
/// <para>
/// Afterwards the node starts as ever, decides alone, and takes in whoever joins with an empty store. Members of the
/// former lineage are refused, and report a conflict of lineages, until they are reset or given empty stores.
/// </para>
/// </remarks>
public sealed class LogSurvivor : IAsyncDisposable
{
    private readonly ILogStorage _storage;
    private readonly StoredLog _log;
    private bool _isDone;

    private LogSurvivor(ILogStorage storage, StoredLog log, HardState hard, GroupMembers members) =>
        (_storage, _log, Hard, Configuration) = (storage, log, hard, members);

    /// <summary>The member whose log it is; when a lineage was begun, the new member of the same peer.</summary>
    public MemberId Member => Hard.Member;

    /// <summary>The lineage of the log.</summary>
    public Lineage Lineage => Hard.Lineage;

    /// <summary>The latest term that the member has seen.</summary>
    public Term Term => Hard.CurrentTerm;

    /// <summary>Where the log ends.</summary>
    public LogPosition Last => _log.LastPosition;

    /// <summary>The configuration in force at the end of the log.</summary>
    public GroupMembers Configuration { get; }

    /// <summary>What stands for the log's beginning; null while it is whole and no snapshot was taken.</summary>
    public SnapshotInfo? Snapshot => _storage.Snapshots.Newest;

    internal HardState Hard { get; private set; }

    /// <summary>Opens the store of a stopped node, and looks whether a lineage can begin there.</summary>
    /// <param name="storage">Not opened yet; disposed of with this object, and when this throws.</param>
    /// <param name="peer">Whose store it is.</param>
    /// <param name="group">Which group's.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="StorageException">It is in use, damaged, of somebody else, or has lost what was acknowledged.</exception>
    /// <exception cref="InvalidOperationException">It holds no log.</exception>
    public static async Task<LogSurvivor> OpenAsync(
        ILogStorage storage,
        PeerId peer,
        GroupId group,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(storage);
        try
        {
            var log = await storage.OpenAsync(peer, group, cancellationToken).ConfigureAwait(false);
            var members = await LineageBeginning
                .CheckAsync(storage, log, peer, cancellationToken)
                .ConfigureAwait(false);
            return new LogSurvivor(storage, log, log.Hard!, members);
        }
        catch
        {
            await storage.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Begins a new lineage at the end of the log, with a new incarnation of the member as its only voter; in one durable batch.</summary>
    /// <returns>The new lineage.</returns>
    /// <exception cref="StorageException">It may or may not have been written; open the store again to see.</exception>
    /// <exception cref="InvalidOperationException">It was done before.</exception>
    public async Task<Lineage> BeginLineageAsync(CancellationToken cancellationToken = default)
    {
        if (_isDone)
        {
            throw new InvalidOperationException("A lineage was begun here already.");
        }

        _isDone = true;
        var timestamp = await LineageBeginning
            .TimestampAsync(_storage, _log, cancellationToken)
            .ConfigureAwait(false);
        var batch = LineageBeginning.Make(Hard, _log.LastPosition, timestamp);
        await _storage.WriteAsync(batch, cancellationToken).ConfigureAwait(false);
        Hard = batch.HardState!;
        return Hard.Lineage;
    }

    /// <summary>Closes the store.</summary>
    public ValueTask DisposeAsync() => _storage.DisposeAsync();
}
