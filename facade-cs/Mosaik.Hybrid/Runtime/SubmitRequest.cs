namespace Mosaik.Hybrid.Runtime;

/// <summary>What a caller waits for.</summary>
internal enum SubmitGoal
{
    /// <summary>That the commands have taken effect on this node.</summary>
    Applied,

    /// <summary>That the commands have places in the leader's log.</summary>
    Assigned,
}

/// <summary>Why commands did not get where the caller wanted them.</summary>
internal enum SubmitFailure
{
    /// <summary>They did.</summary>
    None,

    /// <summary>There is no leader; nothing was accepted.</summary>
    Offline,

    /// <summary>Accepted, and nobody said in time what became of them.</summary>
    Unknown,

    /// <summary>The group ended on this node.</summary>
    Terminated,
}

/// <summary>What became of a request.</summary>
/// <param name="Range">The places of the commands, when nothing failed.</param>
/// <param name="Failure">What failed.</param>
/// <param name="Id">The commands' numbers, when they had been accepted.</param>
internal readonly record struct SubmitOutcome(
    LogRange Range,
    SubmitFailure Failure = SubmitFailure.None,
    CommandId Id = default
);

/// <summary>The commands of one call, on their way; completes with their places in the log.</summary>
/// <remarks>
/// Made by the caller's thread, then owned by the group loop. Stays on its way until the commands have taken
/// effect, whether or not anybody still waits for it.
/// </remarks>
internal sealed class SubmitRequest : TaskCompletionSource<SubmitOutcome>
{
    /// <summary>Creates a request.</summary>
    /// <param name="commands">Unnumbered command entries; a batch carries its countdown already.</param>
    /// <param name="bytes">The payload bytes of all commands.</param>
    /// <param name="goal">When to complete.</param>
    public SubmitRequest(LogEntry[] commands, int bytes, SubmitGoal goal)
        : base(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        Commands = commands;
        Bytes = bytes;
        Goal = goal;
    }

    /// <summary>The commands; the loop writes proposer and numbers into them.</summary>
    public LogEntry[] Commands { get; }

    /// <summary>The payload bytes of all commands.</summary>
    public int Bytes { get; }

    /// <summary>When to complete.</summary>
    public SubmitGoal Goal { get; }

    /// <summary>The number of the first command; 0 before the loop has taken the request.</summary>
    public ulong First { get; set; }

    /// <summary>The number of the last command.</summary>
    public ulong Last => First + (ulong)Commands.Length - 1;

    /// <summary>Where the first command stands in the log; zero until it is known.</summary>
    public LogIndex FirstIndex { get; set; }

    /// <summary>When the request came into its present stage; 0 while nobody measures that.</summary>
    public long Mark { get; set; }

    /// <summary>When the caller is told that the outcome is unknown.</summary>
    public Instant GiveUpAt { get; set; }

    /// <summary>Those who asked again by id after the caller had given up.</summary>
    public List<TaskCompletionSource<LogRange>>? Followers { get; set; }

    /// <summary>Completes with the places of the commands.</summary>
    public void Complete(LogIndex first) => TrySetResult(new SubmitOutcome(RangeFrom(first)));

    /// <summary>Completes without success.</summary>
    public void Fail(SubmitFailure failure) =>
        TrySetResult(new SubmitOutcome(default, failure, First == 0 ? default : Id()));

    /// <summary>The places of the commands, given that of the first.</summary>
    public LogRange RangeFrom(LogIndex first) => new(first, first.Plus(Commands.Length - 1));

    private CommandId Id()
    {
        var proposer = Commands[0].Proposer;
        return proposer is null
            ? default
            : new CommandId(proposer.Member.Peer, proposer.Session, First, Commands.Length);
    }
}
