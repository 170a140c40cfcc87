using System.Collections.Concurrent;
using System.Diagnostics;
using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Telemetry;

/// <summary>Each call is a span, below the caller's own.</summary>
public sealed class ActivityTests
{
    [Fact]
    public async Task CallsAreSpans()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 1);
        using var spans = new Spans(cluster.Name);
        var group = cluster.Nodes[0].Group;

        using var caller = new Activity("caller").Start();
        var range = await group.ExecuteManyAsync(["one", "two"]).Soon("the commands take effect");
        await group.FeedAsync("three").Soon("the command has a place");
        await group.QueryAsync(0, Consistency.Strong).Soon("a strong answer");
        await group.QueryAsync(0, Consistency.Weak).Soon("a weak answer");

        Assert.Equal(
            ["mosaik.execute", "mosaik.feed", "mosaik.query", "mosaik.query"],
            spans.All.Select(static span => span.OperationName)
        );
        Assert.All(spans.All, span => Assert.Equal(caller.SpanId, span.ParentSpanId));
        Assert.All(spans.All, span => Assert.Equal(group.Id.Short, span.GetTagItem("mosaik.group")));
        var execute = spans.All.First();
        Assert.Equal(2, execute.GetTagItem("mosaik.commands"));
        Assert.Equal((long)range.First.Value, execute.GetTagItem("mosaik.log.index"));
        Assert.Equal("strong", spans.All.ElementAt(2).GetTagItem("mosaik.consistency"));
    }

    [Fact]
    public async Task ACallThatFailsSaysSo_WithoutTheCommand()
    {
        await using var cluster = await TestCluster.StartAsync(Carrier.InProcess, 1);
        using var spans = new Spans(cluster.Name);
        var node = cluster.Nodes[0];
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            node.Group.ExecuteAsync("a secret", cancelled.Token)
        );
        var span = Assert.Single(spans.All);
        Assert.Equal((ActivityStatusCode.Error, "cancelled"), (span.Status, span.StatusDescription));
        Assert.Equal(typeof(OperationCanceledException).FullName, span.GetTagItem("error.type"));
        Assert.DoesNotContain(
            span.TagObjects,
            static tag => tag.Value?.ToString()?.Contains("secret", StringComparison.Ordinal) == true
        );
    }

    /// <summary>The spans of one network, in the order in which they ended.</summary>
    private sealed class Spans : IDisposable
    {
        private readonly ConcurrentQueue<Activity> _all = new();
        private readonly ActivityListener _listener;

        public Spans(string network)
        {
            _listener = new ActivityListener
            {
                ShouldListenTo = static source => source.Name == MosaikTelemetry.ActivitySourceName,
                Sample = static (ref ActivityCreationOptions<ActivityContext> _) =>
                    ActivitySamplingResult.AllData,
                ActivityStopped = activity =>
                {
                    if (Equals(activity.GetTagItem("mosaik.network"), network))
                    {
                        _all.Enqueue(activity);
                    }
                },
            };
            ActivitySource.AddActivityListener(_listener);
        }

        public IReadOnlyCollection<Activity> All => _all;

        public void Dispose() => _listener.Dispose();
    }
}
