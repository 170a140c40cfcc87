namespace Mosaik.Hybrid;

/// <summary>Names commands that were submitted together, so that their fate can be asked for later.</summary>
/// <param name="Proposer">The peer that submitted them.</param>
/// <param name="Session">How often that peer's store had been opened when it did: 1, 2, 3, ...</param>
/// <param name="FirstNumber">The proposer's number for the first of them; from 1.</param>
/// <param name="Count">How many there are; at least 1. Their numbers are consecutive.</param>
public readonly record struct CommandId(PeerId Proposer, ulong Session, ulong FirstNumber, int Count)
{
    /// <summary>The proposer's number for the last of them.</summary>
    public ulong LastNumber => FirstNumber + (ulong)Math.Max(0, Count - 1);

    /// <summary>Short proposer, session and numbers, as <c>1a2b3c4d5e#1:17..19</c>.</summary>
    public override string ToString() =>
        FormattableString.Invariant($"{Proposer.Short}#{Session}:{FirstNumber}..{LastNumber}");
}
