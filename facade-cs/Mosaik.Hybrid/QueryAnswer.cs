namespace Mosaik.Hybrid;

/// <summary>What the machine answered, and how much of the log it had applied.</summary>
/// <param name="Result">The answer.</param>
/// <param name="Position">The last entry that the answer reflects.</param>
/// <typeparam name="TResult">The machine's type of answers.</typeparam>
public readonly record struct QueryAnswer<TResult>(TResult Result, LogPosition Position);
