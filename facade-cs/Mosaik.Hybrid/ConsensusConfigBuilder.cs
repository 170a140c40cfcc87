using System.Globalization;
using Core = Mosaik.Hybrid.Core;

namespace Mosaik.Hybrid;

/// <summary>Collects consensus parameters; what is not set has its default.</summary>
/// <remarks>Immutable: every method returns a new builder. Nothing is checked before <see cref="Build"/>.</remarks>
public sealed record ConsensusConfigBuilder
{
    internal ConsensusConfigBuilder() { }

    private TimeSpan HeartbeatInterval { get; init; } = ConsensusConfig.Default.HeartbeatInterval;

    private TimeSpan HeartbeatJitter { get; init; } = ConsensusConfig.Default.HeartbeatJitter;

    private int MaxMissedHeartbeats { get; init; } = ConsensusConfig.Default.MaxMissedHeartbeats;

    private TimeSpan ElectionTimeout { get; init; } = ConsensusConfig.Default.ElectionTimeout;

    private TimeSpan ElectionTimeoutJitter { get; init; } = ConsensusConfig.Default.ElectionTimeoutJitter;

    private TimeSpan BootstrapDelay { get; init; } = ConsensusConfig.Default.BootstrapDelay;

    private TimeSpan ForwardTimeout { get; init; } = ConsensusConfig.Default.ForwardTimeout;

    private TimeSpan QueryTimeout { get; init; } = ConsensusConfig.Default.QueryTimeout;

    private int FoundingMembers { get; init; } = ConsensusConfig.Default.FoundingMembers;

    private int MaxVoters { get; init; } = ConsensusConfig.Default.MaxVoters;

    private TimeSpan RemovalDelay { get; init; } = ConsensusConfig.Default.RemovalDelay;

    private int EntriesPerAppendMax { get; init; } = ConsensusConfig.Default.EntriesPerAppendMax;

    private int BytesPerAppendMax { get; init; } = ConsensusConfig.Default.BytesPerAppendMax;

    private int EntriesInFlightMax { get; init; } = ConsensusConfig.Default.EntriesInFlightMax;

    private int BytesInFlightMax { get; init; } = ConsensusConfig.Default.BytesInFlightMax;

    private int EntriesUncommittedMax { get; init; } = ConsensusConfig.Default.EntriesUncommittedMax;

    private int CommandBytesMax { get; init; } = ConsensusConfig.Default.CommandBytesMax;

    /// <summary>Between heartbeats of a bond, and of a leader.</summary>
    /// <param name="value">1 ms to 10 minutes; whole milliseconds; 500 ms by default.</param>
    public ConsensusConfigBuilder WithHeartbeatInterval(TimeSpan value) =>
        this with
        {
            HeartbeatInterval = value,
        };

    /// <summary>The most that is taken off the heartbeat interval at random.</summary>
    /// <param name="value">0 to less than the interval; whole milliseconds; 150 ms by default.</param>
    public ConsensusConfigBuilder WithHeartbeatJitter(TimeSpan value) =>
        this with
        {
            HeartbeatJitter = value,
        };

    /// <summary>Silent heartbeat intervals after which a bond is dead.</summary>
    /// <param name="value">1 to 10,000; 10 by default.</param>
    public ConsensusConfigBuilder WithMaxMissedHeartbeats(int value) =>
        this with
        {
            MaxMissedHeartbeats = value,
        };

    /// <summary>The least time without a leader after which a voter stands for election.</summary>
    /// <param name="value">
    /// at least twice the heartbeat interval, up to 1 hour; whole milliseconds; 2 s by default.
    /// </param>
    public ConsensusConfigBuilder WithElectionTimeout(TimeSpan value) =>
        this with
        {
            ElectionTimeout = value,
        };

    /// <summary>The most that is added to the election timeout at random.</summary>
    /// <param name="value">0 to 1 hour; whole milliseconds; 500 ms by default.</param>
    public ConsensusConfigBuilder WithElectionTimeoutJitter(TimeSpan value) =>
        this with
        {
            ElectionTimeoutJitter = value,
        };

    /// <summary>How long a node without a log looks for others before it founds a lineage.</summary>
    /// <param name="value">0 to 1 hour; whole milliseconds; 3 s by default.</param>
    public ConsensusConfigBuilder WithBootstrapDelay(TimeSpan value) => this with { BootstrapDelay = value };

    /// <summary>How long a forwarded command may go without an answer before it is sent again.</summary>
    /// <param name="value">1 ms to 1 hour; whole milliseconds; 2 s by default.</param>
    public ConsensusConfigBuilder WithForwardTimeout(TimeSpan value) => this with { ForwardTimeout = value };

    /// <summary>How long a strong query may take.</summary>
    /// <param name="value">1 ms to 1 hour; whole milliseconds; 2 s by default.</param>
    public ConsensusConfigBuilder WithQueryTimeout(TimeSpan value) => this with { QueryTimeout = value };

    /// <summary>
    /// The least number of members in a founding configuration. With the number of nodes here, two lineages can't
    /// arise.
    /// </summary>
    /// <param name="value">1 to the most voters; 1 by default.</param>
    public ConsensusConfigBuilder WithFoundingMembers(int value) => this with { FoundingMembers = value };

    /// <summary>The most voters that a configuration grows to; further members are learners on standby.</summary>
    /// <param name="value">1 to 31; 5 by default.</param>
    public ConsensusConfigBuilder WithMaxVoters(int value) => this with { MaxVoters = value };

