using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Diagnostics;
using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Runtime;

// A new beginning: this node's part in a lineage is forgotten, by the core's rules or because the operator says so.
internal sealed partial class GroupLoop
{
    private readonly List<ResetRequest> _resets = [];

    /// <summary>Forgets this node's log, machine and all, and joins anew under a new incarnation; any thread.</summary>
    /// <param name="replacement">A machine that nothing has been applied to; null to go on with the present one.</param>
    public Task ResetAsync(IMachineReplacement? replacement)
    {
        var request = new ResetRequest(
            replacement,
            new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
        );
        if (!_items.Writer.TryWrite(request))
        {
            request.Completion.TrySetException(TerminatedOrLeft());
        }

        return request.Completion.Task;
    }

    private void BeginReset(ResetRequest request)
    {
        _resets.Add(request);
        _inputs.Add(GroupInput.Reset);
    }

    /// <summary>Nothing of the former lineage may come after the new beginning: writes, snapshots and reports end first.</summary>
    private async Task ResetAsync()
    {
        ResetRequest[] requests = [.. _resets];
        _resets.Clear();
        await _writer.WhenIdleAsync().ConfigureAwait(false);
        await RestartIntakeAsync().ConfigureAwait(false);
        var hard = LogRecovery.NewMember(_node.Identity.Id);
        var proposer = new ProposerId(hard.Member, hard.Session);
        var replacement = requests
            .Select(static request => request.Replacement)
            .FirstOrDefault(static one => one is not null);
        try
        {
            await _applier
                .BeginAnewAsync(proposer, replacement, () => ForgetAsync(hard))
                .ConfigureAwait(false);
        }
        catch (InvalidOperationException refusal)
        {
            Array.ForEach(requests, request => request.Completion.TrySetException(refusal));
            if (requests.Length == 0)
            {
                // A lineage that has ended, and a store that can't forget it: there is nothing to go on with.
                _end ??= new GroupTerminatedException(TerminationReason.StorageFailed, refusal);
            }

            return;
        }
        catch (Exception failure)
        {
            // The store's, or the end of the machine: the loop ends with it, and so does every wait.
            Array.ForEach(requests, request => request.Completion.TrySetException(failure));
            throw;
        }

        GroupEvents.Reset(_logger, _name, hard.Member.ToString());
        CloseAllLinks(CloseReason.GracefulShutdown);
        _inputs.Clear();
        _applied = LogPosition.Zero;
        OnConflictChanged([]);
        AnswerSurveysLocally();
        Resubmit(proposer, requests.Length > 0);
        Begin(StateModule.fresh(hard));
        Array.ForEach(requests, static request => request.Completion.TrySetResult());
    }

    /// <summary>The log is forgotten, durably and as a whole; a snapshot can't be.</summary>
    /// <exception cref="InvalidOperationException">The store has a snapshot.</exception>
    private async Task ForgetAsync(HardState hard)
    {
        if (_options.Storage.Snapshots.Newest is { } snapshot)
        {
            throw new InvalidOperationException(
                $"The store holds a {snapshot} of the former lineage, which can't be taken back. Leave the group, give the node "
                    + "an empty store, and join again."
            );
        }

        var batch = new LogWriteBatch(
            hard,
            _state.Raft.Outline.Last.Index == LogIndex.Zero ? null : LogIndex.Zero.Next,
            ReadOnlyMemory<ReadOnlyMemory<LogEntry>>.Empty
        );
        await _options.Storage.WriteAsync(batch, _ending.Token).ConfigureAwait(false);
    }

    /// <summary>
    /// A lineage that ends by the core's rules holds none of these commands, so they are sent again. One that is given up
    /// may hold them: nobody here will learn what becomes of them.
    /// </summary>
    private void Resubmit(ProposerId proposer, bool isGivenUp)
    {
        var pending = _pending!;
        if (isGivenUp)
        {
            pending.Drain(static request => request.Fail(SubmitFailure.Unknown));
        }

        pending.Renumber(proposer);
        if (!pending.IsEmpty)
        {
            _inputs.Add(
                GroupInput.NewPropose(
                    pending.Collect(1, pending.Submitted, SubmitWindow.CountMax, int.MaxValue)
                )
            );
        }
    }

    private sealed record ResetRequest(IMachineReplacement? Replacement, TaskCompletionSource Completion);
}
