namespace Mosaik.Hybrid.Hosting.Runtime;

/// <summary>Finds out whether a loop turns, with one question on its way at most, however often it is asked.</summary>
/// <remarks>
/// Until the first answer the loop is still about to begin: its store may take long to open, and a restart would only
/// begin that anew.
/// </remarks>
internal sealed class LoopWatch
{
    private readonly Func<Task> _ping;
    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();
    private Task _question;
    private long _askedAt;
    private volatile bool _hasAnswered;

    /// <summary>Asks at once, so that the first look knows whether the loop has begun.</summary>
    public LoopWatch(Func<Task> ping, TimeProvider clock)
    {
        _ping = ping;
        _clock = clock;
        _question = Ask();
    }

    /// <summary>Waits until the loop turns.</summary>
    /// <returns>False when it has not for this long.</returns>
    public async Task<bool> TurnsAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        Task question;
        TimeSpan left;
        lock (_gate)
        {
            if (_question.IsCompleted)
            {
                _question = Ask();
            }

            question = _question;
            left = limit - _clock.GetElapsedTime(_askedAt);
        }

        if (!_hasAnswered || question.IsCompleted)
        {
            return true;
        }

        if (left <= TimeSpan.Zero)
        {
            return false;
        }

        using var stopWaiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var patience = Task.Delay(left, _clock, stopWaiting.Token);
        var first = await Task.WhenAny(question, patience).ConfigureAwait(false);
        await stopWaiting.CancelAsync().ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        return first == question;
    }

    private Task Ask()
    {
        _askedAt = _clock.GetTimestamp();
        return AskAsync();
    }

    /// <summary>Never fails: a group that has ended is told by other means.</summary>
    private async Task AskAsync()
    {
        try
        {
            await _ping().ConfigureAwait(false);
            _hasAnswered = true;
        }
        catch (Exception exception) when (exception is GroupTerminatedException or ObjectDisposedException)
        {
            // The group has ended, or its handle was given up: there is no loop to watch any more.
        }
    }
}
