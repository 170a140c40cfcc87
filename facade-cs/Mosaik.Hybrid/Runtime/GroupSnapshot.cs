namespace Mosaik.Hybrid.Runtime;

/// <summary>What the group loop last published of itself; immutable.</summary>
internal sealed record GroupSnapshot(
    PeerId Self,
    PeerId? Leader,
    bool IsLeader,
    bool IsOnline,
    Term Term,
    LogIndex Committed,
    LogPosition Log,
    GroupMembers Members,
    bool IsDiskStalled,
    LogIndex FirstIndex,
    LogPosition Snapshot,
    IReadOnlyList<Lineage> Conflict
)
{
    /// <summary>The place of this node's member in the configuration, and the others'.</summary>
    public static GroupSnapshot Initial(PeerId self) =>
        new(
            self,
            null,
            false,
            false,
            Term.Zero,
            LogIndex.Zero,
            LogPosition.Zero,
            GroupMembers.None,
            false,
            LogIndex.Zero.Next,
            LogPosition.Zero,
            []
        );
}

/// <summary>Publishes snapshots, and completes whoever waits for one that fits.</summary>
/// <remarks>Written by the group loop, read by anybody. Waiters run their continuations on the pool.</remarks>
internal sealed class GroupStatusBoard(GroupSnapshot initial)
{
    private readonly Lock _lock = new();
    private readonly List<Waiter> _waiters = [];
    private volatile GroupSnapshot _current = initial;
    private Exception? _ended;
    private volatile bool _hasWaiters;

    private sealed record Waiter(
        Func<GroupSnapshot, bool> IsMet,
        TaskCompletionSource<GroupSnapshot> Completion
    );

    /// <summary>How many wait.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock)
            {
                return _waiters.Count;
            }
        }
    }

    /// <summary>The newest snapshot.</summary>
    public GroupSnapshot Current => _current;

    /// <summary>Why the group ended on this node; null while it runs.</summary>
    public Exception? Ended
    {
        get
        {
            lock (_lock)
            {
                return _ended;
            }
        }
    }

    /// <summary>Publishes a snapshot.</summary>
    public void Publish(GroupSnapshot snapshot)
    {
        _current = snapshot;
        // Costs nothing while nobody waits; a waiter that comes in between looks at the current one itself.
        Interlocked.MemoryBarrier();
        if (!_hasWaiters)
        {
            return;
        }

        lock (_lock)
        {
            for (var place = _waiters.Count - 1; place >= 0; place--)
            {
                var waiter = _waiters[place];
                if (waiter.Completion.Task.IsCompleted || waiter.IsMet(snapshot))
                {
                    _waiters.RemoveAt(place);
                    waiter.Completion.TrySetResult(snapshot);
                }
            }

            _hasWaiters = _waiters.Count > 0;
        }
    }

    /// <summary>Ends everybody's wait with the reason; later waits end at once.</summary>
    public void End(Exception reason)
    {
        Waiter[] waiters;
        lock (_lock)
        {
            _ended ??= reason;
            waiters = [.. _waiters];
            _waiters.Clear();
            _hasWaiters = false;
        }

        foreach (var waiter in waiters)
        {
            waiter.Completion.TrySetException(reason);
        }
    }

    /// <summary>Waits for a snapshot that fits; the current one counts.</summary>
    /// <param name="isMet">Pure and quick; called by the group loop.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="GroupTerminatedException">The group ended first.</exception>
    public async Task<GroupSnapshot> WaitAsync(
        Func<GroupSnapshot, bool> isMet,
        CancellationToken cancellationToken
    )
    {
        var completion = new TaskCompletionSource<GroupSnapshot>(
            TaskCreationOptions.RunContinuationsAsynchronously
        );
        var waiter = new Waiter(isMet, completion);
        lock (_lock)
        {
            if (_ended is not null)
            {
                throw _ended;
            }

            _hasWaiters = true;
            Interlocked.MemoryBarrier();
            if (isMet(_current))
            {
                _hasWaiters = _waiters.Count > 0;
                return _current;
            }

            _waiters.Add(waiter);
        }

        await using var registration = cancellationToken
            .Register(() => GiveUp(waiter, cancellationToken))
            .ConfigureAwait(false);
        return await completion.Task.ConfigureAwait(false);
    }

    /// <summary>Forgets a waiter at once: in a quiet group the next snapshot may be far away.</summary>
    private void GiveUp(Waiter waiter, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _waiters.Remove(waiter);
            _hasWaiters = _waiters.Count > 0;
        }

        waiter.Completion.TrySetCanceled(cancellationToken);
    }
}
