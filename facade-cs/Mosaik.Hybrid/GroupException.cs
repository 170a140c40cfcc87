namespace Mosaik.Hybrid;

/// <summary>A group could not do what it was asked for. The message says what to do.</summary>
/// <remarks>
/// Each subclass is one reason. When commands were submitted, the exception hands them back, so that a caller who
/// catches it far from the call can still submit them again.
/// </remarks>
public abstract class GroupException : Exception
{
    private readonly object? _commands;

    private protected GroupException(string message, Exception? innerException = null)
        : base(message, innerException) { }

    private protected GroupException(
        string message,
        object commands,
        int commandCount,
        Exception? innerException = null
    )
        : base(message, innerException)
    {
        _commands = commands;
        CommandCount = commandCount;
    }

    /// <summary>How many commands the failed call had submitted; 0 when it was a query or a wait.</summary>
    public int CommandCount { get; }

    /// <summary>
    /// The commands that the failed call had submitted, in order; empty when it was a query or a wait.
    /// </summary>
    /// <typeparam name="TCommand">The group's type of command.</typeparam>
    /// <exception cref="InvalidCastException">The group has another type of command.</exception>
    public IReadOnlyList<TCommand> CommandsOf<TCommand>() =>
        _commands switch
        {
            null => [],
            IReadOnlyList<TCommand> commands => commands,
            _ => throw new InvalidCastException(
                $"These commands are not of type {typeof(TCommand)}: they are a {_commands.GetType()}."
            ),
        };
}
