using System.Buffers;
using System.Buffers.Binary;
using Microsoft.FSharp.Core;
using Mosaik.Hybrid.Simulation;

namespace Mosaik.Hybrid.Testing.Engine;

/// <summary>A user's machine, commands and queries in one run.</summary>
internal sealed class WorkloadUnderTest<TCommand, TQuery, TResult>(
    ClusterSimulation<TCommand, TQuery, TResult> simulation,
    RunContext run
) : IWorkload
{
    /// <summary>How many bytes behind those of the codec number a command.</summary>
    private const int NumberBytes = sizeof(long);

    private readonly List<TQuery> _queries = [];
    private long _commands;
    private string? _signature;

    public RunContext Run => run;

    public string Name => typeof(TCommand).Name;

    /// <summary>The engine compares what was applied after every entry; that is cheap here.</summary>
    public int DigestEvery => 1;

    public Func<IStateMachine<TCommand, TQuery, TResult>, object?>? Digest => simulation.Digest;

    public IEqualityComparer<TResult>? ResultComparer => simulation.ResultComparer;

    public IMachineUnderTest NewMachine(int peer)
    {
        var who = peer == 0 ? "a fresh machine that replays the log" : $"n{peer}";
        IStateMachine<TCommand, TQuery, TResult> machine;
        string signature;
        try
        {
            machine =
                simulation.Machine()
                ?? throw new InvalidOperationException("The factory of machines returned null.");
            signature = machine.Signature;
        }
        catch (Exception exception)
        {
            throw run.Threw(Rules.machine, $"{who}, being made,", exception);
        }

        _signature ??= signature;
        if (signature != _signature)
        {
            throw RunContext.Broken(
                Rules.machine,
                $"{who} has the signature '{signature}', another one has '{_signature}': they would never meet"
            );
        }

        return machine is ISnapshotMachine saved
            ? new SnapshotMachineUnderTest<TCommand, TQuery, TResult>(machine, saved, who, this)
            : new MachineUnderTest<TCommand, TQuery, TResult>(machine, who, this);
    }

    /// <summary>A command's bytes and a number, so that no two are alike: a refused one must not be in any log.</summary>
    public ReadOnlyMemory<byte> NextCommand(Dice dice)
    {
        run.CancellationToken.ThrowIfCancellationRequested();
        var command = simulation.Commands(new SimulationDice(dice));
        var bytes = Encode(command);
        CheckRoundTrip(command, bytes);
        var numbered = new byte[bytes.Length + NumberBytes];
        bytes.CopyTo(numbered, 0);
        BinaryPrimitives.WriteInt64LittleEndian(numbered.AsSpan(bytes.Length), ++_commands);
        return numbered;
    }

    /// <summary>Queries never leave a node, so they have no bytes: their number stands for them.</summary>
    public ReadOnlyMemory<byte> NextQuery(Dice dice)
    {
        run.CancellationToken.ThrowIfCancellationRequested();
        _queries.Add(simulation.Queries(new SimulationDice(dice)));
        var name = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(name, _queries.Count - 1);
        return name;
    }

    /// <summary>The engine has held every call against the committed log; there is nothing to add without a model.</summary>
    public Judgement Judge(IEnumerable<CallRecord> calls) => Judgement.Possible;

    /// <summary>Equal commands of a user differ by the number behind their bytes.</summary>
    public bool IsUnique => true;

    public TQuery QueryOf(ReadOnlyMemory<byte> name) =>
        _queries[BinaryPrimitives.ReadInt32LittleEndian(name.Span)];

    /// <summary>The question that members are compared by after some commands.</summary>
    public TQuery Probe(ulong history) => simulation.Queries(new SimulationDice(new Dice(history)));

    public TCommand Decode(ReadOnlyMemory<byte> bytes, string who, LogPosition position)
    {
        try
        {
            return simulation.Codec.Decode(bytes[..^NumberBytes]);
        }
        catch (Exception exception)
        {
            throw run.Threw(Rules.codec, $"the codec of {who}, reading the entry at {position},", exception);
        }
    }

    private byte[] Encode(TCommand command)
    {
        var output = new ArrayBufferWriter<byte>();
        try
        {
            simulation.Codec.Encode(command, output);
        }
        catch (Exception exception)
        {
            throw run.Threw(Rules.codec, $"the codec, writing {Likeness.Show(command)},", exception);
        }

        return output.WrittenSpan.ToArray();
    }

    private TCommand Decode(TCommand command, byte[] bytes)
    {
        try
        {
            return simulation.Codec.Decode(bytes);
        }
        catch (Exception exception)
        {
            throw run.Threw(Rules.codec, $"the codec, reading back {Likeness.Show(command)},", exception);
        }
    }

    private void CheckRoundTrip(TCommand command, byte[] bytes)
    {
        var first = Decode(command, bytes);
        var isSame = simulation.CommandComparer is { } comparer
            ? comparer.Equals(command, first)
            : IsLike(command, first, Decode(command, bytes));
        if (!isSame)
        {
            throw RunContext.Broken(
                Rules.codec,
                $"the codec '{simulation.Codec.Name}' read {Likeness.Show(first)} from what it wrote for "
                    + $"{Likeness.Show(command)}"
            );
        }
    }

    /// <summary>Alike as JSON, and by Equals too when the type has an equality by value: two readings are equal then.</summary>
    private static bool IsLike(TCommand written, TCommand read, TCommand readAgain) =>
        Likeness.Of(written).Equals(Likeness.Of(read))
            ? !Equals(read, readAgain) || Equals(written, read)
            : !Equals(read, readAgain) && !Likeness.Of(read).Equals(Likeness.Of(readAgain));
}
