namespace Mosaik.Hybrid;

/// <summary>The group has no leader that this node can reach. What was asked for has not been accepted.</summary>
/// <remarks>Nothing took effect. Wait until the group is online, then ask again.</remarks>
public sealed class GroupOfflineException : GroupException
{
    private GroupOfflineException(string message, object commands, int count)
        : base(message, commands, count) { }

    private GroupOfflineException(string message)
        : base(message) { }

    internal static GroupOfflineException ForCommands<TCommand>(IReadOnlyList<TCommand> commands) =>
        new(
            "The group has no leader, and the commands were not accepted. Await group.When.Online() and submit them "
                + "again; CommandsOf<TCommand>() has them.",
            commands,
            commands.Count
        );

    internal static GroupOfflineException ForQuery() =>
        new("The group has no leader to confirm a strong query. Await group.When.Online(), or ask weakly.");
}

/// <summary>
/// The commands were accepted, and their fate was not learned in time: they may or may not take effect.
/// </summary>
/// <remarks>
/// Submitting them again could make them take effect twice. Ask for their fate by <see cref="Id"/> first. Cancelling
/// a call never cancels its commands.
/// </remarks>
public sealed class OutcomeUnknownException : GroupException
{
    private OutcomeUnknownException(CommandId id, string message, object commands)
        : base(message, commands, id.Count) => Id = id;

    /// <summary>By what name to ask for the fate of the commands.</summary>
    public CommandId Id { get; }

    internal static OutcomeUnknownException For<TCommand>(CommandId id, IReadOnlyList<TCommand> commands) =>
        new(
            id,
            $"The commands {id} were accepted, but nobody said in time whether they were committed. They may still "
                + "take effect: ask for their fate by id before you submit them again.",
            commands
        );
}

/// <summary>More commands are waiting than the group's limits allow. These were not accepted.</summary>
/// <remarks>Nothing took effect. Await earlier calls before you submit more.</remarks>
public sealed class GroupOverloadedException : GroupException
{
    private GroupOverloadedException(string message, object commands, int count)
        : base(message, commands, count) { }

    private GroupOverloadedException(string message)
        : base(message) { }

    internal static GroupOverloadedException ForQuery() =>
        new(
            "Too many queries wait on this node, and this one was not taken. Await earlier ones, then ask again."
        );

    internal static GroupOverloadedException For<TCommand>(IReadOnlyList<TCommand> commands) =>
        new(
            "Too many commands wait to be committed, and these were not accepted. Await earlier calls, then submit "
                + "them again.",
            commands,
            commands.Count
        );
}

/// <summary>An encoded command exceeds the group's limit, or a batch exceeds what one message holds.</summary>
/// <remarks>Nothing took effect. All members share the limit: it is a consensus parameter.</remarks>
public sealed class CommandTooLargeException : GroupException
{
    private CommandTooLargeException(string message, long length, long lengthMax, object commands, int count)
        : base(message, commands, count)
    {
        Length = length;
        LengthMax = lengthMax;
    }

    /// <summary>The size that was refused, in bytes.</summary>
    public long Length { get; }

    /// <summary>The largest size that is accepted, in bytes.</summary>
    public long LengthMax { get; }

    internal static CommandTooLargeException For<TCommand>(
        IReadOnlyList<TCommand> commands,
        long length,
        long lengthMax
    ) =>
        new(
            FormattableString.Invariant($"{length} bytes were submitted where {lengthMax} are allowed. ")
                + "Split the command, or raise command_bytes_max on all members.",
            length,
            lengthMax,
            commands,
            commands.Count
        );
}

/// <summary>A call that submits commands was given none.</summary>
public sealed class NoCommandsException : GroupException
{
    internal NoCommandsException()
        : base("Nothing was submitted: give at least one command.") { }
}

/// <summary>The codec could not encode a command. Nothing was submitted; the inner exception is the codec's.</summary>
public sealed class CommandEncodingException : GroupException
{
    private CommandEncodingException(string message, object commands, int count, Exception inner)
        : base(message, commands, count, inner) { }

