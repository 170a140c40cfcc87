using Microsoft.Extensions.Logging;
using Mosaik.Hybrid.Diagnostics;
using Mosaik.Hybrid.Transport;

namespace Mosaik.Hybrid.Runtime;

/// <summary>What the groups of one node share.</summary>
internal sealed record NodeServices(
    NetworkId Network,
    NodeIdentity Identity,
    ITransport Transport,
    PeerDiscovery Discovery,
    TimeProvider TimeProvider,
    ILoggerFactory Loggers,
    NetworkMeter Meter
);
