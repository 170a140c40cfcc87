using Mosaik.Hybrid.Core;

namespace Mosaik.Hybrid.Runtime;

/// <summary>Says in one sentence why a group is able to make progress, or why not. Pure.</summary>
internal static class ProgressSentence
{
    /// <summary>How a committee stands: what counts is the worse of two while it changes.</summary>
    private readonly record struct Committee(int Voters, int Reached)
    {
        public int Quorum => Core.Quorum.majority(Voters);

        public int Spare => Reached - Quorum;
    }

    /// <summary>The verdict and the sentence.</summary>
    /// <param name="raft">What the member knows.</param>
    /// <param name="members">How the members are; empty without a configuration.</param>
    /// <param name="isComplete">True when the leader has said how they are.</param>
    public static (bool CanProgress, string Sentence) Of(
        State raft,
        IReadOnlyList<MemberStatus> members,
        bool isComplete
    )
    {
        if (raft.Configurations.IsEmpty)
        {
            return (
                false,
                raft.Leader.IsSome
                    ? "joining: a leader is known, and the first entries are on their way"
                    : FormattableString.Invariant(
                        $"no group yet: bonded to {raft.Bonded.Count} peers, and waiting to be taken in or to found one"
                    )
            );
        }

        var committee = Worse(raft.Configurations.Head.Item2, members);
        var place = Reached(committee, isComplete);
        if (raft.Leader.IsNone)
        {
            return committee.Spare >= 0
                ? (false, $"no leader yet: {place}, quorum {committee.Quorum}, so one can be elected")
                : (false, $"no leader: {place}, {committee.Quorum} needed");
        }

        if (isComplete && committee.Spare < 0)
        {
            return (false, $"no quorum: {place}, {committee.Quorum} needed; nothing is committed until then");
        }

        return committee.Spare >= 0
            ? (true, $"{place}, quorum {committee.Quorum}: {Losses(committee)}")
            : (true, $"a leader is there, and answers for the quorum of {committee.Quorum}; {place}");
    }

    private static string Reached(Committee committee, bool isComplete) =>
        FormattableString.Invariant($"{committee.Reached} of {committee.Voters} voters reachable")
        + (isComplete ? "" : " from this node");

    private static string Losses(Committee committee) =>
        committee switch
        {
            { Voters: 1 } => "the only voter, whose loss stops the group",
            { Spare: 0 } => "one more loss stops the group",
            { Spare: 1 } => "one loss can be borne",
            _ => FormattableString.Invariant($"{committee.Spare} losses can be borne"),
        };

    private static Committee Worse(Configuration configuration, IReadOnlyList<MemberStatus> members)
    {
        var reachable = members
            .Where(static member => member.IsReachable)
            .Select(static member => member.Member)
            .ToHashSet();
        var current = Of(configuration.Voters, reachable);
        if (configuration.Outgoing.IsEmpty)
        {
            return current;
        }

        var outgoing = Of(configuration.Outgoing, reachable);
        return outgoing.Spare < current.Spare ? outgoing : current;
    }

    private static Committee Of(IEnumerable<MemberId> voters, HashSet<MemberId> reachable)
    {
        MemberId[] all = [.. voters];
        return new Committee(all.Length, all.Count(reachable.Contains));
    }
}
