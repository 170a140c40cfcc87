using Mosaik.Hybrid.Core;

namespace Mosaik.Hybrid.Runtime;

/// <summary>Judges who can be asked to lead, as far as this member knows.</summary>
internal static class HandOverChoice
{
    /// <summary>Says what stands against a target; chooses one where none is named and this member does not lead.</summary>
    /// <param name="raft">What this member knows.</param>
    /// <param name="target">The peer that shall lead; null for anybody. A leader chooses by itself.</param>
    /// <returns>Null when the core can be told.</returns>
    public static LeadershipTransferFault? Judge(State raft, ref PeerId? target)
    {
        if (raft.Configurations.IsEmpty || raft.Leader.IsNone)
        {
            return LeadershipTransferFault.NoLeader;
        }

        var voters = raft.Configurations.Head.Item2.Voters;
        var isLeader = StateModule.isLeader(raft);
        if (target is { } named)
        {
            return !voters.Any(voter => voter.Peer == named) ? LeadershipTransferFault.NotAVoter
                : isLeader && named != raft.Self.Peer && !IsBonded(raft, named)
                    ? LeadershipTransferFault.NotReachable
                : null;
        }

        var heir = voters
            .Where(voter => !voter.Equals(raft.Leader.Value))
            .Where(voter => voter.Equals(raft.Self) || raft.Bonded.ContainsKey(voter))
            .OrderBy(voter => IsWilling(raft, voter) ? 0 : 1)
            .FirstOrDefault();
        if (heir is null)
        {
            return LeadershipTransferFault.NotReachable;
        }

        target = isLeader ? null : heir.Peer;
        return null;
    }

    private static bool IsBonded(State raft, PeerId peer) =>
        raft.Bonded.Any(bonded => bonded.Key.Peer == peer);

    private static bool IsWilling(State raft, MemberId voter) =>
        !raft.Bonded.TryGetValue(voter, out var facts) || facts.Preference == LeadershipPreference.Normal;
}
