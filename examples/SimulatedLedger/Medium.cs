using Mosaik.Hybrid.Storage;

namespace SimulatedLedger;

/// <summary>What a journal writes to: a disk with a cache that a crash empties.</summary>
internal sealed class Medium
{
    private readonly List<LogWriteBatch> _durable = [];
    private readonly List<LogWriteBatch> _cached = [];

    /// <summary>What is there after a crash, oldest first.</summary>
    public IReadOnlyList<LogWriteBatch> Durable => _durable;

    public void Append(LogWriteBatch batch) => _cached.Add(batch);

    public void Flush()
    {
        _durable.AddRange(_cached);
        _cached.Clear();
    }

    public void Crash() => _cached.Clear();
}
