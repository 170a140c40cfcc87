using Mosaik.Hybrid.Simulation;

namespace Mosaik.Hybrid.Testing;

/// <summary>Random choices that are decided by the seed of the run and by nothing else.</summary>
/// <remarks>
/// Commands and queries must draw from these dice only: a run that also depends on something else can't be played
/// again. Valid during the call that it was handed to.
/// </remarks>
public sealed class SimulationDice
{
    private readonly Dice _dice;

    internal SimulationDice(Dice dice) => _dice = dice;

    /// <summary>A whole number from a range.</summary>
    /// <param name="low">The least.</param>
    /// <param name="high">The greatest, included; at least <paramref name="low"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is empty or has more than 2^31 - 1 numbers.</exception>
    public int Between(int low, int high)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(high, low);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((long)high - low, int.MaxValue, nameof(high));
        return _dice.Between(low, high);
    }

    /// <summary>True in this many of a thousand throws.</summary>
    /// <param name="perMille">0 for never, 1,000 for always.</param>
    public bool Chance(int perMille) => _dice.Chance(perMille);

    /// <summary>One of several values, each as likely as the others.</summary>
    /// <exception cref="ArgumentException">There are none.</exception>
    public T OneOf<T>(params IReadOnlyList<T> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return values.Count > 0
            ? values[_dice.Below(values.Count)]
            : throw new ArgumentException("There is nothing to choose from.", nameof(values));
    }

    /// <summary>64 random bits.</summary>
    public ulong Bits() => _dice.Bits();
}
