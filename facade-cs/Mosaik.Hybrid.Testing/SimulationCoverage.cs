using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Mosaik.Hybrid.Simulation;

namespace Mosaik.Hybrid.Testing;

/// <summary>A situation that runs should meet now and then, and how often they did.</summary>
/// <param name="Name">What it is, such as <c>leader with stalled disk</c>.</param>
/// <param name="Count">How often it was met.</param>
public readonly record struct SimulationSight(string Name, long Count);

/// <summary>How often interesting situations were met: a simulation that meets none proves nothing.</summary>
public sealed partial class SimulationCoverage
{
    internal SimulationCoverage(Coverage coverage) =>
        Sights = [
            .. Coverage.Sights.Select(sight => new SimulationSight(NameOf(sight), coverage.Item(sight))),
        ];

    /// <summary>Every situation, those that were never met included. The same order always.</summary>
    public IReadOnlyList<SimulationSight> Sights { get; }

    /// <summary>How often a situation was met.</summary>
    /// <param name="name">One of the names in <see cref="Sights"/>.</param>
    /// <exception cref="ArgumentException">There is no such situation.</exception>
    public long this[string name] =>
        Sights.FirstOrDefault(sight => sight.Name == name) is { Name: not null } found
            ? found.Count
            : throw new ArgumentException($"There is no situation '{name}'.", nameof(name));

    /// <summary>A table: one situation a line, with its count.</summary>
    public override string ToString()
    {
        var width = Sights.Max(sight => sight.Name.Length);
        var text = new StringBuilder();
        foreach (var sight in Sights)
        {
            var name = sight.Name.PadRight(width);
            text.Append(CultureInfo.InvariantCulture, $"{name} {sight.Count, 10}").Append('\n');
        }

        return text.ToString();
    }

    private static string NameOf(Sight sight)
    {
        var words = WordStart()
            .Replace(sight.ToString(), match => " " + char.ToLowerInvariant(match.Value[0]));
        return words.TrimStart();
    }

    [GeneratedRegex("[A-Z]")]
    private static partial Regex WordStart();
}
