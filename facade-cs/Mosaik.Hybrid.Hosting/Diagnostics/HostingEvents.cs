using Microsoft.Extensions.Logging;

namespace Mosaik.Hybrid.Hosting.Diagnostics;

/// <summary>What hosting tells the operator. Ids are stable; nothing secret is ever a parameter.</summary>
internal static partial class HostingEvents
{
    [LoggerMessage(3001, LogLevel.Information, "Node {Peer} of network {Network} listens at {Addresses}")]
    public static partial void Started(ILogger logger, string peer, string network, string addresses);

    [LoggerMessage(3002, LogLevel.Information, "Waiting until this node is online in group {Group}")]
    public static partial void Waiting(ILogger logger, string group);

    [LoggerMessage(3003, LogLevel.Information, "Left all groups and stopped")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(
        3004,
        LogLevel.Warning,
        "The host's time to stop is over before all groups were left; the rest ends with the process"
    )]
    public static partial void StopCutShort(ILogger logger);

    [LoggerMessage(3005, LogLevel.Error, "The node could not be stopped in good order")]
    public static partial void StopFailed(ILogger logger, Exception exception);

    [LoggerMessage(
        3010,
        LogLevel.Information,
        "Group {Group}: {Service} begins, fencing number {FencingNumber}"
    )]
    public static partial void LeaderServiceBegins(
        ILogger logger,
        string group,
        string service,
        long fencingNumber
    );

    [LoggerMessage(
        3011,
        LogLevel.Information,
        "Group {Group}: {Service} ended, fencing number {FencingNumber}"
    )]
    public static partial void LeaderServiceEnded(
        ILogger logger,
        string group,
        string service,
        long fencingNumber
    );

    [LoggerMessage(3012, LogLevel.Warning, "Group {Group}: {Service} failed after it was told to stop")]
    public static partial void LeaderServiceFailedLate(
        ILogger logger,
        string group,
        string service,
        Exception exception
    );

    [LoggerMessage(
        3013,
        LogLevel.Error,
        "Group {Group}: {Service} does not run any more: the group has ended here"
    )]
    public static partial void LeaderServiceWithoutGroup(
        ILogger logger,
        string group,
        string service,
        Exception exception
    );

    [LoggerMessage(3020, LogLevel.Information, "The ticket of {File} is attached")]
    public static partial void TicketAttached(ILogger logger, string file);

    [LoggerMessage(3021, LogLevel.Warning, "A ticket is not attached: {Fault}")]
    public static partial void TicketFileUnreadable(ILogger logger, string fault);

    [LoggerMessage(3030, LogLevel.Information, "The page for Prometheus is at http://{Address}/metrics")]
    public static partial void MetricsShown(ILogger logger, string address);

    [LoggerMessage(
        3022,
        LogLevel.Warning,
        "Others than the owner may read or change the key file of group {Group}"
    )]
    public static partial void KeyFileIsOpen(ILogger logger, string group);
}
