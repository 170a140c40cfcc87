using System.Text;
using Microsoft.Extensions.Logging;
using Mosaik.Hybrid.Hosting.Diagnostics;
using Mosaik.Hybrid.Hosting.Options;
using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid.Hosting.Runtime;

/// <summary>This node's tickets in files: attached at the start, and again whenever a file changes.</summary>
internal sealed class TicketFiles : IAsyncDisposable
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    private readonly Network _network;
    private readonly ILogger _logger;
    private readonly Dictionary<string, Ticket?> _attached;
    private readonly HashSet<string> _unreadable = [];
    private readonly ITimer? _timer;
    private int _isLooking;

    public TicketFiles(IEnumerable<string> files, Network network, TimeProvider timeProvider, ILogger logger)
    {
        _network = network;
        _logger = logger;
        _attached = files.Distinct().ToDictionary(static file => file, static _ => (Ticket?)null);
        Look();
        _timer =
            _attached.Count == 0
                ? null
                : timeProvider.CreateTimer(
                    static files => ((TicketFiles)files!).Look(),
                    this,
                    s_interval,
                    s_interval
                );
    }

    /// <summary>The ticket of a file; else null, and a sentence why not.</summary>
    public static Ticket? TryRead(string path, out string fault)
    {
        if (SmallFile.TryRead(path, Ticket.DataLengthMax, out fault) is not { } text)
        {
            return null;
        }

        if (text.Trim() is { Length: > 0 } token)
        {
            return new Ticket(Jwt.TicketClass, Encoding.UTF8.GetBytes(token));
        }

        fault = $"the file '{path}' is empty.";
        return null;
    }

    /// <summary>No look begins after this, and the one that runs has ended.</summary>
    public ValueTask DisposeAsync() => _timer?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>Reads all files; one that is being written or gone leaves the ticket that is attached.</summary>
    private void Look()
    {
        // A look that takes longer than the interval is not overtaken by the next.
        if (Interlocked.Exchange(ref _isLooking, 1) != 0)
        {
            return;
        }

        try
        {
            foreach (var file in _attached.Keys.ToArray())
            {
                Attach(file);
            }
        }
        catch (ObjectDisposedException)
        {
            // The network ended meanwhile; there is nothing to attach to.
            _timer?.Dispose();
        }
        finally
        {
            Volatile.Write(ref _isLooking, 0);
        }
    }

    private void Attach(string file)
    {
        if (TryRead(file, out var fault) is not { } ticket)
        {
            if (_unreadable.Add(file))
            {
                HostingEvents.TicketFileUnreadable(_logger, fault);
            }

            return;
        }

        _unreadable.Remove(file);
        if (ticket.Equals(_attached[file]))
        {
            return;
        }

        try
        {
            _network.Discovery.AddTicket(ticket);
            if (
                _attached[file] is { } former
                && !_attached.Any(other => other.Key != file && former.Equals(other.Value))
            )
            {
                _network.Discovery.RemoveTicket(former);
            }

            _attached[file] = ticket;
            HostingEvents.TicketAttached(_logger, file);
        }
        catch (ArgumentException exception)
        {
            if (_unreadable.Add(file))
            {
                HostingEvents.TicketFileUnreadable(_logger, exception.Message);
            }
        }
    }
}
