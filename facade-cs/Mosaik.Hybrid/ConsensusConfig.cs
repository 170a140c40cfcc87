using Core = Mosaik.Hybrid.Core;

namespace Mosaik.Hybrid;

/// <summary>The parameters that all members of a group share, and how willing this node is to lead.</summary>
/// <remarks>
/// Immutable. Every parameter is part of the GroupId: members with different values never meet. The leadership
/// preference is this node's own affair and is not.
/// </remarks>
public sealed class ConsensusConfig
{
    private readonly Core.ConsensusConfig _parameters;

    internal ConsensusConfig(Core.ConsensusConfig parameters)
        : this(parameters, LeadershipPreference.Normal, 1) { }

    private ConsensusConfig(Core.ConsensusConfig parameters, LeadershipPreference preference, int factor)
    {
        _parameters = parameters;
        Preference = preference;
        ReluctanceFactor = factor;
    }

    /// <summary>The default of every parameter, and the normal preference.</summary>
    public static ConsensusConfig Default { get; } = new(Core.ConsensusConfigModule.defaults);

    /// <summary>Starts from the defaults.</summary>
    public static ConsensusConfigBuilder Builder() => new();

    /// <summary>Between heartbeats of a bond, and of a leader.</summary>
    /// <value>1 ms to 10 minutes; 500 ms by default.</value>
    public TimeSpan HeartbeatInterval => TimeSpan.FromMilliseconds(_parameters.HeartbeatInterval);

    /// <summary>The most that is taken off the heartbeat interval at random.</summary>
    /// <value>0 to less than the interval; 150 ms by default.</value>
    public TimeSpan HeartbeatJitter => TimeSpan.FromMilliseconds(_parameters.HeartbeatJitter);

    /// <summary>Silent heartbeat intervals after which a bond is dead.</summary>
    /// <value>1 to 10,000; 10 by default.</value>
    public int MaxMissedHeartbeats => _parameters.MaxMissedHeartbeats;

    /// <summary>The least time without a leader after which a voter stands for election.</summary>
    /// <value>at least twice the heartbeat interval, up to 1 hour; 2 s by default.</value>
    public TimeSpan ElectionTimeout => TimeSpan.FromMilliseconds(_parameters.ElectionTimeout);

    /// <summary>The most that is added to the election timeout at random.</summary>
    /// <value>0 to 1 hour; 500 ms by default.</value>
    public TimeSpan ElectionTimeoutJitter => TimeSpan.FromMilliseconds(_parameters.ElectionTimeoutJitter);

    /// <summary>How long a node without a log looks for others before it founds a lineage.</summary>
    /// <value>0 to 1 hour; 3 s by default.</value>
    public TimeSpan BootstrapDelay => TimeSpan.FromMilliseconds(_parameters.BootstrapDelay);

    /// <summary>How long a forwarded command may go without an answer before it is sent again.</summary>
    /// <value>1 ms to 1 hour; 2 s by default.</value>
    public TimeSpan ForwardTimeout => TimeSpan.FromMilliseconds(_parameters.ForwardTimeout);

    /// <summary>How long a strong query may take.</summary>
    /// <value>1 ms to 1 hour; 2 s by default.</value>
    public TimeSpan QueryTimeout => TimeSpan.FromMilliseconds(_parameters.QueryTimeout);

    /// <summary>
    /// The least number of members in a founding configuration. With the number of nodes here, two lineages can't
    /// arise.
    /// </summary>
    /// <value>1 to the most voters; 1 by default.</value>
    public int FoundingMembers => _parameters.FoundingMembers;

    /// <summary>The most voters that a configuration grows to; further members are learners on standby.</summary>
    /// <value>1 to 31; 5 by default.</value>
    public int MaxVoters => _parameters.MaxVoters;

    /// <summary>How long a voter may be silent before another member takes its place, or it is removed.</summary>
    /// <value>At least twice the election timeout, up to 24 hours; 60 s by default.</value>
    public TimeSpan RemovalDelay => TimeSpan.FromMilliseconds(_parameters.RemovalDelay);

