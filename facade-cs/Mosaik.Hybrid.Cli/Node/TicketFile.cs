using Mosaik.Hybrid.Cli.Tickets;
using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid.Cli.Node;

/// <summary>A node's ticket in a file: attached at the start, and again whenever the file changes.</summary>
internal sealed class TicketFile : IAsyncDisposable
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    private readonly string _path;
    private readonly Network _network;
    private readonly NodeOutput _output;
    private readonly ITimer _timer;
    private DateTime _seen;

    private TicketFile(string path, Network network, NodeOutput output)
    {
        _path = path;
        _network = network;
        _output = output;
        _seen = File.GetLastWriteTimeUtc(path);
        network.Discovery.ReplaceTicket(TicketKeyFile.ReadTicket(path));
        _timer = TimeProvider.System.CreateTimer(
            static file => ((TicketFile)file!).Look(),
            this,
            s_interval,
            s_interval
        );
    }

    /// <summary>Attaches the ticket of a file; null when there is none to attach.</summary>
    /// <exception cref="ToolException">There is no such file.</exception>
    public static TicketFile? Attach(string? path, Network network, NodeOutput output) =>
        path is null ? null : new TicketFile(path, network, output);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _timer.DisposeAsync();

    private void Look()
    {
        try
        {
            var changed = File.GetLastWriteTimeUtc(_path);
            if (changed != _seen)
            {
                _network.Discovery.ReplaceTicket(TicketKeyFile.ReadTicket(_path));
                _seen = changed;
            }
        }
        catch (Exception exception)
            when (exception
                    is ToolException
                        or IOException
                        or UnauthorizedAccessException
                        or ArgumentException
            )
        {
            // In the middle of being written, or gone: the ticket that is attached stays, and the next look may do.
            _output.Write(Reports.Warning($"the ticket file '{_path}' can't be read: {exception.Message}"));
        }
        catch (ObjectDisposedException)
        {
            // The network ended meanwhile; there is nothing to attach to.
            _timer.Dispose();
        }
    }
}
