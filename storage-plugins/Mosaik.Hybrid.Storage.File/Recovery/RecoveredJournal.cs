namespace Mosaik.Hybrid.Storage.FileLog;

/// <summary>What recovery found, and where writing goes on.</summary>
internal sealed class RecoveredJournal
{
    public required PeerId Peer { get; init; }

    public required GroupId Group { get; init; }

    public required SegmentPool Pool { get; init; }

    public required StateSlots Slots { get; init; }

    public required List<Segment> Segments { get; init; }

    public required LogExtent Extent { get; init; }

    public required LogMarks Marks { get; init; }

    /// <summary>The salt of the last segment.</summary>
    public required ulong Salt { get; init; }

    /// <summary>Where the next record begins in it.</summary>
    public required long Offset { get; init; }

    /// <summary>The checksum of the last record.</summary>
    public required uint Chain { get; init; }

    /// <summary>The last batch that is here.</summary>
    public required ulong LastBatch { get; init; }

    /// <summary>The sequence of the newest slot.</summary>
    public required ulong SlotSequence { get; init; }
}
