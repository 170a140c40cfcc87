using System.Threading.Channels;
using Mosaik.Hybrid.Cli.Kv;

namespace Mosaik.Hybrid.Cli.Node;

/// <summary>Runs lines of input, and reports their results in the order of the lines.</summary>
/// <remarks>
/// Puts and deletes are on their way together, up to a bound, those of one key one after the other. Everything else
/// waits for what came before it, and what follows waits for it: a script sees its own writes.
/// </remarks>
internal sealed class CommandRunner(
    Group<KvCommand, KvQuery, KvAnswer> group,
    MapClient client,
    NodeOutput output
)
{
    /// <summary>How many commands may be on their way.</summary>
    public const int InFlightMax = 1_024;

    /// <summary>How long a line may be, in characters; longer than the largest command.</summary>
    public const int LineLengthMax = 1_100_000;

    private readonly Channel<Item> _results = Channel.CreateBounded<Item>(InFlightMax);
    private readonly Dictionary<string, Task> _lastWrites = new(StringComparer.Ordinal);

    /// <summary>How many lines failed or made no sense.</summary>
    public long Failures { get; private set; }

    /// <summary>Runs all lines, until the end of the input or a quit.</summary>
    /// <exception cref="GroupTerminatedException">The group ended on this node.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; commands on their way may still take effect.</exception>
    public async Task<InputEnd> RunAsync(Stream input, CancellationToken cancellationToken)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var writing = WriteResultsAsync(stopping.Token);
        var reading = ReadLinesAsync(input, stopping.Token);
        if (await Task.WhenAny(reading, writing) == writing)
        {
            // The group has ended: no use in reading on.
            await stopping.CancelAsync();
            await ((Task)reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await writing;
        }

        try
        {
            return await reading;
        }
        finally
        {
            _results.Writer.TryComplete();
            await writing;
        }
    }

    private async Task<InputEnd> ReadLinesAsync(Stream input, CancellationToken cancellationToken)
    {
        using var reader = new LineReader(input, LineLengthMax);
        for (var number = 1L; ; number++)
        {
            InputLine line;
            try
            {
                var text = await reader.ReadAsync(cancellationToken);
                if (text is null)
                {
                    return InputEnd.EndOfInput;
                }

                if (InputLine.IsBlank(text))
                {
                    continue;
                }

                line = InputLine.Parse(text);
            }
            catch (FormatException exception)
            {
                await PostAsync(
                    Task.FromResult(Reports.Failure(number, exception.Message)),
                    cancellationToken
                );
                continue;
            }

            if (line.Verb == Verb.Quit)
            {
                return InputEnd.Quit;
            }

            await StartAsync(number, line, cancellationToken);
        }
    }

    private async Task StartAsync(long number, InputLine line, CancellationToken cancellationToken)
    {
        if (line.Verb is Verb.Put or Verb.Del)
        {
            await PostAsync(WriteAsync(number, line, cancellationToken), cancellationToken);
            return;
        }

        await PrecedingAsync(cancellationToken);
        var result = GuardAsync(
            number,
            () => AnswerAsync(number, line, cancellationToken),
            cancellationToken
        );
        await PostAsync(result, cancellationToken);
        await result;
    }

    private Task<NodeReport> WriteAsync(long number, InputLine line, CancellationToken cancellationToken)
    {
        if (_lastWrites.Count > 2 * InFlightMax)
        {
            foreach (var (key, _) in _lastWrites.Where(pair => pair.Value.IsCompleted).ToList())
            {
                _lastWrites.Remove(key);
            }
        }

        var former = _lastWrites.GetValueOrDefault(line.Key, Task.CompletedTask);
        var write = GuardAsync(
            number,
            () => WriteAfterAsync(former, number, line, cancellationToken),
            cancellationToken
        );
        _lastWrites[line.Key] = write;
        return write;
    }

    /// <summary>
    /// Writes of one key follow each other: one that finds no leader is submitted again later, and must not overtake.
    /// </summary>
    private async Task<NodeReport> WriteAfterAsync(
        Task former,
        long number,
        InputLine line,
        CancellationToken cancellationToken
    )
    {
        if (!former.IsCompleted)
        {
            await former.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        var isPut = line.Verb == Verb.Put;
        var command = isPut ? KvCommand.Put(line.Key, line.Value) : KvCommand.Delete(line.Key);
        var index = await client.WriteAsync(command, cancellationToken);
        return Reports.Written(number, isPut ? "put" : "del", line.Key, index);
    }

    private async Task<NodeReport> AnswerAsync(
        long number,
        InputLine line,
        CancellationToken cancellationToken
    )
    {
        switch (line.Verb)
        {
            case Verb.Get:
                return Reports.Value(
                    number,
                    line,
                    await AskAsync(line, Consistency.Strong, cancellationToken)
                );
            case Verb.Peek:
                return Reports.Value(number, line, await AskAsync(line, Consistency.Weak, cancellationToken));
            case Verb.Digest:
                var answer = await client.AskAsync(KvQuery.Digest, Consistency.Weak, cancellationToken);
                return Reports.Digest(number, answer.Result.Digest!, answer.Position.Index);
            case Verb.Wait:
                await client.WaitAsync(new LogIndex(line.Index), cancellationToken);
                return Reports.Waited(number, group.Committed);
            case Verb.Status:
                return Reports.Status(number, group);
            case Verb.Help:
            case Verb.Put:
            case Verb.Del:
            case Verb.Quit:
            default:
                return Reports.Help(number);
        }
    }

    private Task<QueryAnswer<KvAnswer>> AskAsync(
        InputLine line,
        Consistency consistency,
        CancellationToken cancellationToken
    ) => client.AskAsync(new KvQuery(line.Key), consistency, cancellationToken);

    /// <summary>Turns what can go wrong with one command into a report; what ends everything goes on as it is.</summary>
    private static async Task<NodeReport> GuardAsync(
        long number,
        Func<Task<NodeReport>> run,
        CancellationToken cancellationToken
    )
    {
        try
        {
            return await run();
        }
        catch (Exception exception)
            when (exception is ToolException or GroupException and not GroupTerminatedException
                && !cancellationToken.IsCancellationRequested
            )
        {
            return Reports.Failure(number, exception.Message);
        }
    }

    private ValueTask PostAsync(Task<NodeReport> result, CancellationToken cancellationToken) =>
        _results.Writer.WriteAsync(new Item(result, null), cancellationToken);

    /// <summary>Waits until the results of all earlier lines are written.</summary>
    private async Task PrecedingAsync(CancellationToken cancellationToken)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await _results.Writer.WriteAsync(new Item(null, reached), cancellationToken);
        await reached.Task.WaitAsync(cancellationToken);
    }

    private async Task WriteResultsAsync(CancellationToken cancellationToken)
    {
        await foreach (var item in _results.Reader.ReadAllAsync(cancellationToken))
        {
            item.Reached?.TrySetResult();
            if (item.Result is { } result)
            {
                var report = await result.WaitAsync(cancellationToken);
                Failures += report.Kind == ReportKind.Failure ? 1 : 0;
                output.Write(report);
            }
        }
    }

    /// <param name="Result">A result to be written; or null.</param>
    /// <param name="Reached">Whoever wants to know that all earlier results are written; or null.</param>
    private readonly record struct Item(Task<NodeReport>? Result, TaskCompletionSource? Reached);
}

/// <summary>Why there are no more lines.</summary>
internal enum InputEnd
{
    /// <summary>The input has ended.</summary>
    EndOfInput,

    /// <summary>A line said quit.</summary>
    Quit,
}
