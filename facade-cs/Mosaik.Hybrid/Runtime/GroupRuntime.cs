using System.Buffers;

namespace Mosaik.Hybrid.Runtime;

/// <summary>One joined group on this node: its loop, its machine, and how many handles there are.</summary>
internal abstract class GroupRuntime(GroupLoop loop)
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The loop.</summary>
    public GroupLoop Loop => loop;

    /// <summary>Handles that have not been disposed; guarded by the registry's lock.</summary>
    public int Handles { get; set; }

    /// <summary>Completes, never with an error, when the group has ended on this node and all is released.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Runs the group after an earlier life of it has ended.</summary>
    public async Task RunAfterAsync(Task earlier)
    {
        try
        {
            await earlier.ConfigureAwait(false);
            await loop.RunAsync().ConfigureAwait(false);
        }
        finally
        {
            _ended.TrySetResult();
        }
    }
}

/// <summary>One joined group with its types: turns values into commands and back.</summary>
internal sealed partial class GroupRuntime<TCommand, TQuery, TResult> : GroupRuntime
{
    /// <summary>The most commands in one batch: it travels in one frame and is never cut.</summary>
    public const int BatchCountMax = 4_096;

    /// <summary>The most payload bytes in one batch.</summary>
    public const int BatchBytesMax = 8 * 1024 * 1024;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? t_buffer;

    private readonly MachineAdapter<TCommand, TQuery, TResult> _adapter;

    /// <summary>Prepares a group; nothing runs yet.</summary>
    public GroupRuntime(GroupSettings<TCommand, TQuery, TResult> settings, NodeServices node)
        : this(
            settings,
            node,
            new MachineAdapter<TCommand, TQuery, TResult>(settings.Machine, settings.Codec)
        ) { }

    private GroupRuntime(
        GroupSettings<TCommand, TQuery, TResult> settings,
        NodeServices node,
        MachineAdapter<TCommand, TQuery, TResult> adapter
    )
        : base(
            new GroupLoop(
                new GroupLoopOptions(
                    node.Network,
                    settings.GroupId,
                    settings.Key,
                    settings.Consensus,
                    settings.Validators,
                    adapter,
                    settings.StorageOrDefault(),
                    settings.Snapshots
                ),
                node
            )
        )
    {
        Settings = settings;
        TimeProvider = node.TimeProvider;
        _adapter = adapter;
    }

    /// <summary>What the group was joined with.</summary>
    public GroupSettings<TCommand, TQuery, TResult> Settings { get; }

    /// <summary>The node's clock.</summary>
    public TimeProvider TimeProvider { get; }

    /// <summary>Submits commands, all or none, and waits for their places.</summary>
    public Task<LogRange> SubmitAsync(
        IReadOnlyList<TCommand> commands,
        SubmitGoal goal,
        CancellationToken cancellationToken
    ) =>
        Loop.Meter.AreCallsObserved
            ? ObserveAsync(commands, goal, cancellationToken)
            : SubmitAsync(commands, goal, 0, cancellationToken);

    private async Task<LogRange> SubmitAsync(
        IReadOnlyList<TCommand> commands,
        SubmitGoal goal,
        long mark,
        CancellationToken cancellationToken
    )
    {
        cancellationToken.ThrowIfCancellationRequested();
        var entries = Encode(commands, out var bytes);
        if (!Loop.Window.TryReserve(entries.Length, bytes))
        {
            throw GroupOverloadedException.For(commands);
        }

        var request = new SubmitRequest(entries, bytes, goal) { Mark = mark };
        Loop.Submit(request);
        var outcome = await request.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        return outcome.Failure switch
        {
            SubmitFailure.None => outcome.Range,
            SubmitFailure.Offline => throw GroupOfflineException.ForCommands(commands),
            SubmitFailure.Unknown => throw OutcomeUnknownException.For(outcome.Id, commands),
            _ => throw Terminated(commands),
        };
    }

    /// <summary>Asks the machine.</summary>
    public Task<QueryAnswer<TResult>> AskAsync(
        TQuery query,
        Consistency consistency,
        CancellationToken cancellationToken
    ) =>
        Loop.Meter.AreCallsObserved
            ? ObserveAsync(query, consistency, cancellationToken)
            : AskPlainAsync(query, consistency, cancellationToken);

    private Task<QueryAnswer<TResult>> AskPlainAsync(
        TQuery query,
        Consistency consistency,
        CancellationToken cancellationToken
    )
    {
        if (consistency is not (Consistency.Weak or Consistency.Strong))
        {
            throw new ArgumentOutOfRangeException(nameof(consistency), consistency, "Weak or Strong.");
        }

        if (!Loop.Window.TryReserveQuery())
        {
            throw GroupOverloadedException.ForQuery();
        }

        var pending = new PendingQuery<TCommand, TQuery, TResult>(_adapter, query, Loop.Window);
        if (consistency == Consistency.Strong)
        {
            Loop.AskStrongly(pending);
        }
        else
        {
            Loop.AskWeakly(pending);
        }

        return pending.Task.WaitAsync(cancellationToken);
    }

    /// <summary>What puts a fresh machine in the place of the present one.</summary>
    public IMachineReplacement ReplacementBy(IStateMachine<TCommand, TQuery, TResult> fresh) =>
        _adapter.ReplacementBy(fresh);

    private GroupTerminatedException Terminated(IReadOnlyList<TCommand> commands) =>
        Loop.Status.Ended is GroupTerminatedException ended
            ? GroupTerminatedException.For(ended.Reason, commands, ended.InnerException)
            : GroupTerminatedException.For(TerminationReason.Left, commands);

    private LogEntry[] Encode(IReadOnlyList<TCommand> commands, out int bytes)
    {
        if (commands.Count == 0)
        {
            throw new NoCommandsException();
        }

        var countMax = Math.Min(BatchCountMax, Settings.Consensus.EntriesUncommittedMax);
        if (commands.Count > countMax)
        {
            throw new ArgumentException(
                $"A batch has at most {countMax} commands; this one has {commands.Count}. Submit several.",
                nameof(commands)
            );
        }

        var entries = new LogEntry[commands.Count];
        long sum = 0;
        for (var place = 0; place < entries.Length; place++)
        {
            var payload = Encode(commands, place);
            sum += payload.Length;
            entries[place] = new LogEntry(
                LogIndex.Zero,
                Term.Zero,
                EntryKind.Command,
                entries.Length - 1 - place,
                0,
                null,
                0,
                payload
            );
        }

        if (entries.Length > 1 && sum > BatchBytesMax)
        {
            throw CommandTooLargeException.For(commands, sum, BatchBytesMax);
        }

        bytes = (int)sum;
        return entries;
    }

    private byte[] Encode(IReadOnlyList<TCommand> commands, int place)
    {
        // Taken while in use, so that a codec which submits commands itself does no harm.
        var buffer = t_buffer ?? new ArrayBufferWriter<byte>();
        t_buffer = null;
        buffer.ResetWrittenCount();
        try
        {
            Settings.Codec.Encode(commands[place], buffer);
        }
        catch (Exception exception)
        {
            throw CommandEncodingException.For(commands, place, Settings.Codec.Name, exception);
        }

        if (buffer.WrittenCount > Settings.Consensus.CommandBytesMax)
        {
            throw CommandTooLargeException.For(
                commands,
                buffer.WrittenCount,
                Settings.Consensus.CommandBytesMax
            );
        }

        var payload = buffer.WrittenSpan.ToArray();
        t_buffer = buffer.Capacity <= 256 * 1024 ? buffer : null;
        return payload;
    }
}
