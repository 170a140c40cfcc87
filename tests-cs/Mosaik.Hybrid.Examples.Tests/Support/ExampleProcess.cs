using System.Diagnostics;
using System.Text.RegularExpressions;
using Mosaik.Hybrid.Api.Tests;
using Mosaik.Hybrid.Tests.Support;

namespace Mosaik.Hybrid.Examples.Tests.Support;

/// <summary>One process of an example, by what it prints.</summary>
internal sealed class ExampleProcess : IAsyncDisposable
{
    /// <summary>A script is compiled first, which a busy machine takes its time for.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly List<string> _lines = [];
    private readonly Lock _gate = new();

    private ExampleProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, told) => Add(told.Data);
        process.ErrorDataReceived += (_, told) => Add(told.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Everything printed so far.</summary>
    public string Output
    {
        get
        {
            lock (_gate)
            {
                return string.Join('\n', _lines);
            }
        }
    }

    /// <summary>Starts an example that was built in the configuration of these tests.</summary>
    public static ExampleProcess StartExample(string example, params IEnumerable<string> arguments)
    {
        var built = new DirectoryInfo(AppContext.BaseDirectory);
        var program = Repository.PathOf(
            "examples",
            example,
            "bin",
            built.Parent!.Name,
            built.Name,
            example + ".dll"
        );
        return Start(
            "dotnet",
            [program, "--contentRoot", Repository.PathOf("examples", example), .. arguments]
        );
    }

    /// <summary>Starts a program.</summary>
    public static ExampleProcess Start(
        string program,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string>? environment = null
    )
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        return new ExampleProcess(Process.Start(start)!);
    }

    /// <summary>What the first group of a pattern is, as soon as it is printed.</summary>
    public async Task<string> SaysAsync(Regex pattern)
    {
        var found = Match.Empty;
        await UntilAsync(() => (found = pattern.Match(Output)).Success, $"it prints {pattern}");
        return found.Groups[1].Value;
    }

    /// <summary>Waits for something, as long as the process runs.</summary>
    public async Task UntilAsync(Func<bool> condition, string what)
    {
        try
        {
            await Waiting.Until(() => _process.HasExited || condition(), what);
        }
        catch (TimeoutException timeout)
        {
            throw new TimeoutException($"{timeout.Message}\n{Output}", timeout);
        }

        if (!condition())
        {
            throw new InvalidOperationException($"The process ended with {_process.ExitCode}.\n{Output}");
        }
    }

    /// <summary>Dies at once, as by a power loss.</summary>
    public async Task KillAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync().Soon("the process is dead");
    }

    /// <summary>Stops being run, or goes on.</summary>
    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{_process.Id}"]);
        await kill.WaitForExitAsync().Soon("the signal is sent");
    }

    /// <summary>Is told to stop, as by an operator.</summary>
    public async Task<int> StopAsync()
    {
        await SignalAsync("TERM");
        return await EndAsync();
    }

    /// <summary>Ends by itself; fails with all that it printed when it does not.</summary>
    public async Task<int> EndAsync()
    {
        try
        {
            await _process.WaitForExitAsync().WaitAsync(s_patience);
        }
        catch (TimeoutException timeout)
        {
            throw new TimeoutException($"The process did not end.\n{Output}", timeout);
        }

        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
    }

    private void Add(string? line)
    {
        if (line is not null)
        {
            lock (_gate)
            {
                _lines.Add(line);
            }
        }
    }
}
