using System.Globalization;
using Microsoft.FSharp.Core;
using Mosaik.Hybrid.Simulation;
using ListOperation = Mosaik.Hybrid.Simulation.Operation<
    string,
    Mosaik.Hybrid.Simulation.AppendListInput<string>,
    Mosaik.Hybrid.Simulation.AppendListOutput<string>
>;
using ListRecorder = Mosaik.Hybrid.Simulation.HistoryRecorder<
    string,
    Mosaik.Hybrid.Simulation.AppendListInput<string>,
    Mosaik.Hybrid.Simulation.AppendListOutput<string>
>;

namespace Mosaik.Hybrid.Churn;

/// <summary>What the clients of all processes did, from their lines; any thread.</summary>
internal sealed class ChurnHistory
{
    private readonly Lock _lock = new();
    private readonly ListRecorder _recorder = new();
    private readonly Dictionary<(int Process, long Id), OperationId> _open = [];
    private readonly List<long> _acknowledged = [];

    /// <summary>How many operations have an outcome.</summary>
    public int Count { get; private set; }

    /// <summary>Notes a line of a process.</summary>
    /// <returns>False when it speaks of something else.</returns>
    public bool Note(int process, string line)
    {
        var words = line.Split(' ');
        lock (_lock)
        {
            switch (words)
            {
                case ["call", var id, var key, var element, var ticks]:
                    var input =
                        element == ChurnNode.NoElement
                            ? AppendListInput<string>.ReadAll
                            : AppendListInput<string>.NewAppend(element);
                    _open[(process, Number(id))] = _recorder.Call(process, key, input, Number(ticks));
                    return true;
                case ["ok", var id, var ticks]:
                    _recorder.Acknowledge(Take(process, id), Number(ticks));
                    _acknowledged.Add(Number(ticks));
                    Count++;
                    return true;
                case ["read", var id, var ticks, var elements]:
                    string[] all = elements.Length == 0 ? [] : elements.Split(',');
                    _recorder.Return(
                        Take(process, id),
                        AppendListOutput<string>.NewElements(all),
                        Number(ticks)
                    );
                    Count++;
                    return true;
                case ["no", var id]:
                    _recorder.Refuse(Take(process, id));
                    return true;
                default:
                    return false;
            }
        }
    }

    /// <summary>The longest time without an acknowledged append of anybody.</summary>
    public TimeSpan LongestPause()
    {
        lock (_lock)
        {
            long[] sorted = [.. _acknowledged.Order()];
            var longest = sorted
                .Zip(sorted.Skip(1), static (left, right) => right - left)
                .DefaultIfEmpty()
                .Max();
            return TimeSpan.FromSeconds(longest / (double)System.Diagnostics.Stopwatch.Frequency);
        }
    }

    /// <summary>Looks for an order that explains every answer.</summary>
    /// <returns>Null when there is one; otherwise what shows that there is none, or that the search gave up.</returns>
    public string? Check()
    {
        ListOperation[] operations;
        lock (_lock)
        {
            operations = _recorder.Operations;
        }

        var verdict = Linearizability.check(AppendListModel.create<string>(), operations);
        return verdict.IsLinearizable ? null : verdict.ToString();
    }

    private OperationId Take(int process, string id)
    {
        _open.Remove((process, Number(id)), out var operation);
        return operation;
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
