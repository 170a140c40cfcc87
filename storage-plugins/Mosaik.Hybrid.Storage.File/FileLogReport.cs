namespace Mosaik.Hybrid.Storage;

/// <summary>What <see cref="FileLogStore.InspectAsync"/> found in a directory.</summary>
/// <param name="Directory">The store's directory.</param>
/// <param name="FormatVersion">The version of the files' format.</param>
/// <param name="Peer">Whose store it is; null when no file says so.</param>
/// <param name="Group">Which group's store it is; null when no file says so.</param>
/// <param name="Hard">The hard state of the last batch that is whole; null when there is none.</param>
/// <param name="IsClosed">True when the store was closed in good order.</param>
/// <param name="Durability">How it was opened the last time.</param>
/// <param name="Base">Term and index before the first entry.</param>
/// <param name="Last">Term and index of the last entry that can be reached without damage.</param>
/// <param name="Acknowledged">Term and index of the last entry when the watermark was last written.</param>
/// <param name="TermRuns">Where each term begins.</param>
/// <param name="Segments">The files of the log, oldest first.</param>
/// <param name="Snapshots">The snapshots, newest first.</param>
/// <param name="Damages">Everything that is wrong; empty for a sound store.</param>
/// <param name="TornTail">What an open would cut off, in a sentence; null for nothing.</param>
public sealed record FileLogReport(
    string Directory,
    int FormatVersion,
    PeerId? Peer,
    GroupId? Group,
    HardState? Hard,
    bool IsClosed,
    Durability Durability,
    LogPosition Base,
    LogPosition Last,
    LogPosition Acknowledged,
    IReadOnlyList<TermRun> TermRuns,
    IReadOnlyList<FileLogSegment> Segments,
    IReadOnlyList<SnapshotInfo> Snapshots,
    IReadOnlyList<FileLogDamage> Damages,
    string? TornTail
)
{
    /// <summary>True when an open would succeed as far as the files tell.</summary>
    public bool IsSound => Damages.Count == 0;
}

/// <summary>One file of the log.</summary>
/// <param name="Name">The file's name.</param>
/// <param name="Bytes">How long it is.</param>
/// <param name="BytesUsed">How much of it holds batches that are whole, the head included.</param>
/// <param name="FirstBatch">The sequence number of its first batch.</param>
/// <param name="Batches">How many batches are whole.</param>
/// <param name="Records">How many records these have.</param>
/// <param name="Last">Term and index of the last entry after them.</param>
public sealed record FileLogSegment(
    string Name,
    long Bytes,
    long BytesUsed,
    ulong FirstBatch,
    ulong Batches,
    long Records,
    LogPosition Last
);

/// <summary>Something that is wrong with a store.</summary>
/// <param name="File">The file.</param>
/// <param name="Offset">Where in it, in bytes from its start; null when the file as a whole is meant.</param>
/// <param name="Fault">What kind of fault.</param>
/// <param name="Message">What it is, and what to do.</param>
public sealed record FileLogDamage(string File, long? Offset, StorageFault Fault, string Message);
