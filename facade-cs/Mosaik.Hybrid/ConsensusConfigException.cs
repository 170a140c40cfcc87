namespace Mosaik.Hybrid;

/// <summary>Consensus parameters are out of range or don't fit together. The message lists every fault.</summary>
public sealed class ConsensusConfigException : ArgumentException
{
    internal ConsensusConfigException(IReadOnlyList<string> faults)
        : base("The consensus configuration can't be used: " + string.Join(" ", faults)) => Faults = faults;

    /// <summary>Every fault, in a sentence that names the parameter, its value and what it must be.</summary>
    public IReadOnlyList<string> Faults { get; }
}
