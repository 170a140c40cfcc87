namespace Mosaik.Hybrid.Runtime;

/// <summary>Sees to it that another member leads, within two election timeouts.</summary>
/// <remarks>
/// The core drops a wish that it can't fulfil at the moment, while another transfer is under way for example; so it is
/// told again until the time is over.
/// </remarks>
internal static class LeadershipTransfer
{
    private const int AttemptsMax = 16;

    /// <summary>Completes when the target leads, as this node sees it.</summary>
    /// <param name="loop">The group.</param>
    /// <param name="target">Who shall lead; null: anybody but the present leader.</param>
    /// <param name="limit">Two election timeouts.</param>
    /// <param name="timeProvider">Measures them.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task RunAsync(
        GroupLoop loop,
        PeerId? target,
        TimeSpan limit,
        TimeProvider timeProvider,
        CancellationToken cancellationToken
    )
    {
        var former = loop.Status.Current.Leader;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var done = loop.Status.WaitAsync(snapshot => IsDone(snapshot, former, target), over.Token);
        try
        {
            var fault = await TellAsync(
                    loop,
                    target,
                    done,
                    limit / AttemptsMax,
                    timeProvider,
                    cancellationToken
                )
                .ConfigureAwait(false);
            if (fault is { } given)
            {
                throw LeadershipTransferException.For(given, target, limit);
            }
        }
        finally
        {
            // Nobody waits for it any more.
            await over.CancelAsync().ConfigureAwait(false);
            await ((Task)done).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <returns>Null when it is done; otherwise why it is not.</returns>
    private static async Task<LeadershipTransferFault?> TellAsync(
        GroupLoop loop,
        PeerId? target,
        Task done,
        TimeSpan pause,
        TimeProvider timeProvider,
        CancellationToken cancellationToken
    )
    {
        LeadershipTransferFault? fault = null;
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            if (!done.IsCompleted)
            {
                fault = await loop.HandOverAsync(target).WaitAsync(cancellationToken).ConfigureAwait(false);
                if (fault is LeadershipTransferFault.NotAVoter or LeadershipTransferFault.NotReachable)
                {
                    return fault;
                }
            }

            try
            {
                await done.WaitAsync(pause, timeProvider, cancellationToken).ConfigureAwait(false);
                return null;
            }
            catch (TimeoutException)
            {
                // Told again.
            }
        }

        return fault ?? LeadershipTransferFault.TimedOut;
    }

    private static bool IsDone(GroupSnapshot snapshot, PeerId? former, PeerId? target) =>
        snapshot.Leader is { } leader && (target is { } wanted ? leader == wanted : leader != former);
}
