namespace Mosaik.Hybrid.Testing.Engine;

/// <summary>What was seen of machines, by the fingerprint of all that they had applied: what is equal must stay so.</summary>
internal sealed class Histories
{
    private readonly Dictionary<ulong, Sighting> _states = [];
    private readonly Dictionary<(ulong History, ulong Query), Sighting> _answers = [];

    /// <summary>Notes a state; returns an earlier one after the same commands that differs from it, or null.</summary>
    public Sighting? NoteState(ulong history, Sighting sighting) => Note(_states, history, sighting);

    /// <summary>Notes an answer; returns an earlier one to the same question that differs from it, or null.</summary>
    public Sighting? NoteAnswer(ulong history, ulong query, Sighting sighting) =>
        Note(_answers, (history, query), sighting);

    private static Sighting? Note<TKey>(Dictionary<TKey, Sighting> seen, TKey key, Sighting sighting)
        where TKey : notnull
    {
        if (seen.TryAdd(key, sighting))
        {
            return null;
        }

        var former = seen[key];
        return former.Seen.Equals(sighting.Seen) ? null : former;
    }
}

/// <summary>What a machine showed.</summary>
/// <param name="Who">Whose machine it was.</param>
/// <param name="Seen">Its state or answer.</param>
internal sealed record Sighting(string Who, Likened Seen);
