using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Diagnostics;
using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Runtime;

// What is measured of the group: figures that are read from other threads, and events that are counted.
internal sealed partial class GroupLoop : IGroupReadings
{
    private readonly StageClock _stages;
    private long _messagesReceived;
    private ulong _commitIndex;
    private Term _stoodIn = Term.Zero;

    /// <summary>What is measured of this group.</summary>
    public GroupMeter Meter { get; }

    GroupSnapshot IGroupReadings.Current => Status.Current;

    long IGroupReadings.CommitIndex => (long)Volatile.Read(ref _commitIndex);

    long IGroupReadings.CommandsPending => _window.Count;

    bool IGroupReadings.IsDiskStalled => _isDiskStalled;

    StorageHealth IGroupReadings.StorageHealth => _options.Storage.Health;

    int IGroupReadings.BondCount => _bondList.Count;

    int IGroupReadings.LineageConflicts => _conflict.Count;

    long IGroupReadings.MessagesSent => _links.Sent;

    long IGroupReadings.MessagesReceived => Volatile.Read(ref _messagesReceived);

    IEnumerable<(string Reason, long Count)> IGroupReadings.LinksClosed => Refusals.Named;

    /// <summary>Counts what a transition says of elections.</summary>
    /// <remarks>Pre-votes are none: they change nothing. Where nobody else votes, a term is won in the step that stands for it.</remarks>
    private void CountElections()
    {
        if (_ready.IsLeaderChanged && _state.Raft.Leader.IsSome)
        {
            Meter.LeaderChanged();
        }

        var term = _state.Raft.CurrentTerm;
        if (
            _ready.IsRoleChanged
            && term > _stoodIn
            && _state.Raft.Role is { IsFollower: false, IsPreCandidate: false }
        )
        {
            _stoodIn = term;
            Meter.Stood();
        }
    }
}
