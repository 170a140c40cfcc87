using System.Globalization;
using System.Text.RegularExpressions;
using LeaderJobs;
using Mosaik.Hybrid.Examples.Tests.Support;
using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Examples.Tests;

/// <summary>Each job happens once and in order, whoever is killed, and whoever is paused and wakes up deposed.</summary>
public sealed partial class LeaderJobsTests
{
    private string _outbox = "";
    private List<(long Fence, long Job)> _lines = [];

    [Fact]
    public async Task EachJobHappensOnce_WhoeverIsKilledOrPaused()
    {
        await using var nodes = new ExampleNodes(
            "LeaderJobs",
            "schedule",
            static folder => [$"--Outbox={Path.Combine(folder, "outbox.txt")}"]
        );
        _outbox = nodes.PathOf("outbox.txt");
        for (var place = 0; place < 3; place++)
        {
            await nodes.StartAsync(place);
        }

        await GrowsAsync(nodes, 5);
        for (var round = 0; round < 2; round++)
        {
            var leader = Leader(nodes);
            await nodes.KillAsync(leader);
            await GrowsAsync(nodes, 5);
            await nodes.StartAsync(leader);
        }

        // A leader that does not run hears nothing; when it wakes up, it goes on as if it led.
        var paused = Leader(nodes);
        var before = Lines()[^1].Fence;
        await PauseAsync(nodes.Processes[paused]!);
        await UntilAsync(nodes, () => Lines()[^1].Fence > before, "another leads");
        await GrowsAsync(nodes, 5);
        await nodes.Processes[paused]!.SignalAsync("CONT");
        await GrowsAsync(nodes, 20);

        var lines = Lines();
        Assert.Equal(
            Enumerable.Range(1, lines.Count).Select(static job => (long)job),
            lines.Select(static line => line.Job)
        );
        Assert.Equal(
            lines.Select(static line => line.Fence).Order(),
            lines.Select(static line => line.Fence)
        );
        Assert.InRange(lines.Select(static line => line.Fence).Distinct().Count(), 4, int.MaxValue);
    }

    [Fact]
    public async Task TheOutsideRefusesADeposedLeader_AndAJobThatItKnows()
    {
        var folder = Directory.CreateTempSubdirectory("mosaik-outbox-");
        var outbox = new Outbox(Path.Combine(folder.FullName, "outbox.txt"), TimeProvider.System);
        Assert.Equal(OutboxAnswer.Written, await outbox.WriteAsync(new OutboxLine(3, 1), default));
        Assert.Equal(OutboxAnswer.KnownAlready, await outbox.WriteAsync(new OutboxLine(5, 1), default));
        Assert.Equal(OutboxAnswer.Written, await outbox.WriteAsync(new OutboxLine(5, 2), default));
        Assert.Equal(OutboxAnswer.Fenced, await outbox.WriteAsync(new OutboxLine(3, 3), default));
        Assert.Equal("3 1\n5 2\n", await File.ReadAllTextAsync(Path.Combine(folder.FullName, "outbox.txt")));
        folder.Delete(recursive: true);
    }

    private Task GrowsAsync(ExampleNodes nodes, int by)
    {
        var from = Lines().Count;
        return UntilAsync(nodes, () => Lines().Count >= from + by, $"{by} more jobs are done");
    }

    private static async Task UntilAsync(ExampleNodes nodes, Func<bool> condition, string what)
    {
        try
        {
            await Waiting.Until(condition, what);
        }
        catch (TimeoutException timeout)
        {
            var told = string.Join("\n\n", nodes.Processes.Select(static process => process?.Output));
            throw new TimeoutException($"{timeout.Message}\n{told}", timeout);
        }
    }

    /// <summary>The node whose job began with the number that the last line carries.</summary>
    private int Leader(ExampleNodes nodes)
    {
        var fence = Lines()[^1].Fence;
        return Enumerable
            .Range(0, 3)
            .Single(place =>
                Begins()
                    .Matches(nodes.Processes[place]!.Output)
                    .Any(begun => long.Parse(begun.Groups[1].Value, CultureInfo.InvariantCulture) == fence)
            );
    }

    /// <summary>Pauses the leader, and not while it has the outbox open: nobody else could open it then.</summary>
    private async Task PauseAsync(ExampleProcess leader)
    {
        await leader.SignalAsync("STOP");
        while (!TryRead())
        {
            await leader.SignalAsync("CONT");
            await leader.SignalAsync("STOP");
        }
    }

    /// <summary>The outbox as it was when it could last be read.</summary>
    private List<(long Fence, long Job)> Lines()
    {
        TryRead();
        return _lines;
    }

    private bool TryRead()
    {
        try
        {
            _lines =
            [
                .. Line()
                    .Matches(File.ReadAllText(_outbox))
                    .Select(static line =>
                        (
                            long.Parse(line.Groups[1].Value, CultureInfo.InvariantCulture),
                            long.Parse(line.Groups[2].Value, CultureInfo.InvariantCulture)
                        )
                    ),
            ];
            return true;
        }
        catch (IOException)
        {
            // A leader has it open, or nothing has been written yet.
            return false;
        }
    }

    [GeneratedRegex(@"SendReports begins, fencing number (\d+)")]
    private static partial Regex Begins();

    [GeneratedRegex(@"^(\d+) (\d+)\n", RegexOptions.Multiline)]
    private static partial Regex Line();
}
