using Microsoft.Extensions.DependencyInjection;
using Mosaik.Hybrid.Hosting.Runtime;

namespace Mosaik.Hybrid.Hosting;

/// <summary>A group of this host, which it joins when it starts. A service by the group's name as key.</summary>
/// <remarks>
/// Services of a host are made before it starts, and so before any group is joined: they get this, and await
/// <see cref="HostedGroup{TCommand, TQuery, TResult}.JoinedAsync"/>.
/// </remarks>
public abstract class HostedGroup
{
    private protected HostedGroup(string name) => Name = name;

    /// <summary>This program's name for the group.</summary>
    public string Name { get; }

    /// <summary>What to wait for; null before the host has joined.</summary>
    internal abstract GroupFacts? Facts { get; }

    /// <summary>Joins by the settings.</summary>
    internal abstract void Join(Network network, MosaikGroupOptions options);

    /// <summary>Completes when the group was joined; fails when it will not be.</summary>
    internal abstract Task<GroupConditions> ConditionsAsync(CancellationToken cancellationToken);

    /// <summary>Ends the wait of those who wait for the join, when the host stops before it.</summary>
    internal abstract void GiveUp();

    /// <summary>Gives the host's handle up.</summary>
    internal abstract Task LeaveAsync();

    /// <inheritdoc/>
    public override string ToString() => $"Group {Name}";
}

/// <summary>A group of this host, with its types.</summary>
/// <typeparam name="TCommand">The machine's commands.</typeparam>
/// <typeparam name="TQuery">The machine's queries.</typeparam>
/// <typeparam name="TResult">The machine's answers.</typeparam>
/// <remarks>Safe from any thread.</remarks>
public sealed class HostedGroup<TCommand, TQuery, TResult> : HostedGroup
{
    private readonly GroupRegistration<TCommand, TQuery, TResult> _registration;
    private readonly IServiceProvider _services;
    private readonly TaskCompletionSource<Group<TCommand, TQuery, TResult>> _joined = new(
        TaskCreationOptions.RunContinuationsAsynchronously
    );
    private volatile GroupFacts? _facts;

    internal HostedGroup(GroupRegistration<TCommand, TQuery, TResult> registration, IServiceProvider services)
        : base(registration.Name)
    {
        _registration = registration;
        _services = services;
    }

    /// <summary>The handle. The host's own: don't dispose of it.</summary>
    /// <exception cref="InvalidOperationException">The host has not started yet.</exception>
    public Group<TCommand, TQuery, TResult> Current =>
        _joined.Task is { IsCompletedSuccessfully: true, Result: var group }
            ? group
            : throw new InvalidOperationException(
                $"Group '{Name}' is joined when the host starts, which it has not yet. Services that are made before "
                    + "take a HostedGroup and await JoinedAsync()."
            );

    internal override GroupFacts? Facts => _facts;

    /// <summary>The handle, as soon as the host has joined the group. The host's own: don't dispose of it.</summary>
    /// <exception cref="OperationCanceledException">The wait was cancelled, or the host stops and never joined.</exception>
    public Task<Group<TCommand, TQuery, TResult>> JoinedAsync(
        CancellationToken cancellationToken = default
    ) => _joined.Task.WaitAsync(cancellationToken);

    internal override void Join(Network network, MosaikGroupOptions options)
    {
        var group = _registration.Join(_services, network, options);
        _facts = GroupFacts.Of(network.LocalPeer, group, _services.GetRequiredService<TimeProvider>());
        _joined.TrySetResult(group);
    }

    internal override async Task<GroupConditions> ConditionsAsync(CancellationToken cancellationToken) =>
        (await JoinedAsync(cancellationToken).ConfigureAwait(false)).When;

    internal override void GiveUp() => _joined.TrySetCanceled(CancellationToken.None);

    internal override async Task LeaveAsync()
    {
        if (_joined.Task.IsCompletedSuccessfully)
        {
            await Current.DisposeAsync().ConfigureAwait(false);
        }
    }
}
