namespace Mosaik.Hybrid;

/// <summary>
/// What a state machine implements, besides <see cref="IStateMachine{TCommand,TQuery,TResult}"/>, so that its group need
/// not keep the whole log.
/// </summary>
/// <remarks>
/// <para>
/// The group then takes snapshots by itself (see <see cref="SnapshotOptions"/>), forgets the beginning of its log, starts
/// from the newest snapshot, and sends it to members that are far behind. The table that makes commands take effect once,
/// the time and the configuration travel with it; the machine writes its own state and nothing else.
/// </para>
/// <para>
/// All members of a group are to be alike in this: one whose machine can't be restored ends when a snapshot is offered to
/// it, with <see cref="TerminationReason.SnapshotsUnsupported"/>.
/// Change <see cref="IStateMachine{TCommand,TQuery,TResult}.Signature"/> when old snapshots can't be read any more.
/// </para>
/// </remarks>
public interface ISnapshotMachine
{
    /// <summary>Takes hold of the state as it is between two commands.</summary>
    /// <returns>
    /// A view that later commands do not change: the group writes it while the machine goes on. Disposed of by the group.
    /// </returns>
    /// <remarks>
    /// Called on the machine's loop, never beside an apply or a query. To be quick, since commands wait: an immutable
    /// collection, a copy on write, or a copy. An exception is logged and fails this snapshot only.
    /// </remarks>
    IMachineSnapshot CaptureSnapshot();

    /// <summary>Becomes what a snapshot holds, in the place of the present state.</summary>
    /// <param name="source">What <see cref="IMachineSnapshot.WriteAsync"/> wrote, to its end; its checksum was right.</param>
    /// <param name="cancellationToken">The group ends.</param>
    /// <remarks>
    /// Called on the machine's loop, at the start and when a snapshot came from another member. An exception ends the group
    /// on this node, as one from an apply does.
    /// </remarks>
    ValueTask RestoreSnapshotAsync(Stream source, CancellationToken cancellationToken);
}

/// <summary>A machine's state at one moment.</summary>
public interface IMachineSnapshot : IDisposable
{
    /// <summary>Writes the state.</summary>
    /// <param name="destination">Takes bytes in order; can't be read or sought in.</param>
    /// <param name="cancellationToken">The group ends; the snapshot is given up.</param>
    /// <remarks>
    /// Called once, off the machine's loop, while commands are applied. Members with equal states should write equal bytes,
    /// in whatever order their collections are. An exception is logged and fails this snapshot only.
    /// </remarks>
    ValueTask WriteAsync(Stream destination, CancellationToken cancellationToken);
}
