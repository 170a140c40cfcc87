using Microsoft.Extensions.Logging;

namespace Mosaik.Hybrid.Discovery;

/// <summary>What discovery tells the diagnostics log. Ids 300 to 319.</summary>
internal static partial class DiscoveryEvents
{
    [LoggerMessage(300, LogLevel.Information, "Discovered peer {Peer}")]
    public static partial void Discovered(ILogger logger, PeerEntry peer);

    [LoggerMessage(301, LogLevel.Information, "Peer {Peer} departed")]
    public static partial void Departed(ILogger logger, PeerEntry peer);

    [LoggerMessage(302, LogLevel.Debug, "Dialling {Address} for discovery failed: {Reason}")]
    public static partial void DialFailed(ILogger logger, string address, string reason);

    [LoggerMessage(
        303,
        LogLevel.Warning,
        "Closed the discovery link with peer {Peer} at {Address}: {Reason}. Said once"
    )]
    public static partial void Violation(ILogger logger, string peer, string address, string reason);

    [LoggerMessage(304, LogLevel.Warning, "Peer {Peer} reads too slowly; its discovery link is aborted")]
    public static partial void TooSlow(ILogger logger, string peer);

    [LoggerMessage(
        305,
        LogLevel.Warning,
        "The entry of peer {Peer} is {Milliseconds} ms off this node's clock and is ignored. Compare both clocks. Said once"
    )]
    public static partial void Untimely(ILogger logger, string peer, long milliseconds);

    [LoggerMessage(306, LogLevel.Debug, "The discovery link with peer {Peer} broke: {Reason}")]
    public static partial void LinkBroke(ILogger logger, string peer, string reason);

    [LoggerMessage(307, LogLevel.Error, "A handler of entry changes failed")]
    public static partial void HandlerFailed(ILogger logger, Exception exception);

    [LoggerMessage(308, LogLevel.Critical, "Discovery has stopped: a step failed")]
    public static partial void Stopped(ILogger logger, Exception exception);
}
