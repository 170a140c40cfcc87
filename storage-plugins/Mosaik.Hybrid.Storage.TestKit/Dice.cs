namespace Mosaik.Hybrid.Storage.TestKit;

/// <summary>Numbers that look random and follow from a seed, so that a failure can be played again.</summary>
public sealed class Dice(ulong seed)
{
    private ulong _state = (seed * 0x9E3779B97F4A7C15) + 0x1234567;

    /// <summary>A number from 0 to below a bound.</summary>
    public int Below(int bound) => (int)(Next() % (ulong)bound);

    /// <summary>True once in so many times.</summary>
    public bool OneIn(int times) => Below(times) == 0;

    /// <summary>Sixty-four bits (SplitMix64).</summary>
    public ulong Next()
    {
        _state += 0x9E3779B97F4A7C15;
        var bits = _state;
        bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9;
        bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
        return bits ^ (bits >> 31);
    }
}
