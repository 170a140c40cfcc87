using System.Text;
using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid;

/// <summary>Joins a group on one node; what a finished builder calls.</summary>
internal interface IGroupJoiner
{
    /// <summary>Joins the group, or returns another handle of it when this node has joined it before.</summary>
    Group<TCommand, TQuery, TResult> Join<TCommand, TQuery, TResult>(
        GroupSettings<TCommand, TQuery, TResult> settings
    );
}

/// <summary>Everything that a builder has gathered: what a group runs with on this node.</summary>
/// <remarks>Immutable; checked when created. Signatures and names are read once, here.</remarks>
internal sealed record GroupSettings<TCommand, TQuery, TResult>
{
    /// <summary>Checks what the members must agree on and derives the GroupId.</summary>
    /// <exception cref="ArgumentException">
    /// The machine's signature or the codec's name is empty or too long.
    /// </exception>
    public GroupSettings(
        GroupKey key,
        ConsensusConfig consensus,
        IReadOnlyList<ITicketValidator> validators,
        IStateMachine<TCommand, TQuery, TResult> machine,
        ICommandCodec<TCommand> codec,
        ILogStorage? storage,
        SnapshotOptions? snapshots = null
    )
    {
        Snapshots = snapshots ?? SnapshotOptions.Default;
        Key = key;
        Consensus = consensus;
        Validators = validators;
        Machine = machine;
        Codec = codec;
        Storage = storage;
        GroupId = GroupIdDerivation.Derive(
            key,
            consensus,
            Checked("The state machine's signature", machine.Signature, 1024),
            Checked("The command codec's name", codec.Name, 128),
            [.. validators.Select(validator => validator.Signature)]
        );
    }

    /// <summary>The shared secret.</summary>
    public GroupKey Key { get; }

    /// <summary>The shared parameters and this node's preference.</summary>
    public ConsensusConfig Consensus { get; }

    /// <summary>
    /// Who decides whether a peer's tickets let it in, in order; empty when tickets are not asked for.
    /// </summary>
    public IReadOnlyList<ITicketValidator> Validators { get; }

    /// <summary>The state machine; this node's instance.</summary>
    public IStateMachine<TCommand, TQuery, TResult> Machine { get; }

    /// <summary>Commands to bytes and back.</summary>
    public ICommandCodec<TCommand> Codec { get; }

    /// <summary>The chosen store, not yet opened; null for the default.</summary>
    public ILogStorage? Storage { get; }

    /// <summary>When this node takes snapshots; not part of the GroupId.</summary>
    public SnapshotOptions Snapshots { get; }

    /// <summary>Derived from key, parameters, machine, codec and validators.</summary>
    public GroupId GroupId { get; }

    /// <summary>The chosen store, or a new one in memory.</summary>
    public ILogStorage StorageOrDefault() => Storage ?? new InMemoryLogStore();

    private static string Checked(string what, string? text, int bytesMax) =>
        string.IsNullOrEmpty(text) || Encoding.UTF8.GetByteCount(text) > bytesMax
            ? throw new ArgumentException($"{what} must have 1 to {bytesMax} bytes of UTF-8.")
            : text;
}
