using System.Threading.Channels;
using Mosaik.Hybrid.Tests.Support;

namespace Mosaik.Hybrid.Hosting.Tests.Support;

/// <summary>A job of a leader that says when it begins, and goes on until it is told to stop.</summary>
internal sealed class Job : ILeaderService
{
    private readonly Channel<Run> _runs = Channel.CreateUnbounded<Run>();

    /// <summary>What the job does; waits to be told to stop unless said otherwise.</summary>
    public Func<CancellationToken, Task> Work { get; set; } =
        static async cancellationToken =>
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);

    /// <summary>One run: its leadership, and when it was told to stop.</summary>
    public sealed record Run(Leadership Leadership, Task Cancelled)
    {
        public long Number => Leadership.FencingNumber;
    }

    public int Waiting => _runs.Reader.Count;

    public async Task<Run> NextAsync() => await _runs.Reader.ReadAsync().Soon("the job begins");

    public async Task RunAsync(Leadership leadership, CancellationToken cancellationToken)
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = cancellationToken.Register(() => cancelled.TrySetResult());
        await _runs.Writer.WriteAsync(new Run(leadership, cancelled.Task), CancellationToken.None);
        try
        {
            await Work(cancellationToken);
        }
        finally
        {
            // The work may have heard of it first, and then nobody calls the registration any more.
            if (cancellationToken.IsCancellationRequested)
            {
                cancelled.TrySetResult();
            }
        }
    }
}
