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

    /// <summary>How the group is, as this node knows by itself: a leader knows all, another member its own bonds.</summary>
    /// <remarks>A snapshot, made when it is asked for; <see cref="GetStatusAsync"/> asks the leader for the rest.</remarks>
    public GroupStatus Status => _runtime.Loop.ReadStatus();

    /// <summary>How the group is, with what the leader knows of the members.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>
    /// With <see cref="GroupStatus.IsComplete"/> when the leader answered within the forward timeout; otherwise what this
    /// node knows by itself.
    /// </returns>
    /// <exception cref="GroupTerminatedException">The group has ended on this node.</exception>
    public Task<GroupStatus> GetStatusAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
        return _runtime.Loop.AskStatusAsync().WaitAsync(cancellationToken);
    }

    /// <summary>Hands leadership to a peer; may be called on any member.</summary>
    /// <remarks>
    /// No acknowledged command is lost, and commands go on: while the leader hands over, those that come wait for the next
    /// one. When it does not work out, the former leader goes on.
    /// </remarks>
    /// <param name="target">A voter; at once when it leads already.</param>
    /// <param name="cancellationToken">Ends the wait; the transfer may still happen.</param>
    /// <returns>Completes when the peer leads, as this node sees it.</returns>
    /// <exception cref="LeadershipTransferException">
    /// It is no voter, can't be reached, or did not lead within two election timeouts.
    /// </exception>
    /// <exception cref="GroupTerminatedException">The group has ended on this node.</exception>
    public Task TransferLeadershipAsync(PeerId target, CancellationToken cancellationToken = default) =>
        HandOverAsync(target, cancellationToken);

    /// <summary>Hands leadership to whoever is fit for it: a willing voter before a reluctant one.</summary>
    /// <param name="cancellationToken">Ends the wait; the transfer may still happen.</param>
    /// <returns>Completes when another member leads, as this node sees it.</returns>
    /// <exception cref="LeadershipTransferException">
    /// Nobody else can lead, or nobody did within two election timeouts.
    /// </exception>
    /// <exception cref="GroupTerminatedException">The group has ended on this node.</exception>
    public Task TransferLeadershipAsync(CancellationToken cancellationToken = default) =>
        HandOverAsync(null, cancellationToken);

    /// <summary>Gives up this node's part in its lineage: it forgets its log, and joins anew as a new member.</summary>
    /// <remarks>
    /// <para>
    /// For the end of a conflict of lineages (<see cref="GroupConditions.LineageConflict"/>): call it on every node of the
    /// side that is to be given up. <b>What is lost is this node's copy of the log</b>, at once and for good; when all
    /// members of a lineage do so, everything that was ever acknowledged in it. Nothing is copied to the other side.
    /// </para>
    /// <para>
    /// Commands of this node that are on their way end with <see cref="OutcomeUnknownException"/>; handles and
    /// <see cref="When"/> go on with the new life.
    /// </para>
    /// </remarks>
    /// <param name="cancellationToken">Ends the wait; the reset happens all the same.</param>
    /// <returns>Completes when the log is forgotten, durably. Await <c>When.Online()</c> for the new life.</returns>
    /// <exception cref="InvalidOperationException">
    /// The machine has applied commands, which can't be taken back: give the other overload a fresh one. Or the store has a
    /// snapshot: leave the group, give the node an empty store, and join again.
    /// </exception>
    /// <exception cref="GroupTerminatedException">The group has ended on this node.</exception>
    public Task ResetAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
        return _runtime.Loop.ResetAsync(null).WaitAsync(cancellationToken);
    }

    /// <summary>Gives up this node's part in its lineage, and goes on with a fresh machine.</summary>
    /// <remarks>As <see cref="ResetAsync(CancellationToken)"/>.</remarks>
    /// <param name="freshMachine">
    /// Of the same type and signature as the present one, with nothing applied to it. The present one is not used any more.
    /// </param>
    /// <param name="cancellationToken">Ends the wait; the reset happens all the same.</param>
    /// <exception cref="ArgumentException">It is another type of machine, or the present one.</exception>
    /// <exception cref="InvalidOperationException">
    /// The store has a snapshot: leave the group, give the node an empty store, and join again.
    /// </exception>
    /// <exception cref="GroupTerminatedException">The group has ended on this node.</exception>
    public Task ResetAsync(
        IStateMachine<TCommand, TQuery, TResult> freshMachine,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(freshMachine);
        ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
        return _runtime.Loop.ResetAsync(_runtime.ReplacementBy(freshMachine)).WaitAsync(cancellationToken);
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

    /// <summary>Completes once this node's group loop has taken a turn, which it does within milliseconds while all is well.</summary>
    /// <remarks>
    /// For watchdogs: a wait of seconds says that the loop hangs, or that the store is still being opened. Says nothing of
    /// leaders, peers or the machine.
    /// </remarks>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="GroupTerminatedException">The group has ended on this node.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public Task PingAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
        return _runtime.Loop.PingAsync().WaitAsync(cancellationToken);
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

    private Task HandOverAsync(PeerId? target, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
        return LeadershipTransfer.RunAsync(
            _runtime.Loop,
            target,
            2 * Config.ElectionTimeout,
            _runtime.TimeProvider,
            cancellationToken
        );
    }

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
