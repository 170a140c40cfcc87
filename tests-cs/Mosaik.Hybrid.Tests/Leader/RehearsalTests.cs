using Mosaik.Hybrid.Runtime;
using Xunit;

namespace Mosaik.Hybrid.Tests.Leader;

public sealed class RehearsalTests
{
    [Fact]
    public void ARehearsal_FoundsHandsOverAndFailsOver_AndEveryCommandTakesEffectOnce() =>
        // Four members submit one each, then three, then two: nine commands, on both that are left.
        Assert.Equal([9, 9], Rehearsal.Run());
}
