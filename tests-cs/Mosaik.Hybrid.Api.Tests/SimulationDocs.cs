using Mosaik.Hybrid.Testing;
using Xunit;

namespace Mosaik.Hybrid.Api.Tests;

/// <summary>The document of the simulation says what the engine checks, and nothing else.</summary>
public sealed class SimulationDocs
{
    private static readonly string[] s_lines = File.ReadAllLines(Repository.PathOf("docs", "simulation.md"));

    [Fact]
    public void EveryRuleIsThereWithItsSentenceAndNoOther()
    {
        var expected = SimulationRules.All.Select(rule => $"| {rule.Name} | {rule.Sentence} |");
        Assert.Equal(expected, TableBelow("| rule | what it says |"));
    }

    [Fact]
    public void EveryProfileIsThereAndNoOther()
    {
        var named = TableBelow("| profile | what it strains |").Select(row => row.Split('`')[1]);
        Assert.Equal(Enum.GetNames<SimulationProfile>(), named);
    }

    private static List<string> TableBelow(string header) =>
        s_lines.SkipWhile(line => line != header).Skip(2).TakeWhile(line => line.StartsWith('|')).ToList();
}
