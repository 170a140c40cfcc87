using System.Text.Json;

namespace Mosaik.Hybrid.Cli.Demo;

/// <summary>The story of the demo: found, replicate, kill, go on, come back, compare.</summary>
/// <remarks>Disposing ends every process that it started.</remarks>
internal sealed class DemoRun(DemoOptions options, string directory, DemoScreen screen, TimeProvider time)
    : IAsyncDisposable
{
    private const int NodeCount = 3;

    private readonly Workload _workload = new(options.Commands, options.Seed);
    private readonly DemoWatch _watch = new(options.Commands, time);
    private readonly NodeProcess?[] _nodes = new NodeProcess?[NodeCount];
    private readonly List<NodeProcess> _killed = [];
    private readonly string _keyFile = Path.Combine(directory, "group.key");
    private readonly string _commandsFile = Path.Combine(directory, "commands.txt");
    private NodeProcess _target = null!;

    /// <summary>What the demo is waiting for, as the end of "it was waiting ...".</summary>
    public string WaitingFor { get; private set; } = "to begin";

    private IEnumerable<NodeProcess> Nodes => _nodes.OfType<NodeProcess>();

    /// <summary>Runs the story to its end.</summary>
    public async Task<DemoResult> RunAsync(CancellationToken cancellationToken)
    {
        KeyFile.TryCreate(_keyFile, GroupKey.Generate());
        await _workload.WriteAsync(_commandsFile, cancellationToken);
        await FoundAsync(cancellationToken);
        var withoutLeader = TimeSpan.Zero;
        await screen.ProgressAsync(
            options.Commands,
            async progress =>
            {
                _watch.OnProgress = progress;
                withoutLeader = await ReplicateAsync(cancellationToken);
            }
        );
        await SettleAsync(cancellationToken);
        var catchUp = await ComeBackAsync(cancellationToken);
        var nodes = await CompareAsync(cancellationToken);
        await EndAsync(cancellationToken);
        return new DemoResult
        {
            Commands = options.Commands,
            Acknowledged = _watch.Acknowledged,
            Elapsed = _watch.Elapsed,
            WithoutLeader = withoutLeader,
            WithoutAcknowledgement = _watch.LongestPause,
            CatchUp = catchUp,
            Leaders = [.. _watch.Leaders.Select(pair => $"{NameOf(pair.Value)} in term {pair.Key}")],
            Expected = _workload.Expected(),
            Nodes = nodes,
        };
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var node in Nodes.Concat(_killed))
        {
            await node.DisposeAsync();
        }
    }

    private async Task FoundAsync(CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        for (var place = 0; place < NodeCount; place++)
        {
            await StartAsync(place, cancellationToken);
        }

        WaitingFor = "for the three nodes to elect a leader";
        var (leader, term) = await _watch.AgreedAsync([.. Nodes], 0, cancellationToken);
        _target = Nodes.First(node => !Leads(node, leader));
        screen.Done(
            $"{NameOf(leader)} leads in term {term}, {time.GetElapsedTime(started).TotalSeconds:0.0} s after the first start"
        );
    }

    private async Task StartAsync(int place, CancellationToken cancellationToken)
    {
        var name = $"node {place + 1}";
        string[] arguments =
        [
            "node",
            "--network=demo",
            $"--key-file={_keyFile}",
            "--listen=127.0.0.1:0",
            $"--data={Path.Combine(directory, $"node-{place + 1}")}",
            $"--storage={options.Storage}",
            $"--founding={NodeCount}",
            "--output=json-lines",
            .. Nodes.Select(node => $"--peer={node.Address}"),
        ];
        WaitingFor = $"for {name} to start";
        var node = new NodeProcess(name, NodeProgram.Create(arguments), OnEvent);
        _nodes[place] = node;
        await node.Ready.WaitAsync(cancellationToken);
        screen.Done($"{name} is process {node.ProcessId}, peer {node.Peer[..10]}, at {node.Address}");
    }

    /// <summary>Streams all commands, and kills the leader half way.</summary>
    /// <returns>How long there was no leader.</returns>
    private async Task<TimeSpan> ReplicateAsync(CancellationToken cancellationToken)
    {
        _watch.Begin();
        using var failing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var sending = SendAsync(failing.Token);
        try
        {
            WaitingFor = "for half of the commands to be acknowledged";
            await _watch.AcknowledgedAsync(options.Commands / 2, cancellationToken);
            var withoutLeader = await KillLeaderAsync(cancellationToken);
            WaitingFor = "for the other half of the commands to be acknowledged";
            await sending.WaitAsync(cancellationToken);
            await _watch.AcknowledgedAsync(options.Commands, cancellationToken);
            return withoutLeader;
        }
        finally
        {
            await failing.CancelAsync();
        }
    }

    private async Task SendAsync(CancellationToken cancellationToken)
    {
        await foreach (var line in File.ReadLinesAsync(_commandsFile, cancellationToken))
        {
            await Volatile.Read(ref _target).SendAsync(line, cancellationToken);
        }
    }

    private async Task<TimeSpan> KillLeaderAsync(CancellationToken cancellationToken)
    {
        var (leader, term) = _watch.Newest();
        var place = Array.FindIndex(_nodes, node => Leads(node!, leader));
        var victim = _nodes[place]!;
        if (victim == _target)
        {
            // An election in between made the node that takes our commands the leader. Ours go through a follower.
            Volatile.Write(ref _target, Nodes.First(node => node != victim));
            await victim.AskAsync("status", cancellationToken);
        }

        var acknowledged = _watch.Acknowledged;
        var killedAt = time.GetTimestamp();
        victim.Kill();
        _nodes[place] = null;
        _killed.Add(victim);
        screen.Strike(
            $"{victim.Name}, the leader: SIGKILL to process {victim.ProcessId} after {acknowledged:N0} acknowledgements"
        );
        WaitingFor = "for the survivors to elect a leader";
        await _watch.SucceededAsync(term, cancellationToken);
        var withoutLeader = time.GetElapsedTime(killedAt);
        var (successor, newTerm) = _watch.Newest();
        screen.Done(
            $"{NameOf(successor)} leads in term {newTerm}, {withoutLeader.TotalMilliseconds:0} ms later"
        );
        return withoutLeader;
    }

    private async Task SettleAsync(CancellationToken cancellationToken)
    {
        foreach (var node in Nodes)
        {
            await CatchUpAsync(node, cancellationToken);
        }

        screen.Done($"both survivors have applied all {_watch.Acknowledged:N0} acknowledged commands");
    }

    /// <summary>
    /// The killed node starts again under the same identity: with its log on disk as the member that it was, with its
    /// log in memory as a new one that learns all.
    /// </summary>
    private async Task<TimeSpan> ComeBackAsync(CancellationToken cancellationToken)
    {
        var place = Array.IndexOf(_nodes, null);
        await StartAsync(place, cancellationToken);
        var ready = time.GetTimestamp();
        await CatchUpAsync(_nodes[place]!, cancellationToken);
        var catchUp = time.GetElapsedTime(ready);
        var what = options.Storage == NodeStorage.Memory ? "an empty store" : "the log that it had";
        screen.Done($"{_nodes[place]!.Name} is back with {what}, and has caught up");
        return catchUp;
    }

    private Task<JsonElement> CatchUpAsync(NodeProcess node, CancellationToken cancellationToken)
    {
        WaitingFor = $"for {node.Name} to apply index {_watch.LastIndex}";
        return node.AskAsync($"wait {_watch.LastIndex}", cancellationToken);
    }

    private async Task<List<NodeResult>> CompareAsync(CancellationToken cancellationToken)
    {
        var results = new List<NodeResult>();
        foreach (var node in Nodes)
        {
            WaitingFor = $"for the digest of {node.Name}";
            var digest = await node.AskAsync("digest", cancellationToken);
            results.Add(NodeResult.From(node, digest, await node.AskAsync("status", cancellationToken)));
        }

        return results;
    }

    private async Task EndAsync(CancellationToken cancellationToken)
    {
        foreach (var node in Nodes)
        {
            WaitingFor = $"for {node.Name} to end in good order";
            await node.QuitAsync(cancellationToken);
        }
    }

    private void OnEvent(NodeProcess node, JsonElement record)
    {
        _watch.Take(node, record);
        if (options.Verbose && record.GetProperty("event").GetString() != "result")
        {
            screen.Whisper($"{node.Name} {record.GetRawText()}");
        }
    }

    private string NameOf(string leader) =>
        Nodes.Concat(_killed).FirstOrDefault(node => Leads(node, leader))?.Name ?? leader;

    private static bool Leads(NodeProcess node, string leader) =>
        node.Peer.StartsWith(leader, StringComparison.Ordinal);
}
