using Xunit;

namespace Mosaik.Hybrid.Tests.Builder;

public sealed class ConsensusConfigTests
{
    /// <summary>For each parameter a configuration that differs from the default in it alone.</summary>
    internal static IReadOnlyList<ConsensusConfig> OneParameterChanged =>
        [
            Ordinary.WithHeartbeatInterval(Ms(501)).Build(),
            Ordinary.WithHeartbeatJitter(TimeSpan.Zero).Build(),
            Ordinary.WithMaxMissedHeartbeats(11).Build(),
            Ordinary.WithElectionTimeout(Ms(2_001)).Build(),
            Ordinary.WithElectionTimeoutJitter(TimeSpan.Zero).Build(),
            Ordinary.WithBootstrapDelay(Ms(3_001)).Build(),
            Ordinary.WithForwardTimeout(Ms(2_001)).Build(),
            Ordinary.WithQueryTimeout(Ms(2_001)).Build(),
            Ordinary.WithFoundingMembers(3).Build(),
            Ordinary.WithMaxVoters(7).Build(),
            Ordinary.WithRemovalDelay(Ms(60_001)).Build(),
            Ordinary.WithEntriesPerAppendMax(7).Build(),
            Ordinary.WithBytesPerAppendMax(7).Build(),
            Ordinary.WithEntriesInFlightMax(7).Build(),
            Ordinary.WithBytesInFlightMax(7).Build(),
            Ordinary.WithEntriesUncommittedMax(7).Build(),
            Ordinary.WithCommandBytesMax(7).Build(),
        ];

    private static ConsensusConfigBuilder Ordinary => ConsensusConfig.Builder();

    [Fact]
    public void Default_HasTheDocumentedValues()
    {
        var config = ConsensusConfig.Default;
        Assert.Equal(Ms(500), config.HeartbeatInterval);
        Assert.Equal(Ms(150), config.HeartbeatJitter);
        Assert.Equal(10, config.MaxMissedHeartbeats);
        Assert.Equal(Ms(2_000), config.ElectionTimeout);
        Assert.Equal(Ms(500), config.ElectionTimeoutJitter);
        Assert.Equal(Ms(3_000), config.BootstrapDelay);
        Assert.Equal(Ms(2_000), config.ForwardTimeout);
        Assert.Equal(Ms(2_000), config.QueryTimeout);
        Assert.Equal(1, config.FoundingMembers);
        Assert.Equal(5, config.MaxVoters);
        Assert.Equal(Ms(60_000), config.RemovalDelay);
        Assert.Equal(LeadershipPreference.Normal, config.Preference);
        Assert.True(config.HasSameParameters(Ordinary.Build()));
    }

    [Fact]
    public void With_ChangesExactlyTheParameterItNames()
    {
        var before = ConsensusConfig.Default.Parameters();
        var changed = OneParameterChanged;
        Assert.Equal(before.Count, changed.Count);
        for (var place = 0; place < changed.Count; place++)
        {
            var after = changed[place].Parameters();
            var different = Enumerable.Range(0, before.Count).Where(other => before[other] != after[other]);
            Assert.Equal([place], different);
        }
    }

    [Fact]
    public void With_LeavesTheBuilderItCameFrom()
    {
        var builder = ConsensusConfig.Builder();
        _ = builder.WithMaxVoters(7);
        Assert.Equal(5, builder.Build().MaxVoters);
    }

    [Fact]
    public void Build_ListsEveryFault()
    {
        var builder = Ordinary
            .WithHeartbeatInterval(TimeSpan.FromTicks(5))
            .WithQueryTimeout(TimeSpan.MaxValue)
            .WithBootstrapDelay(Ms(-1))
            .WithMaxVoters(0)
            .WithCommandBytesMax(-3);
        var error = Assert.Throws<ConsensusConfigException>(builder.Build);
        string[] names =
        [
            "heartbeat_interval",
            "query_timeout",
            "bootstrap_delay",
            "max_voters",
            "command_bytes_max",
            "founding_members",
        ];
        Assert.Equal(names, error.Faults.Select(fault => fault.Split(' ')[0]));
        Assert.All(error.Faults, fault => Assert.Contains(fault, error.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Build_RefusesPartsOfAMillisecond()
    {
        var builder = Ordinary.WithForwardTimeout(TimeSpan.FromMicroseconds(1_500));
        var error = Assert.Throws<ConsensusConfigException>(builder.Build);
        var fault = Assert.Single(error.Faults);
        Assert.Contains("whole number of milliseconds", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Deprioritize_IsThisNodesOwnAffair()
    {
        var reluctant = ConsensusConfig.Default.DeprioritizeLeadership();
        Assert.Equal(LeadershipPreference.Reluctant, reluctant.Preference);
        Assert.Equal(3, reluctant.ReluctanceFactor);
        Assert.Equal(Ms(2_000), reluctant.ElectionTimeout);
        Assert.True(reluctant.HasSameParameters(ConsensusConfig.Default));
        Assert.Equal(5, ConsensusConfig.Default.DeprioritizeLeadershipBy(5).ToCore().Preference.Factor);
        Assert.Equal(LeadershipPreference.Observer, ConsensusConfig.Default.AsObserver().Preference);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(101)]
    public void DeprioritizeBy_RefusesAFactorOutOfRange(int factor) =>
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            ConsensusConfig.Default.DeprioritizeLeadershipBy(factor)
        );

    private static TimeSpan Ms(int milliseconds) => TimeSpan.FromMilliseconds(milliseconds);
}