    /// <summary>How long a voter may be silent before another member takes its place, or it is removed.</summary>
    /// <param name="value">
    /// at least twice the election timeout, up to 24 hours; whole milliseconds; 60 s by default.
    /// </param>
    public ConsensusConfigBuilder WithRemovalDelay(TimeSpan value) => this with { RemovalDelay = value };

    /// <summary>The most entries in one append message.</summary>
    /// <param name="value">1 to 65,536; 1,024 by default.</param>
    public ConsensusConfigBuilder WithEntriesPerAppendMax(int value) =>
        this with
        {
            EntriesPerAppendMax = value,
        };

    /// <summary>The most payload bytes in one append message, but for a single larger entry.</summary>
    /// <param name="value">1 byte to 8 MiB; 1 MiB by default.</param>
    public ConsensusConfigBuilder WithBytesPerAppendMax(int value) => this with { BytesPerAppendMax = value };

    /// <summary>The most entries on their way to one follower.</summary>
    /// <param name="value">1 to 16,777,216; 65,536 by default.</param>
    public ConsensusConfigBuilder WithEntriesInFlightMax(int value) =>
        this with
        {
            EntriesInFlightMax = value,
        };

    /// <summary>The most payload bytes on their way to one follower.</summary>
    /// <param name="value">1 byte to 1 GiB; 16 MiB by default.</param>
    public ConsensusConfigBuilder WithBytesInFlightMax(int value) => this with { BytesInFlightMax = value };

    /// <summary>The most entries that a leader holds uncommitted before it takes no more commands.</summary>
    /// <param name="value">1 to 16,777,216; 131,072 by default.</param>
    public ConsensusConfigBuilder WithEntriesUncommittedMax(int value) =>
        this with
        {
            EntriesUncommittedMax = value,
        };

    /// <summary>The largest encoded command, in bytes.</summary>
    /// <param name="value">1 byte to 8 MiB; 1 MiB by default.</param>
    public ConsensusConfigBuilder WithCommandBytesMax(int value) => this with { CommandBytesMax = value };

    /// <summary>Checks all values and makes the configuration.</summary>
    /// <exception cref="ConsensusConfigException">
    /// Values are out of range or don't fit together; lists every fault.
    /// </exception>
    public ConsensusConfig Build()
    {
        var faults = new List<string>();
        var parameters = new Core.ConsensusConfig(
            heartbeatInterval: Milliseconds(
                "heartbeat_interval",
                HeartbeatInterval,
                ConsensusConfig.Default.HeartbeatInterval,
                faults
            ),
            heartbeatJitter: Milliseconds(
                "heartbeat_jitter",
                HeartbeatJitter,
                ConsensusConfig.Default.HeartbeatJitter,
                faults
            ),
            maxMissedHeartbeats: MaxMissedHeartbeats,
            electionTimeout: Milliseconds(
                "election_timeout",
                ElectionTimeout,
                ConsensusConfig.Default.ElectionTimeout,
                faults
            ),
            electionTimeoutJitter: Milliseconds(
                "election_timeout_jitter",
                ElectionTimeoutJitter,
                ConsensusConfig.Default.ElectionTimeoutJitter,
                faults
            ),
            bootstrapDelay: Milliseconds(
                "bootstrap_delay",
                BootstrapDelay,
                ConsensusConfig.Default.BootstrapDelay,
                faults
            ),
            forwardTimeout: Milliseconds(
                "forward_timeout",
                ForwardTimeout,
                ConsensusConfig.Default.ForwardTimeout,
                faults
            ),
            queryTimeout: Milliseconds(
                "query_timeout",
                QueryTimeout,
                ConsensusConfig.Default.QueryTimeout,
                faults
            ),
            foundingMembers: FoundingMembers,
            maxVoters: MaxVoters,
            removalDelay: Milliseconds(
                "removal_delay",
                RemovalDelay,
                ConsensusConfig.Default.RemovalDelay,
                faults
            ),
            entriesPerAppendMax: EntriesPerAppendMax,
            bytesPerAppendMax: BytesPerAppendMax,
            entriesInFlightMax: EntriesInFlightMax,
            bytesInFlightMax: BytesInFlightMax,
            entriesUncommittedMax: EntriesUncommittedMax,
            commandBytesMax: CommandBytesMax
        );
        faults.AddRange(Core.ConsensusConfigModule.validate(parameters).Select(error => error.Message));
        return faults.Count == 0
            ? new ConsensusConfig(parameters)
            : throw new ConsensusConfigException(faults);
    }

    /// <summary>
    /// A time in whole milliseconds. A bad one is reported here and its default checked in its place.
    /// </summary>
    private static int Milliseconds(string name, TimeSpan value, TimeSpan standIn, List<string> faults)
    {
        if (value.Ticks % TimeSpan.TicksPerMillisecond != 0)
        {
            faults.Add(Fault(name, value, "it must be a whole number of milliseconds."));
            return (int)standIn.TotalMilliseconds;
        }

        var milliseconds = value.Ticks / TimeSpan.TicksPerMillisecond;
        if (milliseconds is < int.MinValue or > int.MaxValue)
        {
            faults.Add(Fault(name, value, "it must be at most 24 days."));
            return (int)standIn.TotalMilliseconds;
        }

        return (int)milliseconds;
    }

    private static string Fault(string name, TimeSpan value, string rule) =>
        string.Create(CultureInfo.InvariantCulture, $"{name} is {value:c}; {rule}");
}
