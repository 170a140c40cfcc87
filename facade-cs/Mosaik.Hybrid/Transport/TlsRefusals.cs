using System.Net;
using Microsoft.Extensions.Logging;

namespace Mosaik.Hybrid.Transport;

/// <summary>Counts refused connections and logs each pair of host and reason once.</summary>
internal sealed partial class TlsRefusals(ILogger logger)
{
    // A flood from many addresses must cost neither memory nor disk: beyond this, refusals are only counted.
    private const int LoggedMax = 1024;

    private readonly Lock _gate = new();
    private readonly HashSet<(IPAddress Host, string Reason)> _logged = [];
    private long _count;

    /// <summary>How many connections were refused.</summary>
    public long Count => Interlocked.Read(ref _count);

    /// <summary>Notes one refusal.</summary>
    /// <param name="host">Where the connection came from.</param>
    /// <param name="reason">One of a few fixed texts.</param>
    /// <param name="exception">What went wrong, for the log.</param>
    public void Add(IPAddress host, string reason, Exception? exception = null)
    {
        LogOnce(host, reason, exception);
        // Last, so that whoever sees the count finds the log complete.
        Interlocked.Increment(ref _count);
    }

    private void LogOnce(IPAddress host, string reason, Exception? exception)
    {
        bool isLast;
        lock (_gate)
        {
            if (_logged.Count == LoggedMax || !_logged.Add((host, reason)))
            {
                return;
            }

            isLast = _logged.Count == LoggedMax;
        }

        Refused(logger, host, reason, exception);
        if (isLast)
        {
            Silenced(logger, LoggedMax);
        }
    }

    [LoggerMessage(
        EventId = 310,
        Level = LogLevel.Warning,
        Message = "Refused a connection from {Host}: {Reason}. Further ones like it are counted, not logged."
    )]
    private static partial void Refused(ILogger logger, IPAddress host, string reason, Exception? exception);

    [LoggerMessage(
        EventId = 311,
        Level = LogLevel.Warning,
        Message = "{Count} kinds of refused connections were logged; from now on they are only counted."
    )]
    private static partial void Silenced(ILogger logger, int count);
}