    /// <summary>The most entries in one append message.</summary>
    /// <value>1 to 65,536; 1,024 by default.</value>
    public int EntriesPerAppendMax => _parameters.EntriesPerAppendMax;

    /// <summary>The most payload bytes in one append message, but for a single larger entry.</summary>
    /// <value>1 byte to 8 MiB; 1 MiB by default.</value>
    public int BytesPerAppendMax => _parameters.BytesPerAppendMax;

    /// <summary>The most entries on their way to one follower.</summary>
    /// <value>1 to 16,777,216; 65,536 by default.</value>
    public int EntriesInFlightMax => _parameters.EntriesInFlightMax;

    /// <summary>The most payload bytes on their way to one follower.</summary>
    /// <value>1 byte to 1 GiB; 16 MiB by default.</value>
    public int BytesInFlightMax => _parameters.BytesInFlightMax;

    /// <summary>The most entries that a leader holds uncommitted before it takes no more commands.</summary>
    /// <value>1 to 16,777,216; 131,072 by default.</value>
    public int EntriesUncommittedMax => _parameters.EntriesUncommittedMax;

    /// <summary>The largest encoded command, in bytes.</summary>
    /// <value>1 byte to 8 MiB; 1 MiB by default.</value>
    public int CommandBytesMax => _parameters.CommandBytesMax;

    /// <summary>How willing this node is to lead. Not part of the GroupId.</summary>
    public LeadershipPreference Preference { get; }

    /// <summary>What a reluctant node multiplies its election timeout and bootstrap delay by; 1 for others.</summary>
    public int ReluctanceFactor { get; }

    /// <summary>A copy for a node that prefers to follow: it waits three times as long before it stands.</summary>
    public ConsensusConfig DeprioritizeLeadership() => DeprioritizeLeadershipBy(3);

    /// <summary>A copy for a node that prefers to follow.</summary>
    /// <param name="factor">Multiplies its election timeout and bootstrap delay; 1 to 100.</param>
    /// <exception cref="ArgumentOutOfRangeException">The factor is out of range.</exception>
    public ConsensusConfig DeprioritizeLeadershipBy(int factor)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(factor, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(factor, 100);
        return new ConsensusConfig(_parameters, LeadershipPreference.Reluctant, factor);
    }

    /// <summary>A copy for a node that replicates and answers, and never votes or leads.</summary>
    public ConsensusConfig AsObserver() => new(_parameters, LeadershipPreference.Observer, 1);

    /// <summary>True when the other has the same parameters, whatever its preference: the two nodes can meet.</summary>
    public bool HasSameParameters(ConsensusConfig other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return _parameters.Equals(other._parameters);
    }

    /// <summary>
    /// Every parameter by name, in the order in which the GroupId hashes them. Times in milliseconds.
    /// </summary>
    internal IReadOnlyList<(string Name, int Value)> Parameters() =>
        [
            ("heartbeat_interval", _parameters.HeartbeatInterval),
            ("heartbeat_jitter", _parameters.HeartbeatJitter),
            ("max_missed_heartbeats", _parameters.MaxMissedHeartbeats),
            ("election_timeout", _parameters.ElectionTimeout),
            ("election_timeout_jitter", _parameters.ElectionTimeoutJitter),
            ("bootstrap_delay", _parameters.BootstrapDelay),
            ("forward_timeout", _parameters.ForwardTimeout),
            ("query_timeout", _parameters.QueryTimeout),
            ("founding_members", _parameters.FoundingMembers),
            ("max_voters", _parameters.MaxVoters),
            ("removal_delay", _parameters.RemovalDelay),
            ("entries_per_append_max", _parameters.EntriesPerAppendMax),
            ("bytes_per_append_max", _parameters.BytesPerAppendMax),
            ("entries_in_flight_max", _parameters.EntriesInFlightMax),
            ("bytes_in_flight_max", _parameters.BytesInFlightMax),
            ("entries_uncommitted_max", _parameters.EntriesUncommittedMax),
            ("command_bytes_max", _parameters.CommandBytesMax),
        ];

    /// <summary>What the core runs with.</summary>
    internal Core.NodeConfig ToCore() =>
        new(_parameters, new Core.NodePreference(Preference, ReluctanceFactor));
}