    internal static CommandEncodingException For<TCommand>(
        IReadOnlyList<TCommand> commands,
        int index,
        string codecName,
        Exception inner
    ) =>
        new(
            FormattableString.Invariant(
                $"The codec '{codecName}' can't encode command {index} of {commands.Count}: {inner.Message}"
            ),
            commands,
            commands.Count,
            inner
        );
}

/// <summary>A query got no answer: the machine threw, or no quorum confirmed the state in time.</summary>
/// <remarks>A query changes nothing, so it can be asked again.</remarks>
public sealed class QueryFailedException : GroupException
{
    private QueryFailedException(string message, Exception? inner = null)
        : base(message, inner) { }

    /// <summary>True when no quorum answered within the query timeout; false when the machine threw.</summary>
    public bool TimedOut { get; private init; }

    internal static QueryFailedException NotConfirmedWithin(TimeSpan timeout) =>
        new(
            FormattableString.Invariant(
                $"No quorum confirmed the state within {timeout.TotalMilliseconds} ms. Await group.When.Online() and ask again, or ask weakly."
            )
        )
        {
            TimedOut = true,
        };

    internal static QueryFailedException ThrownByMachine(Exception inner) =>
        new($"The state machine threw while it answered a query: {inner.Message}", inner);
}

/// <summary>Why a group ended on this node.</summary>
public enum TerminationReason
{
    /// <summary>The last handle was disposed: the node left the group.</summary>
    Left = 0,

    /// <summary>The network was disposed.</summary>
    NetworkStopped = 1,

    /// <summary>The state machine threw in Apply, or a committed command could not be decoded.</summary>
    MachineFailed = 2,

    /// <summary>The store failed.</summary>
    StorageFailed = 3,

    /// <summary>A rule of consensus was found broken: the node halts rather than give a wrong answer.</summary>
    InvariantViolated = 4,

    /// <summary>
    /// The group's log begins with a snapshot, and this node's machine does not implement <see cref="ISnapshotMachine"/>.
    /// </summary>
    SnapshotsUnsupported = 5,
}

/// <summary>The group has ended on this node, by leaving or by a failure. It may go on elsewhere.</summary>
/// <remarks>
/// Commands that were under way may still take effect on the other members. Join again to go on; after a failure,
/// the inner exception says what to mend first.
/// </remarks>
public sealed class GroupTerminatedException : GroupException
{
    private GroupTerminatedException(TerminationReason reason, object commands, int count, Exception? inner)
        : base(Describe(reason, inner), commands, count, inner) => Reason = reason;

    internal GroupTerminatedException(TerminationReason reason, Exception? inner = null)
        : base(Describe(reason, inner), inner) => Reason = reason;

    /// <summary>Why the group ended on this node.</summary>
    public TerminationReason Reason { get; }

    internal static GroupTerminatedException For<TCommand>(
        TerminationReason reason,
        IReadOnlyList<TCommand> commands,
        Exception? inner = null
    ) => new(reason, commands, commands.Count, inner);

    private static string Describe(TerminationReason reason, Exception? inner)
    {
        var cause = reason switch
        {
            TerminationReason.Left => "This node has left the group. Join again to go on.",
            TerminationReason.NetworkStopped =>
                "The network was disposed. Start one and join again to go on.",
            TerminationReason.MachineFailed =>
                "The state machine failed, and the group has ended on this node. Mend the machine, then start again.",
            TerminationReason.StorageFailed =>
                "The store failed, and the group has ended on this node. Mend the store, then start again.",
            TerminationReason.InvariantViolated =>
                "A rule of consensus was broken, and the group has halted on this node. Keep its data and report it.",
            TerminationReason.SnapshotsUnsupported =>
                "The group's log begins with a snapshot, which this node's state machine can't be restored from, and the group "
                    + $"has ended on this node. Implement {nameof(ISnapshotMachine)}, as the other members' machines do, then "
                    + "start again.",
            _ => $"The group has ended on this node ({reason}).",
        };
        return inner is null ? cause : $"{cause} Cause: {inner.Message}";
    }
}
