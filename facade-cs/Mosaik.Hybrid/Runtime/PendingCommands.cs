namespace Mosaik.Hybrid.Runtime;

/// <summary>This node's own commands that have not taken effect yet, in the order of their numbers.</summary>
/// <remarks>
/// Used by the group loop only. Kept until applied here: any of them may have to be sent again to the next leader
/// (rule 9).
/// </remarks>
internal sealed class PendingCommands
{
    /// <summary>How many fates are remembered of commands whose caller had given up.</summary>
    private const int FatesMax = 4_096;

    private readonly RequestQueue _queue = new();
    private readonly HashSet<ulong> _expired = [];
    private readonly Dictionary<ulong, LogRange> _fates = [];
    private readonly Queue<ulong> _fateOrder = new();
    private readonly SubmitWindow _window;
    private ProposerId _proposer;
    private ulong _submitted;
    private ulong _watchedFrom;

    /// <summary>Commands up to this number may have taken effect within a snapshot.</summary>
    private ulong _misplaced;

    /// <summary>Creates an empty window.</summary>
    public PendingCommands(ProposerId proposer, SubmitWindow window) =>
        (_proposer, _window) = (proposer, window);

    /// <summary>Whose commands they are.</summary>
    public ProposerId Proposer => _proposer;

    /// <summary>Told of requests whose commands got places in the leader's log.</summary>
    public Action<SubmitRequest>? Placed { get; init; }

    /// <summary>The last number given.</summary>
    public ulong Submitted => _submitted;

    /// <summary>True when nothing is on its way.</summary>
    public bool IsEmpty => _queue.Count == 0;

    /// <summary>Numbers the commands of a request and keeps it.</summary>
    public void Add(SubmitRequest request)
    {
        request.First = _submitted + 1;
        Number(request);
        _submitted = request.Last;
        _queue.Add(request);
    }

    /// <summary>
    /// The commands of whole requests from a number on: at least up to <paramref name="last"/> or the limits, always
    /// at least one request.
    /// </summary>
    public LogEntry[] Collect(ulong first, ulong last, int countMax, int bytesMax)
    {
        var commands = new List<LogEntry>();
        var bytes = 0;
        for (var place = _queue.Find(first); place < _queue.Count; place++)
        {
            var request = _queue[place];
            var isFull =
                commands.Count + request.Commands.Length > countMax || bytes + request.Bytes > bytesMax;
            if (request.First > last || (commands.Count > 0 && isFull))
            {
                break;
            }

            commands.AddRange(request.Commands);
            bytes += request.Bytes;
        }

        return [.. commands];
    }

    /// <summary>Commands got places in the leader's log; index zero when they had some before.</summary>
    public void OnAssigned(ulong first, ulong last, LogIndex index)
    {
        if (index == LogIndex.Zero)
        {
            return;
        }

        for (var place = _queue.Find(first); place < _queue.Count && _queue[place].First <= last; place++)
        {
            var request = _queue[place];
            if (request.First < first || request.Last > last)
            {
                continue;
            }

            Placed?.Invoke(request);
            if (request.Goal == SubmitGoal.Assigned)
            {
                request.Complete(index.Plus((int)(request.First - first)));
            }
        }
    }

    /// <summary>A command took effect at an index; the last one of a request completes it.</summary>
    public void OnApplied(ulong number, LogIndex index)
    {
        while (_queue.Count > 0 && _queue[0].First <= number)
        {
            var request = _queue[0];
            if (number < request.Last)
            {
                request.FirstIndex = number == request.First ? index : request.FirstIndex;
                return;
            }

            _queue.RemoveFirst();
            _window.Release(request.Commands.Length, request.Bytes);
            Finish(request, request.Commands.Length == 1 ? index : request.FirstIndex);
        }
    }

