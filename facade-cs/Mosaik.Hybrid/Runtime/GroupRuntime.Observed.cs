using Mosaik.Hybrid.Diagnostics;

namespace Mosaik.Hybrid.Runtime;

// Calls while somebody measures or traces them.
internal sealed partial class GroupRuntime<TCommand, TQuery, TResult>
{
    private async Task<LogRange> ObserveAsync(
        IReadOnlyList<TCommand> commands,
        SubmitGoal goal,
        CancellationToken cancellationToken
    )
    {
        var (span, kind) =
            goal == SubmitGoal.Applied ? ("mosaik.execute", "applied") : ("mosaik.feed", "assigned");
        using var activity = Activities.Begin(span, Loop.Meter);
        activity?.SetTag("mosaik.commands", commands.Count);
        var began = TimeProvider.GetTimestamp();
        var outcome = Outcomes.Ok;
        try
        {
            var range = await SubmitAsync(commands, goal, began, cancellationToken).ConfigureAwait(false);
            activity?.SetTag("mosaik.log.index", (long)range.First.Value);
            return range;
        }
        catch (Exception exception)
        {
            outcome = Outcomes.Of(exception);
            activity.Fail(exception, outcome);
            throw;
        }
        finally
        {
            Loop.Meter.CommandsEnded(commands.Count, TimeProvider.GetElapsedTime(began), kind, outcome);
        }
    }

    private async Task<QueryAnswer<TResult>> ObserveAsync(
        TQuery query,
        Consistency consistency,
        CancellationToken cancellationToken
    )
    {
        var kind = consistency == Consistency.Weak ? "weak" : "strong";
        using var activity = Activities.Begin("mosaik.query", Loop.Meter);
        activity?.SetTag("mosaik.consistency", kind);
        var began = TimeProvider.GetTimestamp();
        var outcome = Outcomes.Ok;
        try
        {
            var answer = await AskPlainAsync(query, consistency, cancellationToken).ConfigureAwait(false);
            activity?.SetTag("mosaik.log.index", (long)answer.Position.Index.Value);
            return answer;
        }
        catch (Exception exception)
        {
            outcome = Outcomes.Of(exception);
            activity.Fail(exception, outcome);
            throw;
        }
        finally
        {
            Loop.Meter.QueryEnded(TimeProvider.GetElapsedTime(began), kind, outcome);
        }
    }
}
