using System.Diagnostics.Metrics;

namespace Mosaik.Hybrid.Diagnostics;

/// <summary>What groups count and measure, under the meter <c>Mosaik.Hybrid</c>. One tag: the group's short id.</summary>
internal sealed class GroupMeters
{
    /// <summary>The name of the meter.</summary>
    public const string MeterName = "Mosaik.Hybrid";

    private static readonly Meter s_shared = new(MeterName);

    private readonly Counter<long> _stalls;
    private readonly UpDownCounter<int> _stalled;
    private readonly Histogram<double> _writes;
    private readonly Counter<long> _taken;
    private readonly Counter<long> _failed;
    private readonly Counter<long> _installed;
    private readonly UpDownCounter<int> _conflicts;

    /// <summary>Creates the instruments.</summary>
    /// <param name="factory">Who owns the meter; null for one that the process shares.</param>
    public GroupMeters(IMeterFactory? factory)
    {
        var meter = factory?.Create(MeterName) ?? s_shared;
        _stalls = meter.CreateCounter<long>(
            "mosaik.group.storage.stalls",
            "{stall}",
            "Writes that took an election timeout."
        );
        _stalled = meter.CreateUpDownCounter<int>(
            "mosaik.group.storage.stalled",
            "{group}",
            "1 while a write takes longer than an election timeout."
        );
        _writes = meter.CreateHistogram<double>(
            "mosaik.group.storage.write.duration",
            "s",
            "How long batches of the log, and new beginnings of it, took until durable."
        );
        _taken = meter.CreateCounter<long>(
            "mosaik.group.snapshots.taken",
            "{snapshot}",
            "Snapshots of this node's machine that became durable."
        );
        _failed = meter.CreateCounter<long>(
            "mosaik.group.snapshots.failed",
            "{snapshot}",
            "Snapshots that could not be saved, sent or received."
        );
        _installed = meter.CreateCounter<long>(
            "mosaik.group.snapshots.installed",
            "{snapshot}",
            "Snapshots of other members that took the place of this node's log."
        );
        _conflicts = meter.CreateUpDownCounter<int>(
            "mosaik.group.lineage_conflicts",
            "{lineage}",
            "Other lineages of the group that this node knows of."
        );
    }

    /// <summary>So many more, or fewer, lineages than before are in conflict with this node's.</summary>
    public void LineageConflict(string group, int change) => _conflicts.Add(change, Tag(group));

    /// <summary>The disk has stalled, or works again.</summary>
    public void DiskStalled(string group, bool stalled)
    {
        _stalled.Add(stalled ? 1 : -1, Tag(group));
        if (stalled)
        {
            _stalls.Add(1, Tag(group));
        }
    }

    /// <summary>A batch is durable. Costs nothing while nobody listens.</summary>
    public void WriteEnded(string group, TimeSpan took)
    {
        if (_writes.Enabled)
        {
            _writes.Record(took.TotalSeconds, Tag(group));
        }
    }

    /// <summary>A snapshot is durable.</summary>
    public void SnapshotTaken(string group) => _taken.Add(1, Tag(group));

    /// <summary>A snapshot could not be saved, sent or received.</summary>
    public void SnapshotFailed(string group) => _failed.Add(1, Tag(group));

    /// <summary>A snapshot took the place of the log.</summary>
    public void SnapshotInstalled(string group) => _installed.Add(1, Tag(group));

    private static KeyValuePair<string, object?> Tag(string group) => new("mosaik.group", group);
}
