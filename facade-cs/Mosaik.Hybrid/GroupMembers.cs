using Mosaik.Hybrid.Core;

namespace Mosaik.Hybrid;

/// <summary>Who belongs to the group, as the newest configuration in this node's log says.</summary>
/// <remarks>Immutable. A majority of the voters decides; a peer that lost its log is listed once for each life.</remarks>
public sealed class GroupMembers
{
    private GroupMembers(
        IReadOnlyList<MemberId> voters,
        IReadOnlyList<MemberId> outgoing,
        IReadOnlyList<MemberId> learners,
        IReadOnlyList<MemberId> observers
    )
    {
        Voters = voters;
        Outgoing = outgoing;
        Learners = learners;
        Observers = observers;
    }

    internal static GroupMembers None { get; } = new([], [], [], []);

    /// <summary>The committee, sorted.</summary>
    public IReadOnlyList<MemberId> Voters { get; }

    /// <summary>
    /// The committee that is being left, sorted; empty but for the moments in which the committee changes. Meanwhile a
    /// decision needs a majority of both.
    /// </summary>
    public IReadOnlyList<MemberId> Outgoing { get; }

    /// <summary>Members that replicate and apply but do not vote yet, sorted.</summary>
    public IReadOnlyList<MemberId> Learners { get; }

    /// <summary>Members that never vote, sorted.</summary>
    public IReadOnlyList<MemberId> Observers { get; }

    /// <summary>Voters of either committee, learners and observers, in this order; each once.</summary>
    public IEnumerable<MemberId> All => Voters.Concat(Outgoing).Distinct().Concat(Learners).Concat(Observers);

    internal static GroupMembers Of(Configuration configuration) =>
        new(
            [.. configuration.Voters],
            [.. configuration.Outgoing],
            [.. configuration.Learners],
            [.. configuration.Observers]
        );

    /// <inheritdoc/>
    public override string ToString() =>
        $"voters [{string.Join(", ", Voters)}] "
        + (Outgoing.Count > 0 ? $"outgoing [{string.Join(", ", Outgoing)}] " : "")
        + $"learners [{string.Join(", ", Learners)}] observers [{string.Join(", ", Observers)}]";
}
