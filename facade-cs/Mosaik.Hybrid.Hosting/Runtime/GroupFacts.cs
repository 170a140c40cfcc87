namespace Mosaik.Hybrid.Hosting.Runtime;

/// <summary>What hosting asks of a group whose types it does not know.</summary>
internal sealed record GroupFacts
{
    /// <summary>This node.</summary>
    public required PeerId Self { get; init; }

    /// <summary>The leader as far as this node knows.</summary>
    public required Func<PeerId?> Leader { get; init; }

    /// <summary>Whether this node leads, or follows without a gap.</summary>
    public required Func<bool> IsOnline { get; init; }

    /// <summary>Who belongs to the group.</summary>
    public required Func<GroupMembers> Members { get; init; }

    /// <summary>This node's live bonds.</summary>
    public required Func<IReadOnlyList<Bond>> Bonds { get; init; }

    /// <summary>How many entries of this node's log its machine has not applied.</summary>
    public required Func<long> Lag { get; init; }

    /// <summary>How many other lineages of the group live.</summary>
    public required Func<int> Conflicts { get; init; }

    /// <summary>How the log is doing.</summary>
    public required Func<GroupStorageStatus> Storage { get; init; }

    /// <summary>Fails when the group ends on this node; never completes otherwise.</summary>
    public required Task Ended { get; init; }

    /// <summary>Whether the group's loop turns.</summary>
    public required LoopWatch Loop { get; init; }

    /// <summary>The facts of a group.</summary>
    public static GroupFacts Of<TCommand, TQuery, TResult>(
        PeerId self,
        Group<TCommand, TQuery, TResult> group,
        TimeProvider clock
    ) =>
        new()
        {
            Self = self,
            Leader = () => group.Leader,
            IsOnline = () => group.IsOnline,
            Members = () => group.Members,
            Bonds = () => group.Bonds,
            Lag = () => LagOf(group.Committed, group.LogPosition.Index),
            Conflicts = () => group.Status.Conflict.Count,
            Storage = () => group.Storage,
            // No peer has this id, so the wait ends with the group, and says why.
            Ended = group.When.LeaderIs(default),
            Loop = new LoopWatch(() => group.PingAsync(), clock),
        };

    /// <summary>The two are read one after the other, so the second may be the older one.</summary>
    private static long LagOf(LogIndex applied, LogIndex last) =>
        last > applied ? (long)(last.Value - applied.Value) : 0;
}
