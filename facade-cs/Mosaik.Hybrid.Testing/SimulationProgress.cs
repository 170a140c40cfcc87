namespace Mosaik.Hybrid.Testing;

/// <summary>How far a simulation has come. Reported after each seed, in the order of the seeds.</summary>
/// <param name="Seed">The seed that was played last.</param>
/// <param name="SeedsPlayed">How many seeds have been played; from 1.</param>
/// <param name="Seeds">How many there are to play.</param>
/// <param name="Events">How many events have happened in all of their runs.</param>
public readonly record struct SimulationProgress(ulong Seed, int SeedsPlayed, int Seeds, long Events);
