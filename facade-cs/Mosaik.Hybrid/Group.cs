namespace Mosaik.Hybrid;

/// <summary>A handle of a group that this node has joined.</summary>
/// <typeparam name="TCommand">What changes the state.</typeparam>
/// <typeparam name="TQuery">What asks for something.</typeparam>
/// <typeparam name="TResult">What a query answers.</typeparam>
public sealed partial class Group<TCommand, TQuery, TResult>
{
    internal Group() { }
}
