namespace Mosaik.Hybrid.Testing;

/// <summary>How one run went.</summary>
public sealed class SimulationRun
{
    internal SimulationRun(ulong seed, SimulationProfile profile, SimulationCoverage coverage)
    {
        Seed = seed;
        Profile = profile;
        Coverage = coverage;
    }

    /// <summary>The seed that decided everything.</summary>
    public ulong Seed { get; }

    /// <summary>The profile of the run.</summary>
    public SimulationProfile Profile { get; }

    /// <summary>The broken rule; null when all held.</summary>
    public SimulationFailure? Failure { get; internal init; }

    /// <summary>How many events happened.</summary>
    public long Events { get; internal init; }

    /// <summary>A fingerprint of the run: equal for equal runs.</summary>
    public ulong Fingerprint { get; internal init; }

    /// <summary>The faults and calls of the run in words.</summary>
    public IReadOnlyList<string> Plan { get; internal init; } = [];

    /// <summary>What was met on the way.</summary>
    public SimulationCoverage Coverage { get; }
}
