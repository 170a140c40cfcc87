using Mosaik.Hybrid.Simulation;

namespace Mosaik.Hybrid.Testing.Engine;

/// <summary>A user's machine in one run of one simulated process.</summary>
internal class MachineUnderTest<TCommand, TQuery, TResult>(
    IStateMachine<TCommand, TQuery, TResult> machine,
    string who,
    WorkloadUnderTest<TCommand, TQuery, TResult> workload
) : IMachineUnderTest
{
    private const ulong IndexFactor = 0xD1B5_4A32_D192_ED03;

    private readonly RunContext _run = workload.Run;
    private ulong _history = 17;
    private LogPosition _position = LogPosition.Zero;

    protected RunContext Run => _run;

    protected string Who => who;

    protected ulong History => _history;

    protected LogPosition Position => _position;

    public void Apply(LogEntry entry)
    {
        _run.CancellationToken.ThrowIfCancellationRequested();
        var command = workload.Decode(entry.Payload, who, entry.Position);
        var context = new ApplyContext(
            entry.Position,
            entry.Timestamp,
            entry.Proposer is { } proposer ? proposer.Member.Peer : default,
            entry.Number
        );
        try
        {
            machine.Apply(command, context);
        }
        catch (Exception exception)
        {
            throw _run.Threw(
                Rules.machine,
                $"{who}, applying {Likeness.Show(command)} at {entry.Position},",
                exception
            );
        }

        _run.CommandsApplied++;
        _position = entry.Position;
        _history = Chain.next(_history ^ (entry.Index.Value * IndexFactor), in entry);
        CompareState();
    }

    public object Query(ReadOnlyMemory<byte> query)
    {
        _run.CancellationToken.ThrowIfCancellationRequested();
        _run.QueriesAnswered++;
        return Ask(workload.QueryOf(query), Chain.ofBytes(query.Span));
    }

    /// <summary>What was applied. Whether states are equal is compared here, where they can be shown.</summary>
    public ulong Digest() => _history;

    /// <summary>The machine was restored to what it is after these commands.</summary>
    protected void Become(ulong history, LogPosition position)
    {
        _history = history;
        _position = position;
        CompareState();
    }

    private void CompareState()
    {
        if (workload.Digest is not { } digest)
        {
            // Without a digest an answer has to do: the same question on every member, decided by what was applied.
            Ask(workload.Probe(_history), _history);
            return;
        }

        Likened seen;
        try
        {
            seen = Likeness.Of(digest(machine));
        }
        catch (Exception exception)
        {
            throw _run.Threw(Rules.machine, $"the digest of {who} at {_position}", exception);
        }

        if (_run.Histories.NoteState(_history, new Sighting(who, seen)) is { } former)
        {
            throw RunContext.Broken(
                Rules.stateDigest,
                $"{who} is in state {seen} at {_position}; {former.Who} was in {former.Seen} after the same commands"
            );
        }
    }

    private Likened Ask(TQuery query, ulong question)
    {
        var answer = Answer(query);
        if (_run.Histories.NoteAnswer(_history, question, new Sighting(who, answer)) is { } former)
        {
            throw RunContext.Broken(
                Rules.machine,
                answer.Equals(Answer(query))
                    ? $"{who} answers {answer} to {Likeness.Show(query)} at {_position}; {former.Who} answered "
                        + $"{former.Seen} after the same commands"
                    : $"{who} was asked {Likeness.Show(query)} twice at {_position}: its answers {answer} do not "
                        + $"compare as equal; if they are, set {nameof(ClusterSimulation<,,>.ResultComparer)}"
            );
        }

        return answer;
    }

    /// <summary>An exception fails the query and nothing else, so it counts as an answer.</summary>
    private Likened Answer(TQuery query)
    {
        try
        {
            return Likeness.Of(machine.Query(query), workload.ResultComparer);
        }
        catch (Exception exception)
        {
            return Likeness.Of($"(threw {exception.GetType().FullName})");
        }
    }
}
