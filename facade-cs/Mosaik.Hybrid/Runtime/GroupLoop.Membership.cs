using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Diagnostics;

namespace Mosaik.Hybrid.Runtime;

// How the members are, other lineages, and leadership that is to go elsewhere.
internal sealed partial class GroupLoop
{
    private readonly Dictionary<ulong, TaskCompletionSource<GroupStatus>> _surveys = [];
    private IReadOnlyList<Lineage> _conflict = [];
    private GroupState? _published;
    private ulong _lastSurvey;

    /// <summary>What this node knows of the group by itself; any thread.</summary>
    public GroupStatus ReadStatus()
    {
        var current = Status.Current;
        return Volatile.Read(ref _published) is { } state
            ? StatusReader.Read(_config, state.Raft, current, OwnSurvey(state.Raft))
            : StatusReader.NotStarted(current);
    }

    private SurveyReply? OwnSurvey(State raft)
    {
        var own = Surveys.OfLeader(_config, _clock.Read(), raft);
        return own.IsSome ? own.Value : null;
    }

    /// <summary>What the leader knows, or this node when nobody leads or answers in time; any thread.</summary>
    public Task<GroupStatus> AskStatusAsync()
    {
        var request = new StatusRequest(
            new TaskCompletionSource<GroupStatus>(TaskCreationOptions.RunContinuationsAsynchronously)
        );
        if (!_items.Writer.TryWrite(request))
        {
            request.Completion.TrySetException(TerminatedOrLeft());
        }

        return request.Completion.Task;
    }

    /// <summary>Tells the core that leadership shall go to a peer, or to whoever is fit; any thread.</summary>
    /// <returns>Why it can't be so now; null when it is under way.</returns>
    public Task<LeadershipTransferFault?> HandOverAsync(PeerId? target)
    {
        var request = new HandOverRequest(
            target,
            new TaskCompletionSource<LeadershipTransferFault?>(
                TaskCreationOptions.RunContinuationsAsynchronously
            )
        );
        if (!_items.Writer.TryWrite(request))
        {
            request.Completion.TrySetException(TerminatedOrLeft());
        }

        return request.Completion.Task;
    }

    private void BeginSurvey(StatusRequest request)
    {
        var id = ++_lastSurvey;
        _surveys.Add(id, request.Completion);
        _inputs.Add(GroupInput.NewSurvey(id));
    }

    private void CompleteSurveys()
    {
        foreach (var (ids, reply) in _ready.Surveys)
        {
            foreach (var id in ids)
            {
                if (_surveys.Remove(id, out var completion))
                {
                    completion.TrySetResult(
                        StatusReader.Read(_config, _state.Raft, CurrentSnapshot(), reply)
                    );
                }
            }
        }
    }

    /// <summary>The core that was asked is no more: who waits gets what this node knew.</summary>
    private void AnswerSurveysLocally()
    {
        foreach (var completion in _surveys.Values)
        {
            completion.TrySetResult(StatusReader.Read(_config, _state.Raft, CurrentSnapshot(), null));
        }

        _surveys.Clear();
    }

    private void BeginHandOver(HandOverRequest request)
    {
        var raft = _state.Raft;
        var target = request.Target;
        var fault = HandOverChoice.Judge(raft, ref target);
        if (fault is null)
        {
            _inputs.Add(GroupInput.NewHandOver(target));
        }

        request.Completion.TrySetResult(fault);
    }

    private void OnConflictChanged(IReadOnlyList<Lineage> conflict)
    {
        if (conflict.Count == 0 && _conflict.Count == 0)
        {
            return;
        }

        _conflict = conflict;
        if (conflict.Count > 0)
        {
            var own = _state.Raft.Lineage.ToString();
            GroupEvents.LineageConflict(_logger, _name, string.Join(", ", conflict), own);
        }
        else
        {
            GroupEvents.LineageConflictEnded(_logger, _name);
        }
    }

    private void EndMembership(GroupTerminatedException end)
    {
        foreach (var completion in _surveys.Values)
        {
            completion.TrySetException(end);
        }

        _surveys.Clear();
        _resets.ForEach(request => request.Completion.TrySetException(end));
        _resets.Clear();
    }

    private sealed record StatusRequest(TaskCompletionSource<GroupStatus> Completion);

    private sealed record HandOverRequest(
        PeerId? Target,
        TaskCompletionSource<LeadershipTransferFault?> Completion
    );
}
