namespace Mosaik.Hybrid.Hosting.Runtime;

/// <summary>What hosting asks of a group whose types it does not know.</summary>
/// <param name="Self">This node.</param>
/// <param name="Leader">The leader as far as this node knows.</param>
/// <param name="IsOnline">Whether this node leads, or follows without a gap.</param>
/// <param name="Members">Who belongs to the group.</param>
/// <param name="Bonds">This node's live bonds.</param>
/// <param name="Ended">Fails when the group ends on this node; never completes otherwise.</param>
internal sealed record GroupFacts(
    PeerId Self,
    Func<PeerId?> Leader,
    Func<bool> IsOnline,
    Func<GroupMembers> Members,
    Func<IReadOnlyList<Bond>> Bonds,
    Task Ended
);
