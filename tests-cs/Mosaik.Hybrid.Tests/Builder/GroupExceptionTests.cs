using Xunit;

namespace Mosaik.Hybrid.Tests.Builder;

public sealed class GroupExceptionTests
{
    [Fact]
    public void CommandsOf_HandsTheCommandsBackInOrder()
    {
        GroupException error = GroupOfflineException.ForCommands<int>([3, 1, 2]);
        Assert.Equal([3, 1, 2], error.CommandsOf<int>());
        Assert.Equal(3, error.CommandCount);
    }

    [Fact]
    public void CommandsOf_IsEmptyForAQuery() =>
        Assert.Empty(GroupOfflineException.ForQuery().CommandsOf<int>());

    [Fact]
    public void CommandsOf_RefusesAnotherType() =>
        Assert.Throws<InvalidCastException>(() =>
            GroupOverloadedException.For<int>([1]).CommandsOf<string>()
        );

    [Fact]
    public void OutcomeUnknown_NamesTheCommands()
    {
        var id = new CommandId(new PeerId(Bytes32.Zero), 1, 17, 3);
        var error = OutcomeUnknownException.For<string>(id, ["a", "b", "c"]);
        Assert.Equal("0000000000#1:17..19", error.Id.ToString());
        Assert.Contains("0000000000#1:17..19", error.Message, StringComparison.Ordinal);
        Assert.Equal(["a", "b", "c"], error.CommandsOf<string>());
    }

    [Fact]
    public void Terminated_SaysWhyAndShowsTheCause()
    {
        var cause = new InvalidOperationException("division by zero");
        var error = GroupTerminatedException.For<int>(TerminationReason.MachineFailed, [1], cause);
        Assert.Equal(TerminationReason.MachineFailed, error.Reason);
        Assert.Same(cause, error.InnerException);
        Assert.Contains("division by zero", error.Message, StringComparison.Ordinal);
    }
}
