using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Mosaik.Hybrid.Hosting.Diagnostics;
using Mosaik.Hybrid.Hosting.Runtime;
using Mosaik.Hybrid.Transport;

namespace Mosaik.Hybrid.Hosting.Metrics;

/// <summary>Answers <c>GET /metrics</c> where the settings say, and nothing else.</summary>
/// <remarks>
/// A web server is more than a node should need for one page. Whoever dials costs little: a few connections at a time, one
/// request each, of 8 KiB at most, within five seconds.
/// </remarks>
internal sealed class MetricsEndpoint(
    GroupCatalog catalog,
    IServiceProvider services,
    IOptions<MosaikOptions> options,
    ILoggerFactory loggers
) : IHostedService, IDisposable
{
    private const int ConnectionsMax = 16;
    private const int RequestBytesMax = 8 * 1024;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly ILogger _logger = loggers.CreateLogger<MetricsEndpoint>();
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _connections = new(ConnectionsMax);
    private TcpListener? _listener;
    private Task _accepting = Task.CompletedTask;

    /// <summary>Where it listens; null while it does not.</summary>
    public IPEndPoint? Address => _listener?.LocalEndpoint as IPEndPoint;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.Value.MetricsAddress is not { Length: > 0 } text)
        {
            if (catalog.HasPage)
            {
                // Made now, so that it counts from now on.
                services.GetRequiredService<PrometheusPage>();
            }

            return;
        }

        var page = services.GetRequiredService<PrometheusPage>();
        var address = PeerAddress.Parse(text);
        _listener = await ListenerAsync(address, cancellationToken).ConfigureAwait(false);
        _listener.Start();
        HostingEvents.MetricsShown(_logger, $"{Address}");
        _accepting = Task.Run(() => AcceptAsync(_listener, page), CancellationToken.None);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        _listener?.Stop();
        await _accepting.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    public void Dispose()
    {
        _stopping.Cancel();
        _listener?.Dispose();
    }

    private static async Task<TcpListener> ListenerAsync(
        PeerAddress address,
        CancellationToken cancellationToken
    )
    {
        if (address.Host == "*")
        {
            // Of both families, where there are two.
            return TcpListener.Create(address.Port);
        }

        var found = await Dns.GetHostAddressesAsync(address.Host, cancellationToken).ConfigureAwait(false);
        return found.Length > 0
            ? new TcpListener(found[0], address.Port)
            : throw new IOException($"Nothing is known by the name {address.Host}.");
    }

    private async Task AcceptAsync(TcpListener listener, PrometheusPage page)
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await _connections.WaitAsync(_stopping.Token).ConfigureAwait(false);
                var client = await listener.AcceptTcpClientAsync(_stopping.Token).ConfigureAwait(false);
                _ = Task.Run(() => ServeAsync(client, page), CancellationToken.None);
            }
            catch (Exception) when (_stopping.IsCancellationRequested)
            {
                // The listener says in several ways that it was stopped under its accept.
                return;
            }
            catch (SocketException)
            {
                // Whoever dialled is gone already; the next one may not be.
                _connections.Release();
            }
        }
    }

    private async Task ServeAsync(TcpClient client, PrometheusPage page)
    {
        using var patience = new CancellationTokenSource(
            s_patience,
            services.GetRequiredService<TimeProvider>()
        );
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, _stopping.Token);
        try
        {
            using (client)
            {
                var stream = client.GetStream();
                var request = await ReadAsync(stream, ending.Token).ConfigureAwait(false);
                await stream.WriteAsync(Answer(request, page), ending.Token).ConfigureAwait(false);
                client.Client.Shutdown(SocketShutdown.Send);
            }
        }
        catch (Exception exception)
            when (exception
                    is IOException
                        or SocketException
                        or OperationCanceledException
                        or ObjectDisposedException
            )
        {
            // A client that is too slow, or gone, gets no page; nobody else notices.
        }
        finally
        {
            _connections.Release();
        }
    }

    /// <summary>The first line of a request, once all of its head is there; null for what is none.</summary>
    private static async Task<string?> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        var bytes = new byte[RequestBytesMax];
        var count = 0;
        while (count < bytes.Length)
        {
            var read = await stream.ReadAsync(bytes.AsMemory(count), cancellationToken).ConfigureAwait(false);
            count += read;
            var head = Encoding.Latin1.GetString(bytes, 0, count);
            if (head.Contains("\r\n\r\n", StringComparison.Ordinal))
            {
                return head[..head.IndexOf("\r\n", StringComparison.Ordinal)];
            }

            if (read == 0)
            {
                return null;
            }
        }

        return null;
    }

    private static byte[] Answer(string? request, PrometheusPage page)
    {
        var parts = request?.Split(' ') ?? [];
        var (status, type, body) = parts switch
        {
            ["GET", var target, "HTTP/1.0" or "HTTP/1.1"] when target.Split('?')[0] == "/metrics" => (
                "200 OK",
                PrometheusPage.ContentType,
                page.Render()
            ),
            ["GET", _, "HTTP/1.0" or "HTTP/1.1"] => (
                "404 Not Found",
                "text/plain",
                "The page is /metrics.\n"
            ),
            [_, _, "HTTP/1.0" or "HTTP/1.1"] => (
                "405 Method Not Allowed",
                "text/plain",
                "Only GET is answered.\n"
            ),
            _ => ("400 Bad Request", "text/plain", "That is no request.\n"),
        };
        var content = Encoding.UTF8.GetBytes(body);
        var head =
            $"HTTP/1.1 {status}\r\nContent-Type: {type}\r\nContent-Length: {content.Length}\r\nConnection: close\r\n\r\n";
        return [.. Encoding.Latin1.GetBytes(head), .. content];
    }
}
