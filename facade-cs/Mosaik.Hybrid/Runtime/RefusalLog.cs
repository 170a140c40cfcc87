using Microsoft.Extensions.Logging;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Diagnostics;

namespace Mosaik.Hybrid.Runtime;

/// <summary>Counts why links were closed, and tells the operator once for each peer and reason.</summary>
/// <remarks>Any thread. Bounded: a flood of strangers costs a bounded amount of memory and log.</remarks>
internal sealed class RefusalLog(ILogger logger, string group)
{
    private const int RememberedMax = 1_024;

    private readonly Lock _lock = new();
    private readonly HashSet<(PeerId, CloseReason)> _told = [];
    private readonly Dictionary<CloseReason, long> _counts = [];

    /// <summary>How often each reason closed a link.</summary>
    public IReadOnlyDictionary<CloseReason, long> Counts
    {
        get
        {
            lock (_lock)
            {
                return new Dictionary<CloseReason, long>(_counts);
            }
        }
    }

    /// <summary>The same by name, for those who measure: what a peer makes up makes no new name.</summary>
    public IEnumerable<(string Reason, long Count)> Named =>
        Counts
            .GroupBy(static pair => NameOf(pair.Key))
            .Select(static group => (group.Key, group.Sum(static pair => pair.Value)));

    /// <summary>A reason's name; that of a number which the protocol does not know is <c>Unknown</c>.</summary>
    public static string NameOf(CloseReason reason) => Enum.IsDefined(reason) ? reason.ToString() : "Unknown";

    /// <summary>A link was closed.</summary>
    public void Note(PeerId peer, CloseReason reason, string evidence)
    {
        bool isNews;
        lock (_lock)
        {
            _counts[reason] = _counts.GetValueOrDefault(reason) + 1;
            isNews = _told.Count < RememberedMax && _told.Add((peer, reason));
        }

        if (isNews && reason is not (CloseReason.GracefulShutdown or CloseReason.AlreadyBonded))
        {
            GroupEvents.LinkRefused(logger, group, peer.Short, reason.ToString(), evidence);
        }
    }
}
