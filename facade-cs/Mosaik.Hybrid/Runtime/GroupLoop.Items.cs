using System.Diagnostics;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Discovery;

namespace Mosaik.Hybrid.Runtime;

// What comes into the queue, and what becomes of it.
internal sealed partial class GroupLoop
{
    /// <summary>How many forward timeouts a caller waits before it is told that the outcome is unknown.</summary>
    private const int ForwardTimeoutsMax = 5;

    /// <summary>Bounds what this node's callers have on its way; any thread.</summary>
    public SubmitWindow Window => _window;

    /// <summary>Submits a request for which room was taken; any thread.</summary>
    public void Submit(SubmitRequest request)
    {
        if (!_items.Writer.TryWrite(request))
        {
            request.Fail(SubmitFailure.Terminated);
        }
    }

    /// <summary>Asks the machine as it is on this node; any thread.</summary>
    public void AskWeakly(PendingQuery query)
    {
        // Before the store is open there is no machine to ask: the loop passes the query on when there is.
        if (Volatile.Read(ref _pending) is null)
        {
            Submit(new WeakQuery(query));
        }
        else
        {
            _applier.Ask(query, LogIndex.Zero);
        }
    }

    /// <summary>Asks the machine once a quorum has confirmed how fresh it must be; any thread.</summary>
    public void AskStrongly(PendingQuery query) => Submit(new StrongQuery(query));

    /// <summary>Waits for commands whose outcome was unknown; any thread.</summary>
    public Task<LogRange> FollowAsync(CommandId id)
    {
        var follower = new TaskCompletionSource<LogRange>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!_items.Writer.TryWrite(new OutcomeQuestion(id, follower)))
        {
            follower.TrySetException(TerminatedOrLeft());
        }

