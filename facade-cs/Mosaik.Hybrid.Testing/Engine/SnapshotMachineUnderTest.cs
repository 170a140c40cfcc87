using System.Buffers.Binary;
using Mosaik.Hybrid.Simulation;

namespace Mosaik.Hybrid.Testing.Engine;

/// <summary>A user's machine that can be saved and restored.</summary>
/// <remarks>
/// Behind the user's bytes stands what was applied, so that a restored machine is held against one that applied it all.
/// </remarks>
internal sealed class SnapshotMachineUnderTest<TCommand, TQuery, TResult>(
    IStateMachine<TCommand, TQuery, TResult> machine,
    ISnapshotMachine saved,
    string who,
    WorkloadUnderTest<TCommand, TQuery, TResult> workload
) : MachineUnderTest<TCommand, TQuery, TResult>(machine, who, workload), ISnapshotMachineUnderTest
{
    /// <summary>History u64, term u64, index u64.</summary>
    private const int TrailerSize = 24;

    public Func<byte[]> Capture()
    {
        var trailer = new byte[TrailerSize];
        BinaryPrimitives.WriteUInt64LittleEndian(trailer, History);
        BinaryPrimitives.WriteUInt64LittleEndian(trailer.AsSpan(8), Position.Term.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(trailer.AsSpan(16), Position.Index.Value);
        var captured = Try("capturing a snapshot", saved.CaptureSnapshot);
        return () => [.. Write(captured), .. trailer];
    }

    public void Restore(byte[] bytes)
    {
        var trailer = bytes.AsSpan(bytes.Length - TrailerSize);
        var source = new SnapshotSource(bytes.AsMemory(0, bytes.Length - TrailerSize));
        Try(
            "restoring a snapshot",
            () => Wait(() => saved.RestoreSnapshotAsync(source, Run.CancellationToken))
        );
        Become(
            BinaryPrimitives.ReadUInt64LittleEndian(trailer),
            new LogPosition(
                new Term(BinaryPrimitives.ReadUInt64LittleEndian(trailer[8..])),
                new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(trailer[16..]))
            )
        );
    }

    private byte[] Write(IMachineSnapshot captured)
    {
        using var sink = new SnapshotSink();
        Try(
            "writing a snapshot",
            () =>
            {
                using (captured)
                {
                    return Wait(() => captured.WriteAsync(sink, Run.CancellationToken));
                }
            }
        );
        return sink.ToArray();
    }

    /// <summary>A machine may be really asynchronous; there is nobody here whom waiting would hold up.</summary>
    private bool Wait(Func<ValueTask> call)
    {
        var task = call().AsTask();
        Task.WaitAny([task], Run.CancellationToken);
        task.GetAwaiter().GetResult();
        return true;
    }

    private T Try<T>(string what, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception exception)
            when (exception is not RuleBroken && !Run.CancellationToken.IsCancellationRequested)
        {
            throw Run.Threw(Rules.machine, $"{Who}, {what} at {Position},", exception);
        }
    }
}
