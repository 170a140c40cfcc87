namespace Mosaik.Hybrid.Testing;

/// <summary>A simulated run broke a rule; the message tells the whole story.</summary>
public sealed class SimulationFailedException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="failure">What was found.</param>
    public SimulationFailedException(SimulationFailure failure)
        : base((failure ?? throw new ArgumentNullException(nameof(failure))).ToString(), failure.Exception) =>
        Failure = failure;

    /// <summary>Seed, rule, evidence and trace.</summary>
    public SimulationFailure Failure { get; }
}
