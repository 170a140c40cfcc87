using System.Collections.Immutable;
using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid;

/// <summary>A group in the making that has a key and no state machine yet.</summary>
/// <remarks>
/// Immutable: every method returns a new builder, so one can be the start of several groups. What may be said once,
/// or only after something else, exists as a method only where it may be said; misuse doesn't compile.
/// </remarks>
public sealed class GroupBuilder
{
    private readonly BuilderCore _core;

    internal GroupBuilder(IGroupJoiner joiner, GroupKey key)
        : this(new BuilderCore(joiner, key)) { }

    private GroupBuilder(BuilderCore core) => _core = core;

    /// <summary>Asks peers for a ticket that this validator finds good, besides the key.</summary>
    /// <remarks>
    /// May be called several times; a peer then needs a good ticket for each. Part of the GroupId: all members name
    /// validators with the same signatures in the same order.
    /// </remarks>
    public GroupBuilder RequireTicket(ITicketValidator validator) => new(_core.With(validator));

    /// <summary>
    /// Replaces the default consensus parameters. Part of the GroupId, but for the leadership preference.
    /// </summary>
    public GroupBuilder WithConsensusConfig(ConsensusConfig config) => new(_core.With(config));

    /// <summary>Chooses when this node takes snapshots of a machine that can be saved. Not part of the GroupId.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range.</exception>
    public GroupBuilder WithSnapshots(SnapshotOptions options) => new(_core.With(options));

    /// <summary>Chooses what the group replicates.</summary>
    /// <param name="machine">This node's instance, fresh; used by this group alone.</param>
    public GroupBuilder<TCommand, TQuery, TResult, DefaultStorage, DefaultCodec> WithStateMachine<
        TCommand,
        TQuery,
        TResult
    >(IStateMachine<TCommand, TQuery, TResult> machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return new(_core, machine, null, null);
    }

    /// <summary>Joins without a state machine, for leader election alone, with the log in memory.</summary>
    /// <returns>
    /// A handle at once; await <c>group.When.Online()</c> to use it. Another handle of the same group when this node
    /// has joined it before.
    /// </returns>
    public Group<NoOpCommand, NoOpQuery, NoOpResult> Join() => WithStateMachine(new NoOpMachine()).Join();
}

/// <summary>A group in the making that has a key and a state machine.</summary>
/// <typeparam name="TCommand">What changes the state.</typeparam>
/// <typeparam name="TQuery">What asks for something.</typeparam>
/// <typeparam name="TResult">What a query answers.</typeparam>
/// <typeparam name="TStorage">Whether the log's store was chosen.</typeparam>
/// <typeparam name="TCodec">Whether the commands' codec was chosen.</typeparam>
/// <remarks>Immutable, like <see cref="GroupBuilder"/>.</remarks>
public sealed class GroupBuilder<TCommand, TQuery, TResult, TStorage, TCodec>
{
    private readonly BuilderCore _core;
    private readonly IStateMachine<TCommand, TQuery, TResult> _machine;
    private readonly ILogStorage? _storage;
    private readonly ICommandCodec<TCommand>? _codec;

    internal GroupBuilder(
        BuilderCore core,
        IStateMachine<TCommand, TQuery, TResult> machine,
        ILogStorage? storage,
        ICommandCodec<TCommand>? codec
    )
    {
        _core = core;
        _machine = machine;
        _storage = storage;
        _codec = codec;
    }

    /// <summary>Asks peers for a ticket that this validator finds good, besides the key.</summary>
    /// <remarks>
    /// May be called several times; a peer then needs a good ticket for each. Part of the GroupId: all members name
    /// validators with the same signatures in the same order.
    /// </remarks>
    public GroupBuilder<TCommand, TQuery, TResult, TStorage, TCodec> RequireTicket(
        ITicketValidator validator
    ) => new(_core.With(validator), _machine, _storage, _codec);

    /// <summary>
    /// Replaces the default consensus parameters. Part of the GroupId, but for the leadership preference.
    /// </summary>
    public GroupBuilder<TCommand, TQuery, TResult, TStorage, TCodec> WithConsensusConfig(
        ConsensusConfig config
    ) => new(_core.With(config), _machine, _storage, _codec);

    /// <summary>Chooses when this node takes snapshots of a machine that can be saved. Not part of the GroupId.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range.</exception>
    public GroupBuilder<TCommand, TQuery, TResult, TStorage, TCodec> WithSnapshots(SnapshotOptions options) =>
        new(_core.With(options), _machine, _storage, _codec);

    /// <summary>
    /// Joins the group. The log is in memory unless a store was chosen; commands are JSON unless a codec was.
    /// </summary>
    /// <returns>
    /// A handle at once; await <c>group.When.Online()</c> to use it. Another handle of the same group when this node
    /// has joined it before; the machine and store given here are then disposed of, unused.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// The machine's signature or the codec's name is empty or too long.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// This node has joined the group with another type of machine.
    /// </exception>
    public Group<TCommand, TQuery, TResult> Join() =>
        _core.Joiner.Join(
            new GroupSettings<TCommand, TQuery, TResult>(
                _core.Key,
                _core.Consensus,
                _core.Validators,
                _machine,
                _codec ?? new JsonCommandCodec<TCommand>(),
                _storage,
                _core.Snapshots
            )
        );

    internal GroupBuilder<TCommand, TQuery, TResult, ChosenStorage, TCodec> Store(ILogStorage storage)
    {
        ArgumentNullException.ThrowIfNull(storage);
        return new(_core, _machine, storage, _codec);
    }

    internal GroupBuilder<TCommand, TQuery, TResult, TStorage, ChosenCodec> Encode(
        ICommandCodec<TCommand> codec
    )
    {
        ArgumentNullException.ThrowIfNull(codec);
        return new(_core, _machine, _storage, codec);
    }
}

/// <summary>What may be said of a group before it has a machine.</summary>
internal sealed record BuilderCore(IGroupJoiner Joiner, GroupKey Key)
{
    public ConsensusConfig Consensus { get; private init; } = ConsensusConfig.Default;

    public ImmutableArray<ITicketValidator> Validators { get; private init; } = [];

    public SnapshotOptions Snapshots { get; private init; } = SnapshotOptions.Default;

    public BuilderCore With(SnapshotOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        return this with { Snapshots = options };
    }

    public BuilderCore With(ConsensusConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return this with { Consensus = config };
    }

    public BuilderCore With(ITicketValidator validator)
    {
        ArgumentNullException.ThrowIfNull(validator);
        return this with { Validators = Validators.Add(validator) };
    }
}
