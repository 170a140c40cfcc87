namespace Mosaik.Hybrid.Storage;

/// <summary>Where one member of one group keeps its replicated log and its hard state.</summary>
/// <remarks>
/// <para>
/// <b>What is stored.</b> A log: entries with consecutive indexes from <see cref="StoredLog.FirstIndex"/> (1 in a
/// fresh store) and terms that never fall. One <see cref="HardState"/>: who this member is, its term and vote, and
/// how far it has acknowledged. And snapshots, which stand for the part of the log that was compacted away. An
/// entry's index and term are stamped before it gets here; a store keeps all fields of an entry and interprets none
/// of them, the payload least of all. <see cref="RecordedLogStore"/> is a store but for the place of its records;
/// <see cref="LogExtent"/> keeps the books that every store needs, and <see cref="StoredForm"/> turns entries into
/// bytes. A store may use any of them or none.
/// </para>
/// <para>
/// <b>Who calls.</b> The runtime of the group, and nobody else. <see cref="OpenAsync"/> first and once; then
/// <see cref="WriteAsync"/> and <see cref="CompactAsync"/>, one call of the two at a time, each awaited before the
/// next. <see cref="ReadAsync"/> may run at any time after the open, several at once, and beside a write.
/// <see cref="Snapshots"/> are independent of all of these: they may be saved, opened and received at any time after
/// the open. <see cref="Health"/> may be read from any thread at any time.
/// <see cref="IAsyncDisposable.DisposeAsync"/> comes last, when no other call is running.
/// </para>
/// <para>
/// <b>What is durable.</b> When <see cref="WriteAsync"/> completes, everything in the batch survives whatever the
/// store promises to survive (a power loss, for a store on disk), and so does all that was written before. Until it
/// completes, a crash may keep all of the batch or none of it; no other outcome is allowed. Consensus leans on
/// exactly this: a vote or an acknowledgement is sent only after its batch is durable (Raft Figure 2). A store that
/// completes too early makes committed commands disappear.
/// </para>
/// <para>
/// <b>What a reader sees.</b> The entries of completed writes. A read beside a write that truncates may see the log
/// before or after it, never a mixture. Memory that was handed out by a read is never changed afterwards.
/// </para>
/// <para>
/// <b>How failures surface.</b> As a <see cref="StorageException"/> with its kind, path and offset; never as a
/// partial success. After a failed write nobody knows what reached the disk: the store refuses every further write
/// with the same exception, and the group stops acknowledging. Only a new instance may look at the data again, and
/// judges them by their checksums. Nothing is retried inside. A cancelled call throws
/// <see cref="OperationCanceledException"/>; a write that was cancelled after it began counts as failed, and a store
/// may as well finish it. Misuse, such as a gap between indexes, throws <see cref="ArgumentException"/> or
/// <see cref="InvalidOperationException"/> and changes nothing.
/// </para>
/// <para>
/// <b>What may be lost.</b> Nothing that a completed write stored. A store that finds its log shorter than it has
/// once acknowledged refuses to open with <see cref="StorageFault.Lost"/>: a member that forgot what it promised must
/// not vote. What a crash may explain (a batch that was cut off) is removed and reported; what it can't explain is
/// <see cref="StorageFault.Corrupt"/> and is never removed.
/// </para>
/// <para>
/// <b>How fast.</b> Writes are on the path of every command. A batch holds whatever gathered while the last one was
/// being written, so one flush a batch is enough. A store that needs no waiting completes synchronously.
/// </para>
/// </remarks>
public interface ILogStorage : IAsyncDisposable
{
    /// <summary>True when nothing survives the process.</summary>
    /// <remarks>
    /// Every open of a volatile store is then fresh, and its member a new incarnation: it has none of the rights of
    /// the life before, which is what makes a store without a disk safe. Constant.
    /// </remarks>
    bool IsVolatile { get; }

    /// <summary>The snapshots of this store. The same object always; usable after the open.</summary>
    ISnapshotStorage Snapshots { get; }

    /// <summary>How the store is doing, for diagnostics and for a leader that considers handing over. Cheap.</summary>
    StorageHealth Health { get; }

