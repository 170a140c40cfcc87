using System.Globalization;
using System.Text;
using Mosaik.Hybrid.Simulation;

namespace Mosaik.Hybrid.Testing;

/// <summary>A run that broke a rule, and all that is needed to understand it and to play it again.</summary>
public sealed class SimulationFailure
{
    internal SimulationFailure(RunIdentity run, SimulationRule rule, string evidence)
    {
        Run = run;
        Rule = rule;
        Evidence = evidence;
    }

    /// <summary>The seed of the run.</summary>
    public ulong Seed => Run.Seed;

    /// <summary>The profile of the run.</summary>
    public SimulationProfile Profile => Run.Profile;

    /// <summary>The rule that was broken.</summary>
    public SimulationRule Rule { get; }

    /// <summary>What showed it: who did what, at which entry.</summary>
    public string Evidence { get; }

    /// <summary>What the machine, the codec or the store threw; null when nothing was thrown.</summary>
    public Exception? Exception { get; internal init; }

    /// <summary>When, on the simulated clock.</summary>
    public TimeSpan At { get; internal init; }

    /// <summary>How many events had happened.</summary>
    public long Events { get; internal init; }

    /// <summary>The last events, oldest first; empty when the run was not repeatable.</summary>
    public IReadOnlyList<string> Trace { get; internal init; } = [];

    /// <summary>False when the same seed did not fail in the same way a second time.</summary>
    /// <remarks>
    /// Something besides the seed decides then: a static field, a clock, a random number, an object's hash code.
    /// </remarks>
    public bool IsRepeatable { get; internal init; } = true;

    /// <summary>
    /// What went on, in words, without the faults and calls that it fails without as well; one line for each of the
    /// others.
    /// </summary>
    public IReadOnlyList<string> Plan { get; internal init; } = [];

    internal RunIdentity Run { get; }

    internal Edits Edits { get; init; } = EditsModule.none;

    /// <summary>The whole story for people: seed, profile, rule, evidence, plan, last events, how to play it again.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(
                CultureInfo.InvariantCulture,
                $"Seed {Seed}, profile {Profile}: the rule \"{Rule.Name}\" "
            )
            .Append("was broken.\n")
            .Append(CultureInfo.InvariantCulture, $"  rule      {Rule.Sentence}\n")
            .Append(CultureInfo.InvariantCulture, $"  evidence  {Evidence}\n")
            .Append(CultureInfo.InvariantCulture, $"  when      at {At.TotalMilliseconds:0} ms of ")
            .Append(CultureInfo.InvariantCulture, $"simulated time, after {Events} events\n");
        if (!IsRepeatable)
        {
            text.Append(
                    "  beware    the same seed went otherwise when it was played again: something besides the "
                )
                .Append("dice decides (a static field, a clock, a random number, a hash code)\n");
        }

        Append(text, "what it takes", Plan);
        Append(text, "last events", Trace);
        var size = Run.Members is { } members
            ? string.Create(CultureInfo.InvariantCulture, $", with Members = {members}")
            : "";
        text.Append(CultureInfo.InvariantCulture, $"Play it again: simulation.Replay(seed: {Seed}, ")
            .Append(
                CultureInfo.InvariantCulture,
                $"trace: Console.Out, profile: SimulationProfile.{Profile}){size}\n"
            );
        return text.ToString();
    }

    private static void Append(StringBuilder text, string title, IReadOnlyList<string> lines)
    {
        if (lines.Count > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"{title}:\n");
            foreach (var line in lines)
            {
                text.Append("  ").Append(line).Append('\n');
            }
        }
    }
}

/// <summary>What a run is made from.</summary>
internal sealed record RunIdentity(ulong Seed, SimulationProfile Profile, int? Members);
