namespace Mosaik.Hybrid.Storage;

/// <summary>Where a store keeps snapshots: what a state machine was at some position of the log, as bytes.</summary>
/// <remarks>
/// <para>
/// <b>What is stored.</b> Streams of any length, each with its <see cref="SnapshotInfo"/>. The store interprets
/// neither. It keeps the newest that was committed and may keep one older; it removes what is older still, and
/// never removes a readable snapshot because another one can't be read.
/// </para>
/// <para>
/// <b>Who calls.</b> The runtime, after the log was opened. One snapshot is saved at a time and one is received at a
/// time; both may run beside each other, beside any number of readers and beside writes of the log.
/// </para>
/// <para>
/// <b>What is durable.</b> A snapshot exists from the moment its commit completes, whole, or not at all. What was
/// received and not committed is a partial snapshot: it may survive, to be resumed, and is never opened.
/// </para>
/// <para>
/// <b>How failures surface.</b> As a <see cref="StorageException"/>. A snapshot that could not be saved or received
/// changes nothing about the log, which goes on.
/// </para>
/// </remarks>
public interface ISnapshotStorage
{
    /// <summary>The newest committed snapshot; null when there is none. Cheap.</summary>
    SnapshotInfo? Newest { get; }

    /// <summary>Begins a new snapshot.</summary>
    /// <returns>Takes the content, then the commit. Disposing of it uncommitted leaves nothing behind.</returns>
    /// <exception cref="StorageException">It can't be written.</exception>
    /// <exception cref="InvalidOperationException">Another one is being saved.</exception>
    ValueTask<SnapshotWriter> CreateAsync(CancellationToken cancellationToken = default);

    /// <summary>Opens the newest snapshot whose checksum holds.</summary>
    /// <returns>Null when there is none. The content can be sought in, and was checked as a whole.</returns>
    /// <exception cref="StorageException">
    /// There are snapshots, and none of them can be read whole (<see cref="StorageFault.Corrupt"/>).
    /// </exception>
    ValueTask<StoredSnapshot?> OpenAsync(CancellationToken cancellationToken = default);

    /// <summary>Begins to receive a snapshot that another member saved, or goes on where an earlier attempt ended.</summary>
    /// <param name="info">What the sender's store says of it. A partial snapshot of another one is dropped.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>
    /// Takes the content from <see cref="SnapshotReceiver.Offset"/> on, then the commit. Disposing of it uncommitted
    /// keeps what has come, to be resumed.
    /// </returns>
    /// <exception cref="StorageException">It can't be written.</exception>
    /// <exception cref="InvalidOperationException">Another one is being received.</exception>
    /// <exception cref="ArgumentException">It is not newer than <see cref="Newest"/>.</exception>
    ValueTask<SnapshotReceiver> ReceiveAsync(
        SnapshotInfo info,
        CancellationToken cancellationToken = default
    );
}

/// <summary>What is known of a snapshot besides its content.</summary>
/// <remarks>Immutable; compared by value, the configuration by its bytes.</remarks>
public sealed class SnapshotInfo : IEquatable<SnapshotInfo>
{
    /// <summary>The most bytes that a configuration may have.</summary>
    public const int ConfigurationBytesMax = 1024 * 1024;

    /// <summary>Describes a snapshot.</summary>
    /// <param name="position">The last entry whose effect is in it; index at least 1.</param>
    /// <param name="configuration">The configuration in force at that position, encoded; at most 1 MiB.</param>
    /// <param name="length">How many bytes the content has; at least 0.</param>
    /// <param name="checksum">CRC32C of the content.</param>
    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    public SnapshotInfo(LogPosition position, ReadOnlyMemory<byte> configuration, long length, uint checksum)
    {
        if (position.Index == LogIndex.Zero || position.Term == Term.Zero)
        {
            throw new ArgumentException("A snapshot stands at an entry: index and term are at least 1.");
        }

        if (configuration.Length > ConfigurationBytesMax)
        {
            throw new ArgumentException($"A configuration has at most {ConfigurationBytesMax} bytes.");
        }

        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Position = position;
        Configuration = configuration;
        Length = length;
        Checksum = checksum;
    }

