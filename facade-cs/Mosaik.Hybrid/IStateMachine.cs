namespace Mosaik.Hybrid;

/// <summary>The state that a group keeps identical on all members, and the rules by which commands change it.</summary>
/// <typeparam name="TCommand">What changes the state; travels through the log.</typeparam>
/// <typeparam name="TQuery">What asks for something; never leaves the node.</typeparam>
/// <typeparam name="TResult">What a query answers.</typeparam>
/// <remarks>
/// <para>
/// <b>Deterministic.</b> Every member applies the same commands in the same order, and must reach the same state.
/// <see cref="Apply"/> therefore depends on nothing but the state, the command and its context: no clock (the context
/// has a timestamp), no randomness, no environment, no files, no order of a hash table, no culture. Floating point is
/// safe only where all members run the same code on the same kind of machine.
/// </para>
/// <para>
/// <b>Exactly once.</b> A command that was sent twice, because an answer was lost, is applied once.
/// </para>
/// <para>
/// <b>One thread at a time.</b> The group calls <see cref="Apply"/> and <see cref="Query"/> on a loop of their own,
/// never two at once, so a machine needs no locks. A slow call delays later ones, and no heartbeat.
/// </para>
/// <para>
/// <b>An exception from <see cref="Apply"/> ends the group on this node</b>: the others may have applied the command,
/// and a member that differs is worse than one that is gone. Refuse a bad command by leaving the state as it is. An
/// exception from <see cref="Query"/> fails that query only.
/// </para>
/// </remarks>
public interface IStateMachine<TCommand, TQuery, TResult>
{
    /// <summary>Name and version of the machine and of all its settings that change what commands do.</summary>
    /// <value>
    /// 1 to 1,024 bytes of UTF-8, such as <c>orders.ledger/3</c>. The same text on all members, whatever language they
    /// are written in: it is part of the GroupId, so members with different machines never meet. Read once, at join.
    /// </value>
    string Signature { get; }

    /// <summary>Changes the state by one committed command.</summary>
    /// <param name="command">The decoded command.</param>
    /// <param name="context">Where the command stands and when its leader took it; equal on all members.</param>
    void Apply(TCommand command, in ApplyContext context);

    /// <summary>Answers from the state as it is, without changing it.</summary>
    /// <remarks>
    /// For a strong query the state has first caught up with everything that was acknowledged before.
    /// </remarks>
    TResult Query(TQuery query);
}
