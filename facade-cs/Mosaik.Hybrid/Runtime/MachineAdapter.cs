namespace Mosaik.Hybrid.Runtime;

/// <summary>A user's machine without its type arguments.</summary>
internal interface IMachineAdapter
{
    /// <summary>Decodes a committed command and applies it.</summary>
    void Apply(in LogEntry entry);

    /// <summary>The machine, if it can be saved; null otherwise.</summary>
    ISnapshotMachine? Snapshots { get; }

    /// <summary>What the machine is called, for people.</summary>
    string Name { get; }

    /// <summary>True when the machine is not as it was made: a command was applied, or a snapshot restored.</summary>
    bool HasApplied { get; set; }
}

/// <summary>A machine that can take the place of another one.</summary>
internal interface IMachineReplacement
{
    /// <summary>Takes its place; called between two commands, by who applies them.</summary>
    void Replace();
}

/// <summary>A user's machine with its codec.</summary>
internal sealed class MachineAdapter<TCommand, TQuery, TResult>(
    IStateMachine<TCommand, TQuery, TResult> machine,
    ICommandCodec<TCommand> codec
) : IMachineAdapter
{
    private volatile IStateMachine<TCommand, TQuery, TResult> _machine = machine;

    /// <summary>The machine; only the applier calls it.</summary>
    public IStateMachine<TCommand, TQuery, TResult> Machine => _machine;

    /// <inheritdoc/>
    public ISnapshotMachine? Snapshots => _machine as ISnapshotMachine;

    /// <inheritdoc/>
    public string Name => _machine.GetType().Name;

    /// <inheritdoc/>
    public bool HasApplied { get; set; }

    /// <summary>What puts a fresh machine in the place of this one.</summary>
    /// <exception cref="ArgumentException">It is no machine of this group, or the same one.</exception>
    public IMachineReplacement ReplacementBy(IStateMachine<TCommand, TQuery, TResult> fresh)
    {
        if (fresh.GetType() != _machine.GetType() || fresh.Signature != _machine.Signature)
        {
            throw new ArgumentException(
                $"The group's machine is a {_machine.GetType()} '{_machine.Signature}', and this one is a {fresh.GetType()} "
                    + $"'{fresh.Signature}'.",
                nameof(fresh)
            );
        }

        return ReferenceEquals(fresh, _machine)
            ? throw new ArgumentException("It is the group's present machine. Make a new one.", nameof(fresh))
            : new Replacement(this, fresh);
    }

    /// <inheritdoc/>
    public void Apply(in LogEntry entry)
    {
        var command = codec.Decode(entry.Payload);
        HasApplied = true;
        _machine.Apply(
            command,
            new ApplyContext(
                entry.Position,
                entry.Timestamp,
                entry.Proposer is { } proposer ? proposer.Member.Peer : default,
                entry.Number
            )
        );
    }

    private sealed class Replacement(
        MachineAdapter<TCommand, TQuery, TResult> adapter,
        IStateMachine<TCommand, TQuery, TResult> fresh
    ) : IMachineReplacement
    {
        public void Replace()
        {
            adapter._machine = fresh;
            adapter.HasApplied = false;
        }
    }
}

/// <summary>A query on its way to the machine.</summary>
internal abstract class PendingQuery
{
    /// <summary>Asks the machine, and completes; never throws.</summary>
    /// <param name="position">What has been applied.</param>
    public abstract void Run(LogPosition position);

    /// <summary>True when it has an answer or an error.</summary>
    public abstract bool IsCompleted { get; }

    /// <summary>Completes with an error, unless it is complete.</summary>
    public abstract void Fail(Exception exception);
}

/// <summary>A query with its types.</summary>
internal sealed class PendingQuery<TCommand, TQuery, TResult>(
    MachineAdapter<TCommand, TQuery, TResult> adapter,
    TQuery query,
    SubmitWindow window
) : PendingQuery
{
    private readonly TaskCompletionSource<QueryAnswer<TResult>> _completion = new(
        TaskCreationOptions.RunContinuationsAsynchronously
    );

    /// <summary>Completes with the answer.</summary>
    public Task<QueryAnswer<TResult>> Task => _completion.Task;

    /// <inheritdoc/>
    public override bool IsCompleted => _completion.Task.IsCompleted;

    /// <inheritdoc/>
    public override void Run(LogPosition position)
    {
        if (IsCompleted)
        {
            return;
        }

        try
        {
            Complete(new QueryAnswer<TResult>(adapter.Machine.Query(query), position));
        }
        catch (Exception exception)
        {
            // A query that fails is its caller's affair; the group goes on.
            Fail(QueryFailedException.ThrownByMachine(exception));
        }
    }

    /// <inheritdoc/>
    public override void Fail(Exception exception)
    {
        if (_completion.TrySetException(exception))
        {
            window.ReleaseQuery();
        }
    }

    private void Complete(in QueryAnswer<TResult> answer)
    {
        if (_completion.TrySetResult(answer))
        {
            window.ReleaseQuery();
        }
    }
}