    /// <summary>The last entry whose effect is in it.</summary>
    public LogPosition Position { get; }

    /// <summary>The configuration in force at that position, encoded.</summary>
    public ReadOnlyMemory<byte> Configuration { get; }

    /// <summary>How many bytes the content has.</summary>
    public long Length { get; }

    /// <summary>CRC32C of the content.</summary>
    public uint Checksum { get; }

    /// <inheritdoc/>
    public bool Equals(SnapshotInfo? other) =>
        other is not null
        && Position == other.Position
        && Length == other.Length
        && Checksum == other.Checksum
        && Configuration.Span.SequenceEqual(other.Configuration.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as SnapshotInfo);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Position.Index.Value, Length, Checksum);

    /// <summary>Position and size, for people.</summary>
    public override string ToString() => $"snapshot at {Position}, {Length} bytes";
}

/// <summary>A snapshot in the making.</summary>
/// <remarks>Used by one caller at a time. Memory is bounded: content goes where it belongs as it comes.</remarks>
public abstract class SnapshotWriter : IAsyncDisposable
{
    /// <summary>Takes the content, in order. Can't be read or sought in.</summary>
    public abstract Stream Content { get; }

    /// <summary>Makes the snapshot durable, and the newest if its position is the highest.</summary>
    /// <param name="position">The last entry whose effect is in it.</param>
    /// <param name="configuration">The configuration in force there, encoded.</param>
    /// <param name="cancellationToken">Gives up; the snapshot may or may not exist then.</param>
    /// <returns>What is known of it now.</returns>
    /// <exception cref="StorageException">It could not be made durable.</exception>
    /// <exception cref="ArgumentException">The position or the configuration is out of range.</exception>
    public abstract ValueTask<SnapshotInfo> CommitAsync(
        LogPosition position,
        ReadOnlyMemory<byte> configuration,
        CancellationToken cancellationToken = default
    );

    /// <summary>Releases it; removes what was written unless it was committed.</summary>
    public abstract ValueTask DisposeAsync();
}

/// <summary>A snapshot that is being received.</summary>
/// <remarks>Used by one caller at a time.</remarks>
public abstract class SnapshotReceiver : IAsyncDisposable
{
    /// <summary>How many bytes are here: the next chunk begins at this place of the content.</summary>
    public abstract long Offset { get; }

    /// <summary>Takes the next part of the content.</summary>
    /// <exception cref="ArgumentException">It reaches beyond the length that was announced.</exception>
    /// <exception cref="StorageException">It could not be written.</exception>
    public abstract ValueTask AppendAsync(
        ReadOnlyMemory<byte> chunk,
        CancellationToken cancellationToken = default
    );

    /// <summary>Checks length and checksum, and makes the snapshot durable and the newest.</summary>
    /// <exception cref="StorageException">
    /// The content is not what was announced (<see cref="StorageFault.Corrupt"/>; it is dropped, so that the next
    /// attempt begins at 0), or it could not be made durable.
    /// </exception>
    /// <exception cref="InvalidOperationException">Something is missing still.</exception>
    public abstract ValueTask CommitAsync(CancellationToken cancellationToken = default);

    /// <summary>Releases it. What has come stays, to be resumed.</summary>
    public abstract ValueTask DisposeAsync();
}

/// <summary>A committed snapshot that is being read.</summary>
/// <remarks>Stays readable until it is disposed of, also when a newer one takes its place.</remarks>
public sealed class StoredSnapshot(SnapshotInfo info, Stream content) : IAsyncDisposable
{
    /// <summary>What is known of it.</summary>
    public SnapshotInfo Info => info;

    /// <summary>The content from its beginning; can be sought in, to resume a transfer.</summary>
    public Stream Content => content;

    /// <summary>Releases it.</summary>
    public ValueTask DisposeAsync() => content.DisposeAsync();
}
