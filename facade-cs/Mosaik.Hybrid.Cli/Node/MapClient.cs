using Mosaik.Hybrid.Cli.Kv;

namespace Mosaik.Hybrid.Cli.Node;

/// <summary>Talks to the replicated map, and sees every command through a change of leader.</summary>
/// <param name="group">The group.</param>
/// <param name="timeout">How long one command may wait for a leader, or for its fate.</param>
internal sealed class MapClient(Group<KvCommand, KvQuery, KvAnswer> group, TimeSpan timeout)
{
    /// <summary>Submits a command. It takes effect exactly once, or the exception says what is known.</summary>
    /// <returns>Its place in the log.</returns>
    /// <exception cref="ToolException">No leader was found in time, or the fate of the command was not learned.</exception>
    /// <exception cref="GroupException">It was refused, or the group has ended here.</exception>
    public async Task<LogIndex> WriteAsync(KvCommand command, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(timeout, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        while (true)
        {
            try
            {
                // Not under the patience: the group itself says in time what became of a command it has taken.
                return await group.ExecuteAsync(command, cancellationToken);
            }
            catch (GroupOfflineException)
            {
                // Not taken, so it may be submitted again, once there is somebody to take it.
                await PatientlyAsync(
                    group.When.Online(either.Token),
                    "no leader was found",
                    cancellationToken
                );
            }
            catch (GroupOverloadedException)
            {
                await PatientlyAsync(
                    group.When.Committed.Advanced(either.Token),
                    "the group is overloaded",
                    cancellationToken
                );
            }
            catch (OutcomeUnknownException unknown)
            {
                return await FollowAsync(unknown.Id, cancellationToken);
            }
        }
    }

    /// <summary>Asks the map; a strong query is asked again until a quorum confirms it.</summary>
    /// <exception cref="ToolException">No quorum confirmed it in time.</exception>
    public async Task<QueryAnswer<KvAnswer>> AskAsync(
        KvQuery query,
        Consistency consistency,
        CancellationToken cancellationToken
    )
    {
        using var patience = new CancellationTokenSource(timeout, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        while (true)
        {
            try
            {
                return await group.QueryAsync(query, consistency, cancellationToken);
            }
            catch (Exception exception)
                when (exception is GroupOfflineException or QueryFailedException { TimedOut: true })
            {
                await PatientlyAsync(
                    group.When.Online(either.Token),
                    "no leader was found",
                    cancellationToken
                );
                if (patience.IsCancellationRequested)
                {
                    throw new ToolException(
                        $"{Late("no quorum confirmed the answer")} A peek answers without one."
                    );
                }
            }
        }
    }

    /// <summary>Waits until this node has applied an index.</summary>
    /// <exception cref="ToolException">It did not in time.</exception>
    public async Task WaitAsync(LogIndex index, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(timeout, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        await PatientlyAsync(
            group.When.Committed.Reaches(index, either.Token),
            $"this node has applied {group.Committed} only",
            cancellationToken
        );
    }

    /// <summary>The command was taken and may take effect at any time: its fate is asked for, it is not submitted again.</summary>
    private async Task<LogIndex> FollowAsync(CommandId id, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(timeout, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        const string Unknown = "the outcome is not known: the command may still take effect";
        try
        {
            var outcome = group.OutcomeAsync(id, either.Token);
            await PatientlyAsync(outcome, Unknown, cancellationToken);
            return (await outcome).First;
        }
        catch (ArgumentException)
        {
            throw new ToolException($"This node began anew, and {Unknown}.");
        }
    }

    private async Task PatientlyAsync(Task wait, string outcome, CancellationToken cancellationToken)
    {
        try
        {
            await wait;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ToolException(Late(outcome));
        }
    }

    private string Late(string outcome) => $"After {timeout.TotalSeconds:0} s, {outcome}.";
}
