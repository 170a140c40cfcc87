using Mosaik.Hybrid.Runtime;

namespace Mosaik.Hybrid;

/// <summary>A handle to a group that this node has joined.</summary>
/// <remarks>
/// Safe from any thread. Handles are counted: disposing the last one leaves the group. Commands submitted through
/// one handle take effect in the order of the calls, each exactly once, across changes of leader too.
/// </remarks>
/// <typeparam name="TCommand">The machine's commands.</typeparam>
/// <typeparam name="TQuery">The machine's queries.</typeparam>
/// <typeparam name="TResult">The machine's answers.</typeparam>
public sealed class Group<TCommand, TQuery, TResult> : IAsyncDisposable
{
    private readonly GroupRuntime<TCommand, TQuery, TResult> _runtime;
    private readonly Groups _groups;
    private int _isDisposed;

    internal Group(GroupRuntime<TCommand, TQuery, TResult> runtime, Groups groups)
    {
        _runtime = runtime;
        _groups = groups;
        When = new GroupConditions(runtime.Loop.Status);
    }

    /// <summary>The group's id: the same on all members.</summary>
    public GroupId Id => _runtime.Settings.GroupId;

    /// <summary>What the group was joined with on this node.</summary>
    public ConsensusConfig Config => _runtime.Settings.Consensus;

    /// <summary>Waits for leaders, positions and this node's state.</summary>
    public GroupConditions When { get; }

    /// <summary>The leader as far as this node knows; null while there is none.</summary>
    public PeerId? Leader => Snapshot.Leader;

    /// <summary>True while this node leads. Another may lead by the time you look: fence with <see cref="Term"/>.</summary>
    public bool IsLeader => Snapshot.IsLeader;

    /// <summary>True while this node leads, or follows a leader without a gap.</summary>
    public bool IsOnline => Snapshot.IsOnline;

    /// <summary>The term that this node is in; grows with every election.</summary>
    public Term Term => Snapshot.Term;

    /// <summary>The last committed entry that this node's machine has applied.</summary>
    public LogIndex Committed => Snapshot.Committed;

    /// <summary>The last position of this node's log, committed or not.</summary>
    public LogPosition LogPosition => Snapshot.Log;

    /// <summary>Who belongs to the group, as this node's log says.</summary>
    public GroupMembers Members => Snapshot.Members;

    /// <summary>How the log is doing on this node: stalls, snapshots, where it begins.</summary>
    public GroupStorageStatus Storage => _runtime.Loop.StorageStatus;

    /// <summary>This node's live bonds; a snapshot.</summary>
    public IReadOnlyList<Bond> Bonds => _runtime.Loop.Bonds;

    internal GroupLoop Loop => _runtime.Loop;

    private GroupSnapshot Snapshot => _runtime.Loop.Status.Current;

    /// <summary>Submits a command and waits until it has taken effect on this node.</summary>
    /// <returns>The command's place in the log.</returns>
    /// <exception cref="GroupOfflineException">There is no leader; the command was not accepted.</exception>
    /// <exception cref="OutcomeUnknownException">Accepted, but nobody said in time what became of it.</exception>
    /// <exception cref="GroupOverloadedException">Too much is on its way; the command was not accepted.</exception>
    /// <exception cref="CommandTooLargeException">The encoded command is too large.</exception>
    /// <exception cref="CommandEncodingException">The codec threw.</exception>
    /// <exception cref="GroupTerminatedException">The group has ended on this node.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled; the command may still take effect.</exception>
    public async Task<LogIndex> ExecuteAsync(
        TCommand command,
        CancellationToken cancellationToken = default
    ) => (await Submit([command], SubmitGoal.Applied, cancellationToken).ConfigureAwait(false)).First;

    /// <summary>Submits a batch and waits until it has taken effect here: all commands, next to each other, or none.</summary>
    /// <param name="commands">1 to 4,096 commands of together at most 8 MiB.</param>
    /// <param name="cancellationToken">Ends the wait, not the commands.</param>
    /// <returns>The commands' places in the log.</returns>
    /// <exception cref="NoCommandsException">The batch is empty.</exception>
    /// <exception cref="GroupException">As for <see cref="ExecuteAsync"/>.</exception>
    public Task<LogRange> ExecuteManyAsync(
        IReadOnlyList<TCommand> commands,
        CancellationToken cancellationToken = default
    ) => Submit(commands, SubmitGoal.Applied, cancellationToken);

