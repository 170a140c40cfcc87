using System.Diagnostics;
using System.Diagnostics.Metrics;
using Mosaik.Hybrid.Runtime;
using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid.Diagnostics;

/// <summary>Where a command spends its time.</summary>
internal enum Stage
{
    /// <summary>From the call until the group's loop takes it.</summary>
    Queue,

    /// <summary>From there until the leader has given it a place in its log.</summary>
    Append,

    /// <summary>How long a batch of the log took until durable here.</summary>
    Fsync,

    /// <summary>On the leader: from the append until the others of a majority have it, durably.</summary>
    Replicate,

    /// <summary>From the append here until it is known here to be committed.</summary>
    Commit,

    /// <summary>From there until the machine has applied it.</summary>
    Apply,
}

/// <summary>Figures that a group keeps anyway; any thread.</summary>
internal interface IGroupReadings
{
    GroupSnapshot Current { get; }
    long CommitIndex { get; }
    long CommandsPending { get; }
    bool IsDiskStalled { get; }
    StorageHealth StorageHealth { get; }
    int BondCount { get; }
    int LineageConflicts { get; }
    long MessagesSent { get; }
    long MessagesReceived { get; }
    IEnumerable<(string Reason, long Count)> LinksClosed { get; }
}

/// <summary>What is measured of one group on this node. Any thread; costs a look at a field while nobody listens.</summary>
internal sealed class GroupMeter : IObserved
{
    private static readonly string[] s_stages =
    [
        .. Enum.GetNames<Stage>().Select(static name => name.ToLowerInvariant()),
    ];

    private readonly GroupInstruments _instruments;
    private readonly KeyValuePair<string, object?>[][] _stageTags;

    /// <summary>Prepares what is measured of a group.</summary>
    /// <param name="instruments">The instruments of the network's meter.</param>
    /// <param name="network">The network's name.</param>
    /// <param name="group">The group's short id.</param>
    /// <param name="readings">The group.</param>
    public GroupMeter(GroupInstruments instruments, string network, string group, IGroupReadings readings)
    {
        _instruments = instruments;
        Readings = readings;
        Network = network;
        Group = group;
        Tags = [new("mosaik.group", group), new("mosaik.network", network)];
        _stageTags = [.. s_stages.Select(stage => With("mosaik.stage", stage))];
    }

    /// <inheritdoc/>
    public KeyValuePair<string, object?>[] Tags { get; }

    /// <summary>The network's name.</summary>
    public string Network { get; }

    /// <summary>The group's short id.</summary>
    public string Group { get; }

    /// <summary>The group.</summary>
    public IGroupReadings Readings { get; }

    /// <summary>What the group last published.</summary>
    public GroupSnapshot Status => Readings.Current;

    /// <summary>What the group's links carry.</summary>
    public LinkTraffic Traffic { get; } = new();

    /// <summary>True while somebody wants to know of each call.</summary>
    public bool AreCallsObserved =>
        Activities.Source.HasListeners()
        || _instruments.Commands.Enabled
        || _instruments.Executes.Enabled
        || _instruments.Queries.Enabled
        || _instruments.Stages.Enabled;

    /// <summary>True while somebody wants to know how long stages take.</summary>
    public bool AreStagesObserved => _instruments.Stages.Enabled;

    /// <summary>The group runs.</summary>
    public void Begin() => _instruments.Running.Add(this);

    /// <summary>The group has ended.</summary>
    public void End() => _instruments.Running.Remove(this);

    /// <summary>A call that submits commands has ended.</summary>
    public void CommandsEnded(int count, TimeSpan took, string goal, string outcome)
    {
        TagList tags = [.. Tags, new("mosaik.outcome", outcome)];
        _instruments.Commands.Add(count, tags);
        tags.Add("mosaik.goal", goal);
        _instruments.Executes.Record(took.TotalSeconds, tags);
    }

    /// <summary>A query has ended.</summary>
    public void QueryEnded(TimeSpan took, string consistency, string outcome)
    {
        TagList tags = [.. Tags, new("mosaik.outcome", outcome), new("mosaik.consistency", consistency)];
        _instruments.Queries.Record(took.TotalSeconds, tags);
    }

    /// <summary>A command, or a batch of them, has passed a stage.</summary>
    public void StagePassed(Stage stage, TimeSpan took) =>
        _instruments.Stages.Record(took.TotalSeconds, _stageTags[(int)stage]);

    /// <summary>A batch is durable.</summary>
    public void WriteEnded(TimeSpan took)
    {
        _instruments.Writes.Record(took.TotalSeconds, Tags);
        StagePassed(Stage.Fsync, took);
    }

    /// <summary>This node stood for election.</summary>
    public void Stood() => _instruments.Elections.Add(1, Tags);

    /// <summary>This node knows another leader.</summary>
    public void LeaderChanged() => _instruments.LeaderChanges.Add(1, Tags);

    /// <summary>A bond formed.</summary>
    public void BondFormed() => _instruments.BondsFormed.Add(1, Tags);

    /// <summary>A bond ended.</summary>
    public void BondEnded(string reason) => _instruments.BondsEnded.Add(1, With("mosaik.reason", reason));

    /// <summary>A ticket was refused, or is missing.</summary>
    public void TicketRefused(TicketFault? fault)
    {
        var known = fault is { } named && Enum.IsDefined(named) ? named.ToString() : "Missing";
        _instruments.TicketsRefused.Add(1, With("mosaik.reason", known));
    }

    /// <summary>A write took an election timeout.</summary>
    public void DiskStalled() => _instruments.Stalls.Add(1, Tags);

    /// <summary>A snapshot is durable.</summary>
    public void SnapshotTaken() => _instruments.SnapshotsTaken.Add(1, Tags);

    /// <summary>A snapshot could not be saved, sent or received.</summary>
    public void SnapshotFailed() => _instruments.SnapshotsFailed.Add(1, Tags);

    /// <summary>Another member got committed entries that it asked for.</summary>
    public void EntriesGiven(int count) => _instruments.EntriesGiven.Add(count, Tags);

    /// <summary>A snapshot took the place of the log.</summary>
    public void SnapshotInstalled() => _instruments.SnapshotsInstalled.Add(1, Tags);

    private KeyValuePair<string, object?>[] With(string tag, string value) => [.. Tags, new(tag, value)];
}
