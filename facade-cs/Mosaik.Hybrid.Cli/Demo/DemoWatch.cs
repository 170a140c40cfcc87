using System.Text.Json;

namespace Mosaik.Hybrid.Cli.Demo;

/// <summary>What the demo sees of its nodes: leaders, acknowledgements, and when.</summary>
/// <remarks>Told from several reading tasks; everything is under one lock.</remarks>
internal sealed class DemoWatch(int commands, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<NodeProcess, (ulong Term, string? Leader)> _views = [];
    private readonly SortedDictionary<ulong, string> _leaders = [];
    private readonly List<(Func<bool> IsMet, TaskCompletionSource Completion)> _waiters = [];
    private ToolException? _lost;
    private long _firstAt;
    private long _lastAt;

    /// <summary>How many commands have been acknowledged.</summary>
    public int Acknowledged { get; private set; }

    /// <summary>The highest place in the log of an acknowledged command.</summary>
    public ulong LastIndex { get; private set; }

    /// <summary>The longest time between two acknowledgements.</summary>
    public TimeSpan LongestPause { get; private set; }

    /// <summary>From the first command sent to the last acknowledged.</summary>
    public TimeSpan Elapsed => time.GetElapsedTime(_firstAt, _lastAt);

    /// <summary>Who led, by term, as short peer ids.</summary>
    public IReadOnlyDictionary<ulong, string> Leaders
    {
        get
        {
            lock (_lock)
            {
                return new SortedDictionary<ulong, string>(_leaders);
            }
        }
    }

    /// <summary>Told the number of acknowledged commands whenever it grows; must be quick.</summary>
    public Action<int> OnProgress { get; set; } = static _ => { };

    /// <summary>The first command is about to be sent.</summary>
    public void Begin()
    {
        lock (_lock)
        {
            _firstAt = _lastAt = time.GetTimestamp();
        }
    }

    /// <summary>Takes an event of a node.</summary>
    public void Take(NodeProcess node, JsonElement record)
    {
        lock (_lock)
        {
            switch (record.GetProperty("event").GetString())
            {
                case "leader":
                    OnLeader(
                        node,
                        record.GetProperty("term").GetUInt64(),
                        record.GetProperty("leader").GetString()
                    );
                    break;
                case "result" when record.GetProperty("command").GetString() == "put":
                    OnAcknowledged(record.GetProperty("index").GetUInt64());
                    break;
                case "error" when Acknowledged < commands:
                    _lost ??= new ToolException($"{node.Name}: {record.GetProperty("message").GetString()}");
                    break;
                case "lost":
                    _lost ??= new ToolException(record.GetProperty("message").GetString()!);
                    break;
                default:
                    break;
            }

            Wake();
        }
    }

    /// <summary>The leader that all of these nodes agree on.</summary>
    public async Task<(string Leader, ulong Term)> AgreedAsync(
        IReadOnlyList<NodeProcess> nodes,
        ulong afterTerm,
        CancellationToken cancellationToken
    )
    {
        (ulong Term, string? Leader) View(NodeProcess node) => _views.GetValueOrDefault(node);

        await WaitAsync(
            () =>
                View(nodes[0]) is { Leader: not null } first
                && first.Term > afterTerm
                && nodes.All(node => View(node) == first),
            cancellationToken
        );
        lock (_lock)
        {
            var (term, leader) = View(nodes[0]);
            return (leader ?? "", term);
        }
    }

    /// <summary>The newest leader that any node has spoken of.</summary>
    public (string Leader, ulong Term) Newest()
    {
        lock (_lock)
        {
            var (term, leader) = _leaders.Last();
            return (leader, term);
        }
    }

    /// <summary>Any leader of a later term is known to any node.</summary>
    public Task SucceededAsync(ulong afterTerm, CancellationToken cancellationToken) =>
        WaitAsync(() => _leaders.Keys.Any(term => term > afterTerm), cancellationToken);

    /// <summary>So many commands have been acknowledged.</summary>
    public Task AcknowledgedAsync(int count, CancellationToken cancellationToken) =>
        WaitAsync(() => Acknowledged >= count, cancellationToken);

    private void OnLeader(NodeProcess node, ulong term, string? leader)
    {
        _views[node] = (term, leader);
        if (leader is not null)
        {
            _leaders[term] = leader;
        }
    }

    private void OnAcknowledged(ulong index)
    {
        var now = time.GetTimestamp();
        var pause = time.GetElapsedTime(_lastAt, now);
        LongestPause = pause > LongestPause ? pause : LongestPause;
        LastIndex = Math.Max(LastIndex, index);
        Acknowledged++;
        OnProgress(Acknowledged);
        _lastAt = now;
    }

    private async Task WaitAsync(Func<bool> isMet, CancellationToken cancellationToken)
    {
        var completion = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            _waiters.Add((isMet, completion));
            Wake();
        }

        await completion.Task.WaitAsync(cancellationToken);
    }

    private void Wake()
    {
        _waiters.RemoveAll(waiter =>
            (_lost is not null && waiter.Completion.TrySetException(_lost))
            || waiter.Completion.Task.IsCompleted
            || (waiter.IsMet() && waiter.Completion.TrySetResult())
        );
    }
}
