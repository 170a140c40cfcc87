using Microsoft.Extensions.Logging;

namespace Mosaik.Hybrid.Tests.Support;

/// <summary>Keeps the last diagnostics of one node, for the message of a test that fails.</summary>
internal sealed class RecentLog : ILoggerFactory, ILogger
{
    private const int LinesMax = 60;

    private readonly Queue<string> _lines = new();

    public void AddProvider(ILoggerProvider provider) { }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter
    )
    {
        var now = TimeProvider.System.GetUtcNow();
        var line = FormattableString.Invariant(
            $"{now:ss.fff} {logLevel} {formatter(state, exception)} {exception}"
        );
        lock (_lines)
        {
            _lines.Enqueue(line);
            if (_lines.Count > LinesMax)
            {
                _lines.Dequeue();
            }
        }
    }

    public void Dispose() { }

    public override string ToString()
    {
        lock (_lines)
        {
            return string.Join("\n    ", _lines);
        }
    }
}
