using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;

namespace Mosaik.Hybrid.Cli.Demo;

/// <summary>A node in a process of its own, driven over its standard input and JSON lines.</summary>
/// <remarks>The process never outlives this object: disposing kills it, by its id, if it still runs.</remarks>
internal sealed class NodeProcess : IAsyncDisposable
{
    private const int ComplaintsMax = 10;

    private readonly Process _process;
    private readonly Action<NodeProcess, JsonElement> _onEvent;
    private readonly ConcurrentDictionary<long, TaskCompletionSource<JsonElement>> _answers = new();
    private readonly TaskCompletionSource<JsonElement> _ready = NewSource();
    private readonly ConcurrentQueue<string> _complaints = new();
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly Task _reading;
    private long _lines;
    private volatile bool _isExpectedToEnd;

    /// <summary>Starts a process.</summary>
    /// <param name="name">How the demo calls it.</param>
    /// <param name="start">The program and its arguments.</param>
    /// <param name="onEvent">Told every event, in order, on the reading task; must be quick.</param>
    public NodeProcess(string name, ProcessStartInfo start, Action<NodeProcess, JsonElement> onEvent)
    {
        Name = name;
        _onEvent = onEvent;
        _process = Process.Start(start) ?? throw new ToolException($"{name} did not start.");
        _reading = Task.WhenAll(Task.Run(ReadEventsAsync), Task.Run(ReadComplaintsAsync));
    }

    /// <summary>How the demo calls it.</summary>
    public string Name { get; }

    /// <summary>The process id.</summary>
    public int ProcessId => _process.Id;

    /// <summary>The node's peer id, once it is ready.</summary>
    public string Peer { get; private set; } = "";

    /// <summary>Where it listens, once it is ready.</summary>
    public string Address { get; private set; } = "";

    /// <summary>Fails when the process ends before it was told to.</summary>
    public Task<JsonElement> Ready => _ready.Task;

    /// <summary>Sends a line whose result is only seen by the event handler.</summary>
    /// <returns>The line's number.</returns>
    public async Task<long> SendAsync(string line, CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            return await WriteAsync(line, cancellationToken);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Sends a line and waits for its result.</summary>
    /// <exception cref="ToolException">The node refused it, or ended.</exception>
    public async Task<JsonElement> AskAsync(string line, CancellationToken cancellationToken)
    {
        var answer = NewSource();
        await _writing.WaitAsync(cancellationToken);
        try
        {
            _answers[_lines + 1] = answer;
            await WriteAsync(line, cancellationToken);
        }
        finally
        {
            _writing.Release();
        }

        if (_reading.IsCompleted)
        {
            answer.TrySetException(Ended());
        }

        return await answer.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Kills the process with SIGKILL: it gets no chance to say goodbye.</summary>
    public void Kill()
    {
        _isExpectedToEnd = true;
        _process.Kill();
    }

    /// <summary>Asks the process to end, and waits until it has.</summary>
    public async Task QuitAsync(CancellationToken cancellationToken)
    {
        _isExpectedToEnd = true;
        await SendAsync("quit", cancellationToken);
        _process.StandardInput.Close();
        await _process.WaitForExitAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _isExpectedToEnd = true;
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync();
        await _reading;
        _process.Dispose();
    }

    private async Task<long> WriteAsync(string line, CancellationToken cancellationToken)
    {
        try
        {
            await _process.StandardInput.WriteAsync($"{line}\n".AsMemory(), cancellationToken);
            return ++_lines;
        }
        catch (IOException)
        {
            // A broken pipe: say who has ended, and why, rather than that.
            throw Ended();
        }
    }

    private async Task ReadEventsAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            try
            {
                using var document = JsonDocument.Parse(line);
                Take(document.RootElement.Clone());
            }
            catch (JsonException)
            {
                _complaints.Enqueue(line);
            }
        }

        var ended = Ended();
        _ready.TrySetException(ended);
        foreach (var answer in _answers.Values)
        {
            answer.TrySetException(ended);
        }

        if (!_isExpectedToEnd)
        {
            _onEvent(
                this,
                JsonSerializer.SerializeToElement(new { @event = "lost", message = ended.Message })
            );
        }
    }

    private void Take(JsonElement record)
    {
        var kind = record.GetProperty("event").GetString();
        if (kind == "ready")
        {
            Peer = record.GetProperty("peer").GetString()!;
            Address = record.GetProperty("addresses")[0].GetString()!;
            _ready.TrySetResult(record);
        }

        if (
            kind is "result" or "error"
            && _answers.TryRemove(record.GetProperty("line").GetInt64(), out var answer)
        )
        {
            _ =
                kind == "result"
                    ? answer.TrySetResult(record)
                    : answer.TrySetException(
                        new ToolException($"{Name} failed: {record.GetProperty("message").GetString()}")
                    );
        }

        _onEvent(this, record);
    }

    private async Task ReadComplaintsAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            _complaints.Enqueue(line);
            while (_complaints.Count > ComplaintsMax)
            {
                _complaints.TryDequeue(out _);
            }
        }
    }

    private ToolException Ended() =>
        new(
            _complaints.IsEmpty
                ? $"{Name} (process {_process.Id}) has ended unexpectedly. Run with --verbose to see what it said."
                : $"{Name} (process {_process.Id}) has ended unexpectedly. It said:\n{string.Join('\n', _complaints)}"
        );

    private static TaskCompletionSource<JsonElement> NewSource() =>
        new(TaskCreationOptions.RunContinuationsAsynchronously);
}
