using System.Diagnostics;
using System.Threading.Channels;

namespace Mosaik.Hybrid.Churn;

/// <summary>A child process, from its start to its end.</summary>
internal sealed class ChurnProcess : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly Process _process;
    private readonly Task _errors;
    private readonly Channel<string[]> _answers = Channel.CreateUnbounded<string[]>();
    private readonly Task _reading;

    private ChurnProcess(Process process, int number, ChurnHistory history)
    {
        _process = process;
        _errors = process
            .StandardError.ReadToEndAsync()
            .ContinueWith(
                static read => Errors = read.Result.Length > 0 ? read.Result : Errors,
                TaskScheduler.Default
            );
        _reading = Task.Run(() => ReadAsync(number, history));
    }

    /// <summary>What a child last said on its standard error.</summary>
    public static string Errors { get; private set; } = "";

    /// <summary>Where it listens.</summary>
    public string Address { get; private set; } = "";

    /// <summary>Its peer id.</summary>
    public string Peer { get; private set; } = "";

    /// <summary>Starts a node, and waits until it listens.</summary>
    /// <param name="number">A new one for each start: the client of its operations.</param>
    /// <param name="history">Gets its operations.</param>
    /// <param name="arguments">After <see cref="ChurnNode.Verb"/>.</param>
    public static async Task<ChurnProcess> StartAsync(
        int number,
        ChurnHistory history,
        IEnumerable<string> arguments
    )
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList = { typeof(ChurnProcess).Assembly.Location, ChurnNode.Verb },
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        var process = new ChurnProcess(
            Process.Start(start) ?? throw new InvalidOperationException("No process started."),
            number,
            history
        );
        var address = await process.ExpectAsync("address");
        (process.Address, process.Peer) = (address[1], address[2]);
        return process;
    }

    /// <summary>Says a line, and waits for the answer that begins with a word.</summary>
    /// <exception cref="ChurnException">None came in time, or the process has ended.</exception>
    public async Task<string[]> AskAsync(string line, string answer)
    {
        await _process.StandardInput.WriteLineAsync(line);
        return await ExpectAsync(answer);
    }

    /// <summary>SIGKILL; completes when all that it had said is read.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        await _reading;
    }

    /// <summary>Leaves the group in good order, and ends.</summary>
    public async Task LeaveAsync()
    {
        await AskAsync("leave", "left");
        using var patience = new CancellationTokenSource(s_patience, TimeProvider.System);
        await _process.WaitForExitAsync(patience.Token);
        await _reading;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        await _errors;
        _process.Dispose();
    }

    private async Task<string[]> ExpectAsync(string word)
    {
        using var patience = new CancellationTokenSource(s_patience, TimeProvider.System);
        try
        {
            while (true)
            {
                var words = await _answers.Reader.ReadAsync(patience.Token);
                if (words[0] == word)
                {
                    return words;
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or ChannelClosedException)
        {
            throw new ChurnException($"No '{word}' came from a process. {Errors}");
        }
    }

    private async Task ReadAsync(int number, ChurnHistory history)
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (!history.Note(number, line))
            {
                _answers.Writer.TryWrite(line.Split(' '));
            }
        }

        _answers.Writer.TryComplete();
    }
}

/// <summary>The run has failed; the message says how.</summary>
internal sealed class ChurnException(string message) : Exception(message);
