namespace Mosaik.Hybrid;

/// <summary>Why leadership did not go where it should.</summary>
public enum LeadershipTransferFault
{
    /// <summary>Nothing that is known stands against it, and it did not happen within two election timeouts.</summary>
    TimedOut = 0,

    /// <summary>The peer is no voter of the group, as this node's log says.</summary>
    NotAVoter = 1,

    /// <summary>The leader has no bond to the peer, or nobody who could lead is within reach.</summary>
    NotReachable = 2,

    /// <summary>The group has no leader who could hand over.</summary>
    NoLeader = 3,
}

/// <summary>Leadership was not handed over. Nothing is lost: whoever led goes on, or the group elects.</summary>
public sealed class LeadershipTransferException : GroupException
{
    private LeadershipTransferException(LeadershipTransferFault fault, PeerId? target, string message)
        : base(message) => (Fault, Target) = (fault, target);

    /// <summary>Why.</summary>
    public LeadershipTransferFault Fault { get; }

    /// <summary>Who should have led; null when anybody would have done.</summary>
    public PeerId? Target { get; }

    internal static LeadershipTransferException For(
        LeadershipTransferFault fault,
        PeerId? target,
        TimeSpan limit
    )
    {
        var who = target is { } peer ? peer.Short : "another member";
        var message = fault switch
        {
            LeadershipTransferFault.NotAVoter =>
                $"{who} is no voter of the group, so it can't lead. Choose one of group.Members.Voters.",
            LeadershipTransferFault.NotReachable =>
                $"{who} can't be reached, so it can't lead. See group.Status for who can, and choose one of them.",
            LeadershipTransferFault.NoLeader =>
                "The group has no leader who could hand over. Await group.When.LeaderElected(), then ask again if need be.",
            _ => FormattableString.Invariant(
                $"{who} did not lead within {limit.TotalMilliseconds} ms, and the transfer was given up. "
            ) + "See group.Status: it may lag, or be about to leave. Ask again, or choose another.",
        };
        return new LeadershipTransferException(fault, target, message);
    }
}
