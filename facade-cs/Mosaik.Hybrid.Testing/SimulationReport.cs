using System.Globalization;

namespace Mosaik.Hybrid.Testing;

/// <summary>How the runs of a simulation went. The same settings and seeds give the same report.</summary>
public sealed class SimulationReport
{
    internal SimulationReport(SimulationProfile profile, int seeds, SimulationCoverage coverage)
    {
        Profile = profile;
        Seeds = seeds;
        Coverage = coverage;
    }

    /// <summary>What was strained.</summary>
    public SimulationProfile Profile { get; }

    /// <summary>How many seeds were asked for.</summary>
    public int Seeds { get; }

    /// <summary>How many seeds were played: all, or up to the first that failed, or as many as the time allowed.</summary>
    public int SeedsPlayed { get; internal init; }

    /// <summary>The first seed that failed, by number; null when every rule held.</summary>
    public SimulationFailure? Failure { get; internal init; }

    /// <summary>True when every rule held in every run that was played.</summary>
    public bool IsSuccess => Failure is null;

    /// <summary>False when a failure or the time limit ended the simulation before its last seed.</summary>
    public bool IsComplete => SeedsPlayed == Seeds && IsSuccess;

    /// <summary>How many events happened in all runs.</summary>
    public long Events { get; internal init; }

    /// <summary>How many log entries were committed in all runs.</summary>
    public long EntriesCommitted { get; internal init; }

    /// <summary>Commands that the machines of all members applied.</summary>
    public long CommandsApplied { get; internal init; }

    /// <summary>Queries that were answered to clients.</summary>
    public long QueriesAnswered { get; internal init; }

    /// <summary>What was met on the way.</summary>
    public SimulationCoverage Coverage { get; }

    /// <summary>Returns when every rule held.</summary>
    /// <exception cref="SimulationFailedException">One did not.</exception>
    public void ThrowIfFailed()
    {
        if (Failure is { } failure)
        {
            throw new SimulationFailedException(failure);
        }
    }

    /// <summary>A summary in a line or, when a rule was broken, the whole story.</summary>
    public override string ToString()
    {
        var summary = string.Create(
            CultureInfo.InvariantCulture,
            $"{SeedsPlayed} of {Seeds} seeds, profile {Profile}: {Events} events, {EntriesCommitted} entries "
                + $"committed, {CommandsApplied} commands applied, {QueriesAnswered} queries answered; "
        );
        return Failure is { } failure ? $"{summary}failed\n{failure}" : summary + "every rule held";
    }
}
