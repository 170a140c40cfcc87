using Mosaik.Hybrid.Simulation;

namespace Mosaik.Hybrid.Testing.Engine;

/// <summary>What machines, codec and stores of one run share. One thread uses it.</summary>
internal sealed class RunContext(ulong seed, CancellationToken cancellationToken)
{
    public ulong Seed => seed;

    public CancellationToken CancellationToken => cancellationToken;

    /// <summary>What the user's code threw, when that broke a rule.</summary>
    public Exception? Thrown { get; private set; }

    /// <summary>What states and answers there were after which commands.</summary>
    public Histories Histories { get; } = new();

    public long CommandsApplied { get; set; }

    public long QueriesAnswered { get; set; }

    /// <summary>A rule is broken: the run ends.</summary>
    public static RuleBroken Broken(Rule rule, string evidence) => new(rule, evidence);

    /// <summary>A rule is broken by an exception of the user's code: the run ends.</summary>
    public RuleBroken Threw(Rule rule, string who, Exception exception)
    {
        Thrown = exception;
        return new RuleBroken(
            rule,
            $"{who} threw {exception.GetType().Name}: {Likeness.Clip(exception.Message)}"
        );
    }
}
