using Mosaik.Hybrid.Core;

namespace Mosaik.Hybrid.Benchmarks;

/// <summary>Members of one group in one thread: every message is a function call, every write is durable at once.</summary>
internal sealed class CoreCluster
{
    private readonly CoreMember[] _members;
    private readonly Dictionary<MemberId, CoreMember> _byId = [];
    private readonly NodeConfig _config;
    private long _now = 1;

    public CoreCluster(int size)
    {
        var config = ConsensusConfig.Builder().WithFoundingMembers(size).Build();
        _config = config.ToCore();
        _members = [.. Enumerable.Range(1, size).Select(number => new CoreMember(number, _config, Clock))];
        foreach (var member in _members)
        {
            _byId.Add(member.Id, member);
        }

        foreach (var member in _members)
        {
            foreach (var other in _members.Where(other => other != member))
            {
                member.Inputs.Add(
                    Input.NewPeerUp(other.Id, new PeerFacts(Lineage.None, LeadershipPreference.Normal, false))
                );
            }
        }
    }

    public long Steps { get; private set; }

    private Clock Clock => new(new Instant(_now), _now);

    /// <summary>Lets time pass until one member leads and its first entry is committed.</summary>
    public CoreMember Elect()
    {
        while (true)
        {
            foreach (var member in _members)
            {
                member.Inputs.Add(Input.Tick);
            }

            Settle();
            var leader = _members.FirstOrDefault(member => StateModule.isLeader(member.State));
            if (leader is not null && leader.State.CommitIndex.Value > 0)
            {
                return leader;
            }

            _now += 10;
        }
    }

    /// <summary>Steps every member that has inputs until none has.</summary>
    public void Settle()
    {
        bool isBusy;
        do
        {
            isBusy = false;
            foreach (var member in _members)
            {
                if (member.Inputs.Count > 0)
                {
                    isBusy = true;
                    Steps++;
                    Step(member);
                }
            }
        } while (isBusy);
    }

    private void Step(CoreMember member)
    {
        var transition = Core.Raft.stepAll(_config, Clock, member.TakeInputs(), member.State);
        member.State = transition.State;
        foreach (var output in transition.Outputs)
        {
            switch (output)
            {
                case Output.Write { Item: var write }:
                    member.Append(write);
                    member.Inputs.Add(Input.NewPersisted(write.Sequence));
                    break;
                case Output.Send send:
                    _byId[send.recipient].Inputs.Add(Input.NewReceived(member.Id, send.message));
                    break;
                case Output.SendEntries send:
                    var message = Message.NewAppendEntries(send.header, member.Read(send.range));
                    _byId[send.recipient].Inputs.Add(Input.NewReceived(member.Id, message));
                    break;
                case Output.Apply { Item: var range }:
                    member.Inputs.Add(Input.NewApplied(range.Last, member.OwnNumberAt(range), false));
                    break;
                case Output.Halt { Item: var violation }:
                    throw new InvalidOperationException($"{violation.Rule} {violation.Evidence}");
                default:
                    // Deadlines, notices and assignments have no effect here.
                    break;
            }
        }
    }
}

/// <summary>One member, and its log as views of the arrays that it was written with.</summary>
internal sealed class CoreMember
{
    private readonly ProposerId _proposer;
    private readonly List<ReadOnlyMemory<LogEntry>> _runs = [];
    private List<Input> _spare = [];
    private ulong _lastNumber;

    public CoreMember(int number, NodeConfig config, Clock clock)
    {
        var peer = new byte[32];
        peer[31] = (byte)number;
        Id = new MemberId(PeerId.FromBytes(peer), new Incarnation(new Bytes16(1, (ulong)number)));
        _proposer = new ProposerId(Id, 1);
        var hard = new HardState(Id, 1, Lineage.None, Term.Zero, null, LogPosition.Zero);
        State = StateModule.restore(config, clock, (ulong)number, StateModule.fresh(hard));
    }

    public MemberId Id { get; }

    public State State { get; set; }

    public List<Input> Inputs { get; private set; } = [];

    public List<Input> TakeInputs()
    {
        var taken = Inputs;
        _spare.Clear();
        Inputs = _spare;
        _spare = taken;
        return taken;
    }

    public LogEntry[] NextCommands(int count, byte[] payload)
    {
        var commands = new LogEntry[count];
        for (var place = 0; place < count; place++)
        {
            commands[place] = new LogEntry(
                LogIndex.Zero,
                Term.Zero,
                EntryKind.Command,
                0,
                0,
                _proposer,
                ++_lastNumber,
                payload
            );
        }

        return commands;
    }

    public void Append(Write write)
    {
        foreach (var entries in write.Entries)
        {
            _runs.Add(entries);
        }

        // A benchmark never goes back further than what is in flight.
        if (_runs.Count > 4_096)
        {
            _runs.RemoveRange(0, 2_048);
        }
    }

    public ReadOnlyMemory<LogEntry> Read(LogRange range)
    {
        for (var place = _runs.Count - 1; place >= 0; place--)
        {
            var first = _runs[place].Span[0].Index;
            if (first <= range.First)
            {
                return _runs[place].Slice((int)(range.First.Value - first.Value), range.Count);
            }
        }

        throw new InvalidOperationException($"The benchmark no longer holds {range}.");
    }

    public ulong OwnNumberAt(LogRange range)
    {
        for (var place = _runs.Count - 1; place >= 0; place--)
        {
            var span = _runs[place].Span;
            if (span[0].Index <= range.Last)
            {
                var entry = span[
                    (int)Math.Min((ulong)(span.Length - 1), range.Last.Value - span[0].Index.Value)
                ];
                return _proposer.Equals(entry.Proposer) ? entry.Number : 0;
            }
        }

        return 0;
    }
}
