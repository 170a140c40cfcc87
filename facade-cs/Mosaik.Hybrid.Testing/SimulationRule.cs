using Mosaik.Hybrid.Simulation;

namespace Mosaik.Hybrid.Testing;

/// <summary>A rule that every simulated run is held to.</summary>
/// <param name="Name">How it is called, such as <c>State digest</c>.</param>
/// <param name="Sentence">What it says.</param>
public sealed record SimulationRule(string Name, string Sentence)
{
    /// <summary>Name and sentence.</summary>
    public override string ToString() => $"{Name}: {Sentence}";
}

/// <summary>The rules of a simulation: those of consensus, and those of what is under test.</summary>
public static class SimulationRules
{
    /// <summary>A machine applies and answers alike on every member, and never throws.</summary>
    public static SimulationRule Machine { get; } = From(Rules.machine);

    /// <summary>Machines that have applied the same commands are in the same state.</summary>
    public static SimulationRule StateDigest { get; } = From(Rules.stateDigest);

    /// <summary>A codec gives back the command that it was given.</summary>
    public static SimulationRule Codec { get; } = From(Rules.codec);

    /// <summary>A store gives back what its completed writes made durable, and nothing else.</summary>
    public static SimulationRule Store { get; } = From(Rules.plugin);

    /// <summary>Commands and strong reads take effect at one moment between call and answer.</summary>
    public static SimulationRule Linearizability { get; } = From(Rules.linearizable);

    /// <summary>Every rule.</summary>
    public static IReadOnlyList<SimulationRule> All { get; } = [.. Rules.all.Select(From)];

    internal static SimulationRule From(Rule rule) => new(rule.Name, rule.Sentence);
}
