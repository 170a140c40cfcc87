namespace Mosaik.Hybrid;

/// <summary>A state machine without state: a group that only elects a leader and agrees on positions.</summary>
public sealed class NoOpMachine : IStateMachine<NoOpCommand, NoOpQuery, NoOpResult>
{
    /// <summary><c>mosaik.noop/1</c>.</summary>
    public string Signature => "mosaik.noop/1";

    /// <summary>Does nothing.</summary>
    public void Apply(NoOpCommand command, in ApplyContext context) { }

    /// <summary>Answers nothing.</summary>
    public NoOpResult Query(NoOpQuery query) => default;
}

/// <summary>The only command of a group without a machine: takes a place in the log.</summary>
public readonly record struct NoOpCommand;

/// <summary>The only query of a group without a machine.</summary>
public readonly record struct NoOpQuery;

/// <summary>The only answer of a group without a machine.</summary>
public readonly record struct NoOpResult;
