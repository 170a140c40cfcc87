namespace Mosaik.Hybrid.Tests.Support;

/// <summary>A machine that remembers every command; a query gives those from a place on.</summary>
/// <param name="onApply">Called before a command is noted, on the machine's loop; may throw or wait.</param>
/// <param name="signature">Members with another one never meet.</param>
internal class Journal(Action<string>? onApply = null, string signature = "journal/1")
    : IStateMachine<string, int, string[]>,
        IDisposable
{
    /// <summary>The query that makes the machine throw.</summary>
    public const int BadQuestion = -1;

    private readonly List<string> _commands = [];

    public string Signature => signature;

    public bool IsDisposed { get; private set; }

    public void Apply(string command, in ApplyContext context)
    {
        onApply?.Invoke(command);
        lock (_commands)
        {
            _commands.Add(command);
        }
    }

    public string[] Query(int query) =>
        query == BadQuestion ? throw new InvalidOperationException("a bad question") : Commands[query..];

    /// <summary>What has been applied; any thread.</summary>
    public string[] Commands
    {
        get
        {
            lock (_commands)
            {
                return [.. _commands];
            }
        }
    }

    public void Dispose() => IsDisposed = true;

    /// <summary>Has other commands from now on.</summary>
    protected void Become(IEnumerable<string> commands)
    {
        lock (_commands)
        {
            _commands.Clear();
            _commands.AddRange(commands);
        }
    }
}

/// <summary>Another type of machine with the same signature.</summary>
internal sealed class OtherJournal : IStateMachine<string, int, string[]>
{
    public string Signature => "journal/1";

    public void Apply(string command, in ApplyContext context) { }

    public string[] Query(int query) => [];
}