    /// <summary>Opens the store for one member, recovers, and says what is there.</summary>
    /// <param name="peer">Whose log it is. A store that was written under another peer refuses to open.</param>
    /// <param name="group">
    /// The group whose log it is. A store that was written for another group refuses to open.
    /// </param>
    /// <param name="cancellationToken">Ends the attempt; the store can then only be disposed of.</param>
    /// <returns>Hard state, extent and term runs of the log, and what had to be repaired.</returns>
    /// <exception cref="StorageException">
    /// The data are damaged in a way that no crash explains (<see cref="StorageFault.Corrupt"/>), something that was
    /// acknowledged is gone (<see cref="StorageFault.Lost"/>), another process or instance has the store open
    /// (<see cref="StorageFault.Locked"/>), it belongs to somebody else (<see cref="StorageFault.Foreign"/>), a newer
    /// version wrote it (<see cref="StorageFault.Unsupported"/>), or it can't be read
    /// (<see cref="StorageFault.Io"/>). Nothing was written then.
    /// </exception>
    /// <exception cref="InvalidOperationException">This instance has been opened before.</exception>
    /// <remarks>
    /// A batch whose write was cut off by a crash is removed in silence or reported in
    /// <see cref="StoredLog.Repairs"/>; damage before the tail is never repaired here.
    /// </remarks>
    ValueTask<StoredLog> OpenAsync(PeerId peer, GroupId group, CancellationToken cancellationToken = default);

    /// <summary>Makes a batch durable as a unit: the hard state, then the truncation, then the entries.</summary>
    /// <param name="batch">At least one part. The very first batch of a fresh store carries a hard state.</param>
    /// <param name="cancellationToken">Gives up waiting; the store counts as failed then.</param>
    /// <returns>Completes when every part would survive; synchronously for a store in memory.</returns>
    /// <exception cref="StorageException">
    /// The batch may or may not be stored. The store takes no further writes.
    /// </exception>
    /// <exception cref="ArgumentException">
    /// The entries don't follow the last kept one without a gap, a term falls, or the truncation lies outside the
    /// log. Nothing was changed.
    /// </exception>
    /// <remarks>
    /// Called by one thread at a time. The caller owns the arrays and leaves them unchanged for good, so a store may
    /// keep views of entries and payloads instead of copies.
    /// </remarks>
    ValueTask WriteAsync(LogWriteBatch batch, CancellationToken cancellationToken = default);

    /// <summary>Reads entries from the start of a range.</summary>
    /// <param name="range">Not empty, and inside the log.</param>
    /// <param name="bytesMax">
    /// The most payload bytes to return, but for a single larger first entry; at least 0.
    /// </param>
    /// <param name="cancellationToken">Ends the read.</param>
    /// <returns>
    /// At least one entry, beginning with the first of the range, without gaps. It may be fewer than fit: a store
    /// stops where it would have to copy or to open another file. Ask again from the next index for the rest.
    /// </returns>
    /// <exception cref="StorageException">
    /// An entry can't be read or fails its checksum; path and offset say where.
    /// </exception>
    /// <exception cref="ArgumentException">The range is empty or reaches outside the log.</exception>
    ValueTask<ReadOnlyMemory<LogEntry>> ReadAsync(
        LogRange range,
        int bytesMax,
        CancellationToken cancellationToken = default
    );

    /// <summary>Makes a position the base of the log: everything up to it is gone, durably.</summary>
    /// <param name="through">
    /// A position that a committed snapshot covers: <see cref="Snapshots"/> holds one at it or further. Above the
    /// present base.
    /// </param>
    /// <param name="cancellationToken">Gives up waiting; the store counts as failed then.</param>
    /// <returns>Completes when the new base would survive. Space may be given back later.</returns>
    /// <exception cref="StorageException">The base may or may not have moved. The store takes no further writes.</exception>
    /// <exception cref="ArgumentException">
    /// No snapshot covers the position, or it does not lie above the base. Nothing was changed.
    /// </exception>
    /// <remarks>
    /// <para>
    /// When the log holds an entry at this index with this term, the entries after it stay. Otherwise the log is
    /// behind the snapshot or differs from it, and all of it goes (Raft §7, InstallSnapshot steps 6 and 7). Either
    /// way the next entry to append is the one after the last that stays.
    /// </para>
    /// <para>
    /// Called like a write: never beside one. The order on disk is snapshot, then base, then removal, so a crash in
    /// between loses nothing. A read of what was removed throws <see cref="ArgumentException"/>.
    /// </para>
    /// </remarks>
    ValueTask CompactAsync(LogPosition through, CancellationToken cancellationToken = default);
}
