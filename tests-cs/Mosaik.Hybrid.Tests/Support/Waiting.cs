namespace Mosaik.Hybrid.Tests.Support;

/// <summary>Waits of tests: for what is sure to happen, with a deadline that only a hang reaches.</summary>
internal static class Waiting
{
    /// <summary>Longer than anything takes that does not hang.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>The result, or a failure that names what did not happen.</summary>
    public static async Task<T> Soon<T>(this Task<T> task, string what)
    {
        await ((Task)task).Soon(what);
        return await task;
    }

    /// <summary>Waits for the task, or fails naming what did not happen.</summary>
    public static async Task Soon(this Task task, string what)
    {
        try
        {
            await task.WaitAsync(Patience);
        }
        catch (TimeoutException) when (!task.IsCompleted)
        {
            throw new TimeoutException($"Did not happen within {Patience.TotalSeconds} s: {what}.");
        }
    }

    /// <summary>The result, or a failure that names what did not happen.</summary>
    public static Task<T> Soon<T>(this ValueTask<T> task, string what) => task.AsTask().Soon(what);

    /// <summary>Waits for the task, or fails naming what did not happen.</summary>
    public static Task Soon(this ValueTask task, string what) => task.AsTask().Soon(what);

    /// <summary>Waits until a condition that nothing announces becomes true.</summary>
    public static async Task Until(Func<bool> condition, string what)
    {
        var deadline = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            if (TimeProvider.System.GetElapsedTime(deadline) > Patience)
            {
                throw new TimeoutException($"Did not happen within {Patience.TotalSeconds} s: {what}.");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System);
        }
    }
}
