using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Diagnostics;

namespace Mosaik.Hybrid.Runtime;

/// <summary>Measures how long commands spend in each stage, one mark for each run of appended entries.</summary>
/// <remarks>
/// Used by the group loop only. While nobody listens it keeps nothing and reads no clock. Marks are bounded: of a machine
/// that is thousands of batches behind only the newest are measured.
/// </remarks>
internal sealed class StageClock(GroupMeter meter, TimeProvider timeProvider)
{
    private const int MarksMax = 4_096;

    private readonly MarkQueue _replicating = new();
    private readonly MarkQueue _committing = new();
    private readonly MarkQueue _applying = new();
    private readonly List<LogIndex> _matches = [];

    /// <summary>True while somebody listens.</summary>
    public bool IsOn => meter.AreStagesObserved;

    /// <summary>The loop takes a call's commands.</summary>
    public void OnTaken(SubmitRequest request)
    {
        if (request.Mark != 0)
        {
            request.Mark = Pass(Stage.Queue, request.Mark);
        }
    }

    /// <summary>The leader has given a call's commands their places; the first time counts.</summary>
    public void OnPlaced(SubmitRequest request)
    {
        if (request.Mark != 0)
        {
            Pass(Stage.Append, request.Mark);
            request.Mark = 0;
        }
    }

    /// <summary>A transition was carried out: what it appended begins, what it committed has arrived.</summary>
    public void OnStepped(ReadyBatch ready, State raft, GroupMembers members)
    {
        if (!IsOn)
        {
            Forget();
            return;
        }

        var now = timeProvider.GetTimestamp();
        if (ready.InstallThrough != LogPosition.Zero || ready.IsReset)
        {
            Forget();
        }

        foreach (var write in ready.Writes)
        {
            Begin(write, now, StateModule.isLeader(raft));
        }

        if (_replicating.Any)
        {
            Replicated(raft, members);
        }

        while (_committing.TryTake(raft.CommitIndex, out var mark))
        {
            meter.StagePassed(Stage.Commit, timeProvider.GetElapsedTime(mark.At, now));
            _applying.Add(new Mark(mark.Last, now), MarksMax);
        }
    }

    /// <summary>The machine has applied everything up to an index.</summary>
    public void OnApplied(LogIndex index)
    {
        while (_applying.TryTake(index, out var mark))
        {
            Pass(Stage.Apply, mark.At);
        }
    }

    private long Pass(Stage stage, long since)
    {
        var now = timeProvider.GetTimestamp();
        meter.StagePassed(stage, timeProvider.GetElapsedTime(since, now));
        return now;
    }

    private void Begin(Write write, long now, bool isLeader)
    {
        if (write.TruncateFrom != LogIndex.Zero)
        {
            _replicating.DropFrom(write.TruncateFrom);
            _committing.DropFrom(write.TruncateFrom);
        }

        foreach (var entries in write.Entries)
        {
            if (entries.IsEmpty)
            {
                continue;
            }

            var mark = new Mark(entries.Span[^1].Index, now);
            _committing.Add(mark, MarksMax);
            if (isLeader)
            {
                _replicating.Add(mark, MarksMax);
            }
        }
    }

    /// <summary>As many others as make a majority with the leader have acknowledged up to the index found here.</summary>
    private void Replicated(State raft, GroupMembers members)
    {
        var needed = members.Voters.Count / 2;
        if (raft.Role is not Role.Leader { Item: var leading } || needed == 0)
        {
            _replicating.Clear();
            return;
        }

        _matches.Clear();
        foreach (var voter in members.Voters)
        {
            if (leading.Progress.TryGetValue(voter, out var progress))
            {
                _matches.Add(progress.MatchIndex);
            }
        }

        _matches.Sort(static (left, right) => right.Value.CompareTo(left.Value));
        if (_matches.Count < needed)
        {
            return;
        }

        while (_replicating.TryTake(_matches[needed - 1], out var mark))
        {
            Pass(Stage.Replicate, mark.At);
        }
    }

    private void Forget()
    {
        _replicating.Clear();
        _committing.Clear();
        _applying.Clear();
    }

    /// <summary>A run of entries up to an index, and since when it is in a stage.</summary>
    private readonly record struct Mark(LogIndex Last, long At);

    /// <summary>Marks by index, of which the oldest is dropped when there are too many.</summary>
    private sealed class MarkQueue
    {
        private readonly LinkedList<Mark> _marks = [];

        public bool Any => _marks.Count > 0;

        public void Add(Mark mark, int max)
        {
            _marks.AddLast(mark);
            if (_marks.Count > max)
            {
                _marks.RemoveFirst();
            }
        }

        public bool TryTake(LogIndex upTo, out Mark mark)
        {
            if (_marks.First is { Value: var oldest } && oldest.Last <= upTo)
            {
                _marks.RemoveFirst();
                mark = oldest;
                return true;
            }

            mark = default;
            return false;
        }

        public void DropFrom(LogIndex index)
        {
            while (_marks.Last is { Value: var newest } && newest.Last >= index)
            {
                _marks.RemoveLast();
            }
        }

        public void Clear() => _marks.Clear();
    }
}
