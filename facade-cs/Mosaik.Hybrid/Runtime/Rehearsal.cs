using System.Buffers;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Wire;

namespace Mosaik.Hybrid.Runtime;

/// <summary>Four members in memory found a group, hand leadership over and lose a leader, before any real ones do.</summary>
/// <remarks>
/// Code that runs for the first time is compiled then. A member's first hand-over or election would wait for that, for as
/// long as all the rest takes together; so each process goes through one beforehand, beside its start. Nothing of it
/// leaves this class. Who publishes with ReadyToRun has compiled most of it already.
/// </remarks>
internal sealed class Rehearsal
{
    private const int Members = 4;
    private const int TicksMax = 500;
    private const int TickMilliseconds = 100;
    private static int s_hasBegun;

    private readonly NodeConfig _config = ConsensusConfig
        .Builder()
        .WithFoundingMembers(Members)
        .Build()
        .ToCore();
    private readonly List<RehearsedMember> _members = [];
    private long _now = 1;

    private Rehearsal()
    {
        for (var number = 1; number <= Members; number++)
        {
            _members.Add(new RehearsedMember(number, _config, Clock));
        }

        var facts = new PeerFacts(Lineage.None, LeadershipPreference.Normal, false);
        foreach (var member in _members)
        {
            member.Inputs.AddRange(
                _members.Where(other => other != member).Select(other => Input.NewPeerUp(other.Id, facts))
            );
        }
    }

    private Clock Clock => new(new Instant(_now), _now);

    /// <summary>Begins one on the pool, once in a process.</summary>
    public static void BeginOnce()
    {
        if (Interlocked.Exchange(ref s_hasBegun, 1) == 0)
        {
            _ = Task.Run(Run);
        }
    }

    /// <summary>Goes through all of it.</summary>
    /// <returns>How many commands the members that are left have applied each.</returns>
    public static IReadOnlyList<int> Run()
    {
        var rehearsal = new Rehearsal();
        var founder = rehearsal.Elect();
        rehearsal.Submit();
        founder.Inputs.Add(Input.Leave);
        rehearsal.Settle();
        rehearsal.Lose(founder);
        var second = rehearsal.Elect();
        rehearsal.Submit();
        rehearsal.Lose(second);
        rehearsal.Elect();
        rehearsal.Submit();
        return [.. rehearsal._members.Select(static member => member.Applied)];
    }

    /// <summary>Lets time pass until a member leads and an entry of its term is committed.</summary>
    private RehearsedMember Elect()
    {
        for (var tick = 0; tick < TicksMax; tick++)
        {
            _members.ForEach(static member => member.Inputs.Add(Input.Tick));
            Settle();
            var leader = _members.Find(static member => StateModule.isLeader(member.State));
            if (leader is not null && leader.State.CommitIndex == leader.State.Outline.Last.Index)
            {
                return leader;
            }

            _now += TickMilliseconds;
        }

        throw new InvalidOperationException("The members of the rehearsal elected nobody.");
    }

    /// <summary>Every member submits a command and asks for a fresh index; two beats bring it to all.</summary>
    private void Submit()
    {
        foreach (var member in _members)
        {
            member.Inputs.Add(Input.NewPropose(member.NextCommand()));
            member.Inputs.Add(Input.NewRead(member.LastNumber));
        }

        for (var beat = 0; beat < 2; beat++)
        {
            Settle();
            _now += _config.Consensus.HeartbeatInterval;
            _members.ForEach(static member => member.Inputs.Add(Input.Tick));
        }

        Settle();
    }

    private void Lose(RehearsedMember lost)
    {
        _members.Remove(lost);
        _members.ForEach(member => member.Inputs.Add(Input.NewPeerDown(lost.Id)));
        Settle();
    }

    private void Settle()
    {
        while (_members.Find(static member => member.Inputs.Count > 0) is { } member)
        {
            Step(member);
        }
    }