    /// <summary>Submits a command and waits until the leader has given it a place in its log.</summary>
    /// <remarks>Not a promise: another leader may give it another place. It takes effect exactly once all the same.</remarks>
    /// <returns>The place that it was given.</returns>
    /// <exception cref="GroupException">As for <see cref="ExecuteAsync"/>.</exception>
    public async Task<LogIndex> FeedAsync(TCommand command, CancellationToken cancellationToken = default) =>
        (await Submit([command], SubmitGoal.Assigned, cancellationToken).ConfigureAwait(false)).First;

    /// <summary>Submits a batch and waits until the leader has given it places in its log.</summary>
    /// <returns>The places that it was given.</returns>
    /// <exception cref="GroupException">As for <see cref="ExecuteAsync"/>.</exception>
    public Task<LogRange> FeedManyAsync(
        IReadOnlyList<TCommand> commands,
        CancellationToken cancellationToken = default
    ) => Submit(commands, SubmitGoal.Assigned, cancellationToken);

    /// <summary>Waits for commands whose outcome was unknown.</summary>
    /// <param name="id">From <see cref="OutcomeUnknownException.Id"/>, on the node that threw it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The commands' places in the log, once they have taken effect.</returns>
    /// <exception cref="ArgumentException">This node knows no such commands.</exception>
    /// <exception cref="InvalidOperationException">
    /// They have taken effect, once, and this node can't say where: it learned of them by a snapshot.
    /// </exception>
    /// <exception cref="GroupTerminatedException">The group ended on this node first.</exception>
    public Task<LogRange> OutcomeAsync(CommandId id, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
        return _runtime.Loop.FollowAsync(id).WaitAsync(cancellationToken);
    }

    /// <summary>Asks the state machine on this node.</summary>
    /// <param name="query">The question.</param>
    /// <param name="consistency">Weak: as it is here. Strong: linearizable, after a round to a quorum.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="QueryFailedException">No quorum answered within the query timeout, or the machine threw.</exception>
    /// <exception cref="GroupOfflineException">Too many strong queries wait for a leader.</exception>
    /// <exception cref="GroupOverloadedException">Too many queries wait on this node.</exception>
    /// <exception cref="GroupTerminatedException">The group has ended on this node.</exception>
    public Task<QueryAnswer<TResult>> QueryAsync(
        TQuery query,
        Consistency consistency = Consistency.Strong,
        CancellationToken cancellationToken = default
    )
    {
        ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
        return _runtime.AskAsync(query, consistency, cancellationToken);
    }

    /// <summary>Saves this node's machine now, whatever <see cref="SnapshotOptions"/> say, and lets the log forget its beginning.</summary>
    /// <param name="cancellationToken">Ends the wait; the snapshot is taken all the same.</param>
    /// <returns>What the snapshot stands at, once it is durable. The last one's when nothing was applied since.</returns>
    /// <exception cref="NotSupportedException">The machine does not implement <see cref="ISnapshotMachine"/>.</exception>
    /// <exception cref="InvalidOperationException">Nothing has been applied yet.</exception>
    /// <exception cref="Storage.StorageException">It could not be saved; the log is as it was.</exception>
    /// <exception cref="GroupTerminatedException">The group has ended on this node.</exception>
    public Task<LogPosition> TakeSnapshotAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
        return _runtime.Loop.SaveAsync().WaitAsync(cancellationToken);
    }

    /// <summary>Gives up this handle. The last handle leaves the group: bonds are told, and the machine stops.</summary>
    /// <remarks>Idempotent. Completes when the group has been left, if this was the last handle.</remarks>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0 && _groups.Release(_runtime))
        {
            await _runtime.Ended.ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"Group {Id.Short}";

    private Task<LogRange> Submit(
        IReadOnlyList<TCommand> commands,
        SubmitGoal goal,
        CancellationToken cancellationToken
    )
    {
        ArgumentNullException.ThrowIfNull(commands);
        ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
        return _runtime.SubmitAsync(commands, goal, cancellationToken);
    }
}
