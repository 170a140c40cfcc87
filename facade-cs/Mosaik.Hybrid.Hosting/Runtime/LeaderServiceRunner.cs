using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Mosaik.Hybrid.Hosting.Diagnostics;

namespace Mosaik.Hybrid.Hosting.Runtime;

/// <summary>Runs a job while this node leads a group: once for each leadership, never two runs at a time.</summary>
internal sealed class LeaderServiceRunner(HostedGroup group, ILeaderService service, ILogger logger)
    : BackgroundService
{
    private readonly string _service = service.GetType().Name;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            var conditions = await group.ConditionsAsync(stoppingToken).ConfigureAwait(false);
            while (true)
            {
                var term = await conditions.Leads(stoppingToken).ConfigureAwait(false);
                await LeadAsync(conditions, term, stoppingToken).ConfigureAwait(false);
                // A job that was done early is not begun again by the same leadership.
                await conditions.LeadsNoMore(term, stoppingToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
        catch (GroupTerminatedException exception)
        {
            if (!stoppingToken.IsCancellationRequested)
            {
                HostingEvents.LeaderServiceWithoutGroup(logger, group.Name, _service, exception);
            }
        }
    }

    private async Task LeadAsync(GroupConditions conditions, Term term, CancellationToken stoppingToken)
    {
        using var leading = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var watch = CancelWhenLostAsync(conditions, term, leading);
        var leadership = new Leadership(group.Name, checked((long)term.Value));
        HostingEvents.LeaderServiceBegins(logger, group.Name, _service, leadership.FencingNumber);
        try
        {
            await service.RunAsync(leadership, leading.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (leading.IsCancellationRequested)
        {
            // It was told to stop, and did.
        }
        catch (Exception exception) when (leading.IsCancellationRequested)
        {
            // What it worked on may have ended under its hands. The next leadership finds it as it is.
            HostingEvents.LeaderServiceFailedLate(logger, group.Name, _service, exception);
        }
        finally
        {
            await leading.CancelAsync().ConfigureAwait(false);
            await watch.ConfigureAwait(false);
        }

        HostingEvents.LeaderServiceEnded(logger, group.Name, _service, leadership.FencingNumber);
    }

    /// <summary>Never fails: whatever ends the lead, or the group, ends the job.</summary>
    private static async Task CancelWhenLostAsync(
        GroupConditions conditions,
        Term term,
        CancellationTokenSource leading
    )
    {
        try
        {
            await conditions.LeadsNoMore(term, leading.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is OperationCanceledException or GroupTerminatedException)
        {
            // The job has ended, or the host stops, or the group has ended on this node.
        }

        await leading.CancelAsync().ConfigureAwait(false);
    }
}