    private void Step(RehearsedMember member)
    {
        Input[] inputs = [.. member.Inputs];
        member.Inputs.Clear();
        var transition = Core.Raft.stepAll(_config, Clock, inputs, member.State);
        member.State = transition.State;
        foreach (var output in transition.Outputs)
        {
            switch (output)
            {
                case Output.Write { Item: var write }:
                    member.Write(write);
                    member.Inputs.Add(Input.NewPersisted(write.Sequence));
                    break;
                case Output.Send send:
                    Tell(member, send.recipient, send.message);
                    break;
                case Output.SendEntries send:
                    Tell(
                        member,
                        send.recipient,
                        Message.NewAppendEntries(send.header, member.Entries(send.range))
                    );
                    break;
                case Output.SendCommands send:
                    var commands = member.Commands(send.first, send.last);
                    Tell(member, send.recipient, Message.NewForward(send.header, commands));
                    break;
                case Output.Resubmit { first: var first, last: var last }:
                    member.Inputs.Add(Input.NewPropose(member.Commands(first, last)));
                    break;
                case Output.Apply { Item: var range }:
                    member.Inputs.Add(Input.NewApplied(range.Last, member.Apply(range), false));
                    break;
                default:
                    // Deadlines, notices and answers to reads have no effect here.
                    break;
            }
        }
    }

    /// <summary>Over the wire format, which is compiled on the way.</summary>
    private void Tell(RehearsedMember sender, MemberId recipient, Message message)
    {
        var frame = new ArrayBufferWriter<byte>();
        WireWriter.Encode(BondMessage.NewRaft(message), frame);
        if (
            WireReader.TryDecode(frame.WrittenMemory, out var decoded, out _)
            && decoded is BondMessage.Raft { Item: var told }
        )
        {
            _members
                .Find(member => member.Id.Equals(recipient))
                ?.Inputs.Add(Input.NewReceived(sender.Id, told));
        }
    }
}

/// <summary>One member of a rehearsal, with its log in memory.</summary>
internal sealed class RehearsedMember
{
    private readonly ProposerId _proposer;
    private readonly List<LogEntry> _log = [];
    private readonly List<LogEntry> _commands = [];

    public RehearsedMember(int number, NodeConfig config, Clock clock)
    {
        var peer = new byte[32];
        peer[0] = (byte)number;
        Id = new MemberId(PeerId.FromBytes(peer), new Incarnation(new Bytes16(1, (ulong)number)));
        _proposer = new ProposerId(Id, 1);
        var hard = new HardState(Id, 1, Lineage.None, Term.Zero, null, LogPosition.Zero);
        State = StateModule.restore(config, clock, (ulong)number, StateModule.fresh(hard));
    }

    public MemberId Id { get; }

    public State State { get; set; }

    public List<Input> Inputs { get; } = [];

    public ulong LastNumber => (ulong)_commands.Count;

    public int Applied { get; private set; }

    public LogEntry[] NextCommand()
    {
        var command = new LogEntry(
            LogIndex.Zero,
            Term.Zero,
            EntryKind.Command,
            0,
            0,
            _proposer,
            LastNumber + 1,
            new byte[16]
        );
        _commands.Add(command);
        return [command];
    }

    public LogEntry[] Commands(ulong first, ulong last) =>
        [.. _commands.Skip((int)first - 1).Take((int)(last - first) + 1)];

    public void Write(Write write)
    {
        if (write.TruncateFrom != LogIndex.Zero)
        {
            _log.RemoveRange(
                (int)write.TruncateFrom.Value - 1,
                _log.Count - (int)write.TruncateFrom.Value + 1
            );
        }

        foreach (var run in write.Entries)
        {
            _log.AddRange(run.Span);
        }
    }

    public LogEntry[] Entries(LogRange range) => [.. _log.Skip((int)range.First.Value - 1).Take(range.Count)];

    /// <returns>The last own command among the entries; 0 for none.</returns>
    public ulong Apply(LogRange range)
    {
        ulong own = 0;
        foreach (var entry in Entries(range).Where(static entry => entry.Kind == EntryKind.Command))
        {
            Applied++;
            own = _proposer.Equals(entry.Proposer) ? entry.Number : own;
        }

        return own;
    }
}
