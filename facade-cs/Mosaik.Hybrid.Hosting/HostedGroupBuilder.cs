using Mosaik.Hybrid.Hosting.Runtime;
using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid.Hosting;

/// <summary>What is said in code of one group of a host. Everything has a default or a setting.</summary>
/// <typeparam name="TCommand">The machine's commands.</typeparam>
/// <typeparam name="TQuery">The machine's queries.</typeparam>
/// <typeparam name="TResult">The machine's answers.</typeparam>
public sealed class HostedGroupBuilder<TCommand, TQuery, TResult>
{
    private readonly GroupRegistration<TCommand, TQuery, TResult> _group;

    internal HostedGroupBuilder(GroupRegistration<TCommand, TQuery, TResult> group) => _group = group;

    /// <summary>The group's name.</summary>
    public string Name => _group.Name;

    /// <summary>Changes settings after the configuration was read; called again, it adds to the earlier change.</summary>
    public HostedGroupBuilder<TCommand, TQuery, TResult> Configure(Action<MosaikGroupOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        _group.Configure += configure;
        return this;
    }

    /// <summary>The group's key, in the place of <see cref="MosaikGroupOptions.Key"/> and <see cref="MosaikGroupOptions.KeyFile"/>.</summary>
    public HostedGroupBuilder<TCommand, TQuery, TResult> UseKey(GroupKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return UseKey(_ => key);
    }

    /// <summary>The group's key, in the place of <see cref="MosaikGroupOptions.Key"/> and <see cref="MosaikGroupOptions.KeyFile"/>.</summary>
    public HostedGroupBuilder<TCommand, TQuery, TResult> UseKey(Func<IServiceProvider, GroupKey> key)
    {
        ArgumentNullException.ThrowIfNull(key);
        _group.Key = key;
        return this;
    }

    /// <summary>The log's store, in the place of <see cref="MosaikGroupOptions.Storage"/>.</summary>
    /// <param name="storage">Makes a store that nobody has opened; the group disposes of it.</param>
    public HostedGroupBuilder<TCommand, TQuery, TResult> UseLogStorage(
        Func<IServiceProvider, ILogStorage> storage
    )
    {
        ArgumentNullException.ThrowIfNull(storage);
        _group.Storage = storage;
        return this;
    }

    /// <summary>When this node takes snapshots; for machines that implement <see cref="ISnapshotMachine"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range; thrown when the host starts.</exception>
    public HostedGroupBuilder<TCommand, TQuery, TResult> UseSnapshots(SnapshotOptions snapshots)
    {
        ArgumentNullException.ThrowIfNull(snapshots);
        _group.Snapshots = snapshots;
        return this;
    }

    /// <summary>How commands become bytes; JSON unless said. Part of the GroupId.</summary>
    public HostedGroupBuilder<TCommand, TQuery, TResult> UseCommandCodec(
        Func<IServiceProvider, ICommandCodec<TCommand>> codec
    )
    {
        ArgumentNullException.ThrowIfNull(codec);
        _group.Codec = codec;
        return this;
    }

    /// <summary>Asks peers for a ticket, besides the key; after those of <see cref="MosaikGroupOptions.Tickets"/>. Repeatable.</summary>
    public HostedGroupBuilder<TCommand, TQuery, TResult> RequireTicket(
        Func<IServiceProvider, ITicketValidator> validator
    )
    {
        ArgumentNullException.ThrowIfNull(validator);
        _group.Validators.Add(validator);
        return this;
    }
}
