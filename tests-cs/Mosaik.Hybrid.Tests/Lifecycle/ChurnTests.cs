using Mosaik.Hybrid.Churn;
using Xunit;

namespace Mosaik.Hybrid.Tests.Lifecycle;

/// <summary>The short form of <c>tests-cs/Mosaik.Hybrid.Churn</c>.</summary>
public sealed class ChurnTests
{
    [Fact]
    public async Task Processes_ThatComeAndGoUnderLoad_LeaveALinearizableHistory_AndEqualDigests()
    {
        var directory = Directory.CreateTempSubdirectory("mosaik-churn-tests-");
        try
        {
            await using var output = new StringWriter();
            var options = new ChurnOptions(5, TimeSpan.FromSeconds(15), 3, directory.FullName);
            var isSound = await new ChurnRun(options, output).RunAsync();
            Assert.True(isSound, output.ToString());
            Assert.Contains(" equal digests", output.ToString(), StringComparison.Ordinal);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
