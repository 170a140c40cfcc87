using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Diagnostics;

namespace Mosaik.Hybrid.Runtime;

// The end of a group on this node: first in agreement with the others, if it may be; then whoever waits is told, and
// everything is released.
internal sealed partial class GroupLoop
{
    /// <summary>Why the group is being left, once it is.</summary>
    private TerminationReason? _leaving;

    /// <summary>Begins to leave the group in good order. Any thread, more than once.</summary>
    /// <param name="reason">What those are told who still wait.</param>
    public void Leave(TerminationReason reason) => Post(new LeaveRequest(reason));

    /// <summary>From here on no commands are taken; those that were go on while the core hands over and departs.</summary>
    private void BeginLeave(TerminationReason reason)
    {
        if (_leaving is null)
        {
            _leaving = reason;
            _inputs.Add(GroupInput.Leave);
        }
    }

    /// <summary>The core has done what can be done, or has waited for two election timeouts: the bonds end.</summary>
    private void EndLeave()
    {
        _inputs.Add(GroupInput.Close);
        Step();
        _end ??= new GroupTerminatedException(_leaving ?? TerminationReason.Left);
    }

    private async Task TearDownAsync(GroupTerminatedException end)
    {
        _end = end;
        _items.Writer.TryComplete();
        // However the loop has ended: the machine stops, and the queries that wait for it end.
        _applier?.End(end);
        Status.End(end);
        _pending?.Drain(static request => request.Fail(SubmitFailure.Terminated));
        _reads.Drain(query => query.Fail(end));
        EndMembership(end);
        while (_items.Reader.TryRead(out var item))
        {
            Refuse(item, end);
        }

        StopDiscovery();
        CloseAllLinks(CloseReason.GracefulShutdown);
        await _ending.CancelAsync().ConfigureAwait(false);
        await _machine.ConfigureAwait(false);
        await EndSnapshotsAsync().ConfigureAwait(false);
        if (_timer is not null)
        {
            await _timer.DisposeAsync().ConfigureAwait(false);
        }

        await Task.WhenAll(_closing).ConfigureAwait(false);
        await CloseStoreAsync().ConfigureAwait(false);
        _ending.Dispose();
        Meter.End();
        GroupEvents.Left(_logger, _name);
    }

    private async Task CloseStoreAsync()
    {
        try
        {
            if (_writer is not null)
            {
                await _writer.WhenIdleAsync().ConfigureAwait(false);
            }

            await _options.Storage.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // The group has ended already; whoever waits for that must not wait for ever.
            GroupEvents.Failed(_logger, _name, "the store could not be closed", exception);
        }
    }
}
