using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Mosaik.Hybrid.Cli.Node;

/// <summary>
/// Turns the library's diagnostics into reports: roles, leaders, bonds, members, snapshots, stalled disks and warnings.
/// </summary>
/// <remarks>
/// The library logs from its own loops, which must not wait for a slow terminal or pipe: reports go through a queue.
/// When nobody reads for long, the oldest are lost.
/// </remarks>
internal sealed class NodeLogger : ILoggerFactory, ILogger, IAsyncDisposable
{
    private const int WaitingMax = 4_096;

    private const int LeaderChanged = 2002;
    private const int RoleChanged = 2003;
    private const int BondFormed = 2004;
    private const int BondEnded = 2005;
    private const int ConfigurationChanged = 2006;
    private const int DiskStalled = 2013;
    private const int DiskRecovered = 2014;
    private const int SnapshotTaken = 2015;
    private const int SnapshotInstalled = 2016;

    private readonly Channel<NodeReport> _reports = Channel.CreateBounded<NodeReport>(
        new BoundedChannelOptions(WaitingMax) { FullMode = BoundedChannelFullMode.DropOldest }
    );
    private readonly Task _writing;

    /// <summary>Begins to write to an output.</summary>
    public NodeLogger(NodeOutput output) => _writing = Task.Run(() => WriteAsync(output));

    /// <summary>Where the node stands, for people; set once the group is joined. Any thread.</summary>
    public Func<string> Position { get; set; } = static () => "";

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider) =>
        throw new NotSupportedException("The node's reports are the only destination.");

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => this;

    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    /// <inheritdoc/>
    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter
    )
    {
        var report = ToReport(logLevel, eventId.Id, state, () => formatter(state, exception));
        if (report is not null)
        {
            _reports.Writer.TryWrite(report);
        }
    }

    /// <summary>Writes what waits, then stops.</summary>
    public async ValueTask DisposeAsync()
    {
        _reports.Writer.TryComplete();
        await _writing;
    }

    void IDisposable.Dispose() => _reports.Writer.TryComplete();

    private NodeReport? ToReport<TState>(LogLevel level, int id, TState state, Func<string> message)
    {
        object? Field(string name) =>
            state is IReadOnlyList<KeyValuePair<string, object?>> fields
                ? fields.FirstOrDefault(field => field.Key == name).Value
                : null;

        string Short(string name) =>
            Field(name)?.ToString() is { Length: > 10 } id ? id[..10] : $"{Field(name)}";

        return id switch
        {
            LeaderChanged when Field("Leader") is "nobody" => new NodeReport(
                ReportKind.Notice,
                "leader",
                $"no leader known in term {Field("Term")}",
                ("leader", null),
                ("term", Field("Term"))
            ),
            LeaderChanged => new NodeReport(
                ReportKind.Notice,
                "leader",
                $"{Field("Leader")} leads in term {Field("Term")}{Position()}",
                ("leader", Field("Leader")),
                ("term", Field("Term"))
            ),
            RoleChanged => new NodeReport(
                ReportKind.Notice,
                "role",
                $"this node is {Field("Role")} in term {Field("Term")}{Position()}",
                ("role", Field("Role")),
                ("term", Field("Term"))
            ),
            BondFormed => new NodeReport(
                ReportKind.Notice,
                "bond",
                $"bonded with {Short("Peer")}",
                ("peer", Field("Peer")),
                ("formed", true)
            ),
            BondEnded => new NodeReport(
                ReportKind.Notice,
                "bond",
                $"lost {Short("Peer")}: {Field("Reason")}",
                ("peer", Field("Peer")),
                ("formed", false),
                ("reason", Field("Reason"))
            ),
            ConfigurationChanged => new NodeReport(
                ReportKind.Notice,
                "members",
                $"{Field("Configuration")}",
                ("members", Field("Configuration"))
            ),
            DiskStalled => new NodeReport(
                ReportKind.Warning,
                "disk",
                $"the disk has made no progress for {Field("Timeout")} ms: this node neither leads nor stands",
                ("stalled", true),
                ("timeout", Field("Timeout"))
            ),
            DiskRecovered => new NodeReport(
                ReportKind.Notice,
                "disk",
                "the disk makes progress again",
                ("stalled", false)
            ),
            SnapshotTaken => new NodeReport(
                ReportKind.Notice,
                "snapshot",
                $"saved the map at {Field("Position")}, {Field("Length")} bytes",
                ("position", Field("Position")?.ToString()),
                ("bytes", Field("Length")),
                ("installed", false)
            ),
            SnapshotInstalled => new NodeReport(
                ReportKind.Notice,
                "snapshot",
                $"begins with the map that another node saved at {Field("Position")}",
                ("position", Field("Position")?.ToString()),
                ("installed", true)
            ),
            _ when level >= LogLevel.Warning => new NodeReport(
                ReportKind.Warning,
                "warning",
                message(),
                ("message", message())
            ),
            _ => null,
        };
    }

    private async Task WriteAsync(NodeOutput output)
    {
        await foreach (var report in _reports.Reader.ReadAllAsync())
        {
            output.Write(report);
        }
    }
}