    /// <summary>
    /// A snapshot has brought the effects of all commands up to a number, the last of which stands at an index. Where
    /// those of earlier requests stand nobody here can know any more.
    /// </summary>
    public void OnInstalled(ulong last, LogIndex index, Action<SubmitRequest> onUnknown)
    {
        while (_queue.Count > 0 && _queue[0].Last <= last)
        {
            var request = _queue[0];
            _queue.RemoveFirst();
            _window.Release(request.Commands.Length, request.Bytes);
            if (request.Last == last)
            {
                // A batch takes effect only where its commands stand next to each other.
                Finish(request, new LogIndex(index.Value - (ulong)(request.Commands.Length - 1)));
                continue;
            }

            _expired.Remove(request.First);
            onUnknown(request);
            request.Followers?.ForEach(static follower => follower.TrySetException(Misplaced()));
        }

        _misplaced = Math.Max(_misplaced, last);
    }

    /// <summary>Calls back for every request whose caller has waited long enough; the commands stay on their way.</summary>
    /// <returns>When to look again.</returns>
    public Instant Expire(Instant now, Action<SubmitRequest> onExpired)
    {
        for (var place = _queue.Find(_watchedFrom); place < _queue.Count; place++)
        {
            var request = _queue[place];
            if (!request.Task.IsCompleted && request.GiveUpAt > now)
            {
                return request.GiveUpAt;
            }

            // Requests are given up in order, so none before this one has to be looked at again.
            _watchedFrom = request.Last + 1;
            if (!request.Task.IsCompleted)
            {
                _expired.Add(request.First);
                onExpired(request);
            }
        }

        return Instant.Never;
    }

    /// <summary>What became of commands whose caller gave up; waits for it if it is not known yet.</summary>
    public void Follow(CommandId id, TaskCompletionSource<LogRange> follower)
    {
        if (_fates.TryGetValue(id.FirstNumber, out var range))
        {
            follower.TrySetResult(range);
            return;
        }

        var place = _queue.Find(id.FirstNumber);
        if (
            place < _queue.Count
            && _queue[place].First == id.FirstNumber
            && _queue[place].Commands.Length == id.Count
        )
        {
            (_queue[place].Followers ??= []).Add(follower);
            return;
        }

        if (id.FirstNumber <= _misplaced)
        {
            follower.TrySetException(Misplaced());
            return;
        }

        follower.TrySetException(
            new ArgumentException(
                $"No commands {id} wait on this node, and their fate is not remembered.",
                nameof(id)
            )
        );
    }

    private static InvalidOperationException Misplaced() =>
        new("The commands have taken effect. Where they stand is not known here: they came with a snapshot.");

    private void Finish(SubmitRequest request, LogIndex first)
    {
        request.Complete(first);
        request.Followers?.ForEach(follower => follower.TrySetResult(request.RangeFrom(first)));
        if (!_expired.Remove(request.First))
        {
            return;
        }

        _fates.Add(request.First, request.RangeFrom(first));
        _fateOrder.Enqueue(request.First);
        if (_fateOrder.Count > FatesMax)
        {
            _fates.Remove(_fateOrder.Dequeue());
        }
    }

    /// <summary>Numbers everything anew for another incarnation, in the same order. Returns the commands.</summary>
    public void Renumber(ProposerId proposer)
    {
        _proposer = proposer;
        _submitted = 0;
        _watchedFrom = 0;
        _misplaced = 0;
        _expired.Clear();
        _fates.Clear();
        _fateOrder.Clear();
        for (var place = 0; place < _queue.Count; place++)
        {
            var request = _queue[place];
            request.First = _submitted + 1;
            Number(request);
            _submitted = request.Last;
        }
    }

    /// <summary>Empties the window and hands every request over.</summary>
    public void Drain(Action<SubmitRequest> action)
    {
        while (_queue.Count > 0)
        {
            var request = _queue[0];
            _queue.RemoveFirst();
            _window.Release(request.Commands.Length, request.Bytes);
            action(request);
        }
    }

    private void Number(SubmitRequest request)
    {
        var commands = request.Commands;
        for (var place = 0; place < commands.Length; place++)
        {
            ref var command = ref commands[place];
            command = new LogEntry(
                LogIndex.Zero,
                Term.Zero,
                EntryKind.Command,
                command.BatchRemaining,
                0,
                _proposer,
                request.First + (ulong)place,
                command.Payload
            );
        }
    }
}