        return follower.Task;
    }

    /// <summary>Completes when the loop takes the question; any thread.</summary>
    public Task PingAsync()
    {
        var taken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!_items.Writer.TryWrite(new Ping(taken)))
        {
            taken.TrySetException(TerminatedOrLeft());
        }

        return taken.Task;
    }

    private void Submit(QueryItem item)
    {
        if (!_items.Writer.TryWrite(item))
        {
            item.Query.Fail(TerminatedOrLeft());
        }
    }

    private Exception TerminatedOrLeft() =>
        Status.Ended ?? new GroupTerminatedException(TerminationReason.Left);

    private void Take(object item)
    {
        switch (item)
        {
            case FrameArrived frame:
                _frames.Add(frame);
                Volatile.Write(ref _messagesReceived, _messagesReceived + 1);
                _inputs.Add(GroupInput.NewReceived(frame.Connection.Id, frame.Message));
                break;
            case SubmitRequest request:
                Accept(request);
                break;
            case AppliedReport report:
                OnApplied(report);
                break;
            case StrongQuery { Query: var query }:
                _reads.Gather(query);
                break;
            case WeakQuery { Query: var query }:
                AskWeakly(query);
                break;
            case GroupInput input:
                _inputs.Add(input);
                break;
            case WriteEnded ended:
                OnWriteEnded(ended);
                break;
            case LinkOpened opened:
                Open(opened);
                break;
            case LinkEnded ended:
                ended.Connection.Evidence = ended.Evidence;
                _inputs.Add(GroupInput.NewLinkLost(ended.Connection.Id, ended.Reason));
                break;
            case EntriesRead read:
                OnEntriesRead(read);
                break;
            case EntriesReadForApply read:
                _stored.OnReadForApply(read);
                break;
            case SnapshotBytesRead read:
                OnBytesRead(read);
                break;
            case SnapshotTaken taken:
                OnSnapshotTaken(taken);
                break;
            case SaveRequest { Request: var request }:
                _applier.Save(request);
                break;
            case StatusRequest request:
                BeginSurvey(request);
                break;
            case HandOverRequest request:
                BeginHandOver(request);
                break;
            case ResetRequest request:
                BeginReset(request);
                break;
            case PeerEntryChange change:
                OnEntryChanged(change);
                break;
            case OutcomeQuestion question:
                _pending!.Follow(question.Id, question.Follower);
                break;
            case Ping ping:
                ping.Taken.TrySetResult();
                break;
            case MachineFailure failure:
                _end ??= new GroupTerminatedException(TerminationReason.MachineFailed, failure.Exception);
                break;
            case GroupFailure failure:
                _end ??= new GroupTerminatedException(TerminationReason.StorageFailed, failure.Exception);
                break;
            default:
                TakeSignal(item);
                break;
        }
    }

    private void TakeSignal(object item)
    {
        if (ReferenceEquals(item, s_timerFired))
        {
            _timer.OnFired();
            _inputs.Add(GroupInput.Tick);
        }
        else if (item is LeaveRequest leave)
        {
            BeginLeave(leave.Reason);
        }
        else
        {
            throw new UnreachableException($"The group loop does not know a {item.GetType()}.");
        }
    }

    /// <summary>Numbers the commands and hands them on, if there is anybody to hand them to.</summary>
    private void Accept(SubmitRequest request)
    {
        var pending = _pending!;
        _stages.OnTaken(request);
        if (_leaving is not null || _state.Raft.Leader.IsNone)
        {
            _window.Release(request.Commands.Length, request.Bytes);
            request.Fail(_leaving is null ? SubmitFailure.Offline : SubmitFailure.Terminated);
            return;
        }

        pending.Add(request);
        request.GiveUpAt = _clock.Now.Plus(_config.Consensus.ForwardTimeout * ForwardTimeoutsMax);
        _proposals.AddRange(request.Commands);
    }

    private void OnApplied(AppliedReport report)
    {
        var pending = _pending!;
        if (!report.Own.Equals(pending.Proposer))
        {
            // Of a life before the reset: its numbers and places mean nothing any more.
            return;
        }

        // Who learns that a command took effect must find it in what the group publishes.
        _applied = report.Position;
        _stages.OnApplied(report.Position.Index);
        PublishStatus();
        var own = report.Restored.Last;
        if (own != 0)
        {
            pending.OnInstalled(
                own,
                report.Restored.Index,
                static request => request.Fail(SubmitFailure.Unknown)
            );
        }

        foreach (var (number, index) in report.Completions)
        {
            pending.OnApplied(number, index);
            own = number;
        }

        // A snapshot that was kept a moment ago may have brought the machine further than the core has heard.
        var committed = _state.Raft.CommitIndex;
        var applied = report.Position.Index < committed ? report.Position.Index : committed;
        _inputs.Add(GroupInput.NewApplied(applied, own, report.Gap));
    }

    private void OnWriteEnded(WriteEnded ended)
    {
        // The end of a write of before a reset says nothing of the new log.
        if (ReferenceEquals(ended.Writer, _writer) && _writer.OnEnded(ended))
        {
            _executor.Release();
            _inputs.Add(GroupInput.NewPersisted(_writer.Persisted));
        }
    }

    private void OnEntriesRead(EntriesRead read)
    {
        var raft = _state.Raft;
        var counts = read.Envelope switch
        {
            { Append: { } head } => StateModule.isLeader(raft) && raft.CurrentTerm == head.Term,
            { Fetched: { } head } => raft.Lineage == head.Lineage,
            _ => false,
        };
        if (counts)
        {
            _executor.SendStored(read);
        }
    }

    /// <summary>The group has ended: whoever waits behind an item is told.</summary>
    private static void Refuse(object item, GroupTerminatedException end)
    {
        switch (item)
        {
            case SubmitRequest request:
                request.Fail(SubmitFailure.Terminated);
                break;
            case QueryItem { Query: var query }:
                query.Fail(end);
                break;
            case OutcomeQuestion question:
                question.Follower.TrySetException(end);
                break;
            case Ping ping:
                ping.Taken.TrySetException(end);
                break;
            case LinkOpened opened:
                opened.Connection.Frames.Abort();
                break;
            case SaveRequest { Request: var request }:
                request.TrySetException(end);
                break;
            case StatusRequest { Completion: var completion }:
                completion.TrySetException(end);
                break;
            case HandOverRequest { Completion: var completion }:
                completion.TrySetException(end);
                break;
            case ResetRequest { Completion: var completion }:
                completion.TrySetException(end);
                break;
            case SnapshotBytesRead read:
                read.Release();
                break;
            default:
                // Nobody waits behind the others.
                break;
        }
    }

    private abstract record QueryItem(PendingQuery Query);

    private sealed record WeakQuery(PendingQuery Query) : QueryItem(Query);

    private sealed record StrongQuery(PendingQuery Query) : QueryItem(Query);

    private sealed record Ping(TaskCompletionSource Taken);

    private sealed record OutcomeQuestion(CommandId Id, TaskCompletionSource<LogRange> Follower);
}
