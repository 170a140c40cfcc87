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
}

/// <summary>A user's machine with its codec.</summary>
internal sealed class MachineAdapter<TCommand, TQuery, TResult>(
    IStateMachine<TCommand, TQuery, TResult> machine,
    ICommandCodec<TCommand> codec
) : IMachineAdapter
{
    /// <summary>The machine; only the applier calls it.</summary>
    public IStateMachine<TCommand, TQuery, TResult> Machine => machine;

    /// <inheritdoc/>
    public ISnapshotMachine? Snapshots => machine as ISnapshotMachine;

    /// <inheritdoc/>
    public string Name => machine.GetType().Name;

    /// <inheritdoc/>
    public void Apply(in LogEntry entry)
    {
        var command = codec.Decode(entry.Payload);
        machine.Apply(
            command,
            new ApplyContext(
                entry.Position,
                entry.Timestamp,
                entry.Proposer is { } proposer ? proposer.Member.Peer : default,
                entry.Number
            )
        );
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
