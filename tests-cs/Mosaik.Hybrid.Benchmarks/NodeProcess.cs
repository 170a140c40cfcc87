using System.Diagnostics;
using System.Threading.Channels;

namespace Mosaik.Hybrid.Benchmarks;

/// <summary>A child process of this program.</summary>
internal sealed class NodeProcess : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(300);

    private readonly Process _process;
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();

    private NodeProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, received) =>
        {
            if (received.Data is { } line)
            {
                _lines.Writer.TryWrite(line);
            }
            else
            {
                _lines.Writer.TryComplete();
            }
        };
        process.BeginOutputReadLine();
    }

    public string Address { get; private set; } = string.Empty;

    /// <summary>Three processes of one group, all online; and how long that took.</summary>
    public static async Task<(List<NodeProcess> Nodes, TimeSpan Start)> StartThreeAsync(
        bool isFast,
        string storage = BenchStore.Memory,
        string directory = "",
        string? groupKey = null,
        long? processors = null
    )
    {
        var watch = Stopwatch.StartNew();
        var key = groupKey ?? GroupKey.Generate().Export();
        var nodes = new List<NodeProcess>();
        for (var number = 0; number < 3; number++)
        {
            var place = Path.Combine(directory, FormattableString.Invariant($"node-{number}"));
            var node = Start(key, isFast, storage, place, nodes.Count == 0 ? null : nodes[0].Address);
            nodes.Add(node);
            if (processors is { } mask)
            {
                node.RunOn(mask);
            }

            node.Address = (await node.ExpectAsync("address"))[1];
        }

        foreach (var node in nodes)
        {
            await node.ExpectAsync("online");
        }

        return (nodes, watch.Elapsed);
    }

    /// <summary>One process of a group.</summary>
    public static NodeProcess Start(string key, bool isFast, string storage, string place, string? peer)
    {
        string[] arguments = [BenchNode.Verb, key, isFast ? "fast" : "default", storage, place];
        return Start(peer is null ? arguments : [.. arguments, peer]);
    }

    /// <summary>Starts this program once more, with other arguments.</summary>
    public static NodeProcess Start(params IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(NodeProcess).Assembly.Location);
        }

        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return new NodeProcess(
            Process.Start(start) ?? throw new InvalidOperationException("No process started.")
        );
    }

    /// <summary>Says a line and waits for the answer that begins with a word.</summary>
    public async Task<string[]> AskAsync(string line, string answer)
    {
        Tell(line);
        return await ExpectAsync(answer);
    }

    public void Tell(string line) => _process.StandardInput.WriteLine(line);

    /// <summary>The next line that begins with a word.</summary>
    public async Task<string[]> ExpectAsync(string word)
    {
        using var patience = new CancellationTokenSource(s_patience);
        while (true)
        {
            var line = await _lines.Reader.ReadAsync(patience.Token);
            var words = line.Split(' ');
            if (words[0] == word)
            {
                return words;
            }
        }
    }

    public static async Task<NodeProcess> LeaderOfAsync(IEnumerable<NodeProcess> nodes)
    {
        while (true)
        {
            foreach (var node in nodes)
            {
                if ((await node.AskAsync("role", "role"))[1] == "leader")
                {
                    return node;
                }
            }
        }
    }

    /// <summary>Keeps a process that has just started to the processors of a mask; its threads inherit it.</summary>
    public void RunOn(long processors)
    {
        if (OperatingSystem.IsLinux() || OperatingSystem.IsWindows())
        {
            _process.ProcessorAffinity = (nint)processors;
        }
    }

    /// <summary>SIGKILL.</summary>
    public void Kill() => _process.Kill();

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
