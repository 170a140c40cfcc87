using Mosaik.Hybrid.Core;

namespace Mosaik.Hybrid.Runtime;

/// <summary>Puts what the core knows into types for people. Pure.</summary>
internal static class StatusReader
{
    /// <summary>A group whose store is not open yet, or that is between two lives.</summary>
    public static GroupStatus NotStarted(GroupSnapshot current) =>
        new()
        {
            Term = current.Term,
            Applied = current.Committed,
            Conflict = current.Conflict,
            Explanation = "starting: the store is not open yet",
        };

    /// <summary>What one member knows, with the leader's report if there is one.</summary>
    /// <param name="config">The parameters.</param>
    /// <param name="raft">What the member knows.</param>
    /// <param name="current">What it has published.</param>
    /// <param name="reply">What the leader says of the members; null when nobody has said it.</param>
    public static GroupStatus Read(NodeConfig config, State raft, GroupSnapshot current, SurveyReply? reply)
    {
        var members = raft.Configurations.IsEmpty
            ? []
            : MembersOf(config, raft, raft.Configurations.Head.Item2, reply);
        var (canProgress, explanation) = ProgressSentence.Of(raft, members, reply is not null);
        return new GroupStatus
        {
            Self = raft.Self,
            Lineage = raft.Lineage,
            Term = raft.CurrentTerm,
            Role = (GroupRole)StateModule.roleKind(raft),
            Leader = raft.Leader.IsSome ? raft.Leader.Value : null,
            IsOnline = raft.Online,
            Configuration = raft.Configurations.IsEmpty
                ? GroupMembers.None
                : GroupMembers.Of(raft.Configurations.Head.Item2),
            Committed = raft.CommitIndex,
            Applied = current.Committed,
            Last = raft.Outline.Last,
            Members = members,
            IsComplete = reply is not null,
            Conflict = current.Conflict,
            CanProgress = canProgress,
            Explanation = explanation,
        };
    }

    private static IReadOnlyList<MemberStatus> MembersOf(
        NodeConfig config,
        State raft,
        Configuration configuration,
        SurveyReply? reply
    )
    {
        var reports = new Dictionary<MemberId, MemberReport>();
        foreach (var report in reply?.Members ?? [])
        {
            reports[report.Member] = report;
        }

        var members = configuration
            .Voters.Select(static id => (id, MemberRole.Voter))
            .Concat(
                configuration
                    .Outgoing.Where(id => !configuration.Voters.Contains(id))
                    .Select(static id => (id, MemberRole.Outgoing))
            )
            .Concat(configuration.Learners.Select(static id => (id, MemberRole.Learner)))
            .Concat(configuration.Observers.Select(static id => (id, MemberRole.Observer)));
        return
        [
            .. members.Select(member =>
                reply is not null && reports.TryGetValue(member.id, out var report)
                    ? Reported(config, raft, member.id, member.Item2, report, reply)
                    : Seen(config, raft, member.id, member.Item2)
            ),
        ];
    }

    private static MemberStatus Reported(
        NodeConfig config,
        State raft,
        MemberId id,
        MemberRole role,
        MemberReport report,
        SurveyReply reply
    ) =>
        new(id)
        {
            Role = role,
            IsSelf = id.Equals(raft.Self),
            IsLeader = IsLeader(raft, id),
            IsReachable = report.IsBonded && report.Silence < config.Consensus.ElectionTimeout,
            Match = report.Match,
            Lag = reply.Last.Value > report.Match.Value ? reply.Last.Value - report.Match.Value : 0,
            Silence = TimeSpan.FromMilliseconds(report.Silence),
            IsCaughtUp = report.IsCaughtUp,
            IsLeaving = report.IsLeaving,
            Preference = report.IsBonded ? report.Preference : null,
        };

    /// <summary>Only what this node sees: whom it has bonds to.</summary>
    private static MemberStatus Seen(NodeConfig config, State raft, MemberId id, MemberRole role)
    {
        var isSelf = id.Equals(raft.Self);
        var isBonded = raft.Bonded.TryGetValue(id, out var facts);
        return new MemberStatus(id)
        {
            Role = role,
            IsSelf = isSelf,
            IsLeader = IsLeader(raft, id),
            IsReachable = isSelf || isBonded,
            IsLeaving = isSelf ? raft.Departure.IsSome : raft.Leavers.ContainsKey(id),
            Preference =
                isSelf ? config.Preference.Preference
                : isBonded ? facts.Preference
                : null,
        };
    }

    private static bool IsLeader(State raft, MemberId id) =>
        raft.Leader.IsSome && raft.Leader.Value.Equals(id);
}
