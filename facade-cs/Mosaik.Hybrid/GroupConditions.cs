using Mosaik.Hybrid.Runtime;

namespace Mosaik.Hybrid;

/// <summary>Waits for what happens to a group, as this node sees it.</summary>
/// <remarks>
/// Every task ends: with the condition, with <see cref="OperationCanceledException"/> when its token is
/// cancelled, or with <see cref="GroupTerminatedException"/> when the group ends on this node. A condition that
/// holds already completes at once, unless it asks for a change.
/// </remarks>
public sealed class GroupConditions
{
    private readonly GroupStatusBoard _board;

    internal GroupConditions(GroupStatusBoard board) => _board = board;

    /// <summary>The commit index as far as this node's machine has applied it.</summary>
    public IndexConditions Committed => new(_board);

    /// <summary>The last position of this node's log.</summary>
    public PositionConditions Log => new(_board);

    /// <summary>A leader is known; gives its id.</summary>
    public async Task<PeerId> LeaderElected(CancellationToken cancellationToken = default)
    {
        var snapshot = await _board
            .WaitAsync(static snapshot => snapshot.Leader is not null, cancellationToken)
            .ConfigureAwait(false);
        return snapshot.Leader!.Value;
    }

    /// <summary>The next leader that is not the one known now; gives its id.</summary>
    public async Task<PeerId> LeaderChanged(CancellationToken cancellationToken = default)
    {
        var former = _board.Current.Leader;
        var snapshot = await _board
            .WaitAsync(snapshot => snapshot.Leader is { } leader && leader != former, cancellationToken)
            .ConfigureAwait(false);
        return snapshot.Leader!.Value;
    }

    /// <summary>This peer leads.</summary>
    public Task LeaderIs(PeerId peer, CancellationToken cancellationToken = default) =>
        _board.WaitAsync(snapshot => snapshot.Leader == peer, cancellationToken);

    /// <summary>This node leads.</summary>
    public Task IsLeader(CancellationToken cancellationToken = default) =>
        _board.WaitAsync(static snapshot => snapshot.IsLeader, cancellationToken);

    /// <summary>This node does not lead.</summary>
    public Task IsFollower(CancellationToken cancellationToken = default) =>
        _board.WaitAsync(static snapshot => !snapshot.IsLeader, cancellationToken);

    /// <summary>This node leads; gives the term in which it does.</summary>
    /// <remarks>
    /// In a term at most one node leads, and of two leaders of one lineage the later has the greater term: a number
    /// to fence with.
    /// </remarks>
    public async Task<Term> Leads(CancellationToken cancellationToken = default)
    {
        var snapshot = await _board
            .WaitAsync(static snapshot => snapshot.IsLeader, cancellationToken)
            .ConfigureAwait(false);
        return snapshot.Term;
    }

    /// <summary>This node does not lead in this term any more, though it may lead again in a later one.</summary>
    public Task LeadsNoMore(Term term, CancellationToken cancellationToken = default) =>
        _board.WaitAsync(snapshot => !snapshot.IsLeader || snapshot.Term != term, cancellationToken);

    /// <summary>Members of another lineage of the group are known; gives these lineages.</summary>
    /// <remarks>
    /// Completes only while there is a conflict that does not end by itself. One side has to give its lineage up: see
    /// <see cref="Group{TCommand, TQuery, TResult}.ResetAsync(CancellationToken)"/>.
    /// </remarks>
    public async Task<IReadOnlyList<Lineage>> LineageConflict(CancellationToken cancellationToken = default)
    {
        var snapshot = await _board
            .WaitAsync(static snapshot => snapshot.Conflict.Count > 0, cancellationToken)
            .ConfigureAwait(false);
        return snapshot.Conflict;
    }

    /// <summary>This node leads, or follows a leader without a gap in its log.</summary>
    public Task Online(CancellationToken cancellationToken = default) =>
        _board.WaitAsync(static snapshot => snapshot.IsOnline, cancellationToken);

    /// <summary>This node knows no leader, or lacks entries that its leader has.</summary>
    public Task Offline(CancellationToken cancellationToken = default) =>
        _board.WaitAsync(static snapshot => !snapshot.IsOnline, cancellationToken);
}

/// <summary>Waits for an index. Obtained from <see cref="GroupConditions.Committed"/>.</summary>
public sealed class IndexConditions
{
    private readonly GroupStatusBoard _board;

    internal IndexConditions(GroupStatusBoard board) => _board = board;

    /// <summary>The index is at least this one.</summary>
    public Task Reaches(LogIndex index, CancellationToken cancellationToken = default) =>
        _board.WaitAsync(snapshot => snapshot.Committed >= index, cancellationToken);

    /// <summary>The index is at least the last one of the range.</summary>
    public Task Reaches(LogRange range, CancellationToken cancellationToken = default) =>
        Reaches(range.Last, cancellationToken);

    /// <summary>The index is higher than now; gives it.</summary>
    public Task<LogIndex> Advanced(CancellationToken cancellationToken = default) =>
        Next(static (former, current) => current > former, cancellationToken);

    /// <summary>The index is lower than now; gives it. Commit indexes only fall when a node begins anew.</summary>
    public Task<LogIndex> Reverted(CancellationToken cancellationToken = default) =>
        Next(static (former, current) => current < former, cancellationToken);

    /// <summary>The index is another one than now; gives it.</summary>
    public Task<LogIndex> Changed(CancellationToken cancellationToken = default) =>
        Next(static (former, current) => current != former, cancellationToken);

    private async Task<LogIndex> Next(
        Func<LogIndex, LogIndex, bool> isMet,
        CancellationToken cancellationToken
    )
    {
        var former = _board.Current.Committed;
        var snapshot = await _board
            .WaitAsync(snapshot => isMet(former, snapshot.Committed), cancellationToken)
            .ConfigureAwait(false);
        return snapshot.Committed;
    }
}

/// <summary>Waits for a position of the log. Obtained from <see cref="GroupConditions.Log"/>.</summary>
public sealed class PositionConditions
{
    private readonly GroupStatusBoard _board;

    internal PositionConditions(GroupStatusBoard board) => _board = board;

    /// <summary>The log reaches at least this index.</summary>
    public Task Reaches(LogIndex index, CancellationToken cancellationToken = default) =>
        _board.WaitAsync(snapshot => snapshot.Log.Index >= index, cancellationToken);

    /// <summary>The log is longer than now; gives its last position.</summary>
    public Task<LogPosition> Advanced(CancellationToken cancellationToken = default) =>
        Next(static (former, current) => current.Index > former.Index, cancellationToken);

    /// <summary>The log is shorter than now, because a leader replaced what was not committed; gives its last position.</summary>
    public Task<LogPosition> Reverted(CancellationToken cancellationToken = default) =>
        Next(static (former, current) => current.Index < former.Index, cancellationToken);

    /// <summary>The log ends elsewhere than now; gives its last position.</summary>
    public Task<LogPosition> Changed(CancellationToken cancellationToken = default) =>
        Next(static (former, current) => current != former, cancellationToken);

    private async Task<LogPosition> Next(
        Func<LogPosition, LogPosition, bool> isMet,
        CancellationToken cancellationToken
    )
    {
        var former = _board.Current.Log;
        var snapshot = await _board
            .WaitAsync(snapshot => isMet(former, snapshot.Log), cancellationToken)
            .ConfigureAwait(false);
        return snapshot.Log;
    }
}
