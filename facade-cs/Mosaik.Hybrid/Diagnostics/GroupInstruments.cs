using System.Diagnostics.Metrics;

namespace Mosaik.Hybrid.Diagnostics;

/// <summary>The instruments of groups. Names, units and tags: docs/telemetry.md.</summary>
internal sealed class GroupInstruments
{
    /// <summary>From a fast disk's write to a call that is about to be given up.</summary>
    private static readonly InstrumentAdvice<double> s_durations = new()
    {
        HistogramBucketBoundaries =
        [
            0.000_05,
            0.000_1,
            0.000_25,
            0.000_5,
            0.001,
            0.002_5,
            0.005,
            0.01,
            0.025,
            0.05,
            0.1,
            0.25,
            0.5,
            1,
            2.5,
            5,
            10,
        ],
    };

    private readonly Meter _meter;

    /// <summary>Creates the instruments.</summary>
    public GroupInstruments(Meter meter)
    {
        _meter = meter;
        Running = new Observed<GroupMeter>(meter);
        Commands = Counter("commands", "{command}", "Commands of this node's callers whose call has ended.");
        Executes = Histogram("command.duration", "How long calls of this node took that submit commands.");
        Queries = Histogram("query.duration", "How long queries of this node took.");
        Stages = Histogram("stage.duration", "How long commands spent in each stage on this node.");
        Writes = Histogram(
            "storage.write.duration",
            "How long batches of the log, and new beginnings of it, took until durable."
        );
        Elections = Counter("elections", "{election}", "Elections in which this node stood.");
        LeaderChanges = Counter("leader.changes", "{change}", "Leaders that this node came to know.");
        BondsFormed = Counter("bonds.formed", "{bond}", "Bonds that formed.");
        BondsEnded = Counter("bonds.ended", "{bond}", "Bonds that ended, by close reason.");
        TicketsRefused = Counter("tickets.refused", "{ticket}", "Tickets that were refused, by fault.");
        Stalls = Counter("storage.stalls", "{stall}", "Writes that took an election timeout.");
        SnapshotsTaken = Counter(
            "snapshots.taken",
            "{snapshot}",
            "Snapshots of this node's machine that became durable."
        );
        SnapshotsFailed = Counter(
            "snapshots.failed",
            "{snapshot}",
            "Snapshots that could not be saved, sent or received."
        );
        SnapshotsInstalled = Counter(
            "snapshots.installed",
            "{snapshot}",
            "Snapshots of other members that took the place of this node's log."
        );
        EntriesGiven = Counter(
            "catch_up.entries",
            "{entry}",
            "Committed entries that this node gave to members far behind, in the leader's place."
        );
        ObserveConsensus();
        ObserveLineages();
        ObserveLog();
        ObserveBonds();
    }

    /// <summary>The groups that run.</summary>
    public Observed<GroupMeter> Running { get; }

    public Counter<long> Commands { get; }
    public Histogram<double> Executes { get; }
    public Histogram<double> Queries { get; }
    public Histogram<double> Stages { get; }
    public Histogram<double> Writes { get; }
    public Counter<long> Elections { get; }
    public Counter<long> LeaderChanges { get; }
    public Counter<long> BondsFormed { get; }
    public Counter<long> BondsEnded { get; }
    public Counter<long> TicketsRefused { get; }
    public Counter<long> Stalls { get; }
    public Counter<long> SnapshotsTaken { get; }
    public Counter<long> SnapshotsFailed { get; }
    public Counter<long> SnapshotsInstalled { get; }
    public Counter<long> EntriesGiven { get; }

    private Counter<long> Counter(string name, string unit, string description) =>
        _meter.CreateCounter<long>("mosaik.group." + name, unit, description);

    private Histogram<double> Histogram(string name, string description) =>
        _meter.CreateHistogram("mosaik.group." + name, "s", description, tags: null, s_durations);

    private void ObserveConsensus()
    {
        Running.Gauge(
            "mosaik.group.term",
            "{term}",
            "The term that this node is in.",
            static group => (long)group.Status.Term.Value
        );
        Running.Level(
            "mosaik.group.leading",
            "{node}",
            "1 while this node leads, else 0.",
            static group => group.Status.IsLeader ? 1 : 0
        );
        Running.Level(
            "mosaik.group.online",
            "{node}",
            "1 while this node leads, or follows without a gap, else 0.",
            static group => group.Status.IsOnline ? 1 : 0
        );
        Running.Level(
            "mosaik.group.members",
            "{member}",
            "Who belongs to the group, as this node's log says.",
            "mosaik.member.role",
            static group =>
                [
                    ("voter", group.Status.Members.Voters.Count),
                    ("learner", group.Status.Members.Learners.Count),
                    ("observer", group.Status.Members.Observers.Count),
                ]
        );
    }

    private void ObserveLineages() =>
        Running.Level(
            "mosaik.group.lineage_conflicts",
            "{lineage}",
            "Other lineages of the group that this node knows of.",
            static group => group.Readings.LineageConflicts
        );

    private void ObserveLog()
    {
        Running.Gauge(
            "mosaik.group.log.first",
            "{entry}",
            "Where this node's log begins.",
            static group => (long)group.Status.FirstIndex.Value
        );
        Running.Gauge(
            "mosaik.group.log.last",
            "{entry}",
            "Where this node's log ends, committed or not.",
            static group => (long)group.Status.Log.Index.Value
        );
        Running.Gauge(
            "mosaik.group.committed",
            "{entry}",
            "The last entry that this node knows to be committed.",
            static group => group.Readings.CommitIndex
        );
        Running.Gauge(
            "mosaik.group.applied",
            "{entry}",
            "The last entry that this node's machine has applied.",
            static group => (long)group.Status.Committed.Value
        );
        Running.Level(
            "mosaik.group.commands.pending",
            "{command}",
            "Commands of this node's callers that have not taken effect yet.",
            static group => group.Readings.CommandsPending
        );
        Running.Level(
            "mosaik.group.storage.stalled",
            "{node}",
            "1 while a write takes longer than an election timeout, else 0.",
            static group => group.Readings.IsDiskStalled ? 1 : 0
        );
        Running.Gauge(
            "mosaik.group.storage.free",
            "By",
            "Room that is left for the log; absent when the store does not know.",
            static group => group.Readings.StorageHealth.FreeBytes
        );
    }

    private void ObserveBonds()
    {
        Running.Level(
            "mosaik.group.bonds",
            "{bond}",
            "Bonds that stand.",
            static group => group.Readings.BondCount
        );
        Running.Count(
            "mosaik.group.messages",
            "{message}",
            "Messages over this group's links.",
            "network.io.direction",
            static group =>
                [("transmit", group.Readings.MessagesSent), ("receive", group.Readings.MessagesReceived)]
        );
        Running.Count(
            "mosaik.group.io",
            "By",
            "Bytes over this group's links, before encryption.",
            "network.io.direction",
            static group => [("transmit", group.Traffic.Sent), ("receive", group.Traffic.Received)]
        );
        Running.Count(
            "mosaik.group.links.closed",
            "{link}",
            "Links of this group that this node closed, by close reason.",
            "mosaik.reason",
            static group => group.Readings.LinksClosed
        );
    }
}
