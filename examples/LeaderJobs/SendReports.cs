using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Mosaik.Hybrid;
using Mosaik.Hybrid.Hosting;

namespace LeaderJobs;

/// <summary>The job: every so often the next report goes out, on the leader, once each and in order.</summary>
public sealed partial class SendReports(
    [FromKeyedServices("schedule")] HostedGroup<Done, LastDone, long> schedule,
    Outbox outbox,
    TimeProvider clock,
    ILogger<SendReports> logger
) : ILeaderService
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(20);

    /// <inheritdoc/>
    public async Task RunAsync(Leadership leadership, CancellationToken cancellationToken)
    {
        var group = await schedule.JoinedAsync(cancellationToken);
        using var pause = new PeriodicTimer(s_pause, clock);
        long? last = null;
        while (await pause.WaitForNextTickAsync(cancellationToken))
        {
            try
            {
                // Once for each leadership. Strongly, so that it has all that earlier leaders have said.
                last ??= (
                    await group.QueryAsync(new LastDone(), Consistency.Strong, cancellationToken)
                ).Result;
                if (!await SendAsync(leadership, last.Value + 1, cancellationToken))
                {
                    return;
                }

                await group.ExecuteAsync(new Done(last.Value + 1), cancellationToken);
                last++;
            }
            catch (GroupException exception) when (exception is not GroupTerminatedException)
            {
                // No quorum, or nobody knows yet: the next round asks again how far the jobs are.
                Waits(logger, exception.Message);
                last = null;
            }
        }
    }

    /// <summary>The one thing that the group can't undo. First outside, then in the log: done twice there is done once.</summary>
    private async Task<bool> SendAsync(Leadership leadership, long job, CancellationToken cancellationToken)
    {
        var line = new OutboxLine(leadership.FencingNumber, job);
        var answer = await outbox.WriteAsync(line, cancellationToken);
        if (answer == OutboxAnswer.Fenced)
        {
            IsDeposed(logger, leadership.FencingNumber);
            return false;
        }

        return true;
    }

    [LoggerMessage(1, LogLevel.Information, "Waits: {Reason}")]
    private static partial void Waits(ILogger logger, string reason);

    [LoggerMessage(2, LogLevel.Warning, "Another leads: the outbox refused number {FencingNumber}")]
    private static partial void IsDeposed(ILogger logger, long fencingNumber);
}
