using Mosaik.Hybrid.Runtime;
using Xunit;

namespace Mosaik.Hybrid.Tests.Execute;

/// <summary>Requests are found by any number of theirs, whatever has gone before.</summary>
public sealed class RequestQueueTests
{
    [Fact]
    public void Find_GivesTheRequestThatReachesTheNumber()
    {
        var queue = new RequestQueue();
        var next = 1UL;
        for (var round = 0; round < 3_000; round++)
        {
            var request = new SubmitRequest(new LogEntry[1 + (round % 3)], 0, SubmitGoal.Applied)
            {
                First = next,
            };
            next = request.Last + 1;
            queue.Add(request);
            if (round % 2 == 1)
            {
                queue.RemoveFirst();
            }
        }

        Assert.Equal(1_500, queue.Count);
        for (var number = queue[0].First; number < next; number++)
        {
            var found = queue[queue.Find(number)];
            Assert.InRange(number, found.First, found.Last);
        }

        Assert.Equal(0, queue.Find(1));
        Assert.Equal(queue.Count, queue.Find(next));
    }

    [Fact]
    public void Window_TakesNoMoreThanItsBounds()
    {
        var window = new SubmitWindow();
        Assert.True(window.TryReserve(SubmitWindow.CountMax, 1));
        Assert.False(window.TryReserve(1, 1));
        window.Release(SubmitWindow.CountMax, 1);
        Assert.True(window.TryReserve(1, (int)SubmitWindow.BytesMax));
        Assert.False(window.TryReserve(1, 1));
        for (var query = 0; query < SubmitWindow.QueriesMax; query++)
        {
            Assert.True(window.TryReserveQuery());
        }

        Assert.False(window.TryReserveQuery());
        window.ReleaseQuery();
        Assert.True(window.TryReserveQuery());
    }
}
