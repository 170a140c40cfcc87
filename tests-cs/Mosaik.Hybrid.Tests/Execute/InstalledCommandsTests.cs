using Mosaik.Hybrid.Runtime;
using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Execute;

/// <summary>Own commands whose effect came with a snapshot: an exact place, or none; never a wrong one.</summary>
public sealed class InstalledCommandsTests
{
    private readonly SubmitWindow _window = new();
    private readonly PendingCommands _pending;
    private readonly List<SubmitRequest> _unknown = [];

    public InstalledCommandsTests() => _pending = new PendingCommands(Made.Proposer, _window);

    [Fact]
    public async Task TheLastOne_HasItsPlace_EarlierOnesAreUnknown_LaterOnesWaitOn()
    {
        var first = Submit(1);
        var second = Submit(1);
        var third = Submit(1);
        Install(2, 70);
        Assert.Equal([first], _unknown);
        Assert.Equal(Range(70, 70), (await second.Task).Range);
        Assert.False(third.Task.IsCompleted);
        _pending.OnApplied(3, new LogIndex(75));
        Assert.Equal(Range(75, 75), (await third.Task).Range);
        Assert.True(_pending.IsEmpty);
    }

    [Fact]
    public async Task TheBatchThatEndsThere_HasItsPlaces()
    {
        var batch = Submit(4);
        Install(4, 70);
        Assert.Equal(Range(67, 70), (await batch.Task).Range);
        Assert.Empty(_unknown);
    }

    [Fact]
    public async Task WhoAsksForTheFateOfAnEarlierOne_HearsThatItTookEffect()
    {
        Submit(1);
        Submit(1);
        var before = Follow(1);
        Install(2, 70);
        await Assert.ThrowsAsync<InvalidOperationException>(() => before);
        var after = await Assert.ThrowsAsync<InvalidOperationException>(() => Follow(1));
        Assert.Contains("have taken effect", after.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentException>(() => Follow(3));
    }

    [Fact]
    public void WhatIsKnown_GivesItsRoomBack()
    {
        Submit(3);
        Submit(2);
        Install(5, 70);
        Assert.True(_window.TryReserve(SubmitWindow.CountMax, 0));
    }

    private static LogRange Range(ulong first, ulong last) => new(new LogIndex(first), new LogIndex(last));

    private SubmitRequest Submit(int count)
    {
        var commands = Enumerable
            .Range(0, count)
            .Select(place => Made.Command(0, 0, 0, "x", count - 1 - place))
            .ToArray();
        Assert.True(_window.TryReserve(count, count));
        var request = new SubmitRequest(commands, count, SubmitGoal.Applied);
        _pending.Add(request);
        return request;
    }

    private void Install(ulong last, ulong index) =>
        _pending.OnInstalled(last, new LogIndex(index), _unknown.Add);

    private Task<LogRange> Follow(ulong number)
    {
        var follower = new TaskCompletionSource<LogRange>();
        _pending.Follow(new CommandId(Made.Peer, 1, number, 1), follower);
        return follower.Task;
    }
}
