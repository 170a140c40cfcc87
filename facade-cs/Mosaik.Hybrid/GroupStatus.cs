namespace Mosaik.Hybrid;

/// <summary>What a member does in a group at a moment.</summary>
public enum GroupRole
{
    /// <summary>Follows a leader, or waits for one.</summary>
    Follower = 0,

    /// <summary>Stands for election, or for founding.</summary>
    Candidate = 1,

    /// <summary>Leads.</summary>
    Leader = 2,
}

/// <summary>What part a member has in the configuration.</summary>
public enum MemberRole
{
    /// <summary>Votes, and is counted for majorities.</summary>
    Voter = 0,

    /// <summary>Votes for the moments in which the committee changes, and not after.</summary>
    Outgoing = 1,

    /// <summary>Replicates and applies; votes once it has caught up and there is room.</summary>
    Learner = 2,

    /// <summary>Replicates and applies; never votes.</summary>
    Observer = 3,
}

/// <summary>How a group is, for people and dashboards. Immutable; what it says may be over when it is read.</summary>
/// <remarks>From <see cref="Group{TCommand, TQuery, TResult}.Status"/> and <c>GetStatusAsync</c>.</remarks>
public sealed record GroupStatus
{
    internal GroupStatus() { }

    /// <summary>This node's member; null before its store is open.</summary>
    public MemberId? Self { get; internal init; }

    /// <summary>The lineage of this node's log; none while it is empty.</summary>
    public Lineage Lineage { get; internal init; }

    /// <summary>The term that this node is in.</summary>
    public Term Term { get; internal init; }

    /// <summary>What this node does.</summary>
    public GroupRole Role { get; internal init; }

    /// <summary>Who leads, as far as this node knows; null for nobody.</summary>
    public MemberId? Leader { get; internal init; }

    /// <summary>True while this node leads, or follows a leader without a gap.</summary>
    public bool IsOnline { get; internal init; }

    /// <summary>The configuration in force, as this node's log says.</summary>
    public GroupMembers Configuration { get; internal init; } = GroupMembers.None;

    /// <summary>The last entry that this node knows to be committed.</summary>
    public LogIndex Committed { get; internal init; }

    /// <summary>The last entry that this node's machine has applied.</summary>
    public LogIndex Applied { get; internal init; }

    /// <summary>The end of this node's log.</summary>
    public LogPosition Last { get; internal init; }

    /// <summary>Everybody in the configuration, once: voters first, then outgoing, learners and observers.</summary>
    public IReadOnlyList<MemberStatus> Members { get; internal init; } = [];

    /// <summary>True when <see cref="Members"/> says what the leader knows; false when only what this node sees.</summary>
    public bool IsComplete { get; internal init; }

    /// <summary>Other lineages of the group that live; empty when there is no conflict.</summary>
    public IReadOnlyList<Lineage> Conflict { get; internal init; } = [];

    /// <summary>True while there is a leader with a majority within its reach, as far as is known.</summary>
    public bool CanProgress { get; internal init; }

    /// <summary>One sentence: why the group is able to make progress, or why not.</summary>
    public string Explanation { get; internal init; } = "";

    /// <inheritdoc/>
    public override string ToString() => Explanation;
}

/// <summary>How one member is.</summary>
/// <remarks>What only a leader knows is null where <see cref="GroupStatus.IsComplete"/> is false.</remarks>
public sealed record MemberStatus
{
    internal MemberStatus(MemberId member) => Member = member;

    /// <summary>Peer and incarnation.</summary>
    public MemberId Member { get; }

    /// <summary>Its part in the configuration.</summary>
    public MemberRole Role { get; internal init; }

    /// <summary>True for this node's own.</summary>
    public bool IsSelf { get; internal init; }

    /// <summary>True for the leader.</summary>
    public bool IsLeader { get; internal init; }

    /// <summary>
    /// The leader has a bond to it and heard from it within an election timeout; where only this node's view is known,
    /// this node has a bond to it.
    /// </summary>
    public bool IsReachable { get; internal init; }

    /// <summary>Its log is durable and equal to the leader's up to here; null when unknown.</summary>
    public LogIndex? Match { get; internal init; }

    /// <summary>How many entries of the leader's log it lacks; null when unknown.</summary>
    public ulong? Lag { get; internal init; }

    /// <summary>For how long the leader has not heard from it; null when unknown.</summary>
    public TimeSpan? Silence { get; internal init; }

    /// <summary>It has all that the leader had one heartbeat ago; null when unknown.</summary>
    public bool? IsCaughtUp { get; internal init; }

    /// <summary>It has said that it leaves.</summary>
    public bool IsLeaving { get; internal init; }

    /// <summary>How willing it is to lead; null when nobody has a bond to it.</summary>
    public LeadershipPreference? Preference { get; internal init; }
}
