namespace Mosaik.Hybrid.Hosting;

/// <summary>Consensus parameters as settings; null is the default. See <see cref="ConsensusConfig"/>.</summary>
/// <remarks>
/// Part of the GroupId, but for <see cref="Preference"/> and <see cref="ReluctanceFactor"/>: nodes with different values
/// never meet. Times are whole milliseconds.
/// </remarks>
public sealed class MosaikConsensusOptions
{
    /// <inheritdoc cref="ConsensusConfig.HeartbeatInterval"/>
    public TimeSpan? HeartbeatInterval { get; set; }

    /// <inheritdoc cref="ConsensusConfig.HeartbeatJitter"/>
    public TimeSpan? HeartbeatJitter { get; set; }

    /// <inheritdoc cref="ConsensusConfig.MaxMissedHeartbeats"/>
    public int? MaxMissedHeartbeats { get; set; }

    /// <inheritdoc cref="ConsensusConfig.ElectionTimeout"/>
    public TimeSpan? ElectionTimeout { get; set; }

    /// <inheritdoc cref="ConsensusConfig.ElectionTimeoutJitter"/>
    public TimeSpan? ElectionTimeoutJitter { get; set; }

    /// <inheritdoc cref="ConsensusConfig.BootstrapDelay"/>
    public TimeSpan? BootstrapDelay { get; set; }

    /// <inheritdoc cref="ConsensusConfig.ForwardTimeout"/>
    public TimeSpan? ForwardTimeout { get; set; }

    /// <inheritdoc cref="ConsensusConfig.QueryTimeout"/>
    public TimeSpan? QueryTimeout { get; set; }

    /// <inheritdoc cref="ConsensusConfig.FoundingMembers"/>
    public int? FoundingMembers { get; set; }

    /// <inheritdoc cref="ConsensusConfig.MaxVoters"/>
    public int? MaxVoters { get; set; }

    /// <inheritdoc cref="ConsensusConfig.RemovalDelay"/>
    public TimeSpan? RemovalDelay { get; set; }

    /// <inheritdoc cref="ConsensusConfig.EntriesPerAppendMax"/>
    public int? EntriesPerAppendMax { get; set; }

    /// <inheritdoc cref="ConsensusConfig.BytesPerAppendMax"/>
    public int? BytesPerAppendMax { get; set; }

    /// <inheritdoc cref="ConsensusConfig.EntriesInFlightMax"/>
    public int? EntriesInFlightMax { get; set; }

    /// <inheritdoc cref="ConsensusConfig.BytesInFlightMax"/>
    public int? BytesInFlightMax { get; set; }

    /// <inheritdoc cref="ConsensusConfig.EntriesUncommittedMax"/>
    public int? EntriesUncommittedMax { get; set; }

    /// <inheritdoc cref="ConsensusConfig.CommandBytesMax"/>
    public int? CommandBytesMax { get; set; }

    /// <summary>How willing this node is to lead: Normal, Reluctant or Observer.</summary>
    /// <value><see cref="LeadershipPreference.Normal"/>.</value>
    public LeadershipPreference Preference { get; set; } = LeadershipPreference.Normal;

    /// <summary>What a reluctant node multiplies its election timeout and bootstrap delay by.</summary>
    /// <value>3. 1 to 100.</value>
    public int ReluctanceFactor { get; set; } = 3;

    /// <summary>Checks all values and makes the configuration.</summary>
    /// <exception cref="ConsensusConfigException">Values are out of range or don't fit together; lists every fault.</exception>
    internal ConsensusConfig ToConfig()
    {
        var defaults = ConsensusConfig.Default;
        var config = ConsensusConfig
            .Builder()
            .WithHeartbeatInterval(HeartbeatInterval ?? defaults.HeartbeatInterval)
            .WithHeartbeatJitter(HeartbeatJitter ?? defaults.HeartbeatJitter)
            .WithMaxMissedHeartbeats(MaxMissedHeartbeats ?? defaults.MaxMissedHeartbeats)
            .WithElectionTimeout(ElectionTimeout ?? defaults.ElectionTimeout)
            .WithElectionTimeoutJitter(ElectionTimeoutJitter ?? defaults.ElectionTimeoutJitter)
            .WithBootstrapDelay(BootstrapDelay ?? defaults.BootstrapDelay)
            .WithForwardTimeout(ForwardTimeout ?? defaults.ForwardTimeout)
            .WithQueryTimeout(QueryTimeout ?? defaults.QueryTimeout)
            .WithFoundingMembers(FoundingMembers ?? defaults.FoundingMembers)
            .WithMaxVoters(MaxVoters ?? defaults.MaxVoters)
            .WithRemovalDelay(RemovalDelay ?? defaults.RemovalDelay)
            .WithEntriesPerAppendMax(EntriesPerAppendMax ?? defaults.EntriesPerAppendMax)
            .WithBytesPerAppendMax(BytesPerAppendMax ?? defaults.BytesPerAppendMax)
            .WithEntriesInFlightMax(EntriesInFlightMax ?? defaults.EntriesInFlightMax)
            .WithBytesInFlightMax(BytesInFlightMax ?? defaults.BytesInFlightMax)
            .WithEntriesUncommittedMax(EntriesUncommittedMax ?? defaults.EntriesUncommittedMax)
            .WithCommandBytesMax(CommandBytesMax ?? defaults.CommandBytesMax)
            .Build();
        return Preference switch
        {
            LeadershipPreference.Reluctant => config.DeprioritizeLeadershipBy(ReluctanceFactor),
            LeadershipPreference.Observer => config.AsObserver(),
            _ => config,
        };
    }
}
